"""A chart as a tool gives it: text that suffices alone, the picture, the spec, and what the view needs."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import anyio
from mcp.types import CallToolResult, ImageContent, TextContent

from posthog_mcp.charts.alt import alt_text
from posthog_mcp.charts.chart import Chart
from posthog_mcp.charts.choose import chart_of
from posthog_mcp.charts.kept import chart_from
from posthog_mcp.charts.look import Theme
from posthog_mcp.charts.png import png_of
from posthog_mcp.charts.spec import spec
from posthog_mcp.charts.text import as_text
from posthog_mcp.errors import InvalidInput, Unavailable
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import DATA_NOTE, clean, fenced, fitting
from posthog_mcp.results import Column, Json, Note
from posthog_mcp.safety.lineage import by_name

SPEC_CHARACTERS = 6_000
"""A longer spec is given as a file only."""
ROWS_BUDGET = 5_000
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a chart of rows."""

    type: str = "auto"
    x: str = ""
    y: str = ""
    series: str = ""
    title: str = ""

    @property
    def plain(self) -> bool:
        """Whether the kept chart will do."""
        return self.type == "auto" and not (self.x or self.y or self.series)


async def chart_for(project: Project, query_id: str, rows: list[list[Json]], columns: list[str], asked: Asked) -> Chart:
    """The chart of a kept result, or of rows that are given.

    Raises:
        NotFound: the result is not kept any more.
        InvalidInput: neither is given, or the rows do not fit the columns.
    """
    if query_id:
        table, about = await project.stored.load(query_id)
        kept = about.get("chart")
        chart = chart_from(kept) if isinstance(kept, dict) and asked.plain else None
        if chart is not None:
            return replace(chart, title=asked.title or chart.title)
        note = f"query {query_id}"
        return chart_of(table.columns, table.rows, **parts(asked), footnote=note)
    if not rows or not columns:
        raise InvalidInput("There is nothing to draw.", fix="Give query_id, or rows with columns.")
    if any(len(row) != len(columns) for row in rows) or len(rows) > MOST_ROWS:
        raise InvalidInput(
            "Each row needs a cell for each column, and at most 50,000 rows are drawn.", fix="Correct them."
        )
    return chart_of([Column(name, "unknown") for name in columns], unnamed(project, rows, columns), **parts(asked))


def unnamed(project: Project, rows: list[list[Json]], columns: list[str]) -> list[list[Json]]:
    """Rows that the caller gave, masked before they become a picture, which the edge cannot mask."""
    masking = project.masking
    return rows if masking is None else masking.rows(rows, [by_name(name, masking.keys) for name in columns])


def parts(asked: Asked) -> dict[str, str]:
    return {"type": asked.type, "x": asked.x, "y": asked.y, "series": asked.series, "title": asked.title}


async def picture(chart: Chart, theme: Theme) -> tuple[bytes | None, list[Note]]:
    """The PNG; where it cannot be made, why."""
    try:
        return await png_of(spec(chart, theme)), []
    except (Unavailable, InvalidInput) as error:
        return None, [Note("no_picture", error.message, error.fix)]


async def chart_result(project: Project, chart: Chart, theme: Theme, name: str) -> CallToolResult:
    """The answer of render_chart. PNG and spec are written beside the results, too."""
    drawing = spec(chart, theme)
    png, notes = await picture(chart, theme)
    files = await anyio.to_thread.run_sync(written, project.stored.folder, name, json.dumps(drawing), png)
    info = (await project.driver.project()).as_json()
    short = len(json.dumps(drawing)) <= SPEC_CHARACTERS
    shown = fitting(chart.rows, ROWS_BUDGET)
    alt = str(clean(alt_text(chart)))
    content: dict[str, Json] = {
        "chart": clean(chart.as_json()),
        "alt": alt,
        "columns": [{"name": str(clean(each)), "type": "unknown"} for each in chart.columns],
        "rows": cast("list[Json]", shown),
        "row_count": len(chart.rows),
        "truncated": len(shown) < len(chart.rows),
        "spec": cast("Json", drawing) if short else None,
        "files": cast("Json", files),
        "image": {"mime_type": "image/png", "bytes": len(png)} if png else None,
        "warnings": [note.as_json() for note in notes],
        "project": info,
        "data_note": DATA_NOTE,
    }
    lines = [alt, fenced(str(clean(as_text(chart)))), *(f"{kind}: {path}" for kind, path in files.items())]
    lines += [f"warning {note.code}: {note.message} {note.fix}".rstrip() for note in notes]
    return with_picture(content, "\n".join(lines), png)


async def drawn(chart: Chart, content: dict[str, Json], text: str) -> CallToolResult:
    """An insight's answer with its picture; as text where there is none."""
    png, notes = await picture(chart, "light")
    alt = str(clean(alt_text(chart)))
    lines = [text, alt, fenced(str(clean(as_text(chart))))]
    lines += [f"warning {note.code}: {note.message} {note.fix}".rstrip() for note in notes]
    more: dict[str, Json] = {"alt": alt, "image": {"mime_type": "image/png", "bytes": len(png)} if png else None}
    return with_picture({**content, **more}, "\n".join(lines), png)


def with_picture(content: dict[str, Json], text: str, png: bytes | None) -> CallToolResult:
    """Text first, then the picture."""
    blocks: list[TextContent | ImageContent] = [TextContent(type="text", text=text)]
    if png:
        blocks.append(ImageContent(type="image", data=base64.b64encode(png).decode(), mime_type="image/png"))
    return CallToolResult(content=list(blocks), structured_content=content)


def written(folder: Path, name: str, drawing: str, png: bytes | None) -> dict[str, str]:
    """Paths of the files; none where the disk refuses."""
    found: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.vl.json").write_text(drawing, encoding="utf-8")
        found["spec"] = str(folder / f"{name}.vl.json")
        if png:
            (folder / f"{name}.png").write_bytes(png)
            found["png"] = str(folder / f"{name}.png")
    except OSError:
        return found
    return found
