"""The published face: names, schemas, hints, sizes. A change shows as a changed snapshot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from posthog_mcp.server.app import INSTRUCTIONS, build_server
from posthog_mcp.settings import Settings

SNAPSHOTS = Path(__file__).parent / "snapshots"


async def listed(demo_dir: Path, mode: str) -> list[dict[str, Any]]:
    settings = Settings.load(
        data_dir=demo_dir, backend="local", mode=mode, toolsets="all", e2b_api_key="e2b_so_that_all_are_listed"
    )
    async with Client(build_server(settings)) as client:
        return [tool.model_dump(by_alias=True, exclude_none=True) for tool in (await client.list_tools()).tools]


async def test_each_tool_matches_its_snapshot(demo_dir: Path, request: pytest.FixtureRequest) -> None:
    """After a wanted change: `pytest tests/server/test_public_face.py --update-snapshots`."""
    tools = await listed(demo_dir, "tools")
    for tool in tools:
        path = SNAPSHOTS / f"{tool['name']}.json"
        if request.config.getoption("--update-snapshots"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(tool, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        assert json.loads(path.read_text(encoding="utf-8")) == tool
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == {tool["name"] for tool in tools}


@pytest.mark.parametrize("mode", ["tools", "compact"])
async def test_schemas_are_portable(demo_dir: Path, mode: str) -> None:
    for tool in await listed(demo_dir, mode):
        text = json.dumps(tool["inputSchema"])
        assert tool["inputSchema"]["type"] == "object"
        assert "$ref" not in text
        assert "anyOf" not in text
        assert len(text) < 16_000
        assert "outputSchema" not in tool


@pytest.mark.parametrize("mode", ["tools", "compact"])
async def test_each_tool_has_title_description_and_hints(demo_dir: Path, mode: str) -> None:
    for tool in await listed(demo_dir, mode):
        assert tool["title"]
        assert 40 < len(tool["description"]) < 4_000
        assert {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"} <= set(tool["annotations"])


async def test_the_list_stays_small(demo_dir: Path) -> None:
    tools = await listed(demo_dir, "tools")
    assert len(json.dumps(tools)) / len(tools) < 950


def test_instructions_are_short() -> None:
    assert len(INSTRUCTIONS.split()) < 250
    assert len(INSTRUCTIONS) < 4_000


async def test_compact_mode_reaches_every_tool(demo_dir: Path) -> None:
    async with Client(build_server(Settings.load(data_dir=demo_dir, backend="local", mode="compact"))) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"find_tool", "use_tool"}
        found = await client.call_tool("find_tool", {"need": "run a query"})
        assert found.structured_content is not None
        assert "execute_hogql" in {tool["name"] for tool in found.structured_content["tools"]}
        done = await client.call_tool("use_tool", {"name": "execute_hogql", "arguments": {"query": "SELECT 41 + 1"}})
        assert done.structured_content is not None
        assert done.structured_content["rows"] == [[42]]
        wrong = await client.call_tool("use_tool", {"name": "execute_hogq", "arguments": {}})
        assert wrong.is_error


async def test_toolsets_choose_tools(demo_dir: Path) -> None:
    async with Client(build_server(Settings.load(data_dir=demo_dir, backend="local", toolsets="discover"))) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"discover_objects", "get_object_fields"}


async def test_completions_come_from_the_project(demo_dir: Path) -> None:
    from mcp.types import ResourceTemplateReference

    async with Client(build_server(Settings.load(data_dir=demo_dir, backend="local"))) as client:
        reference = ResourceTemplateReference(type="ref/resource", uri="posthog://schema/{table}")
        answer = await client.complete(reference, {"name": "table", "value": "eve"})
        assert "events" in answer.completion.values
