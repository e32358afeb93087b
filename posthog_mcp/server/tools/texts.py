"""Content and text of the answers that are not query results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from posthog_mcp.discovery.fields import Fields
from posthog_mcp.discovery.objects import Listing
from posthog_mcp.hogql.diagnostics import Diagnostic
from posthog_mcp.project import Project
from posthog_mcp.queries.check import Check
from posthog_mcp.queries.shape import DATA_NOTE, clean, fenced
from posthog_mcp.results import Json
from posthog_mcp.state.history import HistoryEntry

Shown = tuple[dict[str, Json], str]


def overview_text(found: dict[str, Json]) -> str:
    project = cast("dict[str, Json]", found["project"])
    counts = cast("dict[str, Json]", found["counts"])
    lines = [
        f"project {project['id']} {project['name']} on {project['host']} ({project['backend']}), time zone "
        f"{project['timezone']}",
        f"data: {json.dumps(found['data'])}",
        "counts: " + ", ".join(f"{kind} {count}" for kind, count in counts.items()),
        "top events, last 30 days:",
        fenced("\n".join(json.dumps(pair, ensure_ascii=False) for pair in cast("list[Json]", found["top_events"]))),
        'next: discover_objects {"kind": "event"} or get_object_fields {"name": "<event>"}',
    ]
    return "\n".join(lines)


def rows_in_text(header: Sequence[str], rows: Sequence[Sequence[Json]]) -> str:
    body = [" | ".join(short(cell) for cell in row) for row in rows]
    return fenced("\n".join([" | ".join(header), *body]))


def short(cell: Json) -> str:
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    return text.replace("\n", "\\n")[:200]


async def listing_content(project: Project, page: Listing, search: str) -> Shown:
    info = await project.driver.project()
    repeat: Json = None
    if page.next is not None:
        repeat = {"kind": page.kind, "search": search, "limit": len(page.items), "cursor": page.next}
    items = [[clean(cell) for cell in row] for row in page.items]
    content: dict[str, Json] = {
        "kind": page.kind,
        "count": page.count,
        "fields": list(page.fields),
        "items": cast("list[Json]", items),
        "next": repeat,
        "project": info.as_json(),
        "data_note": DATA_NOTE,
    }
    count = "unknown" if page.count is None else page.count
    lines = [
        f"{len(items)} of {count} {page.kind} objects in project {info.id} {info.name} ({info.backend})",
        rows_in_text(page.fields, items),
    ]
    if not items:
        lines.append("Nothing matches." if search else f"This project has no {page.kind}.")
    if repeat is not None:
        lines.append(f"next: {json.dumps(repeat, ensure_ascii=False)}")
    return content, "\n".join(lines)


FIELD_HEADER = ("name", "type", "description", "fill_rate", "sample_values")


async def fields_content(project: Project, found: Fields) -> Shown:
    info = await project.driver.project()
    rows = [[clean(cell) for cell in field.as_row()] for field in found.fields]
    content: dict[str, Json] = {
        "name": found.name,
        "kind": found.kind,
        "columns": list(FIELD_HEADER),
        "fields": cast("list[Json]", rows),
        "sampled_rows": found.sampled,
        "truncated": found.total > len(rows),
        "next": {"name": found.name, "values_for": "<property>"} if found.sampled else None,
        "project": info.as_json(),
        "data_note": DATA_NOTE,
    }
    basis = f" (fill rate and values from the newest {found.sampled} rows)" if found.sampled else ""
    more = f"; {found.total - len(rows)} rarer ones are not shown" if found.total > len(rows) else ""
    head = f"{len(rows)} fields of {found.kind} {found.name} in project {info.id} {info.name}{basis}{more}"
    return content, f"{head}\n{rows_in_text(FIELD_HEADER, rows)}"


SHOWN_FINDINGS = 20


async def check_content(project: Project, check: Check) -> Shown:
    """What a check found, with the query's other forms that were asked for."""
    info = await project.driver.project()
    checked = check.checked
    valid = not checked.errors
    estimate = checked.estimate
    content: dict[str, Json] = {
        "valid": valid,
        "errors": [each.as_json() for each in checked.errors[:SHOWN_FINDINGS]],
        "warnings": [each.as_json() for each in checked.warnings[:SHOWN_FINDINGS]],
        "tables": list(checked.tables),
        "columns": [{"name": column.name, "type": column.type} for column in checked.columns],
        "date_range": checked.date_range.as_json() if checked.date_range else None,
        "estimate": estimate.as_json() if estimate else None,
        "corrected": checked.corrected,
        **check.forms,
        **({"not_checked": check.not_checked} if check.not_checked else {}),
        "project": info.as_json(),
    }
    lines = ["valid: nothing was run" if valid else f"not valid: {len(checked.errors)} error(s)"]
    for label, findings in (("error", checked.errors), ("warning", checked.warnings)):
        lines += [finding_text(label, each) for each in findings[:SHOWN_FINDINGS]]
        if len(findings) > SHOWN_FINDINGS:
            lines.append(f"{len(findings) - SHOWN_FINDINGS} more {label}s: mend these first, then check again")
            content[f"more_{label}s"] = len(findings) - SHOWN_FINDINGS
    pages = list(dict.fromkeys(each.knowledge for each in (*checked.errors, *checked.warnings) if each.knowledge))
    if pages:
        lines.append(f"why, as resources posthog://knowledge/…: {', '.join(pages)}")
    if checked.corrected:
        lines.append(f"corrected, checked and ready to run:\n{checked.corrected}")
    lines += [f"{name}:\n{text}" for name, text in check.forms.items()]
    if check.not_checked:
        lines.append(f"not checked: {check.not_checked}")
    if estimate:
        more = "at least " if estimate.at_least else "about "
        lines.append(f"reads {more}{estimate.rows:,} rows, {estimate.bytes:,} bytes ({estimate.basis})")
    if valid:
        lines.append("columns: " + ", ".join(f"{column.name} {column.type}" for column in checked.columns))
        lines.append("next: execute_hogql with the same query")
    lines.append(f"project {info.id} {info.name} ({info.backend})")
    return content, "\n".join(lines)


def finding_text(label: str, found: Diagnostic) -> str:
    """One line: what, where, why, what to do, and the edit."""
    place = f"{found.line}:{found.column}"
    source = f" ({found.source})" if found.source else ""
    line = f"{label} {found.code}{source} at {place} `{found.text}`: {found.message} {found.fix}".rstrip()
    if not found.edit:
        return line
    at = f"{found.edit_place[0]}:{found.edit_place[1]}-{found.edit_place[2]}:{found.edit_place[3]}"
    return f"{line} [edit {at} -> {json.dumps(found.edit.text, ensure_ascii=False)}]"


HISTORY_HEADER = ("query_id", "at", "status", "row_count", "elapsed_ms", "cached", "name", "hogql")


def history_content(entries: Sequence[HistoryEntry]) -> Shown:
    rows: list[list[Json]] = []
    for entry in entries:
        fields = entry.as_json()
        rows.append([fields[name] for name in HISTORY_HEADER])
    content: dict[str, Json] = {
        "columns": list(HISTORY_HEADER),
        "queries": cast("list[Json]", rows),
        "count": len(rows),
    }
    if not rows:
        return content, "No such query in the history. Run one with execute_hogql."
    return content, f"{len(rows)} queries, newest first\n{rows_in_text(HISTORY_HEADER, rows)}"
