"""A kept result as a file: CSV, JSON, JSON lines or Parquet, with every row and the values unchanged.

Only CSV differs: text that a spreadsheet would run as a formula gets a leading apostrophe.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import anyio

from posthog_mcp.errors import Unavailable
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import as_csv
from posthog_mcp.results import Column, Json, Table

ExportFormat = Literal["csv", "json", "jsonl", "parquet"]
MIME_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}


async def export(project: Project, query_id: str, form: ExportFormat) -> tuple[Path, Table]:
    """Write a kept result beside it and return the file and its rows.

    Raises:
        NotFound: the rows are not kept any more.
        Unavailable: the disk is full or read-only, or Parquet needs the embedded engine and it is not installed.
    """
    table, about = await project.stored.load(query_id)
    target = project.stored.path(query_id, form)
    if form == "parquet":
        await write_parquet(table, target)
    else:
        masking = project.masking
        said = {name: masking.value(value) for name, value in about.items()} if masking else about
        text = as_text(table, said, form)
        try:
            await anyio.Path(target).write_text(text, encoding="utf-8")
        except OSError as error:
            message = f"The export cannot be written to {target}: {error.strerror}."
            raise Unavailable(message, fix="Free some disk space, or set POSTHOG_MCP_DATA_DIR elsewhere.") from None
    return target, table


def as_text(table: Table, about: dict[str, Json], form: ExportFormat) -> str:
    if form == "csv":
        return as_csv(table.columns, table.rows)
    names = unique_names(table.columns)
    records = [dict(zip(names, row, strict=True)) for row in table.rows]
    if form == "jsonl":
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return json.dumps({**about, "columns": names, "rows": table.rows}, ensure_ascii=False)


def unique_names(columns: Sequence[Column]) -> list[str]:
    """Column names with a number where one repeats: a record cannot hold the same key twice."""
    names: list[str] = []
    for column in columns:
        name, number = column.name, 2
        while name in names:
            name, number = f"{column.name}_{number}", number + 1
        names.append(name)
    return names


async def write_parquet(table: Table, target: Path) -> None:
    from posthog_mcp.backends.local.loader import load
    from posthog_mcp.backends.local.schema import literal, quoted

    source = target.with_suffix(".jsonl")
    await anyio.Path(source).write_text(as_text(table, {}, "jsonl"), encoding="utf-8")
    names = unique_names(table.columns)
    columns = ", ".join(f"{quoted(name)} {parquet_type(c.type)}" for name, c in zip(names, table.columns, strict=True))
    read = f"file({literal(str(source))}, JSONEachRow, {literal(columns)})"
    await load(
        [f"INSERT INTO FUNCTION file({literal(str(target))}, Parquet) SELECT * FROM {read}"], writes=[target.parent]
    )


def parquet_type(kind: str) -> str:
    """Numbers stay numbers; what JSON carries as text stays text."""
    inner = kind.removeprefix("Nullable(").removesuffix(")") if kind.startswith("Nullable(") else kind
    if inner.startswith(("Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32", "Int64", "UInt64")):
        return f"Nullable({inner.split('(')[0]})"
    return "Nullable(Float64)" if inner.startswith("Float") else "Nullable(String)"
