"""Attribution, revenue, concentration, duplicates, states."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from tests.knowledge.patterns.conftest import Asked
from tests.knowledge.patterns.world import END, Event, between, grouped, since, times


def paying() -> list[tuple[list[str], float]]:
    """(sources of the touches up to the first payment in order, revenue) of everybody who paid."""
    found = []
    for life in grouped(since(90, "$pageview", "payment_succeeded")).values():
        if paid := times(life, "payment_succeeded"):
            touches = [e for e in life if e.get("$referring_domain") and e.at <= paid[0]]
            sources = [e.get("utm_source") or e.get("$referring_domain") for e in touches]
            found.append((sources, sum(e.get("amount") for e in life if e.name == "payment_succeeded")))
    return found


async def test_first_and_last_touch(asked: Asked) -> None:
    first, last, first_revenue, last_revenue = Counter(), Counter(), Counter(), Counter()
    for sources, revenue in paying():
        if sources:
            first[sources[0]] += 1
            first_revenue[sources[0]] += revenue
            last[sources[-1]] += 1
            last_revenue[sources[-1]] += revenue

    rows = await asked("first-and-last-touch")

    assert first != last
    assert {row["source"]: row["first_touch"] for row in rows} == first
    assert {row["source"]: row["last_touch"] for row in rows} == last
    assert {row["source"]: row["first_touch_revenue"] for row in rows} == first_revenue
    assert {row["source"]: row["last_touch_revenue"] for row in rows} == last_revenue


async def test_multi_touch_attribution_shares_out_the_whole_revenue(asked: Asked) -> None:
    linear, position, touches = Counter(), Counter(), Counter()
    for sources, revenue in paying():
        n = len(sources)
        weights = {1: [1], 2: [0.5, 0.5]}.get(n, [0.4, *[0.2 / max(n - 2, 1)] * (n - 2), 0.4])
        for source, weight in zip(sources, weights, strict=False):
            touches[source] += 1
            linear[source] += revenue / n
            position[source] += revenue * weight

    rows = await asked("multi-touch-attribution")

    assert {row["source"]: row["touches"] for row in rows} == touches
    assert {row["source"]: row["linear"] for row in rows} == pytest.approx(dict(linear))
    assert {row["source"]: row["position_based"] for row in rows} == pytest.approx(dict(position))
    total = sum(revenue for sources, revenue in paying() if sources)
    assert sum(row["linear"] for row in rows) == pytest.approx(total)
    assert sum(row["position_based"] for row in rows) == pytest.approx(total)


async def test_mrr_movements_add_up(asked: Asked) -> None:
    months = ("2026-08", "2026-09", "2026-10")
    expected = {month: Counter() for month in months}
    for life in grouped(between("2026-08-03", "2026-11-01", "payment_succeeded")).values():
        paid = [sum(e.get("amount") for e in life if f"{e.at:%Y-%m}" == month) for month in months]
        for month, before, now in zip(months, [0, *paid], paid, strict=False):
            kind = "new" if not before else "churned" if not now else "expansion" if now > before else "contraction"
            expected[month][kind] += abs(now - before)
            expected[month]["mrr"] += now

    rows = await asked("mrr-movements")

    for row, (month, moves) in zip(rows, expected.items(), strict=True):
        assert row["month"].startswith(month)
        assert {name: row[name] for name in ("new", "expansion", "contraction", "churned", "mrr")} == {
            name: moves[name] for name in ("new", "expansion", "contraction", "churned", "mrr")
        }
        net = row["new"] + row["expansion"] - row["contraction"] - row["churned"]
        assert row["mrr"] - row["mrr_before"] == pytest.approx(net)
    assert all(rows[2][name] > 0 for name in ("new", "expansion", "contraction", "churned"))


async def test_ltv_by_cohort(asked: Asked) -> None:
    people: Counter[tuple[str, int]] = Counter()
    paid: Counter[tuple[str, int]] = Counter()
    payers: Counter[tuple[str, int]] = Counter()
    for life in grouped(since(90, "signed_up", "payment_succeeded")).values():
        for signed in (e for e in life if e.name == "signed_up"):
            for days in (14, 30, 60):
                until = signed.at + timedelta(days=days)
                if until <= END:
                    amount = sum(e.get("amount") for e in life if e.name == "payment_succeeded" and e.at < until)
                    key = signed.get("channel"), days
                    people[key] += 1
                    paid[key] += amount
                    payers[key] += amount > 0

    rows = await asked("ltv-by-cohort")

    assert {(row["channel"], row["days"]): row["people"] for row in rows} == people
    for row in rows:
        key = row["channel"], row["days"]
        assert (row["payers"], row["revenue_a_person"]) == (
            payers[key],
            pytest.approx(paid[key] / people[key], abs=0.006),
        )


async def test_latest_state(asked: Asked) -> None:
    moves: Counter[tuple[str | None, str]] = Counter()
    for life in grouped(between("2026-08-03", "2026-11-01", "payment_succeeded")).values():
        before = [e.get("plan") for e in life if e.at < END - timedelta(days=31)]
        moves[before[-1] if before else None, life[-1].get("plan")] += 1

    rows = await asked("latest-state")

    assert {(row["plan_then"] or None, row["plan_now"]): row["people"] for row in rows} == moves
    assert any(then and then != now for then, now in moves)


async def test_concentration(asked: Asked) -> None:
    paid = sorted(sum(e.get("amount") for e in life) for life in grouped(since(60, "payment_succeeded")).values())
    n, total = len(paid), sum(paid)
    pairs = sum(abs(a - b) for a in paid for b in paid)

    rows = await asked("concentration")

    assert [row["tenth"] for row in rows] == list(range(10, 0, -1))
    top = rows[0]["people"]
    assert rows[0]["revenue_of_tenth"] == sum(paid[-top:])
    assert rows[0]["percent"] == pytest.approx(100 * sum(paid[-top:]) / total, abs=0.06)
    assert sum(row["people"] for row in rows) == n
    assert all(row["gini"] == pytest.approx(pairs / (2 * n * total)) for row in rows), "mean absolute difference"


async def test_deduplicate(asked: Asked) -> None:
    def repeats(event: Event, life: list[Event]) -> bool:
        earlier = [e for e in life if e.at < event.at and e.get("amount") == event.get("amount")]
        return bool(earlier) and event.at - earlier[-1].at <= timedelta(seconds=10)

    lives = grouped(since(60, "payment_succeeded")).values()
    amounts = [(e.get("amount"), repeats(e, life)) for life in lives for e in life]

    (row,) = await asked("deduplicate")

    assert row["received"] == len(amounts)
    assert row["duplicates"] == sum(again for _, again in amounts) > 10
    assert row["sum_with"] == sum(amount for amount, _ in amounts)
    assert row["sum_without"] == sum(amount for amount, again in amounts if not again)


async def test_account_health(asked: Asked) -> None:
    names = ("viewed_report", "created_dashboard", "exported_data", "synced_integration")
    accounts = grouped(
        (e for e in between("2026-09-06", "2026-11-01", *names) if e.get("$group_0")), lambda e: e.get("$group_0")
    )
    split = END - timedelta(days=28)

    rows = await asked("account-health")

    assert {row["account"] for row in rows} == set(accounts)
    for row in rows:
        now = {e.who for e in accounts[row["account"]] if e.at >= split}
        before = {e.who for e in accounts[row["account"]] if e.at < split}
        health = (
            "silent"
            if not now
            else "shrinking"
            if len(now) < len(before)
            else "growing"
            if len(now) > len(before)
            else "steady"
        )
        assert (row["people_now"], row["people_before"], row["health"]) == (len(now), len(before), health)
        assert row["actions_now"] == sum(e.at >= split for e in accounts[row["account"]])


async def test_accounts_by_their_own_property(asked: Asked) -> None:
    names = ("viewed_report", "created_dashboard", "exported_data", "synced_integration")
    industries = ["software", "retail", "health"]
    found = grouped(
        (e for e in since(28, *names) if e.get("$group_0")),
        lambda e: industries[int(e.get("$group_0").split("_")[1]) % 3],
    )

    rows = await asked("account-health", 1)

    assert {row["industry"]: (row["accounts"], row["people"], row["actions"]) for row in rows} == {
        industry: (len({e.get("$group_0") for e in events}), len({e.who for e in events}), len(events))
        for industry, events in found.items()
    }
