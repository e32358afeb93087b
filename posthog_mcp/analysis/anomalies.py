"""Is it normal: single intervals that do not fit what came before, and levels that changed and stayed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.stats.changes import Change, changes
from posthog_mcp.analysis.stats.multiple import benjamini_hochberg
from posthog_mcp.analysis.stats.residuals import Judged, judge, measure_for
from posthog_mcp.analysis.stats.seasons import seasons_of
from posthog_mcp.results import Json

LEAST = 28
"""Complete intervals below which nothing is judged."""
ALPHA = 0.05
"""False discovery rate of one scan; also the share of pure-noise series in which anything is reported."""
MISSING_FROM = 10
"""Expected counts from which a 0 is told as missing data."""
Kind = Literal["spike", "drop", "missing"]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An interval that is out of the ordinary. `low` to `high` is the 95 % band of usual values; `p` the chance of one
    so far off, `q` that chance corrected for how many intervals were looked at."""

    label: str
    value: float
    expected: float
    low: float
    high: float
    p: float
    q: float
    kind: Kind

    @property
    def relative(self) -> float | None:
        """The difference from what was expected as a share of it."""
        return (self.value - self.expected) / self.expected if self.expected else None

    def as_row(self) -> list[Json]:
        return [
            self.label,
            self.kind,
            self.value,
            rounded(self.expected),
            rounded(self.low),
            rounded(self.high),
            rounded(self.q),
        ]


@dataclass(frozen=True, slots=True)
class Shift:
    """From `label` on the level is another; the date lies in `first` to `last` with 95 %. `change` is relative, None
    where the level before was 0; levels are means of the intervals themselves."""

    label: str
    first: str
    last: str
    before: float
    after: float
    change: float | None
    z: float


def detect(series: MetricSeries, *, alpha: float = ALPHA, last: int | None = None, first: str = "") -> list[Anomaly]:
    """Intervals that do not fit, oldest first; of the `last` ones alone where that is given (alerts look at 1), or of
    those from the label `first` on.

    Of what is reported, a share of at most `alpha` is expected to be chance (Benjamini and Hochberg over the intervals
    looked at); in pure noise something is reported with probability `alpha`.

    Raises:
        InvalidInput: there are fewer than 28 complete intervals.
    """
    series.need(LEAST, "Telling unusual values")
    start = series.n - last if last is not None else 0
    looked = [each for each in judged(series) if each.at >= start and series.labels[each.at] >= first]
    adjusted = benjamini_hochberg([each.p for each in looked])
    return [anomaly(series, each, q) for each, q in zip(looked, adjusted, strict=True) if q <= alpha]


def judged(series: MetricSeries) -> list[Judged]:
    """Every interval that has enough history, with its band: what `detect` decides on. Where there are two seasons (day
    and week of hours), a value has to be unusual for both."""
    seasons = seasons_of(series.interval, series.n)
    options = {"counts": series.unit == "count", "shares": series.unit == "share"}
    runs = [judge(series.values, period, of=series.of, **options) for period in seasons or (1,)]
    if len(runs) == 1:
        return runs[0]
    longest = {each.at: each for each in runs[-1]}
    return [max(each, longest[each.at], key=lambda one: one.p) for each in runs[0] if each.at in longest]


def anomaly(series: MetricSeries, found: Judged, q: float) -> Anomaly:
    kind: Kind = "spike" if found.value > found.expected else "drop"
    if series.unit == "count" and found.value == 0 and found.expected >= MISSING_FROM:
        kind = "missing"
    return Anomaly(series.labels[found.at], found.value, found.expected, found.low, found.high, found.p, q, kind)


def shifts(series: MetricSeries) -> list[Shift]:
    """Levels that changed and stayed, oldest first; of hours, day by day, since nights are no levels."""
    if series.interval == "hour":
        return shifts(daily(series))
    measure = measure_for(series.values, counts=series.unit == "count", shares=series.unit == "share")
    of = series.of or (0.0,) * series.n
    scaled = [measure.of(value, n) for value, n in zip(series.values, of, strict=True)]
    found = changes(scaled, seasons_of(series.interval, series.n))
    bounds = [0, *(each.at for each in found), series.n]
    return [shift(series, each, bounds[place], bounds[place + 2]) for place, each in enumerate(found)]


def daily(series: MetricSeries) -> MetricSeries:
    """The complete days of a series of hours."""
    days: dict[str, list[int]] = {}
    for at, label in enumerate(series.labels):
        days.setdefault(label[:10], []).append(at)
    whole = {day: places for day, places in days.items() if len(places) >= 23}
    bounds = [(places[0], places[-1] + 1) for places in whole.values()]
    return replace(
        series,
        interval="day",
        labels=tuple(whole),
        values=tuple(
            sum(series.values[start:end]) if series.adds else mean(series, start, end) for start, end in bounds
        ),
        of=tuple(sum(series.of[start:end]) for start, end in bounds) if series.of else (),
    )


def shift(series: MetricSeries, found: Change, start: int, end: int) -> Shift:
    """A change with the means of the intervals on both sides."""
    before, after = mean(series, start, found.at), mean(series, found.at, end)
    labels = series.labels
    relative = (after - before) / before if before else None
    return Shift(labels[found.at], labels[found.first], labels[found.last], before, after, relative, found.z)


def mean(series: MetricSeries, start: int, end: int) -> float:
    """Of the intervals; of shares, weighted by their denominators."""
    weights = series.of[start:end] if series.of else (1.0,) * (end - start)
    total = sum(weights)
    values = series.values[start:end]
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total if total else 0.0


def rounded(value: float) -> float:
    """Four digits: more would pretend."""
    return float(f"{value:.4g}")
