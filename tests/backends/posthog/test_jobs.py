"""A query whose request or job fails: what is told, what is repeated, and when the host is told to stop it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from fault_host import KEY, QUICK, Answer, Host, cut_body, detail, http, listening, no_answer

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.posthog.client import Polling
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.errors import (
    HogQLResolutionError,
    InvalidInput,
    PostHogMcpError,
    QueryTimeout,
    RateLimited,
    Unavailable,
)
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings

PROJECT = http(200, {"id": 1, "name": "Host", "timezone": "UTC"})
BODY: dict[str, Json] = {"kind": "HogQLQuery", "query": "SELECT 1"}
ROWS = {"results": [[1]], "columns": ["1"], "types": [["1", "UInt8"]]}
RUNNING = http(202, {"query_status": {"id": "job", "complete": False}})
MANNERS = replace(QUICK, polling=Polling(first=0.01, longest=0.02))


def ended(**status: Any) -> Answer:
    return http(200, {"query_status": {"id": "job", "complete": True, **status}})


@asynccontextmanager
async def driver_of(*answers: Answer) -> AsyncIterator[tuple[PostHogDriver, Host]]:
    host = Host([PROJECT, *answers])
    async with listening(host.serve) as port:
        address = f"http://127.0.0.1:{port}"
        settings = Settings.load(api_key=KEY, project_id=1, base_url=address, backend="posthog")
        driver = PostHogDriver(settings, MANNERS)
        yield driver, host
        await driver.aclose()


def methods(host: Host) -> list[str]:
    """The requests after the project's, in order."""
    return [request.split(b" ", 1)[0].decode() for request in host.requests[1:]]


WRONG = {"error": True, "error_message": "Unable to resolve field: plan", "error_code": "hogql_query_error"}
FAILURES: list[tuple[str, list[Answer], type[PostHogMcpError], str, list[str]]] = [
    ("job failed, told in a 200", [RUNNING, ended(**WRONG)], HogQLResolutionError, "Unable to resolve", ["POST", "GET"]),
    ("job failed, at once", [ended(**WRONG)], HogQLResolutionError, "field: plan", ["POST"]),
    ("job failed without a word", [RUNNING, ended(error=True)], Unavailable, "gives no reason", ["POST", "GET"]),
    ("job failed, told in a 400", [RUNNING, http(400, {"query_status": WRONG})], HogQLResolutionError, "plan", ["POST", "GET"]),
    ("job failed, told in a 500", [RUNNING, http(500, {"query_status": WRONG})], Unavailable, "plan", ["POST", "GET"]),
    ("job forgotten", [RUNNING, detail(404, "Not found.")], Unavailable, "no longer knows", ["POST", "GET"]),
    ("looks refused", [RUNNING, detail(429, "throttled")], RateLimited, "throttled", ["POST", *["GET"] * 3, *["DELETE"] * 3]),
    ("looks lost", [RUNNING, cut_body], Unavailable, "broke off", ["POST", *["GET"] * 3, "DELETE"]),
    ("never taken", [detail(429, "throttled")], RateLimited, "throttled", ["POST"] * 3),
    ("at capacity", [detail(503, "At capacity")], Unavailable, "At capacity", ["POST"] * 3),
    ("too slow", [detail(504, "execution time")], QueryTimeout, "execution time", ["POST"]),
    ("estimated too slow", [detail(512, "too slow")], QueryTimeout, "too slow", ["POST"]),
    ("rows with an error", [http(200, {**ROWS, "error": "odd"})], InvalidInput, "odd", ["POST"]),
    ("an answer without rows", [http(200, {"ok": True})], Unavailable, "no rows", ["POST"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answers", "kind", "text", "asked"), FAILURES, ids=[row[0] for row in FAILURES])
async def test_a_failed_query_is_one_error_and_runs_on_nowhere(
    name: str, answers: list[Answer], kind: type[PostHogMcpError], text: str, asked: list[str]
) -> None:
    async with driver_of(*answers) as (driver, host):
        with pytest.raises(kind, match=text) as raised:
            await driver.query(BODY, QueryOptions("q"))
        assert raised.value.fix
        assert methods(host) == asked


@pytest.mark.parametrize("lost", [cut_body, no_answer, detail(502, "gone"), detail(503, "full"), detail(429, "wait")])
async def test_a_query_is_repeated_under_the_same_id(lost: Answer) -> None:
    async with driver_of(lost, http(200, ROWS)) as (driver, host):
        assert (await driver.query(BODY, QueryOptions("q"))).table.rows == [[1]]
        first, second = (json.loads(request.partition(b"\r\n\r\n")[2]) for request in host.requests[1:])
    assert first == second
    assert first["client_query_id"].startswith("q-")


async def test_two_runs_of_one_query_have_ids_of_their_own() -> None:
    async with driver_of(http(200, ROWS)) as (driver, host):
        for _ in range(2):
            await driver.query(BODY, QueryOptions("q"))
        ids = {json.loads(request.partition(b"\r\n\r\n")[2])["client_query_id"] for request in host.requests[1:]}
    assert len(ids) == 2


async def test_a_failed_job_that_repeats_the_key_does_not_get_it_shown() -> None:
    failed = ended(error=True, error_message=f"no {KEY}", error_code="hogql_query_error")
    async with driver_of(RUNNING, failed) as (driver, _):
        with pytest.raises(HogQLResolutionError) as raised:
            await driver.query(BODY, QueryOptions("q"))
    assert raised.value.message == "no [key]"
