"""Every kind of discover_objects and get_object_fields, on both backends, by the endpoint table."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from posthog_mcp.discovery.kinds import KINDS
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.api.calls import text_of
from tests.api.conftest import SettingsOf


async def tool(client: Client, tool_name: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool_name, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


async def test_the_overview_counts_every_kind(reader: Client) -> None:
    counts = (await tool(reader, "discover_objects"))["counts"]
    assert set(counts) == set(KINDS)
    assert not [kind for kind, count in counts.items() if str(count).startswith("unknown")]
    assert (counts["insight"], counts["feature_flag"], counts["member"], counts["organization"]) == (8, 3, 1, 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_is_listed_and_its_fields_described(reader: Client, kind: str) -> None:
    listed = await tool(reader, "discover_objects", kind=kind, limit=3)
    assert listed["kind"] == kind
    assert listed["fields"]
    described = await tool(reader, "get_object_fields", name="events" if kind == "table" else kind)
    assert described["fields"]


@pytest.mark.parametrize("kind", KINDS)
async def test_both_backends_list_the_same(settings_of: SettingsOf, served: tuple[Any, str], kind: str) -> None:
    here = settings_of()
    local = Settings.load(data_dir=served[0], backend="local")
    found = []
    for settings in (here, local):
        async with Client(build_server(settings)) as client:
            found.append(await tool(client, "discover_objects", kind=kind, limit=5))
    if kind in ("table", "project"):
        return  # a host's own schema, and its address
    assert [found[0][name] for name in ("items", "count")] == [found[1][name] for name in ("items", "count")]


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("$browser", "property", "Chrome"),
        ("country", "person_property", "US"),
        ("$channel_type", "session_property", "Direct"),
        ("Weekly retention", "insight", "Weekly retention"),
        ("1", "feature_flag", "onboarding-checklist"),
        ("dark-mode", "feature_flag", "Dark mode"),
    ],
)
async def test_one_thing_by_its_name_or_id(reader: Client, name: str, kind: str, value: str) -> None:
    found = await tool(reader, "get_object_fields", name=name, kind=kind)
    assert value in str(found["fields"])


@pytest.mark.parametrize(
    ("name", "kind", "near"),
    [
        ("$browzer", "property", "$browser"),
        ("Weekly retentoin", "insight", "Weekly retention"),
        ("x", "alert", "alert"),
    ],
)
async def test_a_near_miss_gets_the_nearest(reader: Client, name: str, kind: str, near: str) -> None:
    result = await reader.call_tool("get_object_fields", {"name": name, "kind": kind})
    assert result.is_error
    assert near in text_of(result)
