"""Ask an insight: PostHog's native query there, the HogQL on the embedded project, one answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from posthog_mcp.backends.backend import ListOptions, Progress, QueryOptions, TypedQueries
from posthog_mcp.charts.chart import Chart
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.answer import Answer, Kind
from posthog_mcp.insights.dates import span_of
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.headline import headlined
from posthog_mcp.insights.kinds import KINDS
from posthog_mcp.insights.question import Question
from posthog_mcp.insights.words import Interval
from posthog_mcp.project import Project
from posthog_mcp.queries.check import check
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import DateRange, Json, Note, ProjectInfo, Table
from posthog_mcp.state.history import HistoryEntry

MAX_ROWS = 50_000
UNSUPPORTED = "nsupported query kind"
"""What PostHog says of a kind that it does not have, in any case of its first letter."""


@dataclass(frozen=True, slots=True)
class Insight:
    """A finished insight. `query` is PostHog's own; `hogql` gives the same numbers."""

    question: Question
    answer: Answer
    query_id: str
    hogql: str
    query: dict[str, Json]
    project: ProjectInfo
    date_range: DateRange
    warnings: tuple[Note, ...]
    elapsed_ms: float
    cached: bool
    ran: str
    """`hogql` or `native`: which of the two ran."""


async def run_insight(
    project: Project, question: Question, *, refresh: bool = False, progress: Progress | None = None
) -> Insight:
    """Run a question.

    Raises:
        InvalidInput: names, dates or options that do not fit; nothing ran.
        PostHogMcpError: what the backend says.
    """
    frame = await framed(project, question)
    kind = KINDS[question.kind]
    hogql, native = kind.hogql(frame), kind.native(frame)
    span = frame.span
    bounds = DateRange(span.start.isoformat(), span.end.isoformat(timespec="seconds"), frame.project.timezone)
    refused: tuple[Note, ...] = ()
    if native and isinstance(project.driver, TypedQueries) and question.sampling == 1:
        try:
            return await asked(project, frame, kind, hogql, native, bounds, refresh, progress)
        except InvalidInput as error:
            if UNSUPPORTED not in error.message:
                raise
            refused = (Note("not_native", f"This host does not run {native['kind']}; the HogQL ran instead."),)
    result = await run_hogql(project, hogql, limit=MAX_ROWS, refresh=refresh, progress=progress, keep_rows=False)
    answer = headlined(question, kind.read(frame, result.table.rows))
    await keep(project, result.query_id, answer, hogql)
    warnings = (*refused, *own_notes(frame, result.truncated), *answer.warnings, *kept_notes(result.warnings))
    return Insight(
        question=question,
        answer=answer,
        query_id=result.query_id,
        hogql=hogql,
        query=native,
        project=frame.project,
        date_range=bounds,
        warnings=warnings,
        elapsed_ms=result.elapsed_ms,
        cached=result.cached,
        ran="hogql",
    )


async def asked(
    project: Project,
    frame: Frame,
    kind: Kind,
    hogql: str,
    native: dict[str, Json],
    bounds: DateRange,
    refresh: bool,
    progress: Progress | None,
) -> Insight:
    """Run the native query; the HogQL is checked, so that what is shown can be run."""
    assert isinstance(project.driver, TypedQueries)
    (await check(project, hogql, {})).raise_for_errors()
    query_id = secrets.token_hex(8)
    options = QueryOptions(query_id, project.settings.query_timeout, MAX_ROWS, refresh, progress)
    begun = time.perf_counter()
    response: Mapping[str, Json] = await project.driver.typed_query(native, options)
    elapsed = (time.perf_counter() - begun) * 1000
    answer = headlined(frame.question, kind.read_native(frame, response))
    await keep(project, query_id, answer, hogql)
    cached = response.get("is_cached") is True
    entry = HistoryEntry(
        query_id=query_id,
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        project_id=frame.project.id,
        hogql=hogql,
        values="{}",
        status="ok",
        row_count=len(answer.rows),
        elapsed_ms=elapsed,
        cached=cached,
    )
    await project.history.remember(entry)
    return Insight(
        question=frame.question,
        answer=answer,
        query_id=query_id,
        hogql=hogql,
        query=native,
        project=frame.project,
        date_range=bounds,
        warnings=answer.warnings,
        elapsed_ms=elapsed,
        cached=cached,
        ran="native",
    )


async def framed(project: Project, question: Question, now: datetime | None = None) -> Frame:
    """The question in its project, its range worked out."""
    info = await project.driver.project()
    catalogue = await project.driver.catalogue()
    present = (now or datetime.now(UTC)).astimezone(ZoneInfo(info.timezone))
    earliest = await first_event(project) if question.date_from == "all" else None
    span = span_of(question.date_from or default_from(question), question.date_to, question.interval, present, earliest)
    return Frame(question, info, catalogue, span, present.replace(tzinfo=None))


def default_from(question: Question) -> str:
    """As PostHog: a week; retention and lifecycle as many periods as are shown."""
    if question.kind not in ("retention",):
        return ""
    letter: dict[Interval, str] = {"hour": "h", "day": "d", "week": "w", "month": "m"}
    return f"-{question.periods}{letter[question.period]}"


async def first_event(project: Project) -> datetime | None:
    """When the project's first event happened, as far as its definitions tell."""
    page = await project.driver.list("event_definitions", ListOptions(limit=1000))
    seen = [str(each.get("first_seen_at") or each.get("created_at") or "") for each in page.items]
    found = min(filter(None, seen), default="")
    return datetime.fromisoformat(found) if found else None


async def keep(project: Project, query_id: str, answer: Answer, hogql: str) -> None:
    """The answer's table in place of the raw rows, so that exports and charts of this id have it."""
    about: dict[str, Json] = {
        "query_id": query_id,
        "hogql": hogql,
        "values": {},
        "truncated": False,
        "chart": kept_chart(answer.chart),
    }
    await project.stored.save(query_id, Table(answer.columns, answer.rows), about)


def kept_chart(chart: Chart) -> dict[str, Json]:
    """A chart with its rows, so that it can be drawn later."""
    return {**chart.as_json(), "columns": list(chart.columns), "rows": [list(row) for row in chart.rows]}


def own_notes(frame: Frame, truncated: bool) -> tuple[Note, ...]:
    """What does not hold for this answer."""
    found: list[Note] = []
    if truncated:
        text = "The query has more rows than a result may have; the answer is of those that came."
        found.append(Note("truncated", text, "Use a longer interval or fewer breakdown values."))
    if frame.question.filter_test_accounts:
        found.append(Note("test_accounts", "Test accounts are not filtered out of the embedded project."))
    if frame.question.sampling < 1:
        found.append(Note("sampled", f"{frame.question.sampling:.0%} of people were looked at and counts scaled up."))
    return tuple(found)


def kept_notes(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Warnings of the run that concern whoever asked the question, not whoever wrote the query."""
    return tuple(note for note in notes if note.code not in LINTS)


LINTS = frozenset({"no_time_range", "limit_added"})
