"""Paths on hand-made visits: each edge is worked out in the test, and PostHog's own shape reads into the same answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.kinds import KINDS
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import framed
from posthog_mcp.project import Project
from tests.insights.made import Did, asked, project_of, table

DAY = {"date_from": "2026-03-02", "date_to": "2026-03-02"}


def views(who: str, *steps: tuple[str, str]) -> list[Did]:
    return [Did(who, "$pageview", f"2026-03-02 {at}", {"$current_url": url}) for at, url in steps]


EVENTS = [
    # A repeat in a row is one step, at the time of the last; a slash at the end is none.
    *views("ann", ("10:00:00", "/home/"), ("10:00:30", "/home"), ("10:01:00", "/plans"), ("10:02:00", "/buy")),
    # A pause of 30 minutes begins another visit; one of a second less does not.
    *views("bob", ("10:00:00", "/home"), ("10:29:59", "/plans"), ("10:59:59", "/home"), ("11:00:09", "/buy")),
    # Same instant: in the order of the uuids.
    *views("cem", ("12:00:00", "/home"), ("12:00:00", "/help")),
    Did("cem", "asked", "2026-03-02 12:00:05"),
    Did("cem", "$screen", "2026-03-02 12:00:06", {"$screen_name": "Inbox"}),
    # Outside the range, and alone.
    Did("dee", "$pageview", "2026-03-01 23:59:59", {"$current_url": "/home"}),
    Did("dee", "$pageview", "2026-03-02 00:00:01", {"$current_url": "/buy"}),
]


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    async with project_of(tmp_path_factory.mktemp("paths"), EVENTS) as opened:
        yield opened


async def edges(project: Project, **question: Any) -> list[list[Any]]:
    return table(await asked(project, kind="paths", **DAY, **question))


async def test_steps_follow_each_other_within_visits(project: Project) -> None:
    assert await edges(project) == [
        ["1_/home", "2_/plans", 2, 914.5],  # ann after 30 s, bob after 1,799
        ["1_/home", "2_/buy", 1, 10],
        ["1_/home", "2_/help", 1, 0],
        ["2_/plans", "3_/buy", 1, 60],
    ]


async def test_from_a_step(project: Project) -> None:
    assert await edges(project, start="/plans") == [["1_/plans", "2_/buy", 1, 60]]
    assert await edges(project, start="/plans/") == [["1_/plans", "2_/buy", 1, 60]]


async def test_up_to_a_step(project: Project) -> None:
    found = await edges(project, end="/buy")
    assert found == [["1_/home", "2_/buy", 1, 10], ["1_/home", "2_/plans", 1, 30], ["2_/plans", "3_/buy", 1, 60]]
    assert await edges(project, end="/buy", step_limit=2) == [
        ["1_/home", "2_/buy", 1, 10],
        ["1_/plans", "2_/buy", 1, 60],
    ]


async def test_between_two_steps_the_middle_is_cut(project: Project) -> None:
    assert await edges(project, start="/home", end="/buy", step_limit=2) == [
        ["1_/home", "2_...", 1, 30],
        ["1_/home", "2_/buy", 1, 10],
        ["2_...", "3_/buy", 1, 60],
    ]


async def test_other_events_exclusions_and_groups(project: Project) -> None:
    kinds = ["$pageview", "$screen", "custom_event"]
    found = await edges(project, path_events=kinds, start="/help")
    assert [row[:2] for row in found] == [["1_/help", "2_asked"], ["2_asked", "3_Inbox"]]
    assert [row[:3] for row in await edges(project, exclude=["/plans"])] == [
        ["1_/home", "2_/buy", 2],
        ["1_/home", "2_/help", 1],
    ]
    grouped = await edges(project, path_groups=["/h*"])
    assert [row[:3] for row in grouped] == [["1_/h*", "2_/plans", 2], ["1_/h*", "2_/buy", 1], ["2_/plans", "3_/buy", 1]]


async def test_limits(project: Project) -> None:
    found = await asked(project, kind="paths", edge_limit=1, **DAY)
    assert len(table(found)) == 1
    assert any("edge_limit" in fact for fact in found.answer.facts)
    assert [row[:2] for row in await edges(project, step_limit=2)][-1] == ["1_/home", "2_/help"]


async def test_nothing_is_told(project: Project) -> None:
    found = await asked(project, kind="paths", start="/nowhere", **DAY)
    assert (table(found), found.answer.facts) == ([], ("No visit has two of these steps in a row.",))


async def test_posthogs_own_answer_reads_alike(project: Project) -> None:
    frame: Frame = await framed(project, question_of({"kind": "paths", "start": "/plans", **DAY}))
    query = KINDS["paths"].native(frame)
    assert query["pathsFilter"] == {
        "includeEventTypes": ["$pageview"],
        "stepLimit": 5,
        "edgeLimit": 50,
        "startPoint": "/plans",
    }
    response: dict[str, Any] = {
        "results": [{"source": "1_/plans", "target": "2_/buy", "value": 1, "average_conversion_time": 60000.0}]
    }
    ours = await asked(project, kind="paths", start="/plans", **DAY)
    assert KINDS["paths"].read_native(frame, response) == ours.answer
