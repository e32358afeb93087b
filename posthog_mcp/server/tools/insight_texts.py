"""Content and text of insights, dashboards and charts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.insights.dashboards import Dashboard, Tile
from posthog_mcp.insights.run import Insight
from posthog_mcp.insights.saved import Other, Result
from posthog_mcp.queries.run import QueryResult
from posthog_mcp.queries.shape import BUDGET, DATA_NOTE, clean, fenced, fitting
from posthog_mcp.results import Column, Json
from posthog_mcp.server.tools.retention_bands import bands_of
from posthog_mcp.server.tools.texts import Shown, rows_in_text

TILE_ROWS = 12
"""Rows of a tile that a dashboard shows."""
TILE_BUDGET = 1_500
"""Characters of rows in one tile."""


def insight_content(found: Insight, repeat: Mapping[str, Json], offset: int = 0) -> Shown:
    """An insight: what stands out first, then the rows."""
    answer, info = found.answer, found.project
    bands, banded = bands_of(found) if not offset else ({}, [])
    rows = fitting(answer.rows[offset:], BUDGET - 3 * len("\n".join(banded)))
    unseen = offset + len(rows) < len(answer.rows)
    following: Json = {**repeat, "offset": offset + len(rows)} if unseen else None
    content: dict[str, Json] = {
        "kind": found.question.kind,
        "summary": [str(clean(fact)) for fact in answer.facts],
        "columns": columns_json(answer.columns),
        "rows": cast("list[Json]", rows),
        "row_count": len(answer.rows),
        "rows_shown": len(rows),
        "truncated": unseen,
        "next": following,
        **bands,
        "chart": answer.chart.as_json(),
        "hogql": found.hogql,
        "query": found.query,
        "ran": found.ran,
        "query_id": found.query_id,
        "date_range": found.date_range.as_json(),
        "project": info.as_json(),
        "warnings": [note.as_json() for note in found.warnings],
        "elapsed_ms": round(found.elapsed_ms, 1),
        "cached": found.cached,
        "data_note": DATA_NOTE,
    }
    bounds = found.date_range
    lines = [
        fenced("\n".join(cast("list[str]", content["summary"]))) if answer.facts else "No data.",
        f"{len(answer.rows)} rows" + (f", {len(rows)} shown" if unseen else "") + f"; query_id {found.query_id}",
        rows_in_text([str(clean(column.name)) for column in answer.columns], rows),
        *([f"More exists. next: {json.dumps(following, ensure_ascii=False)}; or export_result."] if unseen else []),
        *banded,
        *(f"warning {note.code}: {note.message} {note.fix}".rstrip() for note in found.warnings),
        f"project {info.id} {info.name} on {info.host} ({info.backend}); {bounds.date_from} to {bounds.date_to} "
        f"({bounds.timezone}); {found.elapsed_ms:.0f} ms{', cached' if found.cached else ''}",
        f"hogql: {found.hogql}",
    ]
    return content, "\n".join(lines)


def columns_json(columns: Sequence[Column]) -> list[Json]:
    return [{"name": str(clean(column.name)), "type": column.type} for column in columns]


def result_content(found: Result, budget: int = BUDGET) -> dict[str, Json]:
    """What is common to results of any kind, within a size."""
    if isinstance(found, Insight):
        columns, all_rows, facts = found.answer.columns, found.answer.rows, found.answer.facts
        more: dict[str, Json] = {"hogql": found.hogql, "date_range": found.date_range.as_json()}
    else:
        columns, all_rows, facts = found.table.columns, found.table.rows, ()
        more = (
            {"hogql": found.hogql, "date_range": found.date_range.as_json()} if isinstance(found, QueryResult) else {}
        )
    rows = fitting(all_rows, budget)
    return {
        **({"summary": [str(clean(fact)) for fact in facts]} if facts else {}),
        "columns": columns_json(columns),
        "rows": cast("list[Json]", rows),
        "row_count": len(all_rows),
        "rows_shown": len(rows),
        "query_id": found.query_id,
        **more,
        "elapsed_ms": round(found.elapsed_ms, 1),
        "cached": False if isinstance(found, Other) else found.cached,
    }


def saved_content(saved: Mapping[str, Json], found: Result, url: str | None, project: dict[str, Json]) -> Shown:
    """A saved insight with its fresh result."""
    about: dict[str, Json] = {name: clean(saved.get(name)) for name in ("id", "short_id", "name", "description")}
    content: dict[str, Json] = {
        "insight": about,
        "url": url,
        "last_refresh": saved.get("last_refresh"),
        **result_content(found),
        "project": project,
        "data_note": DATA_NOTE,
    }
    content["truncated"] = content["rows_shown"] != content["row_count"]
    content["next"] = None
    lines = [f"insight {saved.get('id')} ({saved.get('short_id')}): {clean(saved.get('name') or '')}"]
    lines += [f"url: {url}"] if url else []
    lines += result_lines(content)
    if content["truncated"]:
        lines.append(f'All rows: export_result {{"query_id": "{content["query_id"]}"}}')
    lines.append(f"project {project['id']} {project['name']} on {project['host']} ({project['backend']})")
    return content, "\n".join(lines)


def result_lines(content: Mapping[str, Json]) -> list[str]:
    """The text of `result_content`."""
    lines: list[str] = []
    if isinstance(summary := content.get("summary"), list):
        lines.append(fenced("\n".join(map(str, summary))))
    columns = [str(each["name"]) for each in cast("list[dict[str, Json]]", content["columns"])]
    shown = f", {content['rows_shown']} shown" if content["rows_shown"] != content["row_count"] else ""
    lines.append(f"{content['row_count']} rows{shown}; query_id {content['query_id']}; {content['elapsed_ms']} ms")
    lines.append(rows_in_text(columns, cast("list[list[Json]]", content["rows"])))
    if content.get("hogql"):
        lines.append(f"hogql: {content['hogql']}")
    return lines


def dashboard_content(found: Dashboard, url: str | None, project: dict[str, Json]) -> Shown:
    """Every tile, each within a size of its own."""
    saved = found.saved
    tiles = [tile_content(each) for each in found.tiles]
    failed = sum("error" in each for each in tiles)
    content: dict[str, Json] = {
        "dashboard": {name: clean(saved.get(name)) for name in ("id", "name", "description")},
        "url": url,
        "tiles": cast("list[Json]", tiles),
        "tile_count": len(tiles) + found.left_out,
        "failed": failed,
        "truncated": found.left_out > 0,
        "next": None,
        "project": project,
        "data_note": DATA_NOTE,
    }
    told = f", {failed} failed" if failed else ""
    lines = [f"dashboard {saved.get('id')}: {clean(saved.get('name') or '')}, {len(tiles)} tiles{told}"]
    lines += [f"url: {url}"] if url else []
    for tile, shown in zip(found.tiles, tiles, strict=True):
        lines += tile_lines(tile, shown)
    if found.left_out:
        lines.append(f"{found.left_out} more tiles are left out: ask for their insights with get_insight.")
    lines.append(f"project {project['id']} {project['name']} on {project['host']} ({project['backend']})")
    return content, "\n".join(lines)


def tile_content(tile: Tile) -> dict[str, Json]:
    """One tile: its text, its error, or what stands out with its last rows."""
    about: dict[str, Json] = {"id": tile.id, "insight": tile.insight_id, "name": clean(tile.name)}
    if tile.text:
        return {"id": tile.id, "text": clean(tile.text)}
    if tile.error or tile.result is None:
        return {**about, "error": tile.error}
    found = result_content(tile.result, TILE_BUDGET)
    rows = cast("list[Json]", found["rows"])
    if isinstance(tile.result, Insight) and tile.result.question.kind == "trends":
        every = tile.result.answer.rows
        rows = cast("list[Json]", fitting(every[-TILE_ROWS:], TILE_BUDGET))
    kept = {
        name: found[name] for name in ("summary", "columns", "row_count", "query_id", "elapsed_ms") if name in found
    }
    return {**about, **kept, "rows": rows[:TILE_ROWS]}


def tile_lines(tile: Tile, shown: Mapping[str, Json]) -> list[str]:
    if tile.text:
        return [f"text: {fenced(str(shown['text']))}"]
    head = f"- {shown['name']} (insight {tile.insight_id})"
    if "error" in shown:
        return [f"{head}: {shown['error']}"]
    if isinstance(summary := shown.get("summary"), list):
        return [head, fenced("\n".join(map(str, summary[:3])))]
    columns = [str(each["name"]) for each in cast("list[dict[str, Json]]", shown["columns"])]
    return [head, rows_in_text(columns, cast("list[list[Json]]", shown["rows"])[:5])]
