"""Churn of accounts on an embedded project: what leaves is the account, not the people who take turns in it."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

from posthog_mcp.analysis.churn import score_churn
from posthog_mcp.analysis.stats.logistic import auc
from tests.analysis.test_churn import HORIZON, population, risk
from tests.insights.made import Did, project_of

LAST = date(2026, 10, 31)
ACCOUNTS = 500


async def test_accounts_are_ranked_by_what_really_happens_to_them_next(tmp_path: Path) -> None:
    """Scored two weeks before the data end; the weeks after tell the truth. Every person acts only once or twice, so
    that a score of people would call nearly all accounts lost."""
    accounts, turn = population(ACCOUNTS), random.Random(1)
    events = [
        Did(f"{name}-{turn.randrange(60)}", "used", f"{LAST - timedelta(days=ago - 1)} 12:00",
            {"$groups": {"organization": f"org{name}"}, "$group_0": f"org{name}"})
        for name, days in accounts.items() for ago, _, _ in days
    ]  # fmt: skip
    async with project_of(tmp_path, events) as project:
        as_of = str(LAST - timedelta(days=HORIZON - 1))
        found = await score_churn(project, unit="organization", event="used", horizon=HORIZON, limit=2000, as_of=as_of)

    def left(name: str) -> bool:
        return not any(ago <= HORIZON for ago, _, _ in accounts[name])

    told = [(each.id.removeprefix("org"), each.risk) for each in found.people]
    truth = [left(name) for name, _ in told]
    assert found.unit == "organization"
    assert 150 < len(told) <= ACCOUNTS
    assert (
        auc([chance for _, chance in told], truth)
        > auc([risk(accounts[name], HORIZON) for name, _ in told], truth) - 0.05
    )
    assert abs(sum(chance for _, chance in told) / len(told) - sum(truth) / len(truth)) < 0.08
    assert found.brier < found.brier_plain
