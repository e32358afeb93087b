"""Windows over time, distributions, anomalies, sampling, data quality."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import linear_regression, mean, median_high

import pytest

from tests.knowledge.patterns.conftest import Asked
from tests.knowledge.patterns.world import END, Event, between, grouped, midnight, shown, since, times

USE = ("viewed_report", "created_dashboard", "exported_data")
DAY = timedelta(days=1)


def a_day(*names: str, days: int) -> dict[datetime, int]:
    """Events of each of the last days, zeros included."""
    counts = Counter(midnight(e.at) for e in since(days, *names))
    return {END - DAY * back: counts[END - DAY * back] for back in range(days, 0, -1)}


async def test_rolling_people(asked: Asked) -> None:
    rows = await asked("rolling-window")

    assert len(rows) == 30
    for row in rows:
        day = datetime.fromisoformat(row["day"]).replace(tzinfo=UTC)
        assert row["daily"] == len({e.who for e in between(day, day + DAY, *USE)})
        assert row["rolling_7_day"] == len({e.who for e in between(day - 6 * DAY, day + DAY, *USE)})


async def test_moving_average(asked: Asked) -> None:
    counts = a_day("viewed_report", days=36)
    days = list(counts)
    expected = {
        shown(day): pytest.approx(mean(counts[d] for d in days[at - 6 : at + 1]), abs=0.006)
        for at, day in enumerate(days)
        if at > 5 and counts[day]
    }

    rows = await asked("rolling-window", 1)

    assert {row["day"]: row["average_7_day"] for row in rows} == expected
    assert 0 in counts.values(), "a day without events is a zero, not a gap"


async def test_period_over_period(asked: Asked) -> None:
    counts = a_day("signed_up", days=21)

    rows = await asked("period-over-period")

    assert [(row["day"], row["events"], row["before"]) for row in rows] == [
        (shown(day), counts[day], counts[day - 7 * DAY]) for day in list(counts)[7:]
    ]
    grown = next(row for row in rows if row["before"])
    assert grown["change_percent"] == pytest.approx(100 * (grown["events"] / grown["before"] - 1), abs=0.06)


async def test_fill_gaps(asked: Asked) -> None:
    counts = a_day("subscription_upgraded", days=28)

    rows = await asked("fill-gaps")

    assert {row["day"]: row["events"] for row in rows} == {shown(day): count for day, count in counts.items()}
    assert 0 in counts.values()


async def test_histogram(asked: Asked) -> None:
    values = [e.get("$web_vitals_LCP_value") for e in since(30, "$web_vitals")]
    bounds = [1000, 1500, 2000, 2500, 3000, 1000000]
    expected = Counter(next(at for at, bound in enumerate(bounds, 1) if value <= bound) for value in values)

    rows = await asked("histogram")

    assert {row["bucket"]: row["values"] for row in rows} == expected
    assert [row["up_to"] for row in rows] == bounds
    below = [sum(value <= bound for value in values) / len(values) for bound in bounds]
    assert [row["percent_up_to"] for row in rows] == [pytest.approx(100 * share, abs=0.06) for share in below]


async def test_percentiles(asked: Asked) -> None:
    values = sorted(e.get("$web_vitals_LCP_value") for e in since(30, "$web_vitals"))

    (row,) = await asked("histogram", 1)

    assert row["measured"] == len(values)
    for found, share in zip(row["p50_p75_p90_p99"], (0.5, 0.75, 0.9, 0.99), strict=True):
        at = share * (len(values) - 1)
        assert values[int(at)] <= found <= values[min(int(at) + 1, len(values) - 1)]


async def test_anomaly_score(asked: Asked) -> None:
    counts = {day: count for day, count in a_day("$pageview", days=84).items() if count}
    usual = {day: median_high([n for d, n in counts.items() if d.weekday() == day.weekday()]) for day in counts}
    mad = median_high([abs(count - usual[day]) for day, count in counts.items()])
    scores = {shown(day): (n - usual[day]) / max(1.4826 * mad, sqrt(usual[day])) for day, n in counts.items()}

    rows = await asked("anomaly-score")

    top = sorted(scores.items(), key=lambda each: (-abs(round(each[1], 2)), each[0]))[:10]
    assert [(row["day"], row["score"]) for row in rows] == [
        (day, pytest.approx(score, abs=0.006)) for day, score in top
    ]


async def test_a_sample_says_how_far_off_it_may_be(asked: Asked) -> None:
    lives = [life for life in grouped(since(60, "signed_up", "created_project")).values() if times(life, "signed_up")]
    truth = sum(bool(times(life, "created_project")) for life in lives) / len(lives)

    (row,) = await asked("sampling-error")

    n, share = row["sampled"], row["share"]
    centre, spread = share + 1.96**2 / 2 / n, 1.96 * sqrt(share * (1 - share) / n + 1.96**2 / 4 / n**2)
    assert row["low"] == pytest.approx((centre - spread) / (1 + 1.96**2 / n), abs=1e-4)
    assert row["high"] == pytest.approx((centre + spread) / (1 + 1.96**2 / n), abs=1e-4)
    assert row["low"] < truth < row["high"]
    assert abs(row["estimated_people"] - len(lives)) < 4 * sqrt(len(lives) * 0.25 * 0.75) * 4


async def test_property_discovery(asked: Asked) -> None:
    events = since(30, "payment_succeeded")
    filled = Counter(key for e in events for key in e.properties)

    rows = {row["key"]: row for row in await asked("property-discovery")}

    assert {key: row["events"] for key, row in rows.items()} == filled
    assert rows["amount"]["percent_numbers"] == 100
    assert rows["plan"]["percent_numbers"] == 0
    assert rows["plan"]["different_values"] == len({e.get("plan") for e in events})
    assert rows["$group_0"]["percent"] == pytest.approx(100 * filled["$group_0"] / len(events), abs=0.06)
    assert filled["$group_0"] < len(events)


async def test_freshness_finds_the_event_that_stopped(asked: Asked) -> None:
    last = Counter(e.name for e in since(7))
    before = Counter(e.name for e in between("2026-10-04", "2026-10-25"))

    rows = await asked("data-freshness")

    assert {row["event"] for row in rows} == {name for name in last | before if last[name] + before[name] >= 20}
    for row in rows:
        assert row["a_day_last_week"] == pytest.approx(last[row["event"]] / 7)
        assert row["a_day_before"] == pytest.approx(before[row["event"]] / 21)


async def test_late_and_early_events(asked: Asked) -> None:
    found = grouped(since(30), lambda e: e.name)

    rows = await asked("data-freshness", 1)

    assert {row["event"] for row in rows} == set(found)
    for row in rows:
        lags = [e.stored_after for e in found[row["event"]]]
        assert (row["events"], row["over_a_day"], row["from_the_future"]) == (
            len(lags), sum(lag > 86_400 for lag in lags), sum(lag < 0 for lag in lags)
        )  # fmt: skip
        assert row["worst_lag_seconds"] == max(lags)
    assert sum(row["over_a_day"] for row in rows) > 10
    assert sum(row["from_the_future"] for row in rows) > 5


async def test_a_renamed_event_is_found(asked: Asked) -> None:
    old, new = ({e.who for e in since(60, name)} for name in ("clicked_upgrade", "upgrade_clicked"))

    rows = await asked("renamed-event")

    (row,) = [each for each in rows if each["old_name"] == "clicked_upgrade"]
    assert row["new_name"] == "upgrade_clicked"
    assert row["shared_people"] == pytest.approx(len(old & new) / min(len(old), len(new)), abs=0.006)
    assert row["shared_people"] > 0


async def test_trend_slope(asked: Asked) -> None:
    start = datetime.fromisoformat("2026-09-07T00:00:00+00:00")
    events = between(start, start + 49 * DAY, *USE, "synced_integration")

    rows = await asked("trend-slope")

    assert len(rows) == 4
    for row in rows:
        weeks = Counter((midnight(e.at) - start).days // 7 for e in events if e.name == row["event"])
        slope = linear_regression(sorted(weeks), [weeks[week] for week in sorted(weeks)]).slope
        assert row["events"] == weeks.total()
        assert row["a_week"] == pytest.approx(slope)
        assert row["percent_a_week"] == pytest.approx(100 * slope / mean(weeks.values()), abs=0.06)


async def test_time_of_day(asked: Asked) -> None:
    hours = Counter((e.at.hour, e.at.weekday()) for e in since(28, "viewed_report"))

    rows = await asked("time-of-day")

    assert {(row["hour"], day): n for row in rows for day, n in enumerate(list(row.values())[1:]) if n} == hours


async def test_concurrent_sessions(asked: Asked) -> None:
    names = ("$pageview", "$screen", "viewed_report", "created_dashboard")
    changes: list[tuple[datetime, int]] = []
    for session in grouped(since(14, *names), lambda e: e.get("$session_id")).values():
        changes += [(session[0].at, 1), (session[-1].at, -1)]
    peaks: dict[str, int] = {}
    running, last = 0, sorted(changes)
    for at, (moment, step) in enumerate(last):
        running += step
        if at + 1 == len(last) or last[at + 1] != (moment, step):
            peaks[shown(midnight(moment))] = max(peaks.get(shown(midnight(moment)), -99), running)

    rows = await asked("concurrent-sessions")

    assert {row["day"]: row["peak"] for row in rows} == peaks
    assert max(peaks.values()) > 1


async def test_sessionise(asked: Asked) -> None:
    sessions: list[list[Event]] = []
    for life in grouped(since(30, *USE, "synced_integration")).values():
        own: list[list[Event]] = []
        for event in life:
            if own and event.at - own[-1][-1].at <= timedelta(minutes=30):
                own[-1].append(event)
            else:
                own.append([event])
        sessions += own
    spans = sorted((each[-1].at - each[0].at).total_seconds() for each in sessions)

    (row,) = await asked("sessionise")

    assert row["sessions"] == len(sessions)
    assert row["people"] == len({each[0].who for each in sessions})
    assert row["events_a_session"] == pytest.approx(mean(map(len, sessions)), abs=0.006)
    assert spans[len(spans) // 2 - 1] <= row["median_seconds"] <= spans[len(spans) // 2]
    assert len(sessions) > len({e.get("$session_id") for each in sessions for e in each}), (
        "some gaps are within PostHog's session"
    )
