"""Calls that people and models also write, and what is still refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings

OCTOBER = {"date_from": "2026-10-01", "date_to": "2026-10-31"}
STEPS = [{"event": "signed_up"}, {"event": "created_project"}]
FUNNEL: dict[str, Any] = {"kind": "funnel", "series": STEPS, **OCTOBER}
TRENDS: dict[str, Any] = {"kind": "trends", "series": [{"event": "$pageview"}], **OCTOBER}


@pytest.fixture(scope="module")
async def client(demo_dir: Path) -> AsyncIterator[Client]:
    async with Client(build_server(Settings.load(data_dir=demo_dir, backend="local"))) as connected:
        yield connected


async def rows(client: Client, tool: str, arguments: dict[str, Any]) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content["rows"]


WAYS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({**FUNNEL, "funnel_window": 1}, {**FUNNEL, "options": {"funnel_window": 1}}),
    ({**FUNNEL, "funnel_order": "strict"}, {**FUNNEL, "options": {"funnel_order": "strict"}}),
    ({**FUNNEL, "series": ["signed_up", "created_project"]}, FUNNEL),
    ({**TRENDS, "breakdown": "$browser"}, {**TRENDS, "breakdown": ["$browser"]}),
    ({**TRENDS, "breakdown": {"property": "plan", "type": "person"}}, {**TRENDS, "breakdown": ["person:plan"]}),
    ({**TRENDS, "filters": {"$browser": "Chrome"}}, {**TRENDS, "filters": [{"key": "$browser", "value": "Chrome"}]}),
    ({**TRENDS, "compare": True}, {**TRENDS, "compare": "previous"}),
    ({**TRENDS, "compare": False}, TRENDS),
]


@pytest.mark.parametrize(("written", "meant"), WAYS, ids=lambda each: "")
async def test_an_insight_may_be_asked_in_other_words(
    client: Client, written: dict[str, Any], meant: dict[str, Any]
) -> None:
    answered = await rows(client, "run_insight", written)
    assert answered == await rows(client, "run_insight", meant)
    assert len(answered) > 1


async def test_a_window_changes_who_converts(client: Client) -> None:
    day, fortnight = [await rows(client, "run_insight", {**FUNNEL, "funnel_window": days}) for days in (1, 14)]
    assert day[0] == fortnight[0]
    assert 0 < day[1][2] <= fortnight[1][2]


@pytest.mark.parametrize(
    "drawn",
    [{"rows": [["a", 1], ["b", 2]], "x": "letter"}, {"rows": [{"letter": "a", "n": 1}, {"letter": "b", "n": 2}]}],
)
async def test_rows_are_drawn_without_names_of_columns(client: Client, drawn: dict[str, Any]) -> None:
    result = await client.call_tool("render_chart", drawn)
    assert result.structured_content is not None
    assert result.structured_content["alt"].endswith("highest 2 (b), lowest 1 (a).")


@pytest.mark.parametrize("named", [{"name": "Growth"}, {"id": 1}, {"dashboard": "1"}])
async def test_saved_things_are_found_by_id_or_name(client: Client, named: dict[str, Any]) -> None:
    result = await client.call_tool("get_dashboard", named)
    assert isinstance(result.content[0], TextContent)
    assert result.content[0].text.startswith("dashboard 1: Growth")


@pytest.mark.parametrize("compact", [False, True])
async def test_a_misspelt_argument_is_refused(demo_dir: Path, compact: bool) -> None:
    settings = Settings.load(data_dir=demo_dir, backend="local", mode="compact" if compact else "tools")
    wrong = {**TRENDS, "date_form": "-7d"}
    async with Client(build_server(settings)) as client:
        called = ("use_tool", {"name": "run_insight", "arguments": wrong}) if compact else ("run_insight", wrong)
        result = await client.call_tool(*called)
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    assert "no argument 'date_form'. Fix: Use: date_from" in result.content[0].text
