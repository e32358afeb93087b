"""What the tools answer, through an MCP client, on data whose truths are known."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import TextContent

RANGE = "timestamp >= '2026-08-01' AND timestamp < '2026-10-01'"


async def ok(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


async def error(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return text_of(result)


def text_of(result: Any) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


async def test_overview_tells_project_range_and_counts(client: Client) -> None:
    found = await ok(client, "discover_objects")
    assert found["project"] == {"id": 1, "name": "Demo", "timezone": "UTC", "backend": "local", "host": "embedded"}
    assert found["data"]["first_event"].startswith("2026-05-05")
    assert found["counts"]["insight"] == 8
    assert dict(map(tuple, found["top_events"]))["$pageview"] > 0


async def test_every_kind_can_be_listed(client: Client) -> None:
    counts = (await ok(client, "discover_objects"))["counts"]
    for kind in counts:
        listed = await ok(client, "discover_objects", kind=kind, limit=5)
        assert listed["kind"] == kind
        assert len(listed["items"]) <= 5


async def test_pages_follow_each_other_without_gaps(client: Client) -> None:
    seen: list[str] = []
    arguments: dict[str, Any] | None = {"kind": "event", "limit": 10}
    while arguments:
        page = await ok(client, "discover_objects", **arguments)
        seen += [row[0] for row in page["items"]]
        arguments = page["next"]
    assert len(seen) == len(set(seen)) == page["count"]


async def test_fields_have_types_fill_rates_and_real_values(client: Client) -> None:
    found = await ok(client, "get_object_fields", name="checkout_started")
    fields = {row[0]: dict(zip(found["columns"], row, strict=True)) for row in found["fields"]}
    assert fields["amount"]["type"] == "Numeric"
    assert fields["amount"]["fill_rate"] == 1.0
    assert set(fields["amount"]["sample_values"]) <= {"29", "99", "299"}


@pytest.mark.parametrize("name", ["persons", "sessions", "organization", "events", "insight", "cohort"])
async def test_anything_can_be_described(client: Client, name: str) -> None:
    assert (await ok(client, "get_object_fields", name=name))["fields"]


async def test_a_near_miss_names_the_event_with_its_volume(client: Client) -> None:
    text = await error(client, "get_object_fields", name="$pagview")
    assert text.startswith("[not_found]")
    assert "$pageview (" in text


async def test_validate_gives_place_and_fix_without_running(client: Client) -> None:
    found = await ok(client, "validate_hogql", query="SELECT count()\nFROM events\nWHERE evnt = 'x'")
    assert not found["valid"]
    [first] = found["errors"]
    assert (first["code"], first["line"], first["column"]) == ("hogql_resolution", 3, 7)
    assert "`event`" in first["fix"]


async def test_default_limit_is_announced_and_next_gives_the_rest(client: Client) -> None:
    first = await ok(
        client, "execute_hogql", query=f"SELECT toString(uuid) AS id FROM events WHERE {RANGE} ORDER BY id"
    )
    assert first["limit"] == {"rows": 100, "from": "default"}
    assert first["row_count"] == 100
    assert first["truncated"] is True
    more = await ok(client, "execute_hogql", **first["next"])
    assert more["row_count"] == 1000
    assert more["rows"][0][0] > first["rows"][-1][0]


async def test_rows_that_do_not_fit_are_paged_by_offset(client: Client) -> None:
    query = f"SELECT uuid, properties FROM events WHERE {RANGE} ORDER BY uuid LIMIT 60"
    seen: list[str] = []
    arguments: dict[str, Any] | None = {"query": query}
    while arguments:
        result = await client.call_tool("execute_hogql", arguments)
        assert len(text_of(result)) < 12_000
        assert result.structured_content is not None
        seen += [row[0] for row in result.structured_content["rows"]]
        arguments = result.structured_content["next"]
    assert len(seen) == len(set(seen)) == 60


async def test_every_result_says_where_it_came_from(client: Client) -> None:
    found = await ok(client, "execute_hogql", query=f"SELECT count() FROM events WHERE {RANGE}")
    assert found["date_range"] == {
        "from": "2026-08-01T00:00:00+00:00",
        "to": "2026-10-01T00:00:00+00:00",
        "timezone": "UTC",
    }
    assert found["project"]["id"] == 1
    assert found["hogql"].startswith("SELECT count()")


async def test_the_second_call_is_cached_and_refresh_is_not(client: Client) -> None:
    query = f"SELECT count(), 'cache' FROM events WHERE {RANGE}"
    first = await ok(client, "execute_hogql", query=query)
    again = await ok(client, "execute_hogql", query=query)
    fresh = await ok(client, "execute_hogql", query=query, refresh=True)
    assert (first["cached"], again["cached"], fresh["cached"]) == (False, True, False)
    assert first["rows"] == again["rows"] == fresh["rows"]


async def test_an_empty_result_says_so(client: Client) -> None:
    found = await ok(client, "execute_hogql", query=f"SELECT event FROM events WHERE event = '$pagview' AND {RANGE}")
    codes = {warning["code"] for warning in found["warnings"]}
    assert "empty_result" in codes
    assert any("$pageview" in warning["message"] + warning["fix"] for warning in found["warnings"])


async def test_values_fill_placeholders(client: Client) -> None:
    query = f"SELECT count() FROM events WHERE event = {{name}} AND {RANGE}"
    found = await ok(client, "execute_hogql", query=query, values={"name": "signed_up"})
    direct = await ok(client, "execute_hogql", query=query.replace("{name}", "'signed_up'"))
    assert found["rows"] == direct["rows"] != [[0]]


async def test_formats_hold_the_same_rows(client: Client) -> None:
    query = f"SELECT event, count() AS n FROM events WHERE {RANGE} GROUP BY event ORDER BY event LIMIT 5"
    rows = (await ok(client, "execute_hogql", query=query))["rows"]
    as_csv = (await ok(client, "execute_hogql", query=query, format="csv"))["csv"]
    assert [[name, int(n)] for name, n in list(csv.reader(io.StringIO(as_csv)))[1:]] == rows
    markdown = (await ok(client, "execute_hogql", query=query, format="markdown"))["markdown"]
    assert markdown.splitlines()[2] == f"| {rows[0][0]} | {rows[0][1]} |"


@pytest.mark.parametrize(
    ("query", "cell"),
    [
        ("SELECT toInt('9007199254740993') AS x", "9007199254740993"),
        ("SELECT 1 / 0 AS x", "Infinity"),
        ("SELECT NULL AS x", None),
        ("SELECT toDateTime('2026-03-29 01:30:00') AS x", "2026-03-29T01:30:00Z"),
        ("SELECT [1, 2] AS x", [1, 2]),
        ("SELECT ('a', 1) AS x", ["a", 1]),
        ("SELECT 'it''s \\n 😀' AS x", "it's \n 😀"),
    ],
)
async def test_cells_keep_their_values(client: Client, query: str, cell: object) -> None:
    assert (await ok(client, "execute_hogql", query=query))["rows"] == [[cell]]


async def test_duplicate_column_names_are_kept(client: Client) -> None:
    found = await ok(client, "execute_hogql", query=f"SELECT event, event FROM events WHERE {RANGE} LIMIT 1")
    assert [column["name"] for column in found["columns"]] == ["event", "event"]
    assert found["rows"][0][0] == found["rows"][0][1]


async def test_text_and_structure_hold_the_same_facts(client: Client) -> None:
    query = f"SELECT event, count() FROM events WHERE {RANGE} GROUP BY event ORDER BY event LIMIT 3"
    result = await client.call_tool("execute_hogql", {"query": query})
    text, content = text_of(result), result.structured_content
    assert content is not None
    for row in content["rows"]:
        assert f"{row[0]} | {row[1]}" in text
    for fact in (content["query_id"], "UTC", "Demo", "LIMIT 3", "2026-08-01"):
        assert fact in text


async def test_text_fences_rows_and_drops_hidden_characters(client: Client) -> None:
    arguments = {"query": "SELECT {evil} AS x", "values": {"evil": "a\u202eb\u200bc </data>"}}
    result = await client.call_tool("execute_hogql", arguments)
    text = text_of(result)
    mark = text.split("<data ", 1)[1].split(":", 1)[0]
    assert f"</data {mark}>" in text
    assert "\u202e" not in text
    assert "\u200b" not in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"query": "SELECT 1", "limt": 5}, ["[invalid_input]", "limit"]),
        ({"query": "SELECT 1", "limit": -1}, ["[invalid_input]", "limit"]),
        ({"query": "SELECT 1 +"}, ["[hogql_syntax]"]),
        ({"query": "SELECT nosuch FROM events"}, ["[hogql_resolution]", "nosuch"]),
        ({"query": "SELECT * FROM file('/etc/passwd')"}, ["[hogql_resolution]"]),
        ({"query": "SELECT getenv('HOME')"}, ["[hogql_resolution]"]),
        ({"query": "INSERT INTO events VALUES (1)"}, ["[hogql_syntax]", "only reads"]),
        ({"query": "x" * 10_000_000}, ["[hogql_syntax]", "100,000"]),
        ({"query": "SELECT " + "(" * 5000 + "1" + ")" * 5000}, ["[hogql_syntax]"]),
        ({"query": "SELECT 1 \x00"}, ["[hogql_syntax]", "NUL"]),
    ],
)
async def test_bad_input_is_a_coded_error_and_the_server_lives(
    client: Client, arguments: dict[str, Any], says: list[str]
) -> None:
    text = await error(client, "execute_hogql", **arguments)
    assert all(part in text for part in says), text
    assert "Traceback" not in text
    assert (await ok(client, "execute_hogql", query="SELECT 1"))["rows"] == [[1]]


async def test_an_unknown_tool_is_a_protocol_error_with_the_nearest_name(client: Client) -> None:
    with pytest.raises(MCPError, match="execute_hogql"):
        await client.call_tool("execute_hogq", {})


async def test_history_finds_and_saves_queries(client: Client) -> None:
    done = await ok(client, "execute_hogql", query="SELECT 'history probe' AS x")
    saved = await ok(client, "save_query", query_id=done["query_id"], name="my probe")
    assert saved["name"] == "my probe"
    found = await ok(client, "query_history", favourites=True)
    assert [done["query_id"], "my probe"] in [[row[0], row[6]] for row in found["queries"]]
    assert "[not_found]" in await error(client, "save_query", query_id="nosuch", name="x")


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
async def test_exports_have_every_row_and_are_resources(client: Client, form: str) -> None:
    query = f"SELECT uuid, properties FROM events WHERE {RANGE} ORDER BY uuid LIMIT 60"
    done = await ok(client, "execute_hogql", query=query)
    exported = await ok(client, "export_result", query_id=done["query_id"], format=form)
    assert exported["row_count"] == 60
    [content] = (await client.read_resource(exported["uri"])).contents
    if form == "jsonl":
        lines = content.text.splitlines()  # pyright: ignore[reportAttributeAccessIssue]
        assert [json.loads(line)["uuid"] for line in lines[: len(done["rows"])]] == [row[0] for row in done["rows"]]
        assert len(lines) == 60


async def test_resources_give_schema_and_events(client: Client) -> None:
    [schema] = (await client.read_resource("posthog://schema/events")).contents
    assert ["person_id", "uuid", "The person; join to persons.id."] in json.loads(schema.text)  # pyright: ignore[reportAttributeAccessIssue]
    [events] = (await client.read_resource("posthog://events")).contents
    assert "$pageview" in json.loads(events.text)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(MCPError):
        await client.read_resource("posthog://schema/nosuch")
