"""The fault matrix: a real socket that misbehaves, and for each fault one clear error, nothing lost, no key told."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest
from fault_host import (
    KEY,
    QUICK,
    Answer,
    client_of,
    cut_body,
    detail,
    garbage,
    http,
    no_answer,
    slow_body,
    slow_headers,
)

from posthog_mcp.backends.posthog.politeness import Limiter, Window, windows
from posthog_mcp.backends.posthog.retrying import Retries
from posthog_mcp.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    PostHogMcpError,
    QueryTimeout,
    RateLimited,
    Unavailable,
)

GOOD = http(200, {"results": [1]})
FAULTS: list[tuple[str, Answer, type[PostHogMcpError], str, int]] = [
    ("500", detail(500, "ClickHouse error"), Unavailable, "ClickHouse error", 3),
    ("502", http(502, b"<html>bad gateway</html>"), Unavailable, "HTTP 502", 3),
    ("503", detail(503, "At capacity"), Unavailable, "At capacity", 3),
    ("504 is never repeated", detail(504, "hit the max execution time"), QueryTimeout, "max execution time", 1),
    ("512 is never repeated", detail(512, "estimated too slow"), QueryTimeout, "too slow", 1),
    ("429", detail(429, "Request was throttled.", Retry_After="0"), RateLimited, "throttled", 3),
    ("429 without Retry-After", detail(429, "Request was throttled."), RateLimited, "throttled", 3),
    ("401", detail(401, "Invalid personal API key."), Forbidden, "Invalid personal API key", 1),
    ("403 names the scope", detail(403, "API key missing required scope 'query:read'"), Forbidden, "query:read", 1),
    ("404", detail(404, "Not found."), NotFound, "Not found", 1),
    ("400", detail(400, "Unsupported query kind"), InvalidInput, "Unsupported query kind", 1),
    ("slow headers", slow_headers, Unavailable, "did not answer in time", 3),
    ("slow body", slow_body, Unavailable, "did not answer in time", 3),
    ("cut body", cut_body, Unavailable, "broke off", 3),
    ("no answer", no_answer, Unavailable, "broke off", 3),
    ("garbage", garbage, Unavailable, "broke off", 3),
    ("wrong content type", http(200, b"plain text", Content_Type="text/plain"), Unavailable, "not JSON", 1),
    ("login page", http(200, b"<!doctype html><form>", Content_Type="text/html"), Unavailable, "web page", 1),
    ("too large", http(200, b" " * (2 << 20)), Unavailable, "larger than 1 MB", 1),
    ("redirect loop", http(302, b"", Location="/again"), Unavailable, "redirects without end", 6),
    ("redirect nowhere", http(302, b""), Unavailable, "redirects nowhere", 1),
    ("redirect elsewhere", http(302, b"", Location="https://evil.example/"), Unavailable, "evil.example", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "kind", "text", "times"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_a_fault_is_one_clear_error(
    caplog: pytest.LogCaptureFixture, name: str, answer: Answer, kind: type[PostHogMcpError], text: str, times: int
) -> None:
    caplog.set_level(logging.DEBUG)
    async with client_of(answer) as (client, host):
        with pytest.raises(kind) as raised:
            await client.request("GET", "/api/projects/1/insights/")
        assert text in raised.value.as_text()
        assert raised.value.fix
        assert len(host.requests) == times
        told = [raised.value.as_text(), repr(raised.value), repr(raised.value.context), repr(client), caplog.text]
        assert not any(KEY in each for each in told)


REPEATED = [detail(500, "x"), detail(503, "x"), detail(429, "x"), slow_headers, cut_body, no_answer]


@pytest.mark.parametrize("fault", REPEATED)
async def test_a_read_survives_a_passing_fault(fault: Answer) -> None:
    async with client_of(fault, GOOD) as (client, host):
        assert await client.request("GET", "/api/x/") == (200, {"results": [1]})
        assert len(host.requests) == 2


async def test_a_write_is_repeated_only_when_nothing_happened() -> None:
    for fault, times in ((detail(500, "x"), 1), (cut_body, 1), (detail(429, "x"), 2), (detail(503, "x"), 2)):
        async with client_of(fault, GOOD) as (client, host):
            try:
                await client.request("POST", "/api/x/", body={"name": "a"})
            except Unavailable:
                assert times == 1
            assert len(host.requests) == times


async def test_retry_after_is_honoured_in_seconds_and_as_a_date() -> None:
    for seconds, least in ((None, 0.95), (3, 1.0)):
        told = "1" if seconds is None else format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        async with client_of(detail(429, "x", Retry_After=told), GOOD) as (client, host):
            await client.request("GET", "/api/x/")
            assert host.moments[1] - host.moments[0] >= least


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
async def test_a_retry_date_is_read_by_the_hosts_own_clock(ahead: timedelta) -> None:
    there = (datetime.now(UTC) + ahead).replace(microsecond=0)
    date, after = (format_datetime(each, usegmt=True) for each in (there, there + timedelta(seconds=1)))
    async with client_of(detail(429, "x", Retry_After=after, Date=date), GOOD) as (client, host):
        await client.request("GET", "/api/x/")
        assert 1 <= host.moments[1] - host.moments[0] < 4
        assert client.clock_skew is not None
        assert abs(client.clock_skew + ahead.total_seconds()) < 5


async def test_a_wait_that_only_the_message_tells_is_waited() -> None:
    told = detail(429, "Request was throttled. Expected available in 1 second.")
    async with client_of(told, GOOD) as (client, host):
        await client.request("GET", "/api/x/")
        assert host.moments[1] - host.moments[0] >= 1


async def test_a_wait_beyond_the_deadline_is_not_waited() -> None:
    async with client_of(detail(429, "x", Retry_After="3600")) as (client, _):
        started = time.monotonic()
        with pytest.raises(RateLimited) as raised:
            await client.request("GET", "/api/x/")
        assert time.monotonic() - started < 1
        assert raised.value.context["retry_after_seconds"] == 3600


async def test_a_redirect_on_the_same_host_is_followed() -> None:
    async with client_of(http(301, b"", Location="/api/y/"), GOOD) as (client, host):
        assert (await client.request("GET", "/api/x"))[1] == {"results": [1]}
        assert host.requests[1].startswith(b"GET /api/y/ ")


async def test_a_broken_host_is_left_alone_and_tried_again() -> None:
    manners = replace(QUICK, breaker_failures=3, breaker_seconds=0.2, retries=Retries(tries=1))
    gone = http(502, b"<html>bad gateway</html>")
    async with client_of(gone, gone, gone, GOOD, manners=manners) as (client, host):
        for _ in range(3):
            with pytest.raises(Unavailable, match="HTTP 502"):
                await client.request("GET", "/api/x/")
        with pytest.raises(Unavailable, match="3 times in a row"):
            await client.request("GET", "/api/x/")
        assert len(host.requests) == 3
        await anyio.sleep(0.25)
        assert (await client.request("GET", "/api/x/"))[0] == 200
        assert (await client.request("GET", "/api/x/"))[0] == 200


async def test_one_request_alone_tries_a_host_that_rested() -> None:
    """Half-open: others are refused while it is under way; its failure makes the host rest again, its end does not."""
    manners = replace(QUICK, breaker_failures=1, breaker_seconds=0.2, retries=Retries(tries=1))
    async with client_of(cut_body, slow_headers, slow_headers, GOOD, manners=manners) as (client, host):

        async def refused(why: str) -> None:
            with pytest.raises(Unavailable, match=why):
                await client.request("GET", "/api/x/")

        await refused("broke off")
        await anyio.sleep(0.25)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(refused, "did not answer in time")
            await anyio.sleep(0.05)
            await refused("is not asked for now")
        await refused("is not asked for now")
        assert len(host.requests) == 2
        await anyio.sleep(0.25)
        with anyio.move_on_after(0.1):
            await client.request("GET", "/api/x/")
        assert (await client.request("GET", "/api/x/"))[0] == 200
        assert len(host.requests) == 4


async def test_a_key_that_the_host_repeats_is_never_shown() -> None:
    """In its message, in a header, and in what is told while it rests."""
    manners = replace(QUICK, breaker_failures=1, retries=Retries(tries=1))
    echoes = [
        detail(503, f"no room for {KEY}"),
        detail(400, f"bad {KEY}", code=KEY),
        detail(403, f"missing {KEY}", code=KEY),
        http(200, b"plain", Content_Type=f"text/{KEY}"),
        http(302, b"", Location=f"https://evil.example/{KEY}"),
        http(302, b"", Location=f"https://{KEY.lower()}.example/"),
    ]
    for echo in echoes:
        async with client_of(echo, manners=manners) as (client, _):
            for _ in range(2):
                with pytest.raises(PostHogMcpError) as raised:
                    await client.request("GET", "/api/x/")
                told = f"{raised.value.as_text()} {raised.value!r} {raised.value.context}"
                assert KEY not in told
                assert raised.value.__cause__ is None


async def test_what_json_cannot_carry_is_told_and_not_sent() -> None:
    async with client_of(GOOD) as (client, host):
        with pytest.raises(InvalidInput, match="NaN"):
            await client.request("POST", "/api/x/", body={"values": {"x": float("nan")}})
        await client.request("POST", "/api/x/", body={"name": "\ud800"})
        assert len(host.requests) == 1


async def test_fifty_callers_stay_inside_the_limits_in_order() -> None:
    limiter = Limiter([Window(10, 0.2)], concurrent=3)
    moments: list[tuple[float, int]] = []

    async def call(number: int) -> None:
        await limiter.turn()
        moments.append((time.monotonic(), number))

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(call, number)
    assert [number for _, number in moments] == list(range(50))
    times = [moment for moment, _ in moments]
    assert all(times[i + 10] - times[i] >= 0.19 for i in range(40))


async def test_three_queries_run_at_once_and_no_more() -> None:
    limiter = Limiter([], concurrent=3)
    running = most = 0

    async def query() -> None:
        nonlocal running, most
        async with limiter.query():
            running += 1
            most = max(most, running)
            await anyio.sleep(0.01)
            running -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(query)
    assert most == 3


async def test_a_caller_who_gives_up_takes_no_place() -> None:
    limiter = Limiter([Window(1, 0.3)])
    await limiter.turn()
    with anyio.move_on_after(0.05):
        await limiter.turn()
    started = time.monotonic()
    await limiter.turn()
    assert time.monotonic() - started < 0.35


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("240/min,1200/h", [Window(240, 60), Window(1200, 3600)]),
        ("5 / s", [Window(5, 1)]),
        ("0/min", None),
        ("many", None),
    ],
)
def test_rates_are_read(text: str, expected: Any) -> None:
    if expected is None:
        with pytest.raises(InvalidInput):
            windows(text)
    else:
        assert windows(text) == expected
