"""Content and text of the answers about themes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.project import Project
from posthog_mcp.queries.shape import DATA_NOTE, clean, fenced, fitting
from posthog_mcp.results import Json, Note
from posthog_mcp.server.tools.texts import Shown, rows_in_text
from posthog_mcp.state.trace_themes.summaries import StoredSummary
from posthog_mcp.traces.collect import Batch, Preview, batch_json
from posthog_mcp.traces.extractive import WRITER
from posthog_mcp.traces.links import trace_link
from posthog_mcp.traces.llm import configured_model
from posthog_mcp.traces.running import RunReport
from posthog_mcp.traces.saving import Saved
from posthog_mcp.traces.themes import AnalysisTheme, as_json, built_in

THEME_HEADER = ("theme", "name", "built_in", "description", "schedule", "read", "handed_out", "dead", "last_run")
SUMMARY_HEADER = ("trace_id", "at", "severity", "title", "summary", "evidence", "first_failure", "link")
RULES = "These summaries are extractive: written by rules, without a model. They quote and count; they do not judge."
ROWS_BUDGET = 6_000
TEXT_ROWS = 3_500


async def listed_content(project: Project, themes: Mapping[str, AnalysisTheme]) -> Shown:
    """A row a theme."""
    info = await project.driver.project()
    runs = await project.themes.last_runs(info.id)
    rows: list[list[Json]] = []
    for name, theme in themes.items():
        counts = await project.themes.mark_counts(info.id, name)
        marks: list[Json] = [counts.get(state, 0) for state in ("done", "leased", "dead")]
        last = runs[name][0] if name in runs else None
        rows.append([name, theme.name, name in built_in(), theme.description, theme.schedule, *marks, last])
    shown = fitting(rows)
    content: dict[str, Json] = {
        "columns": list(THEME_HEADER),
        "themes": cast("Json", shown),
        "count": len(rows),
        "truncated": len(shown) < len(rows),
        "writer": writer_of(project),
        "next": {"tool": "preview_theme", "theme": "error_analysis"},
        "project": info.as_json(),
    }
    lines = [f"{len(rows)} themes; unattended runs are written by: {writer_of(project)}"]
    lines.append(rows_in_text(THEME_HEADER, shown))
    lines.append('next: preview_theme {"theme": "error_analysis"}, then run_theme, or collect_theme to read yourself')
    return content, "\n".join([*lines, project_line(content)])


def writer_of(project: Project) -> str:
    model = configured_model(project.settings)
    return model.label if model else WRITER


def project_line(content: Mapping[str, Json]) -> str:
    info = cast("dict[str, Json]", content["project"])
    return f"project {info['id']} {info['name']} on {info['host']} ({info['backend']})"


async def theme_content(project: Project, theme: AnalysisTheme) -> Shown:
    """One theme in full."""
    info = await project.driver.project()
    content: dict[str, Json] = {
        "theme": theme.id,
        **as_json(theme),
        "built_in": theme.id in built_in(),
        "marks": cast("Json", await project.themes.mark_counts(info.id, theme.id)),
        "project": info.as_json(),
    }
    return content, f"{json.dumps(content, ensure_ascii=False)}"


async def stored_content(project: Project, theme: AnalysisTheme, *, deleted: bool) -> Shown:
    """That a theme was saved or dropped."""
    content: dict[str, Json] = {
        "theme": theme.id,
        "deleted": deleted,
        **({} if deleted else {"saved": as_json(theme)}),
        "next": None if deleted else {"tool": "preview_theme", "theme": theme.id},
        "project": (await project.driver.project()).as_json(),
    }
    done = "Deleted, with its marks, summaries and clusters." if deleted else "Saved; its filters compile."
    text = f"Theme {theme.id}. {done}" + ("" if deleted else f'\nnext: preview_theme {{"theme": "{theme.id}"}}')
    return content, f"{text}\n{project_line(content)}"


async def preview_content(project: Project, found: Preview) -> Shown:
    """Counts, tokens, cost."""
    model = configured_model(project.settings)
    cost = round(model.cost(found.tokens_in, found.tokens_out), 4) if model else 0.0
    notes = [*found.notes, *nothing_matches(found.matching)]
    if model and model.price_is_assumed:
        notes.append(Note("assumed_price", f"The price of {model.label} is not known; {model.price} USD a million."))
    content: dict[str, Json] = {
        "theme": found.theme.id,
        "traces": found.traces,
        "matching": found.matching,
        "likely": found.likely,
        "with_errors": found.errors,
        "sample": {"rate": found.theme.sample_rate, "seed": found.theme.seed, "size": found.matching},
        "to_read": found.fresh,
        "to_read_is_at_least": found.fresh_is_at_least,
        "estimate": {"tokens_in": found.tokens_in, "tokens_out": found.tokens_out, "cost_usd": cost},
        "writer": writer_of(project),
        "norms": cast("Json", found.norms),
        "date_range": found.date_range.as_json(),
        "hogql": found.hogql,
        "warnings": [note.as_json() for note in notes],
        "next": {"tool": "run_theme", "theme": found.theme.id},
        "project": (await project.driver.project()).as_json(),
    }
    bounds = found.date_range
    more = " or more" if found.fresh_is_at_least else ""
    cost_text = f", {cost:.4f} USD" if model else "; rules cost nothing, a model of your own takes these tokens"
    lines = [
        f"Theme {found.theme.id}: {found.matching:,} of {found.traces:,} traces match ({found.likely:,} likely, "
        f"{found.errors:,} with error events), sample rate {found.theme.sample_rate:g}; {found.fresh:,}{more} to read.",
        f"Read by {writer_of(project)}: about {found.tokens_in:,} tokens in, {found.tokens_out:,} out{cost_text}.",
        f"time range {bounds.date_from} to {bounds.date_to} ({bounds.timezone})",
        *warning_lines(notes),
        f"hogql: {found.hogql}",
        f'next: run_theme {{"theme": "{found.theme.id}"}}, or collect_theme to read them yourself',
        project_line(content),
    ]
    return content, "\n".join(lines)


def nothing_matches(count: int) -> list[Note]:
    if count:
        return []
    return [
        Note("empty_result", "No trace matches.", 'Widen the dates ("date_from": "-90d"), or look with list_traces.')
    ]


def warning_lines(notes: Sequence[Note]) -> list[str]:
    return [f"warning {note.code}: {note.message} {note.fix}".rstrip() for note in notes]


async def collected_content(project: Project, batch: Batch) -> Shown:
    """Instructions once, then the texts, marked as data."""
    repeat: Json = {"theme": batch.theme.id} if batch.more else None
    notes = list(batch.notes)
    if not batch.handed:
        notes += [Note("empty_result", "Nothing is left to read.", "Widen date_from, or rewind to read all again.")]
    content: dict[str, Json] = {
        **batch_json(batch),
        "trace_count": len(batch.handed),
        "more_at_least": batch.more,
        "texts": {"cached": batch.reads.cached, "fetched": batch.reads.fetched},
        "cache_hit_rate": project.texts.hit_rate,
        "date_range": batch.date_range.as_json(),
        "warnings": [note.as_json() for note in notes],
        "next": repeat,
        "project": (await project.driver.project()).as_json(),
        "data_note": DATA_NOTE,
    }
    lines = [
        f"{len(batch.handed)} traces of theme {batch.theme.id}, batch_id {batch.batch_id}; at least {batch.more} more.",
        *warning_lines(notes),
    ]
    if batch.handed:
        lines += [str(content["instructions"]), f"answer_schema: {json.dumps(content['answer_schema'])}"]
        lines += [f"trace_id: {each.about.trace_id}\n{fenced(each.reading.text)}" for each in batch.handed]
        call = f'{{"theme": "{batch.theme.id}", "batch_id": "{batch.batch_id}", "answers": [...]}}'
        lines.append(f"Answer within {batch.lease_seconds / 60:.0f} minutes: save_trace_summaries {call}")
    return content, "\n".join([*lines, project_line(content)])


async def saved_content(project: Project, theme: AnalysisTheme, batch_id: str, saved: Saved) -> Shown:
    """What was taken, refused, and is left."""
    content: dict[str, Json] = {
        "theme": theme.id,
        "batch_id": batch_id,
        "saved": len(saved.summaries),
        "relevant": sum(each.relevant for each in saved.summaries),
        "refused": [each.as_json() for each in saved.refused],
        "unanswered": list(saved.left),
        "events_written": saved.events,
        "warnings": [note.as_json() for note in saved.notes],
        "next": {"tool": "collect_theme", "theme": theme.id},
        "project": (await project.driver.project()).as_json(),
    }
    lines = [f"{content['saved']} saved ({content['relevant']} relevant), {len(saved.refused)} refused."]
    lines += [f"refused answers[{each.index}].{each.field}: {each.message}" for each in saved.refused]
    lines += [f"not answered yet: {', '.join(saved.left)}"] if saved.left else []
    lines += [f"{saved.events} written as $ai_trace_summary events"] if saved.events else []
    lines += warning_lines(saved.notes)
    lines.append("next: collect_theme for more, then cluster_summaries")
    return content, "\n".join([*lines, project_line(content)])


async def run_content(project: Project, theme: AnalysisTheme, report: RunReport) -> Shown:
    """Figures of a run, and its weightiest findings."""
    found = sorted((each for each in report.summaries if each.relevant), key=weight)
    rows = fitting([summary_row(project, each) for each in found], ROWS_BUDGET)
    notes = list(report.notes)
    if report.writer == WRITER:
        notes.append(Note("extractive", RULES, "Set POSTHOG_MCP_LLM, or read them yourself with collect_theme."))
    if not report.read and not report.failed:
        notes.append(Note("empty_result", "No new trace was read.", "Widen date_from, or rewind to read all again."))
    content: dict[str, Json] = {
        **report.as_json(),
        "columns": list(SUMMARY_HEADER),
        "findings": cast("Json", rows),
        "findings_count": len(found),
        "severity": cast("Json", dict(Counter(each.severity for each in found))),
        "truncated": len(rows) < len(found),
        "date_range": report.date_range.as_json(),
        "warnings": [note.as_json() for note in notes],
        "next": {"tool": "cluster_summaries", "theme": theme.id},
        "project": (await project.driver.project()).as_json(),
        "data_note": DATA_NOTE,
    }
    return content, run_text(theme, report, content, fitting(rows, TEXT_ROWS * 2), notes)


def weight(each: StoredSummary) -> tuple[int, str]:
    order = ("critical", "high", "medium", "low", "none")
    return order.index(each.severity), each.at


def summary_row(project: Project, each: StoredSummary) -> list[Json]:
    """One finding as a row."""
    return [
        each.trace_id,
        each.at,
        each.severity,
        each.title,
        each.summary[:400],
        clean(each.body.get("evidence")),
        clean(each.body.get("first_failure")),
        trace_link(project.settings, each.trace_id, each.at),
    ]


def run_text(
    theme: AnalysisTheme,
    report: RunReport,
    content: Mapping[str, Json],
    rows: Sequence[Sequence[Json]],
    notes: Sequence[Note],
) -> str:
    head = (
        f"Theme {theme.id}: {report.read:,} traces read by {report.writer}, {report.relevant:,} relevant; "
        f"severity {json.dumps(content['severity'])}."
    )
    cost = f" {report.tokens:,} tokens, {report.cost_usd:.4f} USD." if report.tokens else ""
    lines = [
        f"{head}{cost} {report.elapsed_ms:.0f} ms; texts: {report.reads.cached} cached, {report.reads.fetched} new."
    ]
    if report.stopped:
        lines.append("Stopped at the cost cap; call again, with a higher max_cost_usd where needed.")
    elif report.more:
        lines.append("More traces wait: call again.")
    if report.failed:
        dead = f"; given up for good: {', '.join(report.dead)}" if report.dead else ""
        lines.append(f"{len(report.failed)} failed ({next(iter(report.failed.values()))}){dead}")
    lines += [f"{report.events} written as $ai_trace_summary events"] if report.events else []
    lines += [rows_in_text(SUMMARY_HEADER, rows)] if rows else []
    lines += [
        f"{len(rows)} of {content['findings_count']} findings shown; all are in cluster_summaries and search_summaries"
    ]
    lines += warning_lines(notes)
    bounds = report.date_range
    lines.append(f"time range {bounds.date_from} to {bounds.date_to} ({bounds.timezone}); run {report.run_id}")
    lines.append(f'next: cluster_summaries {{"theme": "{theme.id}"}}')
    return "\n".join([*lines, project_line(content)])
