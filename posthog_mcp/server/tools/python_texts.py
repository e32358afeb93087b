"""A run of Python as a tool result: structured content, a text with the same facts, and the images themselves."""

from __future__ import annotations

import base64
import json

from mcp.types import CallToolResult, ImageContent, TextContent

from posthog_mcp.queries.python_runs import PythonRun, StoredTable
from posthog_mcp.queries.shape import HIDDEN, cell_text, clean, fenced, fitting
from posthog_mcp.results import Json

STDOUT = 3_000
STDERR = 600
TABLES = 3_500
"""Characters of stdout, stderr and all tables in one answer."""


def run_result(run: PythonRun) -> CallToolResult:
    content = run_content(run)
    images = [
        ImageContent(type="image", data=base64.b64encode(image).decode(), mime_type="image/png") for image in run.images
    ]
    return CallToolResult(
        content=[TextContent(type="text", text=run_text(run, content)), *images], structured_content=content
    )


def run_content(run: PythonRun) -> dict[str, Json]:
    """Every part cut to its share; what was cut says so."""
    budget = TABLES // max(len(run.tables), 1)
    cut = [table_content(each, budget) for each in run.tables]
    return {
        "run_id": run.run_id,
        "stdout": shortened(run.stdout, STDOUT),
        "stderr": shortened(run.stderr, STDERR),
        "printed": run.printed,
        "result": clean(run.value),
        "tables": [*cut],
        "images": len(run.images),
        "inputs": [
            {"variable": each.variable, "query_id": each.query_id, "file": each.file, "rows": each.rows}
            for each in run.inputs
        ],
        "warnings": [note.as_json() for note in run.warnings],
        "project": run.project.as_json(),
        "elapsed_ms": round(run.elapsed_ms, 1),
        "sandbox": "reused" if run.reused else "new",
    }


def table_content(stored: StoredTable, budget: int) -> dict[str, Json]:
    rows = fitting(stored.table.rows, budget)
    truncated = len(rows) < stored.row_count
    return {
        "query_id": stored.query_id,
        "columns": [[str(clean(column.name)), column.type] for column in stored.table.columns],
        "rows": [list(row) for row in rows],
        "row_count": stored.row_count,
        "truncated": truncated,
        "next": {"tool": "export_result", "query_id": stored.query_id} if truncated else None,
    }


def shortened(text: str, most: int) -> str:
    """The beginning and the end, and how much is missing between them."""
    if len(text) <= most:
        return printable(text)
    head, tail = most * 2 // 3, most // 3
    missing = len(text) - head - tail
    return f"{printable(text[:head])}\n… ({missing:,} characters left out) …\n{printable(text[-tail:])}"


def printable(text: str) -> str:
    return HIDDEN.sub("", text)


def run_text(run: PythonRun, content: dict[str, Json]) -> str:
    """The same facts for a client that shows only text."""
    took = f"{run.elapsed_ms:.0f} ms in a {content['sandbox']} sandbox"
    lines = [f"run {run.run_id}: {took}; {len(run.tables)} tables, {len(run.images)} images, {run.printed} printed"]
    found: list[str] = []
    if run.value is not None:
        found.append(f"result: {json.dumps(content['result'], ensure_ascii=False)}")
    budget = TABLES // max(len(run.tables), 1)
    found += [table_text(each, budget) for each in run.tables]
    found += [f"{name}:\n{content[name]}" for name in ("stdout", "stderr") if content[name]]
    if found:
        lines.append(fenced("\n".join(found)))
    lines += [f"{each.variable}: {each.rows} rows of query {each.query_id} ({each.file})" for each in run.inputs]
    lines += [f"warning {note.code}: {note.message} {note.fix}".rstrip() for note in run.warnings]
    info = run.project
    lines.append(f"project {info.id} {info.name} on {info.host} ({info.backend}); show_last_script has the code")
    return "\n".join(lines)


def table_text(stored: StoredTable, budget: int) -> str:
    rows = fitting(stored.table.rows, budget)
    shown = f", {len(rows)} shown; export_result has more" if len(rows) < stored.row_count else ""
    header = " | ".join(str(clean(column.name)) for column in stored.table.columns)
    body = [" | ".join(cell_text(cell) for cell in row) for row in rows]
    return "\n".join([f"table {stored.query_id}: {stored.row_count} rows{shown}", header, *body])
