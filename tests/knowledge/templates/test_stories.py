"""Templates asked of the demo project find what was planted there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from posthog_mcp.backends.local.demo.stories import BROKEN_CHECKOUT, CREATED_PROJECT
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.knowledge.asking import ask
from tests.knowledge.templates.proof import END


@pytest.fixture(scope="module")
async def demo(demo_dir: Path) -> AsyncIterator[Project]:
    async with open_project(Settings.load(data_dir=demo_dir, backend="local")) as project:
        yield project


async def test_the_sticky_feature_is_the_early_action_that_goes_with_coming_back(demo: Project) -> None:
    first, *others = await ask(demo, "early-action-lift", at=END)

    assert first["action"] == "connected_integration"
    assert first["lift"] > 1.5
    assert first["p_value"] < 0.001
    assert all(each["p_value"] > 0.05 for each in others)


async def test_the_leaky_channel_retains_worst_beyond_its_margin(demo: Project) -> None:
    *others, worst = await ask(demo, "retention-by-segment", at=END)

    assert worst["segment"] == "paid_social"
    assert all(worst["percent"] + worst["margin"] < each["percent"] for each in others)


async def test_the_experiments_interval_holds_the_planted_difference(demo: Project) -> None:
    control, test = await ask(demo, "experiment-result", at=END, days=180)

    assert control["rate"] == pytest.approx(CREATED_PROJECT["control"], abs=0.08)
    assert test["low"] < CREATED_PROJECT["test"] - CREATED_PROJECT["control"] < test["high"]


async def test_the_broken_release_leads_the_errors_by_release(demo: Project) -> None:
    first, *_ = await ask(demo, "errors-by-release", at=END, days=60)

    assert first["segment"] == "4.2.0"


async def test_the_payment_error_was_seen_only_while_the_release_was_broken(demo: Project) -> None:
    (error,) = [
        row for row in await ask(demo, "errors-by-type", at=END, days=90) if row["error_type"] == "PaymentSheetError"
    ]
    starts, ends = (
        f"{END - timedelta(days=days or 0):%Y-%m-%dT%H}" for days in (BROKEN_CHECKOUT.starts, BROKEN_CHECKOUT.ends)
    )

    assert starts <= error["first_seen"] <= error["last_seen"] <= ends


async def test_the_costs_given_from_outside_make_the_leaky_channel_the_worst_investment(demo: Project) -> None:
    costs = '{"paid_social": 6000, "paid_search": 1000, "email": 1000}'

    rows = {row["channel"]: row for row in await ask(demo, "channel-return-on-cost", at=END, costs=costs)}

    returns = {name: row["return_on_cost"] for name, row in rows.items() if row["return_on_cost"] is not None}
    assert min(returns, key=lambda name: returns[name]) == "paid_social"
    for row in rows.values():
        if row["cost"]:
            assert row["return_on_cost"] == pytest.approx(row["revenue"] / row["cost"], abs=0.006)
