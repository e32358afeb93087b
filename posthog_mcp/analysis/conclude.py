"""The end of an explanation: what is established, what is likely, what this data cannot tell, as sentences."""

from __future__ import annotations

from dataclasses import replace

from posthog_mcp.analysis.anomalies import Anomaly, Shift
from posthog_mcp.analysis.confirm import HOLDS
from posthog_mcp.analysis.explanation import Driver, Explanation, Happening, Split, StepChange, Window
from posthog_mcp.analysis.steps import BROKEN
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.words import Interval

SMALL = 30
"""Observations below which a comparison is told as too small."""
NEAR: dict[Interval, float] = {"hour": 0.5, "day": 3.0, "week": 10.0, "month": 35.0}
"""Days before the change within which something that happened is told as likely."""
PARTS = 3
WHOLE = 1.5
"""Shares of the change up to which a driver's part is told as one; beyond, others worked against it."""


def concluded(found: Explanation) -> Explanation:
    """The same with its sentences, the first of them the headline."""
    established, likely = change_of(found), surroundings(found)
    certain = found.confirmation.holds or any(each.q <= BROKEN for each in found.steps) or bool(found.drivers)
    if certain:
        established += causes(found)
    else:
        likely = [*causes(found), *likely]
    return replace(found, established=tuple(established), likely=tuple(likely), unknown=tuple(limits(found)))


def number(found: Explanation, value: float) -> str:
    """A value of the metric as people read it."""
    return (
        percent(value)
        if found.series.unit == "share"
        else shown(float(f"{value:.4g}") if abs(value) < 1e4 else round(value))
    )


def points(found: Explanation, value: float) -> str:
    """A difference of the metric, signed."""
    return f"{value * 100:+.1f} points" if found.series.unit == "share" else signed(value)


def signed(value: float) -> str:
    return f"{'+' if value >= 0 else '-'}{shown(round(abs(value), 1))}"


def p_text(p: float) -> str:
    return f"= {p:.2g}" if p >= 1e-4 else "< 0.0001"


def stretch(window: Window) -> str:
    return window.first if window.first == window.last else f"{window.first} to {window.last}"


def change_of(found: Explanation) -> list[str]:
    """How much, against what, whether it is more than season and noise, since when, and whether the data is sound."""
    falls = [each for each in found.confirmation.shifts if (each.after - each.before) * found.change > 0]
    return [
        how_much(found),
        *([whether(found)] if found.confirmation.p < 1 else []),
        *(shift_text(found, each) for each in falls[-2:]),
        *(odd_text(found, each) for each in found.confirmation.anomalies[:PARTS]),
        *(f"Data: {each.text}" for each in found.quality if each.serious),
    ]


def how_much(found: Explanation) -> str:
    before, after = found.baseline, found.current
    word = "is unchanged" if found.change == 0 else "rose" if found.change > 0 else "fell"
    by = f" by {percent(abs(found.relative))}" if found.relative else ""
    each = "" if found.series.adds or found.series.unit == "share" else f" a {found.series.interval}"
    now = f"{number(found, after.value)}{each} (n = {shown(after.n)}) in {stretch(after)}"
    then = f"{number(found, before.value)}{each} (n = {shown(before.n)}) in {stretch(before)}"
    return f"{found.series.name} {word}{by}: {now}, {then}."


def whether(found: Explanation) -> str:
    """The change against what the past makes one expect."""
    sure = found.confirmation
    band = f"{number(found, sure.low)} to {number(found, sure.high)}, 95 %"
    usual = f"the past makes one expect {number(found, sure.expected)} ({band})"
    verdict = "so season and noise can explain it"
    if sure.p <= HOLDS:
        verdict = "so this is more than season and noise"
    elif sure.holds:
        verdict = "which alone season and noise can explain; but within it something is unusual"
    stretched = f"{found.current.intervals} {found.series.interval}s" if found.current.intervals > 1 else "that"
    return f"For {stretched} {usual}; p {p_text(sure.p)}, {verdict}."


def shift_text(found: Explanation, each: Shift) -> str:
    by = f" ({each.change:+.1%})" if each.change is not None else ""
    levels = f"{number(found, each.before)} before, {number(found, each.after)} after{by}, per {found.series.interval}"
    return f"The level changed on {each.label} (95 %: {each.first} to {each.last}): {levels}."


def odd_text(found: Explanation, each: Anomaly) -> str:
    usual = f"usual {number(found, each.low)} to {number(found, each.high)}"
    return f"{each.label} is unusual ({each.kind}): {number(found, each.value)}, {usual}."


def causes(found: Explanation) -> list[str]:
    """Steps, drivers, volume against rate, and paradoxes."""
    told = [step_text(each) for each in found.steps if each.q <= BROKEN]
    told += [driver_text(found, each) for each in found.drivers]
    if found.dimensions and not found.drivers and found.confirmation.holds:
        names = ", ".join(each.name for each in found.dimensions[:6])
        told.append(f"No segment of {names} changed otherwise than the rest: the change is common to all of them.")
    told += [split_text(found.split)] if found.split else []
    return told + [f"Simpson's paradox: {each}." for each in found.paradox]


def split_text(part: Split) -> str:
    volume = f"{part.volume} ({shown(round(part.volume_before))} → {shown(round(part.volume_after))})"
    rate = f"{part.rate} ({part.rate_before:.3g} → {part.rate_after:.3g})"
    by = f"{signed(part.by_volume)} comes from {volume} and {signed(part.by_rate)} from {rate}"
    return f"Of the change of the total, {by}."


def step_text(step: StepChange) -> str:
    word = "broke" if step.after < 0.5 * step.before else "fell" if step.after < step.before else "rose"
    values = (
        f"{percent(step.before)} of {shown(step.before_n)} before, {percent(step.after)} of {shown(step.after_n)} now"
    )
    off = f"difference {step.low * 100:+.1f} to {step.high * 100:+.1f} points, q {p_text(step.q)}"
    return f"The step {step.step} {word}: {values} ({off})."


def driver_text(found: Explanation, driver: Driver) -> str:
    twins = ", ".join(f"{name} = {value}" for name, value in driver.twins[:PARTS])
    same = f" (the same observations: {twins})" if twins else ""
    share = f"{percent(driver.share)} of the change"
    if not 0 < driver.share <= WHOLE:
        share = f"{points(found, driver.effect)} against the rest"
    values = f"{number(found, driver.before)} → {number(found, driver.after)} (n = {shown(driver.n)})"
    return f"{driver.name}{same}: {values}; beside how everything else moved it makes {share}; q {p_text(driver.q)}."


def surroundings(found: Explanation) -> list[str]:
    """New values, events that moved, what happened just before; coincidences, not causes."""
    told = [f"Data: {each.text}" for each in found.quality if not each.serious]
    told += [f"{each.text}." for each in found.values[:PARTS]]
    where = f" where {found.drivers[0].name}" if found.drivers else ""
    if found.companions:
        told.append(f"Moved at the same time{where}: {'; '.join(each.text for each in found.companions[:PARTS])}.")
    days = [each for each in found.happenings if each.kind == "holiday"]
    told += [f"{each.name} ({each.at}) lies in the {which_of(found, each)}." for each in days[:PARTS]]
    others = [each for each in found.happenings if each.kind != "holiday"]
    near = [each for each in others if -0.5 <= each.days <= NEAR[found.series.interval]]
    return told + [happening_text(each) for each in near[:PARTS]]


def which_of(found: Explanation, day: Happening) -> str:
    """Which stretch a known day lies in."""
    return "stretch that is asked about" if day.at >= found.current.first[:10] else "baseline"


def happening_text(each: Happening) -> str:
    when = "at the time of" if abs(each.days) < 0.5 else f"{each.days:g} days before"
    return f"{each.kind} {each.name!r} ({each.at}) lies {when} the change: a coincidence until tested."


def limits(found: Explanation) -> list[str]:
    """What cannot be known from this data."""
    told: list[str] = []
    least = min(found.baseline.n, found.current.n)
    if least < SMALL and found.series.unit != "value":
        told.append(f"n = {shown(least)} in one of the stretches; segments cannot be told apart below {SMALL}.")
    if not found.confirmation.holds and not found.drivers:
        told.append("Whether anything changed at all: the difference is within what chance gives.")
    if found.confirmation.basis == 0:
        told.append("What is usual for this metric: there is too little history before the stretch.")
    if not found.dimensions:
        told.append(f"Which segments changed: {found.unsplit or 'its events carry no property that splits them'}.")
    if found.tests:
        looked = f"the {len(found.dimensions)} dimensions looked at ({found.tests} tests, corrected for)"
        told.append(f"Causes outside {looked}, and why the segments changed: they show where, not why.")
    return told or ["Why: this shows where and when, not why."]
