"""Holidays and what the activity log holds, around a change that a small project makes now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from posthog_mcp.analysis.explain import explain_change
from posthog_mcp.analysis.holidays import known_days_of
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.errors import InvalidInput
from tests.insights.made import Did, project_of


def test_countries_and_dates_are_known_days() -> None:
    found = known_days_of(["US", "de-by", "2026-11-14"], ["2026-11-01", "2026-12-31"])
    assert found["2026-11-26"] == "Thanksgiving Day (US)"
    assert found["2026-11-01"].endswith("(DE-BY)")
    assert found["2026-11-14"] == "known day"
    assert "2025-11-27" not in found


@pytest.mark.parametrize("given", ["XX", "US-ZZ", "14.11.2026", "Germany"])
def test_what_is_neither_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match=r"known day|no holidays"):
        known_days_of([given], ["2026-11-01"])


async def test_the_activity_log_and_known_days_stand_among_what_happened(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=each) for each in range(20)]
    events = [Did(f"u{at}", "paid", f"{day} 23:30") for day in days for at in range(5)]
    async with project_of(tmp_path, events) as project:
        objects = Objects(Store(tmp_path / "data" / "local").root)
        flag = objects.create("feature_flags", {"key": "new-checkout", "name": "New checkout"})
        objects.update("feature_flags", str(flag["id"]), {"active": False})
        metric, known = {"kind": "trends", "series": [{"event": "paid"}]}, [str(today)]
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        found = await explain_change(project, metric, known_days=known, now=tomorrow)
    told = {(each.kind, each.name) for each in found.happenings}
    assert ("holiday", "known day") in told
    assert any(kind == "flag" and name.endswith("updated (active)") for kind, name in told)
    assert any("known day" in each and "asked about" in each for each in found.likely)
