"""Titles of charts say what was found, where one finding speaks of all that is drawn."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from posthog_mcp.project import Project
from tests.insights.made import Did, asked, project_of

RANGE = {"date_from": "2026-03-02", "date_to": "2026-03-04"}


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    days = [
        Did(who, "seen", f"2026-03-0{day}T10:00:00") for day, who in ((2, "ann"), (3, "ann"), (3, "bob"), (3, "eve"))
    ]
    paid = [Did(who, "paid", "2026-03-04T10:00:00") for who in ("ann", "bob")]
    async with project_of(tmp_path_factory.mktemp("headline"), [*days, *paid]) as project:
        yield project


async def test_a_funnels_title_is_its_conversion(made: Project) -> None:
    found = await asked(made, kind="funnel", series=[{"event": "seen"}, {"event": "paid"}], **RANGE)
    assert found.answer.chart.title == "2 of 3 people (66.7 %) went from seen to paid within 14 days"
    assert found.answer.chart.footnote.startswith("seen → paid · Made, 2026-03-02 to 2026-03-04")


async def test_a_trends_title_is_its_total(made: Project) -> None:
    found = await asked(made, kind="trends", series=[{"event": "seen"}], **RANGE)
    assert found.answer.chart.title.startswith("seen: 4 in 3 complete days; highest 3 (2026-03-03)")


@pytest.mark.parametrize(
    "more", [{"breakdowns": [{"property": "event", "type": "hogql"}]}, {}], ids=["broken down", "two"]
)
async def test_a_chart_of_several_things_is_named_for_them(made: Project, more: dict[str, object]) -> None:
    series = [{"event": "seen"}] if more else [{"event": "seen"}, {"event": "paid"}]
    found = await asked(made, kind="trends", series=series, **RANGE, **more)
    assert found.answer.chart.title == ("seen by event" if more else "seen, paid")
