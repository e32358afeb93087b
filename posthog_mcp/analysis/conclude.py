"""The end of an explanation: what is established, what is likely, what this data cannot tell. Sentences with numbers."""

from __future__ import annotations

from dataclasses import replace

from posthog_mcp.analysis.explanation import Driver, Explanation, Happening, StepChange, Window
from posthog_mcp.analysis.steps import BROKEN
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.words import Interval

SMALL = 30
"""Observations below which a comparison is told as too small."""
NEAR: dict[Interval, float] = {"hour": 0.5, "day": 3.0, "week": 10.0, "month": 35.0}
"""Days before the change within which something that happened is told as likely."""
PARTS = 3


def concluded(found: Explanation) -> Explanation:
    """The same with its sentences, the first of them the headline."""
    established, likely, unknown = [*change_of(found)], [*surroundings(found)], [*limits(found)]
    certain = found.confirmation.holds or any(each.q <= BROKEN for each in found.steps) or bool(found.drivers)
    for sentence in causes(found):
        (established if certain else likely).append(sentence)
    return replace(found, established=tuple(established), likely=tuple(likely), unknown=tuple(unknown))


def number(found: Explanation, value: float) -> str:
    """A value of the metric as people read it."""
    return percent(value) if found.series.unit == "share" else shown(round(value, 2) + 0.0)


def points(found: Explanation, value: float) -> str:
    """A difference of the metric, signed."""
    return (
        f"{value * 100:+.1f} points"
        if found.series.unit == "share"
        else f"{'+' if value > 0 else '-'}{shown(round(abs(value), 2))}"
    )


def stretch(window: Window) -> str:
    return window.first if window.first == window.last else f"{window.first} to {window.last}"


def change_of(found: Explanation) -> list[str]:
    """How much, against what, and whether it is more than season and noise."""
    name, sure = found.series.name, found.confirmation
    before, after = found.baseline, found.current
    word = "unchanged" if found.change == 0 else "rose" if found.change > 0 else "fell"
    by = f" by {percent(abs(found.relative))}" if found.relative else ""
    values = f"{number(found, after.value)} (n = {shown(after.n)}) in {stretch(after)}, {number(found, before.value)} (n = {shown(before.n)}) in {stretch(before)}"
    told = [f"{name} {word}{by}: {values}."]
    if sure.basis or sure.p < 1:
        usual = f"its past makes one expect {number(found, sure.expected)} ({number(found, sure.low)} to {number(found, sure.high)}, 95 %)"
        verdict = "so this is more than season and noise" if sure.holds else "so season and noise can explain it"
        told.append(f"For these {after.intervals} {found.series.interval}s {usual}; p = {p_text(sure.p)}, {verdict}.")
    for shift in [each for each in sure.shifts if (each.after - each.before) * found.change > 0][-2:]:
        by = f" ({shift.change:+.1%})" if shift.change is not None else ""
        told.append(
            f"The level changed on {shift.label} (95 %: {shift.first} to {shift.last}): {number(found, shift.before)} a "
            f"{found.series.interval} before, {number(found, shift.after)} after{by}."
        )
    for odd in sure.anomalies[:PARTS]:
        told.append(
            f"{odd.label} is a {odd.kind}: {number(found, odd.value)}, usual {number(found, odd.low)} to {number(found, odd.high)}."
        )
    told += [f"Data: {each.text}" for each in found.quality if each.serious]
    return told


def causes(found: Explanation) -> list[str]:
    """Steps, drivers, and volume against rate."""
    told = [step_text(each) for each in found.steps if each.q <= BROKEN]
    told += [driver_text(found, each) for each in found.drivers]
    if found.dimensions and not found.drivers and found.confirmation.holds:
        names = ", ".join(each.name for each in found.dimensions[:6])
        told.append(f"No segment of {names} changed otherwise than the rest: the change is common to all of them.")
    if found.split:
        part = found.split
        told.append(
            f"Of the change of the count, {signed(part.by_volume)} comes from {part.volume} ({shown(round(part.volume_before))} → "
            f"{shown(round(part.volume_after))}) and {signed(part.by_rate)} from {part.rate} ({part.rate_before:.3g} → {part.rate_after:.3g})."
        )
    told += [f"Simpson's paradox: {each}." for each in found.paradox]
    return told


def signed(value: float) -> str:
    return f"{'+' if value >= 0 else '-'}{shown(round(abs(value), 1))}"


def step_text(step: StepChange) -> str:
    word = "broke" if step.after < 0.5 * step.before else "fell" if step.after < step.before else "rose"
    return (
        f"The step {step.step} {word}: {percent(step.before)} of {shown(step.before_n)} before, {percent(step.after)} of "
        f"{shown(step.after_n)} now (difference {step.low * 100:+.1f} to {step.high * 100:+.1f} points, q = {p_text(step.q)})."
    )


def driver_text(found: Explanation, driver: Driver) -> str:
    same = (
        f" (the same observations: {', '.join(f'{name} = {value}' for name, value in driver.twins[:3])})"
        if driver.twins
        else ""
    )
    share = (
        f"{percent(driver.share)} of the change"
        if 0 < driver.share <= 1.5
        else f"{points(found, driver.effect)} against the trend of the rest"
    )
    return (
        f"{driver.name}{same}: {number(found, driver.before)} → {number(found, driver.after)} (n = {shown(driver.n)}); compared with "
        f"everything else it makes {share}; q = {p_text(driver.q)}."
    )


def surroundings(found: Explanation) -> list[str]:
    """New values, events that moved, what happened just before; coincidences, not causes."""
    told = [f"Data: {each.text}" for each in found.quality if not each.serious]
    told += [f"{each.text}." for each in found.values[:PARTS]]
    where = f" where {found.drivers[0].name}" if found.drivers else ""
    if found.companions:
        told.append(f"Moved at the same time{where}: {'; '.join(each.text for each in found.companions[:PARTS])}.")
    near = [each for each in found.happenings if -0.5 <= each.days <= NEAR[found.series.interval]]
    told += [happening_text(each) for each in near[:PARTS]]
    return told


def happening_text(each: Happening) -> str:
    when = "at the time of" if abs(each.days) < 0.5 else f"{each.days:g} days before"
    return f"{each.kind} {each.name!r} ({each.at}) lies {when} the change; that is a coincidence until tested."


def limits(found: Explanation) -> list[str]:
    """What cannot be known from this data."""
    told: list[str] = []
    least = min(found.baseline.n, found.current.n)
    if least < SMALL and found.series.unit != "value":
        told.append(
            f"n = {shown(least)} in one of the stretches is too small (at least {SMALL}) for segments to be told apart."
        )
    if not found.confirmation.holds and not found.drivers:
        told.append("Whether anything changed at all: the difference is within what chance gives.")
    if found.confirmation.basis == 0:
        told.append("What is usual for this metric: there is too little history before the stretch.")
    if not found.dimensions:
        told.append(
            "Which segments changed: no sums of events give this metric (HogQL, a median, retention); ask for an insight that counts."
        )
    if found.tests:
        told.append(
            f"Causes outside the {len(found.dimensions)} dimensions looked at ({found.tests} tests, corrected for); and why the segments changed: segments show where, not why."
        )
    return told or ["Why: this shows where and when, not why."]


def p_text(p: float) -> str:
    return f"{p:.2g}" if p >= 1e-4 else "< 0.0001"
