"""Run the model's Python in the sandbox, on the rows of named queries.

Inputs go up as CSV whose text is always quoted, with the columns' types, so that nothing is lost on the way. What
comes back is data that someone else's machine made: it is read as such, and cut. Code and inputs are kept for
`show_last_script`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from pydantic import BaseModel, Field, JsonValue

from posthog_mcp.errors import InvalidInput, Unavailable
from posthog_mcp.project import Project
from posthog_mcp.queries.exports import unique_names
from posthog_mcp.queries.kept_runs import KeptInput, KeptRun, keep
from posthog_mcp.queries.shape import clean
from posthog_mcp.results import Column, Json, Note, ProjectInfo, Table, read_json
from posthog_mcp.sandbox.warm import Job, Ran

MAX_CODE = 100_000
MAX_INPUTS = 10
MAX_INPUT_CHARACTERS = 50_000_000
MAX_RESULT_BYTES = 16_000_000
MAX_IMAGES = 4
MAX_IMAGE_BYTES = 1_000_000
MAX_TABLES = 5
MAX_VALUE = 1_900
"""Characters of the last value; with the note of what is left out, a cell of an answer."""
SHOWN_OF_FAILED = 1_000
"""Characters of stdout that an error repeats."""
PNG = b"\x89PNG\r\n\x1a\n"
QUERY_ID = re.compile(r"[\w-]{1,64}")


class FoundTable(BaseModel):
    """A table that the code showed; `row_count` also counts rows that were left behind."""

    columns: list[tuple[str, str]]
    rows: list[list[JsonValue]]
    row_count: int


class Found(BaseModel):
    """`result.json` of the harness."""

    value: JsonValue = None
    tables: list[FoundTable] = Field(max_length=MAX_TABLES)
    images: list[str] = Field(max_length=MAX_IMAGES)
    notes: list[str]
    error: str


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of a run, kept under `query_id` like a query's result; `row_count` is what the code had."""

    query_id: str
    table: Table
    row_count: int


@dataclass(frozen=True, slots=True)
class PythonRun:
    """What the code gave. `printed` counts characters of stdout and stderr, also those not kept."""

    run_id: str
    project: ProjectInfo
    inputs: tuple[KeptInput, ...]
    stdout: str
    stderr: str
    printed: int
    value: Json
    tables: tuple[StoredTable, ...]
    images: tuple[bytes, ...]
    warnings: tuple[Note, ...]
    elapsed_ms: float
    reused: bool


async def run_python(project: Project, code: str, query_ids: Sequence[str]) -> PythonRun:
    """Run code in this principal's warm sandbox, with each query's rows as a DataFrame.

    Raises:
        InvalidInput: the code raised an error (its own traceback is told), or is too long, or printed too much.
        NotFound: the rows of an input are not kept any more.
        QueryTimeout: POSTHOG_MCP_SANDBOX_TIMEOUT passed.
        Unavailable: no sandbox is configured or can be made, or it ended under the code.
    """
    if project.sandboxes is None:
        raise Unavailable("No sandbox is configured.", fix="Set E2B_API_KEY.")
    if len(code) > MAX_CODE or len(query_ids) > MAX_INPUTS:
        raise InvalidInput(f"At most {MAX_CODE:,} characters of code and {MAX_INPUTS} inputs.", fix="Split the work.")
    info = await project.driver.project()
    run_id = secrets.token_hex(8)
    inputs, uploads, columns = await load_inputs(project, query_ids)
    await keep(project.stored, KeptRun.now(run_id, info.id, code, inputs))
    settings = project.settings
    description: dict[str, Json] = {
        "memory_mb": settings.sandbox_memory,
        "inputs": [{"file": each.file, "columns": names} for each, names in zip(inputs, columns, strict=True)],
        "limits": {
            "rows": settings.max_rows,
            "tables": MAX_TABLES,
            "images": MAX_IMAGES,
            "image_bytes": MAX_IMAGE_BYTES,
            "characters": MAX_VALUE,
        },
    }
    harness = files("posthog_mcp.sandbox").joinpath("harness.py").read_text(encoding="utf-8")
    job = Job(
        command="MPLBACKEND=Agg exec python3 harness.py",
        files={"harness.py": harness, "code.py": code, "job.json": json.dumps(description), **uploads},
        reads="result.json",
        seconds=settings.sandbox_timeout,
        max_bytes=MAX_RESULT_BYTES,
    )
    ran = await project.sandboxes.analysis.run(job)
    return await gathered(project, info, run_id, inputs, ran)


async def load_inputs(
    project: Project, query_ids: Sequence[str]
) -> tuple[tuple[KeptInput, ...], dict[str, str], list[list[Json]]]:
    """The inputs, their files, and their columns.

    Raises:
        InvalidInput: an id is none, or the rows are too much.
        NotFound: the rows are not kept any more.
    """
    inputs: list[KeptInput] = []
    uploads: dict[str, str] = {}
    columns: list[list[Json]] = []
    for number, query_id in enumerate(query_ids, 1):
        if not QUERY_ID.fullmatch(query_id):
            raise InvalidInput(
                f"{query_id[:80]!r} is no query_id.", fix="Take one from execute_hogql or query_history."
            )
        table, about = await project.stored.load(query_id)
        names = unique_names(table.columns)
        kept = KeptInput(
            variable=f"df{number}",
            query_id=query_id,
            file=f"inputs/{query_id}.csv",
            rows=len(table.rows),
            truncated=about.get("truncated") is True,
            hogql=str(about.get("hogql") or ""),
            values=about.get("values"),
        )
        inputs.append(kept)
        uploads[kept.file] = quoted_csv(names, table.rows)
        columns.append([[name, column.type] for name, column in zip(names, table.columns, strict=True)])
    if sum(map(len, uploads.values())) > MAX_INPUT_CHARACTERS:
        raise InvalidInput("The inputs are bigger than 50 MB.", fix="Aggregate in HogQL first.")
    return tuple(inputs), uploads, columns


def quoted_csv(names: Sequence[str], rows: Sequence[Sequence[Json]]) -> str:
    """CSV in which text is quoted, other cells are JSON, and NULL is empty."""
    lines = [",".join(map(quoted, names)), *(",".join(map(csv_cell, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def csv_cell(cell: Json) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return quoted(cell)
    return quoted(json.dumps(cell)) if isinstance(cell, list | dict) else json.dumps(cell)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


async def gathered(
    project: Project, info: ProjectInfo, run_id: str, inputs: tuple[KeptInput, ...], ran: Ran
) -> PythonRun:
    """The run's result; its tables are kept like results of queries.

    Raises:
        InvalidInput: the code raised an error.
        Unavailable: the process ended without a result.
    """
    found = result_of(ran)
    if found.error:
        shown = f"\nPrinted before: {ran.stdout[-SHOWN_OF_FAILED:]}" if ran.stdout else ""
        message = f"The code raised an error (run {run_id}).\n{clean(found.error)}{clean(shown)}".rstrip()
        raise InvalidInput(message, fix="Correct the code and call again; variables are not kept between calls.")
    warnings = [Note("left_out", note) for note in found.notes]
    warnings += [
        Note("truncated_input", f"{each.variable} holds {each.rows} rows and its query has more.", "Raise its limit.")
        for each in inputs
        if each.truncated
    ]
    images = tuple(image for image in map(decoded, found.images) if image)
    if dropped := len(found.images) - len(images):
        warnings.append(Note("left_out", f"{dropped} images are not PNG.", "Save charts as PNG."))
    tables: list[StoredTable] = []
    for number, each in enumerate(found.tables, 1):
        stored = StoredTable(f"{run_id}-{number}", table_of(each), each.row_count)
        about: dict[str, Json] = {
            "query_id": stored.query_id,
            "project": info.as_json(),
            "hogql": "",
            "values": {},
            "truncated": each.row_count > len(each.rows),
        }
        await project.stored.save(stored.query_id, stored.table, about)
        tables.append(stored)
    return PythonRun(
        run_id=run_id,
        project=info,
        inputs=inputs,
        stdout=ran.stdout,
        stderr=ran.stderr,
        printed=ran.printed,
        value=found.value,
        tables=tuple(tables),
        images=images,
        warnings=tuple(warnings),
        elapsed_ms=ran.elapsed_ms,
        reused=ran.reused,
    )


def result_of(ran: Ran) -> Found:
    """What the harness left.

    Raises:
        Unavailable: nothing, or something else.
    """
    if ran.output is None:
        why = f"The process ended with code {ran.exit_code} and left no result"
        said = f": {clean(ran.stderr[-300:])}" if ran.stderr.strip() else ", perhaps for want of memory"
        raise Unavailable(f"{why}{said}.", fix="Work on less data, or raise POSTHOG_MCP_SANDBOX_MEMORY.")
    try:
        return Found.model_validate(read_json(ran.output))
    except (ValueError, RecursionError):
        message = "The code left a result that cannot be read."
        raise Unavailable(message, fix="Do not write a file named result.json.") from None


def table_of(found: FoundTable) -> Table:
    width = len(found.columns)
    rows: list[list[Json]] = [[*row[:width], *([None] * (width - len(row)))] for row in found.rows]
    return Table(tuple(Column(name, kind) for name, kind in found.columns), rows)


def decoded(image: str) -> bytes | None:
    """A PNG of acceptable size; anything else is dropped."""
    try:
        content = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if content.startswith(PNG) and len(content) <= MAX_IMAGE_BYTES else None
