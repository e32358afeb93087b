"""Retention, churn, survival, stickiness, lifecycle."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import erfc, sqrt

import pytest

from tests.knowledge.patterns.conftest import Asked
from tests.knowledge.patterns.world import END, between, days_between, grouped, midnight, monday, since, times

USE = ("viewed_report", "created_dashboard", "exported_data")


async def test_cohort_retention(asked: Asked) -> None:
    expected: Counter[tuple[str, int, str]] = Counter()
    for life in grouped(since(56, "signed_up", "viewed_report")).values():
        joined = times(life, "signed_up")
        for week in range(1, 5):
            if joined and monday(joined[0]) + timedelta(days=7 * (week + 1)) <= END:
                cohort = monday(joined[0]).date().isoformat()
                came = any(
                    monday(at) == monday(joined[0]) + timedelta(days=7 * week) for at in times(life, "viewed_report")
                )
                expected[cohort, week, "people"] += 1
                expected[cohort, week, "came_back"] += came

    rows = await asked("cohort-retention")

    assert len(rows) == len({key[:2] for key in expected})
    for row in rows:
        key = row["cohort_week"], row["week_number"]
        people, came_back = expected[*key, "people"], expected[*key, "came_back"]
        assert (row["people"], row["came_back"]) == (people, came_back)
        assert row["percent"] == pytest.approx(100 * came_back / people, abs=0.06)


async def test_rolling_retention(asked: Asked) -> None:
    lives = [
        (joined[0], days_between(joined[0], life[-1].at))
        for life in grouped(since(90, "signed_up", *USE)).values()
        if (joined := times(life, "signed_up"))
    ]
    expected = []
    for days in (1, 7, 14, 30, 60):
        old = [lifetime for joined, lifetime in lives if joined + timedelta(days=days) <= END]
        expected.append((days, len(old), sum(lifetime >= days for lifetime in old)))

    rows = await asked("rolling-retention")

    assert [(row["days"], row["people"], row["still_around"]) for row in rows] == expected


async def test_retention_by_early_behaviour(asked: Asked) -> None:
    actions = ("created_project", "invited_teammate", "connected_integration")
    lives = []
    for life in grouped(since(90, "signed_up", "viewed_report", *actions)).values():
        joined = times(life, "signed_up")
        if joined and joined[0] < END - timedelta(days=28):
            early = {e.name for e in life if joined[0] <= e.at < joined[0] + timedelta(days=7)}
            later = any(
                timedelta(days=7) <= e.at - joined[0] < timedelta(days=28) and e.name != "signed_up" for e in life
            )
            lives.append((early, later))

    rows = await asked("retention-by-early-behaviour")

    assert {row["action"] for row in rows} == set(actions)
    for row in rows:
        did = [later for early, later in lives if row["action"] in early]
        did_not = [later for early, later in lives if row["action"] not in early]
        rate, other, pooled = sum(did) / len(did), sum(did_not) / len(did_not), sum(did + did_not) / len(lives)
        z = (rate - other) / sqrt(pooled * (1 - pooled) * (1 / len(did) + 1 / len(did_not)))
        assert (row["did_it"], row["did_not"]) == (len(did), len(did_not))
        assert row["lift"] == pytest.approx(rate / other, abs=0.02)
        assert row["z"] == pytest.approx(z, abs=0.006)
        assert row["p_value"] == pytest.approx(erfc(abs(z) / sqrt(2)), abs=0.01)
    assert rows[0]["action"] == "connected_integration"


async def test_survival_curve(asked: Asked) -> None:
    lives = [
        ((days_between(life[0].at, life[-1].at)) // 7, life[-1].at < datetime(2026, 10, 18, tzinfo=UTC))
        for life in grouped(between("2026-08-09", "2026-11-01", "signed_up", *USE)).values()
        if times(life, "signed_up")
    ]
    survival, expected = 1.0, []
    for week in range(12):
        at_risk = sum(weeks >= week for weeks, _ in lives)
        left = sum(weeks == week and gone for weeks, gone in lives)
        survival *= 1 - left / at_risk if at_risk else 1
        expected.append((week, at_risk, left, pytest.approx(survival, abs=1e-9)))

    rows = await asked("survival-curve")

    assert [tuple(row.values()) for row in rows] == expected


async def test_stickiness(asked: Asked) -> None:
    active = {who: len({midnight(e.at) for e in life}) for who, life in grouped(since(28, *USE)).items()}
    dau_over_mau = 100 * sum(active.values()) / (len(active) * 28)

    rows = await asked("stickiness")

    assert {row["active_days"]: row["people"] for row in rows} == Counter(active.values())
    assert all(row["dau_over_mau"] == pytest.approx(dau_over_mau, abs=0.06) for row in rows)


async def test_lifecycle(asked: Asked) -> None:
    now = monday(END)
    week = timedelta(days=7)
    expected: Counter[tuple[str, str]] = Counter()
    for life in grouped(between(now - timedelta(days=56), now, *USE)).values():
        weeks = {monday(e.at) for e in life}
        for each in weeks:
            status = "new" if each == min(weeks) else "returning" if each - week in weeks else "resurrecting"
            expected[each.date().isoformat(), status] += 1
            if each + week not in weeks and each + week < now:
                expected[(each + week).date().isoformat(), "dormant"] += 1

    rows = await asked("lifecycle")

    found = {
        (row["week"], status): row[status] for row in rows for status in ("new", "returning", "resurrecting", "dormant")
    }
    assert {key: count for key, count in found.items() if count} == dict(expected)


async def test_streaks(asked: Asked) -> None:
    expected: Counter[int] = Counter()
    for life in grouped(between("2026-08-31", "2026-11-01", *USE)).values():
        weeks = {monday(e.at) for e in life}
        runs = [next(n for n in range(1, 99) if each + timedelta(days=7 * n) not in weeks) for each in weeks]
        expected[max(runs)] += 1

    rows = await asked("streaks")

    assert {row["longest"]: row["people"] for row in rows} == expected


async def test_repeat_interval(asked: Asked) -> None:
    gaps, people = [], set()
    for who, life in grouped(between("2026-08-03", "2026-11-01", *USE)).items():
        days = sorted({midnight(e.at) for e in life})
        gaps += [(after - before).days for before, after in itertools.pairwise(days)]
        people |= {who} if len(days) > 1 else set()
    gaps.sort()

    (row,) = await asked("repeat-interval")

    assert (row["gaps"], row["people"]) == (len(gaps), len(people))
    assert [row["median_days"], row["p80_days"], row["p95_days"]] == [
        gaps[int(len(gaps) * q)] for q in (0.5, 0.8, 0.95)
    ]


async def test_predictive_score(asked: Asked) -> None:
    split = datetime(2026, 10, 18, tzinfo=UTC)
    scored = []
    for who, life in grouped(between("2026-09-06", "2026-11-01", *USE)).items():
        hours = [
            (split.replace(minute=0) - at.replace(minute=0, second=0)).total_seconds() // 3600
            for at in (e.at for e in life)
            if at < split
        ]
        if hours:
            scored.append((sum(0.5 ** (each / 168) for each in hours), any(e.at >= split for e in life), who))

    rows = await asked("predictive-score")

    assert sum(row["people"] for row in rows) == len(scored)
    assert sum(row["returned"] for row in rows) == sum(came for _, came, _ in scored)
    quarter = sorted(scored)[: rows[0]["people"]]
    assert rows[0]["returned"] == sum(came for _, came, _ in quarter)
    assert rows[-1]["percent"] > rows[0]["percent"]
