"""Runs of `run_python` as they are kept: code, and the queries of its inputs; and the script that repeats one."""

from __future__ import annotations

import ast
from datetime import UTC, datetime

import anyio
from pydantic import BaseModel, JsonValue, ValidationError

from posthog_mcp.errors import NotFound
from posthog_mcp.project import Project
from posthog_mcp.queries.scripts import ASK, python_script
from posthog_mcp.results import Json
from posthog_mcp.state.stored_results import StoredResults

SUFFIX = "run"

TEMPLATE = '''"""Runs the queries of an analysis against PostHog's query API, then the analysis itself.

Needs: pip install httpx pandas
Environment: POSTHOG_API_KEY (scope query:read), POSTHOG_PROJECT_ID, POSTHOG_BASE_URL (default below).
{hint}"""

import json
import os
import re
import sys
import time

import httpx
import pandas

BASE_URL = os.environ.get("POSTHOG_BASE_URL", {base_url!r}).rstrip("/").removesuffix("/api")
PROJECT_ID = os.environ.get("POSTHOG_PROJECT_ID", {project_id!r})
API_KEY = os.environ.get("POSTHOG_API_KEY", {api_key!r})


{ask}

def rows_of(query, values):
    answer = ask(query, values)
    if answer.get("error"):
        sys.exit(answer["error"])
    table = pandas.DataFrame(answer["results"], columns=answer["columns"])
    for name, kind in answer["types"]:
        if kind.replace("Nullable(", "").startswith("Date"):
            try:
                table[name] = pandas.to_datetime(table[name], format="ISO8601")
            except ValueError:
                zone = re.search("'([^']+)'", kind)
                table[name] = pandas.to_datetime(table[name], format="ISO8601", utc=True)
                table[name] = table[name].dt.tz_convert(zone[1] if zone else "UTC")
    return table


def show(*values):
    for value in values:
        if value is not None:
            print(value)


display = show
{inputs}

# The analysis:
{code}
'''


class KeptInput(BaseModel):
    """One input: the variable and file that it was, and the query that gives its rows ("" for a table of a run)."""

    variable: str
    query_id: str
    file: str
    rows: int
    truncated: bool
    hogql: str
    values: JsonValue = None


class KeptRun(BaseModel):
    """One run; `at` is ISO 8601 in UTC."""

    run_id: str
    at: str
    project_id: int
    code: str
    inputs: tuple[KeptInput, ...]

    @classmethod
    def now(cls, run_id: str, project_id: int, code: str, inputs: tuple[KeptInput, ...]) -> KeptRun:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(run_id=run_id, at=at, project_id=project_id, code=code, inputs=inputs)


async def keep(stored: StoredResults, run: KeptRun) -> None:
    """Keep a run beside the results. A full or read-only disk loses the copy, never the answer."""
    path = anyio.Path(stored.path(run.run_id, SUFFIX))
    try:
        await path.parent.mkdir(parents=True, exist_ok=True)
        await path.write_text(stored.seal.sealed(run.model_dump_json()), encoding="utf-8")
    except OSError:
        return


async def kept(stored: StoredResults, run_id: str) -> KeptRun | None:
    """A run by its id, or the newest for ""; None where there is none."""
    return await anyio.to_thread.run_sync(found, stored, run_id)


def found(stored: StoredResults, run_id: str) -> KeptRun | None:
    try:
        runs = sorted(stored.folder.glob(f"*.{SUFFIX}"), key=lambda path: path.stat().st_mtime)
        chosen = [path for path in runs if path.stem == run_id] if run_id else runs
        if not chosen:
            return None
        return KeptRun.model_validate_json(stored.seal.opened(chosen[-1].read_text(encoding="utf-8")))
    except (OSError, ValidationError):
        return None


async def last_script(project: Project, script_id: str) -> dict[str, Json]:
    """The script of a query or a run by its id, or of whichever came last.

    Raises:
        NotFound: there is none.
    """
    info = await project.driver.project()
    local, host = info.backend == "local", project.settings.host
    run = await kept(project.stored, script_id.partition("-")[0])
    try:
        entry = None if run is not None and script_id else await project.history.get(script_id or None)
    except NotFound:
        if run is None:
            raise
        entry = None
    if run is not None and (entry is None or run.at >= entry.at):
        hogql = "\n;\n".join(each.hogql for each in run.inputs if each.hogql)
        content: dict[str, Json] = {"query_id": run.run_id, "script": run_script_text(run, local=local, host=host)}
    else:
        assert entry is not None
        hogql = entry.hogql
        content = {"query_id": entry.query_id, "script": python_script(entry, local=local, host=host)}
    return {**content, "language": "python", "hogql": hogql, "project": info.as_json()}


def run_script_text(run: KeptRun, *, local: bool, host: str) -> str:
    """A stand-alone Python file that repeats a run."""
    lines = [
        f"{each.variable} = rows_of({each.hogql!r}, {each.values!r})"
        if each.hogql
        else f"{each.variable} = ...  # a table of the run {each.query_id.partition('-')[0]}: see that run's script"
        for each in run.inputs
    ]
    first = ["df = df1"] if run.inputs else []
    return TEMPLATE.format(
        hint="The queries ran on the embedded project. Start it first: posthog-mcp local serve --port 8010\n" * local,
        base_url="http://127.0.0.1:8010" if local else host,
        project_id=str(run.project_id),
        api_key="phx_local" if local else "",
        inputs="\n".join([*lines, *first]),
        code=showing(run.code),
        ask=ASK,
    )


def showing(code: str) -> str:
    """The code with its last value shown, as the sandbox gives it."""
    try:
        body, lines = ast.parse(code).body, code.encode().splitlines(keepends=True)
    except (SyntaxError, ValueError, RecursionError):
        return code
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr) or last.end_lineno is None:
        return code
    before, after = b"".join(lines[: last.lineno - 1]), b"".join(lines[last.end_lineno :])
    part = b"".join(lines[last.lineno - 1 : last.end_lineno])
    end = len(part) - len(lines[last.end_lineno - 1]) + (last.end_col_offset or 0)
    shown = part[: last.col_offset] + b"show((" + part[last.col_offset : end] + b"))" + part[end:]
    return (before + shown + after).decode()
