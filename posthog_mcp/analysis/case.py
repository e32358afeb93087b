"""What an explanation works on: a metric with its history, and the two stretches in it that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from posthog_mcp.analysis.asked import Asked
from posthog_mcp.analysis.metrics import DAYS_BACK, HISTORY, Wanted, lines_of_asked
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.subject import Subject, subject_of, whole_line
from posthog_mcp.analysis.windows import Stretch, baseline_of, current_of
from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.insights.dates import Span, floor, following, label, moment
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.question import Question
from posthog_mcp.insights.words import Interval
from posthog_mcp.project import Project
from posthog_mcp.results import Note

MOST_LINES = 2_000
"""Lines of a query's rows that are summed."""


@dataclass(frozen=True, slots=True)
class Case:
    """A metric with the two stretches that are compared. `now` is the present wall time of the project's zone."""

    project: Project
    catalogue: Catalogue
    asked: Asked
    lines: Sequence[MetricSeries]
    current: Stretch
    baseline: Stretch
    now: datetime
    progress: Progress | None
    subject: Subject
    series: MetricSeries
    """The one line that is explained."""

    @property
    def question(self) -> Question | None:
        """The insight whose events are counted; None where only rows are known."""
        return self.asked.question or self.subject.like

    @property
    def earlier(self) -> Stretch:
        """As long as the baseline and just before it: what segments did when nothing is asked about."""
        return self.baseline.moved(-len(self.baseline.labels()))

    def frame(self, question: Question, stretch: Stretch) -> Frame:
        """A question over one of the stretches."""
        plain: dict[str, object] = {"breakdowns": [], "compare": "", "interval": stretch.interval}
        span = Span(stretch.start, stretch.end - timedelta(microseconds=1))
        return Frame(question.model_copy(update=plain), self.series.project, self.catalogue, span, self.now)


@dataclass(frozen=True, slots=True)
class Range:
    """What the caller says: texts as run_insight takes them; `baseline` previous, a distance, or from..to."""

    date_from: str = ""
    date_to: str = ""
    baseline: str = ""
    interval: Interval | None = None


async def case_of(
    project: Project, asked: Asked, given: Range, now: datetime | None, progress: Progress | None
) -> Case:
    """The metric's history around the stretch, and the two stretches in it.

    Raises:
        InvalidInput: the ranges cannot be read, overlap, or hold no complete interval.
        PostHogMcpError: what the backend says.
    """
    subject = await subject_of(project, asked)
    asked = subject.asked
    info, catalogue = await project.driver.project(), await project.driver.catalogue()
    present = (now or datetime.now(UTC)).astimezone(ZoneInfo(info.timezone))
    unit = given.interval or (asked.question.interval if asked.question else "day")
    first, last = bounds(given, present, unit, info.week_start_day)
    until = ""
    if last and asked.question is not None:  # the whole of the last week or month, not its first day
        until = f"{following(datetime.fromisoformat(last), unit) - timedelta(seconds=1):%Y-%m-%d}"
    if until and asked.question is not None and asked.question.kind == "retention":
        until = f"{following(datetime.fromisoformat(last), unit):%Y-%m-%d}"  # the period that people come back in
    wanted = Wanted(back(first, unit) if first else HISTORY[unit], until, given.interval, MOST_LINES)
    lines = await lines_of_asked(project, asked, wanted, now, progress)
    if subject.regrouped:
        lines = await regrouped(project, subject, lines[0], now, progress)
    current = current_of(lines[0], first, last)
    baseline = baseline_of(lines[0], current, given.baseline, info.week_start_day)
    if baseline.end > current.start and baseline.start < current.end:
        raise InvalidInput("The baseline and the range that is asked about overlap.", fix="Give an earlier baseline.")
    start = label(min(baseline.start, current.start), unit)
    if start < lines[0].labels[0] and asked.question is not None:
        lines = await lines_of_asked(project, asked, replace(wanted, date_from=back(start, unit)), now, progress)
    early: tuple[Note, ...] = ()
    if asked.question is not None and catalogue.history:
        opened = catalogue.history[0].astimezone(ZoneInfo(info.timezone)).replace(tzinfo=None)
        begun = floor(opened, unit, info.week_start_day)
        baseline, early = with_data(baseline, begun)
        lines = [each.between(label(begun, unit), each.labels[-1]) for each in lines]
    series, notes = whole_line(subject, lines)
    series = replace(series, notes=(*series.notes, *subject.notes, *notes, *early))
    present = present.replace(tzinfo=None)
    return Case(project, catalogue, asked, lines, current, baseline, present, progress, subject, series)


def with_data(baseline: Stretch, begun: datetime) -> tuple[Stretch, tuple[Note, ...]]:
    """The baseline from the interval on in which the project's data begin: what lies before is unknown, not 0.

    Raises:
        InvalidInput: none of it has data.
    """
    if baseline.start >= begun:
        return baseline, ()
    unit, count = baseline.interval, len(baseline.labels())
    since = f"the project's data begin on {begun:%Y-%m-%d}"
    if baseline.end <= begun:
        text = f"The baseline {baseline.start:%Y-%m-%d} to {baseline.end:%Y-%m-%d} has data in 0 of {count} {unit}s"
        raise InvalidInput(f"{text}: {since}.", fix="Give a later date_from, or a baseline after that.")
    kept = replace(baseline, start=begun)
    text = f"Of the baseline's {count} {unit}s, {len(kept.labels())} are compared: {since}."
    return kept, (Note("short_baseline", text, "Give a later baseline for the same length and weekdays."),)


async def regrouped(
    project: Project, subject: Subject, line: MetricSeries, now: datetime | None, progress: Progress | None
) -> list[MetricSeries]:
    """What a query asks, without the columns by which it groups what does not sum, over the same intervals."""
    alone = Asked(subject.asked.name, question=subject.like)
    wanted = Wanted(line.labels[0][:10], line.labels[-1][:10], line.interval)
    return await lines_of_asked(project, alone, wanted, now, progress)


def back(first: str, interval: Interval) -> str:
    """The day from which history is asked for."""
    return f"{datetime.fromisoformat(first) - timedelta(days=DAYS_BACK[interval]):%Y-%m-%d}"


def bounds(given: Range, present: datetime, interval: Interval, monday: int) -> tuple[str, str]:
    """The labels of the first and last interval that are asked for; empty where nobody says."""
    found = ["", ""]
    for at, (text, name) in enumerate(((given.date_from, "date_from"), (given.date_to, "date_to"))):
        if text:
            wall = moment(text, present, name)
            if at and interval == "hour" and len(text) == 10:
                wall = wall.replace(hour=23)
            found[at] = label(floor(wall, interval, monday), interval)
    return found[0], found[1]
