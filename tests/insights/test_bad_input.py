"""Questions that cannot be asked: each is refused before anything runs, with what to write instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.project import Project
from tests.insights.made import Did, asked, project_of

SEEN: dict[str, Any] = {"kind": "trends", "series": [{"event": "seen"}]}


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    did = [Did("ann", "seen", "2026-03-02T10:00:00", {"amount": 3, "browser": "Chrome"}, {"plan": "free"})]
    async with project_of(tmp_path_factory.mktemp("bad"), did) as project:
        yield project


def math(**fields: Any) -> dict[str, Any]:
    return {"kind": "trends", "series": [{"event": "seen", **fields}]}


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "trends", "series": [{"event": "sen"}]}, "No event 'sen' was ever recorded", "seen"),
    ({"kind": "trends", "series": []}, "trends takes 1 to 20 series, not 0", ""),
    ({"kind": "funnel", "series": [{"event": "seen"}]}, "funnel takes 2 to 20 series, not 1", ""),
    ({"kind": "trends", "series": [{"action": "Bought"}]}, "There is no action 'Bought'", "action"),
    ({**SEEN, "date_from": "2026-10-31", "date_to": "2026-10-01"}, "The range begins after it ends", "Exchange"),
    ({**SEEN, "date_from": "lastweek"}, "date_from 'lastweek' is no date", "-7d"),
    ({**SEEN, "breakdowns": [{"property": "browsr"}]}, "no event property 'browsr'", "browser"),
    ({**SEEN, "breakdowns": [{"property": "paln", "type": "person"}]}, "no person property 'paln'", "plan"),
    ({**SEEN, "filters": [{"key": "amont", "value": 3}]}, "no event property 'amont'", "amount"),
    ({**SEEN, "filters": [{"key": "browser", "operator": "like", "value": "x"}]}, "'like' cannot be written", "icontains"),
    (math(math="p90"), "p90 needs math_property", ""),
    (math(math="sum", math_property="amont"), "no event property 'amont'", "amount"),
    (math(math="avg", math_property="paln", math_property_type="person"), "no person property 'paln'", "plan"),
    (math(math="hogql", math_hogql="count( FROM"), "Syntax error", "Check"),
    (math(math="hogql", math_hogql="sum(properties.amount) + nosuch"), "nosuch", ""),
    ({**SEEN, "formula": "A + __import__('os')"}, "formula", ""),
    ({**SEEN, "smooting": 7}, "smooting", ""),
]  # fmt: skip


@pytest.mark.parametrize(("question", "says", "mend"), CASES, ids=lambda each: each if isinstance(each, str) else "")
async def test_what_cannot_be_asked_is_told(made: Project, question: dict[str, Any], says: str, mend: str) -> None:
    with pytest.raises(PostHogMcpError) as caught:
        await asked(made, **question)
    assert says in caught.value.message
    assert mend in caught.value.fix


async def test_a_property_that_exists_is_summed(made: Project) -> None:
    found = await asked(made, **math(math="sum", math_property="amount"), date_from="2026-03-02", date_to="2026-03-03")
    assert [row[1] for row in found.answer.rows] == [3, 0]
