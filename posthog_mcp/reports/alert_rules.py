"""What an alert is, whether a value sets it off, and how its state moves. No fetching here.

A state moves once for each new interval of the metric. It fires when the rule is broken for `after` intervals in a row,
and is over when the value is back inside by the hysteresis. While it fires, it notifies again after its cooldown only.
In quiet hours and while muted it moves silently; what is still firing afterwards is told then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from posthog_mcp.analysis.anomalies import LEAST, detect
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.words import Interval
from posthog_mcp.reports.trends import value as told
from posthog_mcp.results import Json

Rule = Literal["absolute", "relative", "anomaly", "theme_growth"]
PREVIOUS = {"hour": 24, "day": 7, "week": 1, "month": 1}
"""Intervals back that a relative alert compares with: the same hour of the day before, the same weekday."""
Event = Literal["fired", "again", "resolved", ""]


class Alert(BaseModel):
    """An alert as it is saved. `lower` and `upper` are in the metric's unit; `change` is a fraction (0.3: by 30 %)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = ""
    name: str = Field(min_length=1, max_length=120)
    rule: Rule = "anomaly"
    metric: JsonValue = None
    line: str = ""
    interval: Interval | None = None
    lower: float | None = Field(default=None, allow_inf_nan=False)
    upper: float | None = Field(default=None, allow_inf_nan=False)
    change: float = Field(default=0.3, gt=0, le=100)
    direction: Literal["up", "down", "both"] = "both"
    theme: str = ""
    after: int = Field(default=1, ge=1, le=30)
    hysteresis: float = Field(default=0.0, ge=0, le=1)
    cooldown_hours: float = Field(default=24.0, ge=0, le=24 * 90)
    quiet_hours: str = ""
    muted_until: str = ""
    enabled: bool = True
    targets: tuple[str, ...] = ()

    @field_validator("quiet_hours")
    @classmethod
    def two_hours(cls, value: str) -> str:
        if value and quiet_of(value) is None:
            raise ValueError("write the hours from which to which it is silent, such as 22-7")
        return value

    @field_validator("muted_until")
    @classmethod
    def a_time(cls, value: str) -> str:
        if value:
            datetime.fromisoformat(value)
        return value

    @model_validator(mode="after")
    def complete(self) -> Alert:
        """What no single field can tell.

        Raises:
            ValueError: the rule lacks its bounds or its metric.
        """
        if self.rule == "absolute" and self.lower is None and self.upper is None:
            raise ValueError("an absolute alert needs lower or upper")
        if self.rule == "theme_growth" and not self.theme:
            raise ValueError("a theme_growth alert needs theme")
        if self.rule != "theme_growth" and not self.metric:
            raise ValueError("the alert needs a metric")
        return self


def alert_of(given: dict[str, Json]) -> Alert:
    """An alert from arguments.

    Raises:
        InvalidInput: naming each wrong field.
    """
    try:
        return Alert.model_validate(given)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}".removeprefix(": ")
            for each in error.errors()[:4]
        )
        raise InvalidInput(f"{told}.", fix="Correct these and call again.") from None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One interval: broken or not, back inside or not, and why in a sentence."""

    label: str
    value: float
    broken: bool
    inside: bool
    why: str


@dataclass(frozen=True, slots=True)
class AlertState:
    """Kept between checks. `streak` counts broken intervals; `pending`: it fired and nobody was told yet; `began` is
    the interval at which it fired. Times are ISO 8601."""

    firing: bool = False
    streak: int = 0
    label: str = ""
    since: str = ""
    notified: str = ""
    pending: bool = False
    why: str = ""
    began: str = ""


def judged(alert: Alert, series: MetricSeries) -> Judgement:
    """The newest complete interval of a series.

    Raises:
        InvalidInput: it is too short for the rule.
    """
    label, value = series.labels[-1], series.values[-1]
    if alert.rule == "absolute":
        return absolute(alert, series, label, value)
    if alert.rule == "relative":
        back = PREVIOUS[series.interval]
        series.need(back + 1, "A relative alert")
        return relative(alert, series, series.values[-1 - back], series.labels[-1 - back])
    series.need(LEAST, "An anomaly alert")
    found = [each for each in detect(series, last=1) if fits(alert, each.value - each.expected)]
    if not found:
        return Judgement(label, value, False, True, f"{told(series, value)} on {label} is as usual")
    odd = found[0]
    usual = f"{told(series, max(odd.low, 0.0))} to {told(series, odd.high)}"
    why = f"{told(series, value)} on {label}, usual {usual} (p = {odd.p:.2g})"
    return Judgement(label, value, True, False, why)


def fits(alert: Alert, difference: float) -> bool:
    return alert.direction == "both" or (difference > 0) == (alert.direction == "up")


def absolute(alert: Alert, series: MetricSeries, label: str, value: float) -> Judgement:
    """Against the bounds; inside again only by the hysteresis."""
    low, high = alert.lower, alert.upper
    under, over = low is not None and value < low, high is not None and value > high
    margin = alert.hysteresis
    inside = not (
        (low is not None and value < low + abs(low) * margin)
        or (high is not None and value > high - abs(high) * margin)
    )
    bound = "within its bounds"
    if under and low is not None:
        bound = f"below {told(series, low)}"
    elif over and high is not None:
        bound = f"above {told(series, high)}"
    return Judgement(label, value, under or over, inside, f"{told(series, value)} on {label} is {bound}")


def relative(alert: Alert, series: MetricSeries, before: float, then: str) -> Judgement:
    """Against the interval that is comparable; a rise from nothing counts as broken upwards."""
    label, value = series.labels[-1], series.values[-1]
    share = (value - before) / before if before else (float("inf") if value else 0.0)
    broken = abs(share) > alert.change and fits(alert, share)
    inside = abs(share) <= alert.change * (1 - alert.hysteresis) or not fits(alert, share)
    change = f"{share * 100:+.0f} %" if before else "from nothing"
    why = f"{told(series, value)} on {label} against {told(series, before)} on {then} ({change})"
    return Judgement(label, value, broken, inside, why)


def step(alert: Alert, state: AlertState, found: Judgement, now: datetime) -> tuple[AlertState, Event]:
    """The state after a judgement at `now` (with a zone), and what is to be told."""
    fresh = found.label != state.label
    streak = (state.streak + 1 if found.broken else 0) if fresh else state.streak
    silent = muted(alert, now)
    stamp = now.isoformat()
    if not state.firing and fresh and found.broken and streak >= alert.after:
        cooled = cooled_down(alert, state, now)
        tell = cooled and not silent
        kept = AlertState(
            True, streak, found.label, stamp, stamp if tell else state.notified, cooled and silent, found.why,
            found.label,
        )  # fmt: skip
        return kept, "fired" if tell else ""
    if state.firing and found.inside:
        told = not state.pending and not silent and was_told(state)
        return AlertState(False, 0, found.label, "", state.notified, False, found.why), "resolved" if told else ""
    if state.firing and not silent and (state.pending or (fresh and cooled_down(alert, state, now))):
        again: Event = "fired" if state.pending else "again"
        return replace(state, streak=streak, label=found.label, notified=stamp, pending=False, why=found.why), again
    return replace(state, streak=streak, label=found.label, why=found.why), ""


def was_told(state: AlertState) -> bool:
    """Whether somebody heard of it since it fired."""
    return bool(state.notified) and datetime.fromisoformat(state.notified) >= datetime.fromisoformat(state.since)


def cooled_down(alert: Alert, state: AlertState, now: datetime) -> bool:
    """Whether the last notification lies as far back as the cooldown asks."""
    if not state.notified:
        return True
    return now - datetime.fromisoformat(state.notified) >= timedelta(hours=alert.cooldown_hours)


def muted(alert: Alert, now: datetime) -> bool:
    """Whether it is to be silent at this time of the project's zone."""
    if alert.muted_until:
        until = datetime.fromisoformat(alert.muted_until)
        if now < (until if until.tzinfo else until.replace(tzinfo=now.tzinfo)):
            return True
    quiet = quiet_of(alert.quiet_hours) if alert.quiet_hours else None
    if quiet is None:
        return False
    start, end = quiet
    return start <= now.hour < end if start < end else now.hour >= start or now.hour < end


def quiet_of(text: str) -> tuple[int, int] | None:
    """`22-7`: from 22:00 up to 7:00."""
    start, dash, end = text.replace(" ", "").partition("-")
    if not dash or not start.isdigit() or not end.isdigit() or int(start) > 23 or int(end) > 24 or start == end:
        return None
    return int(start), int(end)


def past_firings(alert: Alert, series: MetricSeries, intervals: int) -> list[str]:
    """Labels of the last intervals at which it would have fired, cooldown and hysteresis held, quiet hours not."""
    state, found = AlertState(), list[str]()
    loud = alert.model_copy(update={"quiet_hours": "", "muted_until": ""})
    for at in range(max(series.n - intervals, 1), series.n):
        part = series.of_indices(range(at + 1))
        try:
            verdict = judged(loud, part)
        except InvalidInput:
            continue
        moment = datetime.fromisoformat(
            f"{part.labels[-1]}+00:00" if len(part.labels[-1]) > 10 else f"{part.labels[-1]}T00:00:00+00:00"
        )
        state, event = step(loud, state, verdict, moment)
        found += [part.labels[-1]] if event in ("fired", "again") else []
    return found


def firing_texts(labels: Sequence[str], intervals: int, interval: str) -> str:
    """`It would have fired 3 times in the last 30 days: …`."""
    times = "not at all" if not labels else "once" if len(labels) == 1 else f"{len(labels)} times"
    when = f": {', '.join(labels[:10])}" if labels else ""
    return f"It would have fired {times} in the last {intervals} {interval}s{when}."
