"""The series of a metric: asked of the project, the period that is not over left out, gaps told.

Trends give their values, funnels the share of those who entered in an interval that came to the end, retention the
share of a cohort that came back in the period after, lifecycle a line a status, HogQL its number columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from posthog_mcp.analysis.asked import Asked, Definitions, Metric, asked_of
from posthog_mcp.analysis.rows import MOST_LINES, from_rows
from posthog_mcp.analysis.series import WIDEN, MetricSeries, Unit
from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.insights.dates import floor, following, label, moment
from posthog_mcp.insights.funnel import number, require
from posthog_mcp.insights.funnel_query import trend_query
from posthog_mcp.insights.question import PROPERTY_MATHS, Question
from posthog_mcp.insights.run import MAX_ROWS, framed, run_insight
from posthog_mcp.insights.trends import period_label
from posthog_mcp.insights.trends_table import ADDITIVE
from posthog_mcp.insights.words import Interval
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json, Note

HISTORY: Mapping[Interval, str] = {"hour": "-28d", "day": "-90d", "week": "-52w", "month": "-24m"}
"""How far back a metric is looked at where nobody says."""
DAYS_BACK: Mapping[Interval, int] = {"hour": 28, "day": 84, "week": 728, "month": 1460}
"""History before a stretch that says what is usual."""
SHORT = 0.75
"""An interval counts as over when the project's newest event lies beyond this part of it."""
NO_EVENTS = "Import events (posthog-mcp local import), or capture some, first."
TELLING = frozenset({"trends", "funnel", "retention", "lifecycle"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The range and interval that a caller asks for; empty: the metric's own interval, its usual history up to now."""

    date_from: str = ""
    date_to: str = ""
    interval: Interval | None = None
    most_lines: int = MOST_LINES
    """Lines of a query's rows that are kept, the biggest."""


async def series_of(
    project: Project,
    metric: Metric,
    *,
    date_from: str = "",
    date_to: str = "",
    interval: Interval | None = None,
    line: str = "",
    definitions: Definitions | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> MetricSeries:
    """One line of a metric; `line` names it where there are several (the first is taken where none is named).

    Raises:
        InvalidInput: the metric cannot be read, has no values over time, or has no such line.
        NotFound: there is no insight, definition or result of this name.
        PostHogMcpError: what the backend says.
    """
    wanted = Wanted(date_from, date_to, interval)
    lines = await lines_of(project, metric, wanted, definitions=definitions, now=now, progress=progress)
    if not line:
        return lines[0]
    for each in lines:
        if line in (each.name, each.name.rpartition(" · ")[2]):
            return each
    names = [each.name for each in lines]
    told = ", ".join(nearest(line, names)) or ", ".join(names[:8])
    raise InvalidInput(f"{names[0]!r} has no line {line!r}.", fix=f"Lines: {told}.")


async def lines_of(
    project: Project,
    metric: Metric,
    wanted: Wanted | None = None,
    *,
    definitions: Definitions | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> list[MetricSeries]:
    """Every line of a metric, the biggest first.

    Raises:
        InvalidInput: the metric cannot be read, or has no values over time.
        NotFound: there is no insight, definition or result of this name.
        PostHogMcpError: what the backend says.
    """
    asked = await asked_of(project, metric, definitions)
    return await lines_of_asked(project, asked, wanted or Wanted(), now, progress)


async def lines_of_asked(
    project: Project, asked: Asked, wanted: Wanted, now: datetime | None = None, progress: Progress | None = None
) -> list[MetricSeries]:
    """The lines of a metric that has been read.

    Raises:
        InvalidInput: it has no values over time, or none that are complete.
        PostHogMcpError: what the backend says.
    """
    info = await project.driver.project()
    if asked.question is not None:
        lines = await of_question(project, asked, ranged(asked.question, wanted), now, progress)
    elif asked.query_id:
        table, about = await project.stored.load(asked.query_id)
        hogql = str(about.get("hogql") or "")
        lines = from_rows(info, asked.name, table.columns, table.rows, asked.query_id, hogql, wanted.most_lines)
    else:
        result = await run_hogql(project, asked.hogql, values=asked.values, limit=MAX_ROWS, progress=progress)
        table = result.table
        lines = from_rows(info, asked.name, table.columns, table.rows, result.query_id, result.hogql, wanted.most_lines)
    present = (now or datetime.now(UTC)).astimezone(ZoneInfo(info.timezone)).replace(tzinfo=None)
    newest = await newest_event(project, lines, present)
    done = [replace(complete(each, present, newest), url=asked.url) for each in lines]
    if not any(each.n for each in done):
        raise await nothing_complete(project, asked, done)
    return done


async def nothing_complete(project: Project, asked: Asked, lines: Sequence[MetricSeries]) -> InvalidInput:
    """Why there is nothing to look at, and what to do about it."""
    catalogue = await project.driver.catalogue()
    if not catalogue.history and catalogue.embedded:
        return InvalidInput(f"The project has no events, so {asked.name!r} has no values.", fix=NO_EVENTS)
    text = f"{asked.name!r} has no complete {lines[0].interval if lines else 'interval'} (n = 0)."
    return InvalidInput(text, fix="Give an earlier date_from." if asked.question else WIDEN)


def ranged(question: Question, wanted: Wanted) -> Question:
    """The question over the range that is looked at, as plain lines.

    Raises:
        InvalidInput: its kind has no values over time.
    """
    if question.kind not in TELLING:
        text = f"An insight of kind {question.kind} has no values over time."
        raise InvalidInput(text, fix=f"Use {', '.join(sorted(TELLING))}, or HogQL with a time column first.")
    interval = wanted.interval or (question.period if question.kind == "retention" else question.interval)
    dates = {"date_from": wanted.date_from or HISTORY[interval], "date_to": wanted.date_to}
    plain = {"compare": "", "aggregate": False, "cumulative": False, "smoothing": 1, "interval": interval}
    own = {"period": interval, "periods": 2, "funnel_view": "trend"}
    return question.model_copy(update={**dates, **plain, **own})


async def of_question(
    project: Project, asked: Asked, question: Question, now: datetime | None, progress: Progress | None
) -> list[MetricSeries]:
    """The lines of an insight.

    Raises:
        InvalidInput: it gave none.
        PostHogMcpError: what the backend says.
    """
    if question.kind == "funnel":
        return await of_funnel(project, asked.name, question, now, progress)
    if question.kind == "retention":
        question = question.model_copy(update={"breakdowns": []})
    found = await run_insight(project, question, progress=progress)
    columns, rows = found.answer.columns, found.answer.rows
    made: list[MetricSeries] = []
    for name, labels, values, of in table_lines(question, [each.name for each in columns], rows):
        named = asked.name if len(columns) == 2 or question.kind == "retention" else f"{asked.name} · {name}"
        made.append(
            MetricSeries(
                name=named,
                labels=tuple(labels),
                values=tuple(values),
                interval=question.interval,
                unit=unit_of(question),
                adds=question.kind == "trends" and not question.formula and question.series[0].math in ADDITIVE,
                project=found.project,
                of=tuple(of),
                question=question,
                query_id=found.query_id,
                hogql=found.hogql,
                notes=found.warnings,
            )
        )
    if not made:
        raise InvalidInput(f"{asked.name!r} has no values in this range.", fix="Give an earlier date_from.")
    return made


Line = tuple[str, list[str], list[float], list[float]]


def table_lines(question: Question, names: Sequence[str], rows: Sequence[Sequence[Json]]) -> list[Line]:
    """Name, labels, values and denominators of each line of an answer's table."""
    if question.kind == "retention":
        cohorts = [row for row in rows if row[0] not in ("all", "of") and row[3] is not None and row[-1] != 1]
        sizes = [number(row[1]) or 0.0 for row in cohorts]
        shares = [(number(row[3]) or 0.0) / size if size else 0.0 for row, size in zip(cohorts, sizes, strict=True)]
        return [("share back", [str(row[0]) for row in cohorts], shares, sizes)]
    labels = [str(row[0]) for row in rows]
    return [(name, labels, [number(row[at]) or 0.0 for row in rows], []) for at, name in enumerate(names) if at]


def unit_of(question: Question) -> Unit:
    """What the values are."""
    if question.kind == "retention":
        return "share"
    maths = {each.math for each in question.series}
    if question.formula or maths & PROPERTY_MATHS or any("hogql" in each or "per_actor" in each for each in maths):
        return "value"
    return "count"


async def of_funnel(
    project: Project, name: str, question: Question, now: datetime | None, progress: Progress | None
) -> list[MetricSeries]:
    """A funnel's conversion by entry: those who came to the end, of those who entered. The rows hold both counts, which
    the insight's own table does not, so the HogQL runs on both backends."""
    frame = await framed(project, question, now)
    require(frame)
    result = await run_hogql(project, trend_query(frame), limit=MAX_ROWS, progress=progress)
    counts: dict[str, dict[str, tuple[float, float]]] = {}
    for breakdown, entry, entered, came in result.table.rows:
        at = period_label(frame, str(entry))
        counts.setdefault(str(breakdown), {})[at] = (number(came) or 0.0, number(entered) or 0.0)
    made: list[MetricSeries] = []
    for value, line in counts.items() or [("", dict[str, tuple[float, float]]())]:
        pairs = [line.get(each, (0.0, 0.0)) for each in frame.labels()]
        made.append(
            MetricSeries(
                name=f"{name} · {value}" if question.breakdowns else name,
                labels=tuple(frame.labels()),
                values=tuple(came / entered if entered else 0.0 for came, entered in pairs),
                interval=question.interval,
                unit="share",
                project=frame.project,
                of=tuple(entered for _, entered in pairs),
                question=question,
                query_id=result.query_id,
                hogql=result.hogql,
            )
        )
    return sorted(made, key=lambda each: -sum(each.of))


async def newest_event(project: Project, lines: Sequence[MetricSeries], present: datetime) -> datetime | None:
    """When the project's newest event happened (wall time), asked only where lines end in nothing or run up to now."""
    ends = max((each.labels[-1] for each in lines if each.labels), default="")
    if not ends or (all(each.values[-1] for each in lines if each.values) and ends < f"{present:%Y-%m-%d}"):
        return None
    catalogue = await project.driver.catalogue()
    zone = ZoneInfo((await project.driver.project()).timezone)
    if catalogue.history:
        return catalogue.history[1].astimezone(zone).replace(tzinfo=None)
    query = "SELECT max(timestamp) AS newest FROM events WHERE timestamp > now() - INTERVAL 400 DAY LIMIT 1"
    rows = (await run_hogql(project, query)).table.rows
    try:
        return datetime.fromisoformat(str(rows[0][0])).astimezone(zone).replace(tzinfo=None)
    except (IndexError, ValueError):
        return None


def complete(series: MetricSeries, present: datetime, newest: datetime | None) -> MetricSeries:
    """Without the interval that is not over, and without those after the project's newest event."""
    kept = [at for at, each in enumerate(series.labels) if over(each, series.interval, present)]
    notes: list[Note] = []
    if len(kept) < series.n:
        left = series.labels[len(kept)]
        notes.append(Note("incomplete_period", f"The {series.interval} of {left} is not over; it is left out."))
    if newest is not None:
        seen = [at for at in kept if reached(series.labels[at], series.interval, newest)]
        if len(seen) < len(kept):
            text = f"The project's newest event is of {newest:%Y-%m-%d %H:%M}; {len(kept) - len(seen)} later "
            notes.append(Note("no_data_since", f"{text}{series.interval}s without any data are left out."))
        kept = seen
    return replace(series.of_indices(kept), notes=(*series.notes, *notes))


def over(start: str, interval: Interval, present: datetime) -> bool:
    return following(datetime.fromisoformat(start), interval) <= present


def reached(start: str, interval: Interval, newest: datetime) -> bool:
    """The interval is full up to its end, as far as the newest event tells."""
    begun = datetime.fromisoformat(start)
    length: timedelta = following(begun, interval) - begun
    return begun + SHORT * length <= newest


async def history_of(
    project: Project,
    metric: Metric,
    date_from: str,
    date_to: str,
    *,
    definitions: Definitions | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> tuple[MetricSeries, str]:
    """A metric's series with the history that a judgement of its range needs, and the label at which the range begins
    (empty: nobody says; all of it is the range).

    Raises:
        InvalidInput: the metric or a date cannot be read.
        NotFound: there is no insight, definition or result of this name.
        PostHogMcpError: what the backend says.
    """
    asked = await asked_of(project, metric, definitions)
    info = await project.driver.project()
    unit = asked.question.interval if asked.question else "day"
    first, start = "", date_from
    if date_from and date_from != "all":
        present = (now or datetime.now(UTC)).astimezone(ZoneInfo(info.timezone))
        begins = floor(moment(date_from, present, "date_from"), unit, info.week_start_day)
        first, start = label(begins, unit), f"{begins - timedelta(days=DAYS_BACK[unit]):%Y-%m-%d}"
    lines = await lines_of_asked(project, asked, Wanted(start, date_to), now, progress)
    return lines[0], first
