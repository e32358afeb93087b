"""Nothing of one principal is visible to another: two keys on one server, PostHog's REST API on the other side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.backends.posthog.keyed_host import Key, KeyedHost, serving
from tests.remote.calls import ask, call, server_of
from tests.safety.planted import make

ADA, BOB = "phx_" + "ada1" * 8, "phx_" + "bob2" * 8
SECRET_QUERY = "SELECT count() AS only_ada_asked_this FROM events"
Pair = tuple[httpx.AsyncClient, KeyedHost]


@pytest.fixture(scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    host = KeyedHost({ADA: Key(), BOB: Key()})
    async with serving(host, await make(tmp_path_factory.mktemp("host"))) as address:
        data = tmp_path_factory.mktemp("principals")
        async with server_of(data, auth="key", base_url=address, allow_writes=True) as client:
            yield client, host


@pytest.fixture(scope="module")
async def ran(pair: Pair) -> Any:
    """What Ada did."""
    return (await call(pair[0], "execute_hogql", {"query": SECRET_QUERY, "name": "ada's"}, ADA))["structuredContent"]


async def test_each_key_goes_to_posthog_for_its_own_requests(pair: Pair, ran: Any) -> None:
    client, host = pair
    host.heard.clear()
    await call(client, "execute_hogql", {"query": "SELECT 1 AS bobs"}, BOB)

    assert set(host.heard) == {BOB}


async def test_the_cache_is_not_shared(pair: Pair, ran: Any) -> None:
    both = {"query": "SELECT count() AS both_asked FROM events"}
    first, again = [(await call(pair[0], "execute_hogql", both, ADA))["structuredContent"] for _ in range(2)]
    other = (await call(pair[0], "execute_hogql", both, BOB))["structuredContent"]

    assert (first["query_id"], again["cached"], other["cached"]) == (again["query_id"], True, False)
    assert other["query_id"] != first["query_id"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("query_history", {"search": "ada"}),
        ("query_history", {"favourites": True}),
        ("show_last_script", {"query_id": "{id}"}),
        ("export_result", {"query_id": "{id}"}),
        ("export_result", {"query_id": "../../{principal}/results/{id}"}),
        ("save_query", {"query_id": "{id}", "name": "mine now"}),
        ("render_chart", {"query_id": "{id}"}),
    ],
)
async def test_what_ada_did_bob_cannot_find(pair: Pair, ran: Any, tool: str, arguments: dict[str, Any]) -> None:
    from posthog_mcp.safety.principals import principal_id

    known = {"id": ran["query_id"], "principal": principal_id("key", ADA)}
    given = {name: value.format(**known) if isinstance(value, str) else value for name, value in arguments.items()}
    found = await call(pair[0], tool, given, BOB)

    assert "only_ada_asked_this" not in str(found)
    assert found.get("isError") or found["structuredContent"]["count"] == 0


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_resources_are_not_shared(pair: Pair, ran: Any, form: str) -> None:
    uri = f"posthog://results/{ran['query_id']}.{form}"
    own = await ask(pair[0], "resources/read", {"uri": uri}, ADA)
    other = await ask(pair[0], "resources/read", {"uri": uri}, BOB)

    assert "result" in own.json()
    assert "error" in other.json()
    ref = {"ref": {"type": "ref/resource", "uri": "posthog://results/{query_id}.{form}"}}
    argument = {"argument": {"name": "query_id", "value": ""}}
    completed = await ask(pair[0], "completion/complete", {**ref, **argument}, BOB)
    assert ran["query_id"] not in completed.text


async def test_a_confirmation_of_ada_is_none_of_bobs(pair: Pair) -> None:
    change = {
        "path": "P/annotations/",
        "method": "POST",
        "body": {"content": "x", "date_marker": "2026-10-01T00:00:00Z"},
    }
    plan = (await call(pair[0], "call_api", change, ADA))["structuredContent"]
    stolen = await call(pair[0], "call_api", {**change, "confirm_token": plan["confirm_token"]}, BOB)
    own = await call(pair[0], "call_api", {**change, "confirm_token": plan["confirm_token"]}, ADA)

    assert stolen["isError"]
    assert own["structuredContent"]["changed"] is True


async def test_usage_shows_ones_own_only(pair: Pair, ran: Any) -> None:
    found = await ask(pair[0], "resources/read", {"uri": "posthog://usage"}, BOB)

    assert "only_ada_asked_this" not in found.text
    assert ADA not in found.text


async def test_a_wrong_key_gets_nothing_that_others_have(pair: Pair, ran: Any) -> None:
    found = await call(pair[0], "execute_hogql", {"query": SECRET_QUERY}, "phx_" + "eve3" * 8)

    assert found["isError"]
    assert found["content"][0]["text"].startswith("[forbidden]")
    assert "eve3" not in str(found)


async def test_many_principals_at_once_get_their_own(pair: Pair) -> None:
    import anyio

    client, _ = pair
    found: dict[str, set[str]] = {ADA: set(), BOB: set()}

    async def many(key: str, mark: str) -> None:
        for number in range(8):
            query = f"SELECT '{mark}' AS who, {number} AS n"
            rows = (await call(client, "execute_hogql", {"query": query}, key))["structuredContent"]["rows"]
            found[key].add(rows[0][0])

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(many, ADA, "ada")
            tasks.start_soon(many, BOB, "bob")

    assert found == {ADA: {"ada"}, BOB: {"bob"}}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_clients_of_both_eras_are_their_principals(pair: Pair, ran: Any, mode: Any) -> None:
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    history: dict[str, str] = {}
    for key in (ADA, BOB):
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}) as http:
            transport = streamable_http_client(f"{str(pair[0].base_url).rstrip('/')}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                history[key] = str(await client.call_tool("query_history", {"search": "only_ada_asked_this"}))

    assert ran["query_id"] in history[ADA]
    assert ran["query_id"] not in history[BOB]
