"""Metrics over time in a report: the period against the one before, what is beyond season and noise, odd days."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from posthog_mcp.analysis.anomalies import LEAST, Anomaly, Shift, detect
from posthog_mcp.analysis.confirm import confirmed, window_of
from posthog_mcp.analysis.explanation import Confirmation, Window
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.stats.correlating import TREND
from posthog_mcp.analysis.stats.robust import autocorrelation
from posthog_mcp.analysis.stats.seasons import moving_median, seasons_of, without_season
from posthog_mcp.analysis.windows import Stretch, held
from posthog_mcp.charts.chart import Chart
from posthog_mcp.charts.text import bins, spark
from posthog_mcp.delivery.message import quoted
from posthog_mcp.insights.dates import floor, following
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.reports.findings import Examined, Finding, Kind, Period, Trend
from posthog_mcp.results import Json

SHOWN_DAYS = 60
TELLING = 4.0
"""Widths of a usual range, over what is expected, from which it says nothing."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A series over the period and the one before."""

    series: MetricSeries
    now: Window
    before: Window | None
    sure: Confirmation

    @property
    def change(self) -> float | None:
        """Relative; of shares, in points."""
        if self.before is None:
            return None
        if self.series.unit == "share":
            return self.now.value - self.before.value
        scale = self.now.intervals / self.before.intervals if self.series.adds else 1.0
        base = self.before.value * scale
        return self.now.value / base - 1 if base else None


def compared(series: MetricSeries, period: Period) -> Compared | None:
    """The complete intervals of the period; of weeks and months, the last one that ended not long before its end."""
    stretch = stretch_of(series, period)
    if not held(series, stretch.labels()):
        return None
    shift = -len(stretch.labels()) if series.interval in ("week", "month") else None
    before = stretch.moved(shift) if shift else Stretch(period.before, period.before_end, series.interval)
    there = window_of(series, before) if held(series, before.labels()) else None
    return Compared(series, window_of(series, stretch), there, confirmed(series, stretch))


def stretch_of(series: MetricSeries, period: Period) -> Stretch:
    if series.interval not in ("week", "month") or not series.labels:
        return Stretch(period.start, period.end, series.interval)
    fitting = [each for each in series.labels if following(datetime.fromisoformat(each), series.interval) <= period.end]
    last = datetime.fromisoformat((fitting or list(series.labels))[-1])
    first = last
    while floor_before(first, series) >= period.start and f"{floor_before(first, series):%Y-%m-%d}" in series.labels:
        first = floor_before(first, series)
    return Stretch(first, following(last, series.interval), series.interval)


def floor_before(moment: datetime, series: MetricSeries) -> datetime:
    return floor(moment - timedelta(days=1), series.interval, series.project.week_start_day)


def value(series: MetricSeries, number: float) -> str:
    """A value as people read it."""
    if series.unit == "share":
        return percent(number)
    return shown(round(number)) if abs(number) >= 100 or number == int(number) else shown(round(number, 2))


def moved(found: Compared) -> str:
    """`up 12.0 % on 345 the week before`."""
    series, before = found.series, found.before
    if before is None or found.change is None:
        return "nothing to compare it with"
    scale = found.now.intervals / before.intervals if series.adds else 1.0
    base = value(series, before.value * scale)
    if found.now.value == before.value * scale:
        return f"the same as before ({base})"
    word = "up" if found.change > 0 else "down"
    size = f"{abs(found.change) * 100:.1f} points" if series.unit == "share" else percent(abs(found.change))
    return f"{word} {size} on {base}"


def measure(series: MetricSeries) -> str:
    """What the number of a period is."""
    return "" if series.adds or series.unit == "share" else f" a {series.interval} on average"


def trend_of(found: Compared, dashboard: str) -> Trend:
    """Its line: value, change, usual range, picture in characters."""
    series, sure = found.series, found.sure
    span = found.now.first if found.now.first == found.now.last else f"{found.now.first} to {found.now.last}"
    usual = ""
    if sure.basis and sure.high - sure.low <= TELLING * abs(sure.expected):
        usual = f"; usual {value(series, sure.low)} to {value(series, sure.high)}"
    at = "" if series.interval == "day" else f" ({span})"
    text = f"{value(series, found.now.value)}{measure(series)}{at}, {moved(found)}{usual}"
    recent = list(series.values[-SHOWN_DAYS:])
    picture = spark(bins(recent, 30))
    return Trend(quoted(series.name, 80), dashboard, text, picture, chart_of(series), series.query_id, series.hogql)


def chart_of(series: MetricSeries) -> Chart:
    """The last intervals as a line."""
    rows: list[list[Json]] = [
        [label, number] for label, number in zip(series.labels[-SHOWN_DAYS:], series.values[-SHOWN_DAYS:], strict=True)
    ]
    unit = "percent" if series.unit == "share" else "none"
    return Chart("line", quoted(series.name, 80), (series.interval, "value"), rows, series.interval, "value", unit=unit)


def examine_series(series: MetricSeries, period: Period, dashboard: str, kind: Kind = "change") -> Examined:
    """A metric's trend and findings in the period."""
    found = compared(series, period)
    if found is None:
        note = f"**{quoted(series.name, 80)}** has no complete {series.interval} in {period.words}."
        return Examined(notes=(note,))
    findings = [*changes(found, dashboard, kind), *odd(found, period, dashboard)]
    daily = (series,) if series.interval == "day" else ()
    return Examined((trend_of(found, dashboard),), tuple(findings), daily, tests=1 + looks_for_odd(series, period))


def changes(found: Compared, dashboard: str, kind: Kind) -> list[Finding]:
    """A change of the whole period beyond season and noise."""
    series, sure = found.series, found.sure
    if found.change is None or (sure.p > 0.05 and not sure.shifts) or sure.basis == 0:
        return []
    name = quoted(series.name, 80)
    text = f"**{name}**: {value(series, found.now.value)}{measure(series)}, {moved(found)}"
    since = [each for each in sure.shifts if (each.after - each.before) * found.change > 0]
    if sure.p <= 0.05:
        usual = f"{value(series, sure.low)} to {value(series, sure.high)}"
        text = f"{text}; expected {value(series, sure.expected)} ({usual})"
    if since:
        text = f"{text}; the level is another since {since[-1].label}"
    size = abs(found.now.value - sure.expected) / max(abs(sure.expected), 1e-9)
    about = [("value", found.now.value), ("expected", sure.expected), ("low", sure.low), ("high", sure.high)]
    shares = (("change", found.change),)
    return [
        Finding(
            kind=kind,
            metric=name,
            text=f"{text}.",
            score=50 + min(size, 1.0) * 30,
            p=min([sure.p, *(chance_of_shift(series, each) for each in since)]),
            dashboard=dashboard,
            about=(*about, *shares),
            query_id=series.query_id,
            hogql=series.hogql,
            url=series.url,
        )
    ]


def looks_for_odd(series: MetricSeries, period: Period) -> bool:
    """Whether single intervals are judged: with enough past, and days in a daily report."""
    return series.n >= LEAST and (period.days > 1 or series.interval == "day")


def odd(found: Compared, period: Period, dashboard: str) -> list[Finding]:
    """Unusual intervals of the period, several told together."""
    series = found.series
    if not looks_for_odd(series, period):
        return []
    last = len(held(series, stretch_of(series, period).labels()))
    inside = [each for each in detect(series, last=last) if each.label >= found.now.first]
    if not inside:
        return []
    name = quoted(series.name, 80)
    worst = sorted(inside, key=lambda each: each.q)[:3]
    told = "; ".join(odd_text(series, each) for each in sorted(worst, key=lambda each: each.label))
    more = f" and {len(inside) - len(worst)} more" if len(inside) > len(worst) else ""
    score = 45 + 10 * (worst[0].kind == "missing") + min(20.0, 10 * max(abs(each.relative or 1.0) for each in worst))
    days: list[Json] = [each.label for each in inside]
    about: tuple[tuple[str, Json], ...] = (("days", days), ("value", worst[0].value), ("expected", worst[0].expected))
    return [
        Finding(
            "anomaly", name, f"**{name}**: {told}{more}.", score, worst[0].q, dashboard,
            about, series.query_id, series.hogql, series.url,
        )
    ]  # fmt: skip


def chance_of_shift(series: MetricSeries, found: Shift) -> float:
    """The chance of so large a step somewhere in noise: that of its z, times the places where it may lie. A series with
    inertia wanders by itself, so z is taken over the standard error of means of an autoregressive process."""
    flat = without_season(series.values, seasons_of(series.interval, series.n))
    trend = moving_median(flat, TREND)
    rho = min(max(autocorrelation([value - at for value, at in zip(flat, trend, strict=True)]), 0.0), 0.9)
    z = abs(found.z) / math.sqrt((1 + rho) / (1 - rho))
    return min(1.0, series.n * math.erfc(z / math.sqrt(2)))


def odd_text(series: MetricSeries, each: Anomaly) -> str:
    usual = f"usual {value(series, max(each.low, 0.0))} to {value(series, each.high)}"
    word = "no data" if each.kind == "missing" else value(series, each.value)
    return f"{word} on {each.label} ({each.kind}; {usual})"
