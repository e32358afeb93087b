"""The same workflows where the demo tells another story: a price that rose, a broken split, double sends and a rename."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean, stdev

import pytest

from tests.insights.made import Did, written
from tests.knowledge.patterns.world import WORLDS, current, export, since
from tests.knowledge.workflows.made_clients import client_of
from tests.knowledge.workflows.walking import END, Decide, always, walk

CHANGE = datetime(END.year, END.month, END.day) - timedelta(days=28)
"""The first day with the new price."""


def purchases() -> Iterator[tuple[datetime, str, int, bool]]:
    """(when, plan, price, bought): team rises from 99 to 129; fewer choose it, and fewer of those buy."""
    for later, team, bought_team, starter in ((False, 100, 70, 100), (True, 60, 27, 140)):
        begin = CHANGE if later else CHANGE - timedelta(days=28)
        plans = [("team", 129 if later else 99, team, bought_team), ("starter", 29, starter, starter * 7 // 10)]
        for plan, price, starts, bought in plans:
            for number in range(starts):
                yield (
                    begin + timedelta(minutes=number * 28 * 1440 // starts + 5),
                    plan,
                    price,
                    number * bought % starts < bought,
                )


def shop() -> list[Did]:
    events: list[Did] = []
    for number, (at, plan, price, bought) in enumerate(purchases()):
        who, properties = f"buyer{number}", {"plan": plan, "amount": price}
        events.append(Did(who, "checkout_started", at.isoformat(), properties))
        if bought:
            then = (at + timedelta(minutes=2)).isoformat()
            events += [
                Did(who, "checkout_completed", then, properties),
                Did(who, "payment_succeeded", then, properties),
            ]
    return events


async def test_a_price_that_rose_costs_more_buyers_than_it_brings_money(tmp_path: Path) -> None:
    decide: dict[str, Decide] = {
        "prices": lambda found: 0 if any(row["price_before"] != row["price_after"] for row in found.rows) else 1,
        "conversion": lambda found: 0 if found.rows[0]["z"] < -2 else 1,
        "worth": lambda found: 0 if change(found.rows) > 2 else 1 if change(found.rows) < -2 else 2,
        "keep": always(1),
    }

    async with client_of(tmp_path, written(shop(), "UTC")) as client:
        walked = await walk(client, "pricing-change", decide)

    assert walked.path == ["prices", "conversion", "worth", "keep"]
    team = walked.found["prices"].row(plan="team")
    assert (team["price_before"], team["price_after"]) == (99, 129)
    broken = walked.found["conversion"].rows[0]
    assert (broken["plan"], broken["rate_before"], broken["rate_after"]) == ("team", 0.7, pytest.approx(0.45))
    assert walked.outcomes[2].means.startswith("It costs more buyers")
    for row in walked.found["worth"].rows:
        paid = [price * bought for at, _, price, bought in purchases() if (at >= CHANGE) == row["later"] and early(at)]
        assert row["revenue_a_starter"] == pytest.approx(mean(paid))
        assert row["error"] == pytest.approx(stdev(paid) / len(paid) ** 0.5)


def early(at: datetime) -> bool:
    """Long enough ago to have had a week to pay."""
    return at < datetime(END.year, END.month, END.day) - timedelta(days=7)


def change(rows: list[dict[str, float]]) -> float:
    """How many standard errors the worth of a starter moved."""
    before, after = rows
    return (after["revenue_a_starter"] - before["revenue_a_starter"]) / (
        before["error"] ** 2 + after["error"] ** 2
    ) ** 0.5


async def test_an_experiment_with_a_broken_split_is_not_read(tmp_path: Path) -> None:
    day = f"{END - timedelta(days=20)}T09:00:00"
    flag = "$feature_flag_called"
    events = [
        Did(
            f"p{n}",
            flag,
            day,
            {"$feature_flag": "onboarding-checklist", "$feature_flag_response": "test" if n < 100 else "control"},
        )
        for n in range(300)
    ]
    events += [Did(f"p{n}", "created_project", f"{END - timedelta(days=15)}T09:00:00") for n in range(90)]
    decide: dict[str, Decide] = {
        "setup": always(1),
        "split": lambda found: 0 if found.rows[0]["chi2"] > 10.8 else 1,
    }

    async with client_of(tmp_path, written(events, "UTC")) as client:
        walked = await walk(client, "experiment-review", decide)

    split = walked.found["split"].rows[0]
    assert walked.path == ["setup", "split"]
    assert (split["control"], split["test"], split["chi2"]) == (200, 100, pytest.approx(100**2 / 300))
    assert walked.last.startswith("Broken")


async def test_the_audit_of_bad_data_finds_the_rename_the_double_sends_and_the_late_ones(tmp_path: Path) -> None:
    current[0] = WORLDS[0]
    payments, views = since(89, "payment_succeeded"), since(89, "$pageview")
    decide: dict[str, Decide] = {
        "what": lambda found: 0 if found.row(event="clicked_upgrade")["last_seen"] < "2026-10-02" else 2,
        "holes": always(1),
        "twice": lambda found: 0 if found.rows[0]["share"] > 0.01 else 1,
        "filled": always(0),
        "late": lambda found: 0 if sum(row["over_a_day"] for row in found.rows) > 0.01 * len(views) else 1,
    }

    async with client_of(tmp_path, export(WORLDS[0])) as client:
        walked = await walk(client, "data-quality-audit", decide)

    twice = walked.found["twice"].rows[0]
    assert walked.path == ["what", "holes", "twice", "filled", "late"]
    assert walked.outcomes[0].means.startswith("A rename")
    assert twice["received"] == len(payments)
    assert twice["sum_with"] - twice["sum_without"] > 1_000
    assert walked.outcomes[2].means.startswith("Sums are too high")
    assert sum(row["over_a_day"] for row in walked.found["late"].rows) == sum(e.stored_after > 86_400 for e in views)
