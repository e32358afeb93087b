"""What a report consists of: findings with numbers, trends with their series, and the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.charts.chart import Chart
from posthog_mcp.results import Json, ProjectInfo

Kind = Literal[
    "change", "shift", "anomaly", "table", "funnel", "growth", "retention", "segment", "feature",
    "experiment", "errors", "outage", "completion", "driver", "correlation", "release", "quality",
]  # fmt: skip
ReportKind = Literal["daily", "weekly"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say. `score` ranks (above 0); `p` is the chance of it without a cause, None where none was computed.
    `about` holds the numbers by name."""

    kind: Kind
    metric: str
    text: str
    score: float
    p: float | None = None
    dashboard: str = ""
    about: tuple[tuple[str, Json], ...] = ()
    query_id: str = ""
    hogql: str = ""
    url: str | None = None
    compared: tuple[str, str] = ("", "")
    """Id and HogQL of the query that the numbers before come from, where it is another."""
    days: tuple[str, str] | None = None
    """First and last day of the data behind it, where they are not the report's."""
    source: str = ""
    """Where it was read, where that is no query."""

    def as_json(self) -> dict[str, Json]:
        shown: dict[str, Json] = {
            "kind": self.kind,
            "metric": self.metric,
            "text": self.text,
            "score": round(self.score, 1),
        }
        more = {
            "p": self.p,
            "dashboard": self.dashboard,
            "query_id": self.query_id,
            "compared_query_id": self.compared[0],
            "source": self.source,
            "url": self.url,
        }
        return {**shown, **{key: value for key, value in more.items() if value}, **dict(self.about)}


@dataclass(frozen=True, slots=True)
class Period:
    """The days looked at and those before them: wall times of the project's zone, `start` to, without, `end`."""

    start: datetime
    end: datetime
    days: int
    before: datetime
    """Where the compared period starts; it has as many days, a whole number of weeks earlier."""
    before_end: datetime
    zone: str = "UTC"
    stale: str = ""
    """Since when there are no events, where that is longer than a day."""

    @property
    def first(self) -> str:
        return f"{self.start:%Y-%m-%d}"

    @property
    def last(self) -> str:
        """The last day, held."""
        return f"{self.end - (self.end - self.start) / max(self.days, 1):%Y-%m-%d}"

    @property
    def moment(self) -> datetime:
        """The end as an instant: what was not over then counts as not over."""
        return self.end.replace(tzinfo=ZoneInfo(self.zone))

    @property
    def words(self) -> str:
        return self.first if self.days == 1 else f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Trend:
    """A line of the trends section: what it was, and how that stands to the period before."""

    name: str
    dashboard: str
    text: str
    spark: str = ""
    chart: Chart | None = None
    query_id: str = ""
    hogql: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of one insight or check."""

    trends: tuple[Trend, ...] = ()
    findings: tuple[Finding, ...] = ()
    series: tuple[MetricSeries, ...] = ()
    """For correlations: daily, one a line."""
    metric: Json = None
    """The insight as an explanation takes it."""
    dashboard: str = ""
    notes: tuple[str, ...] = ()
    tests: int = 0
    """How many tests were made, those without a finding too: all count in the correction."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report. `summary` is the executive summary; `quiet`: a daily report with nothing to say."""

    id: str
    kind: ReportKind
    project: ProjectInfo
    period: Period
    dashboards: tuple[str, ...]
    summary: tuple[str, ...]
    trends: tuple[Trend, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    questions: tuple[str, ...]
    quiet: bool
    writer: str = "built-in"
    checked: int = 0
    """Metrics looked at."""
    pictures: tuple[Chart, ...] = field(default=())

    def of(self, *kinds: Kind) -> list[Finding]:
        """Findings of these kinds, the most important first."""
        return [each for each in self.findings if each.kind in kinds]


def ranked(findings: Sequence[Finding], tests: int = 0, false_share: float = 0.05) -> list[Finding]:
    """The findings that stand after correcting for all `tests` of the report, those that found nothing too, the most
    important first; one a text. Where nothing but noise was tested, anything stands with chance `false_share`."""
    from posthog_mcp.analysis.stats.multiple import benjamini_hochberg

    tested = [each for each in findings if each.p is not None]
    silent = [1.0] * (tests - len(tested))
    adjusted = benjamini_hochberg([*(each.p for each in tested if each.p is not None), *silent])[: len(tested)]
    kept = [replace(each, p=q) for each, q in zip(tested, adjusted, strict=True) if q <= false_share]
    kept += [each for each in findings if each.p is None]
    unique = {each.text: each for each in sorted(kept, key=lambda each: each.score)}
    return sorted(unique.values(), key=lambda each: -each.score)
