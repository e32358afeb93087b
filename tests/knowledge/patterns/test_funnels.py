"""Funnels, paths, drivers, experiments."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from math import erfc, exp, log, sqrt
from statistics import NormalDist, correlation

import pytest

from tests.knowledge.patterns.conftest import Asked
from tests.knowledge.patterns.world import END, Event, between, grouped, since, times

SPLIT = datetime(2026, 10, 18, tzinfo=UTC)


def furthest(life: list[Event], steps: tuple[str, ...], window: timedelta) -> int:
    """The longest prefix of the steps in order within the window of some first step."""
    best = 0
    for start in times(life, steps[0]):
        at, reached = start, 1
        for step in steps[1:]:
            later = [t for t in times(life, step) if at <= t <= start + window]
            if not later:
                break
            at, reached = later[0], reached + 1
        best = max(best, reached)
    return best


def checkouts(start: str, end: str) -> list[tuple[str, datetime, bool]]:
    """(os, when, whether it was completed within a day) of people's first checkouts."""
    found = []
    for life in grouped(between(start, end, "checkout_started", "checkout_completed")).values():
        if started := times(life, "checkout_started"):
            done = furthest(life, ("checkout_started", "checkout_completed"), timedelta(days=1)) == 2
            found.append((life[0].get("$os"), started[0], done))
    return found


async def test_window_funnel(asked: Asked) -> None:
    steps = ("signed_up", "created_project", "checkout_started", "checkout_completed")
    reached = [furthest(life, steps, timedelta(days=14)) for life in grouped(since(60, *steps)).values()]
    people = [sum(each >= step for each in reached) for step in (1, 2, 3, 4)]

    rows = await asked("window-funnel")

    assert [(row["step"], row["name"], row["people"]) for row in rows] == list(
        zip((1, 2, 3, 4), steps, people, strict=True)
    )
    assert people[0] > people[1] > people[2] > people[3] > 0
    assert [row["of_first"] for row in rows] == [pytest.approx(100 * each / people[0], abs=0.06) for each in people]
    previous = [pytest.approx(100 * b / a, abs=0.06) for a, b in pairwise(people)]
    assert [row["of_previous"] for row in rows[1:]] == previous


async def test_funnel_by_segment(asked: Asked) -> None:
    found = checkouts("2026-10-04", "2026-11-01")

    rows = await asked("funnel-by-segment")

    for row in rows:
        before = [done for os, at, done in found if os == row["os"] and at < SPLIT]
        after = [done for os, at, done in found if os == row["os"] and at >= SPLIT]
        pooled = sum(before + after) / len(before + after)
        error = sqrt(pooled * (1 - pooled) * (1 / len(before) + 1 / len(after)))
        assert (row["entered_before"], row["entered_after"]) == (len(before), len(after))
        assert row["z"] == pytest.approx(
            (sum(after) / len(after) - sum(before) / len(before)) / error, rel=1e-6, abs=1e-9
        )
    assert (rows[0]["os"], rows[0]["z"] < -1.9) == ("iOS", True)


async def test_mix_and_rate_add_up_to_the_change(asked: Asked) -> None:
    events = between("2026-10-04", "2026-11-01", "checkout_started", "checkout_completed")
    count = Counter((e.get("$os"), e.name, e.at >= SPLIT) for e in events)

    rows = await asked("mix-and-rate")

    for row in rows:
        for later, rate in ((False, "rate_before"), (True, "rate_after")):
            done, started = count[row["os"], "checkout_completed", later], count[row["os"], "checkout_started", later]
            assert row[rate] == pytest.approx(done / started)
    total = [
        sum(e.name == "checkout_completed" and (e.at >= SPLIT) == later for e in events)
        / sum(e.name == "checkout_started" and (e.at >= SPLIT) == later for e in events)
        for later in (False, True)
    ]
    parts = sum(row["rate_effect_points"] + row["mix_effect_points"] for row in rows)
    assert parts == pytest.approx(100 * (total[1] - total[0]))
    assert rows[0]["os"] == "iOS"


async def test_time_to_convert(asked: Asked) -> None:
    took, started = [], 0
    for life in grouped(since(90, "signed_up", "checkout_started")).values():
        if joined := times(life, "signed_up"):
            started += 1
            took += [(at - joined[0]).total_seconds() for at in times(life, "checkout_started") if at >= joined[0]][:1]
    took.sort()

    (row,) = await asked("time-to-convert")

    assert (row["started"], row["arrived"]) == (started, len(took))
    middle = took[len(took) // 2 - 1 : len(took) // 2 + 1]
    assert middle[0] / 3600 <= row["median_hours"] <= middle[1] / 3600 + 1e-9 or row["median_hours"] * 3600 in took
    assert took[int(len(took) * 0.88)] / 3600 <= row["p90_hours"] <= took[int(len(took) * 0.92)] / 3600


async def test_sequence_without(asked: Asked) -> None:
    letters = {"signed_up": "s", "checkout_started": "c", "$exception": "e", "checkout_completed": "d"}
    stories = [
        "".join(letters[e.name] for e in life)
        for life in grouped(since(60, *letters)).values()
        if times(life, "checkout_started")
    ]

    def runs(story: str) -> list[str]:
        """From each checkout up to the first completion after it."""
        return [story[at:].split("d")[0] for at, letter in enumerate(story) if letter == "c" and "d" in story[at:]]

    (row,) = await asked("sequence-without")

    assert row["people"] == len(stories)
    assert row["done_despite_an_error"] == sum(any("e" in run for run in runs(story)) for story in stories)
    assert row["done_without_an_error"] == sum(any("e" not in run for run in runs(story)) for story in stories)
    assert row["error_and_never_done"] == sum("e" in story.rpartition("d")[2] for story in stories)
    assert row["signup_checkout_done"] == sum("s" in s and "d" in s[s.index("s") :].partition("c")[2] for s in stories)
    assert min(row.values()) > 0


async def test_paths_next_step(asked: Asked) -> None:
    moves: Counter[tuple[str, str]] = Counter()
    for visit in grouped(since(30, "$pageview"), lambda e: e.get("$session_id")).values():
        pages = [e.get("$pathname") for e in visit]
        moves.update(pair for pair in pairwise(pages) if pair[0] != pair[1])
    away = Counter(source for source, _ in moves.elements())

    rows = await asked("paths-next-step")

    assert {(row["source"], row["target"]): row["moves"] for row in rows} == moves
    assert rows[0]["percent_of_source"] == pytest.approx(100 * rows[0]["moves"] / away[rows[0]["source"]], abs=0.06)


async def test_paths_to_conversion(asked: Asked) -> None:
    names = [
        "signed_up",
        "created_project",
        "viewed_report",
        "invited_teammate",
        "connected_integration",
        "checkout_started",
        "checkout_completed",
    ]
    journeys: Counter[str] = Counter()
    for life in grouped(since(60, *names)).values():
        if done := times(life, "checkout_completed"):
            before = [e.name for e in life if e.at < done[0]]
            steps = [name for at, name in enumerate(before) if at == 0 or before[at - 1] != name]
            journeys[" → ".join(steps[-3:])] += 1

    rows = await asked("paths-to-conversion")

    assert [(row["journey"], row["people"]) for row in rows] == sorted(journeys.items(), key=lambda e: (-e[1], e[0]))[
        :20
    ]


async def test_feature_correlation_is_pearsons_of_used_or_not(asked: Asked) -> None:
    features = ("viewed_report", "created_dashboard", "exported_data", "synced_integration", "invited_teammate")
    used = [{e.name for e in life} for life in grouped(since(60, *features)).values()]

    rows = await asked("feature-correlation")

    assert len(rows) == 10
    found = {(row["first_feature"], row["second_feature"]): row["phi"] for row in rows}
    for pair in combinations(sorted(features), 2):
        first, second = ([float(name in each) for each in used] for name in pair)
        assert found[pair] == pytest.approx(correlation(first, second))


async def test_feature_lift(asked: Asked) -> None:
    names = ("signed_up", "created_project", "invited_teammate", "connected_integration", "checkout_completed")
    people = []
    for life in grouped(since(60, *names)).values():
        if joined := times(life, "signed_up"):
            landmark = joined[0] + timedelta(days=3)
            used = {e.name for e in life if e.at < landmark}
            if landmark <= END and "checkout_completed" not in used:
                people.append((used, any(at >= landmark for at in times(life, "checkout_completed"))))

    rows = await asked("feature-lift")

    assert len(rows) == 3
    for row in rows:
        cells = Counter((row["feature"] in used, done) for used, done in people)
        a, b, c, d = (cells[key] + 0.5 for key in ((True, True), (True, False), (False, True), (False, False)))
        low = log(a * d / b / c) - 1.96 * sqrt(1 / a + 1 / b + 1 / c + 1 / d)
        assert (row["users"], row["users_converted"]) == (a + b - 1, a - 0.5)
        assert (row["odds_ratio"], row["low"]) == (pytest.approx(a * d / b / c), pytest.approx(exp(low)))


async def test_experiment_readout(asked: Asked) -> None:
    variants: dict[str, list[bool]] = {"control": [], "test": []}
    for life in grouped(since(90, "$feature_flag_called", "created_project")).values():
        if exposed := [e for e in life if e.name == "$feature_flag_called"]:
            done = any(at >= exposed[0].at for at in times(life, "created_project"))
            variants[exposed[0].get("$feature_flag_response")].append(done)
    (n, p), (m, q) = ((len(done), sum(done) / len(done)) for done in variants.values())
    error = sqrt(p * (1 - p) / n + q * (1 - q) / m)

    (row,) = await asked("experiment-readout")

    assert (row["control"], row["test"]) == (n, m)
    assert row["srm_chi2"] == pytest.approx((n - m) ** 2 / (n + m))
    assert (row["control_rate"], row["test_rate"]) == (pytest.approx(p), pytest.approx(q))
    assert (row["low"], row["high"]) == (pytest.approx(q - p - 1.96 * error), pytest.approx(q - p + 1.96 * error))
    assert row["p_value"] == pytest.approx(2 * NormalDist().cdf(-abs(q - p) / error), abs=1e-9)
    assert row["p_value"] == pytest.approx(erfc(abs(q - p) / error / sqrt(2)), abs=1e-9)


async def test_difference_in_differences(asked: Asked) -> None:
    found = checkouts("2026-10-04", "2026-11-01")
    rates, spread = {}, 0.0
    for touched in (True, False):
        for later in (True, False):
            cell = [done for os, at, done in found if (os == "iOS") == touched and (at >= SPLIT) == later]
            rate = rates[touched, later] = sum(cell) / len(cell)
            spread += rate * (1 - rate) / len(cell)
    effect = rates[True, True] - rates[True, False] - (rates[False, True] - rates[False, False])

    (row,) = await asked("difference-in-differences")

    assert row["effect"] == pytest.approx(effect)
    assert row["error"] == pytest.approx(sqrt(spread))
    assert effect < -2 * row["error"], "the planted break on iOS"
