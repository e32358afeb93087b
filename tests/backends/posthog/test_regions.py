"""A key of the other Cloud region: looked for there once, told with the setting to change; never sent anywhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest
from fault_host import KEY, QUICK, Answer, Host, detail, http, listening, no_answer, slow_headers

from posthog_mcp.backends.posthog.client import Client, Manners
from posthog_mcp.backends.posthog.regions import EU, US, settings_for
from posthog_mcp.errors import Forbidden
from posthog_mcp.settings import REGIONS

UNKNOWN = detail(401, "Invalid personal API key.", "authentication_failed")
KNOWN = http(200, {"id": 1})
NO_SCOPE = detail(403, "API key missing required scope 'user:read'", "permission_denied")


@asynccontextmanager
async def two_regions(here: Answer, there: Answer) -> AsyncIterator[tuple[Client, Host, Host, str]]:
    """A client of the first of two hosts that know of each other, and the second one's address."""
    first, second = Host([here]), Host([there])
    async with listening(first.serve) as one, listening(second.serve) as two:
        address, other = f"http://127.0.0.1:{one}", f"http://127.0.0.1:{two}"
        client = Client(address, KEY, replace(QUICK, siblings={address: other}, stop_seconds=0.5))
        yield client, first, second, other
        await client.aclose()


async def refused(client: Client) -> Forbidden:
    with pytest.raises(Forbidden) as raised:
        await client.request("GET", "/api/users/@me/")
    assert KEY not in f"{raised.value.as_text()} {raised.value.context}"
    return raised.value


@pytest.mark.parametrize("there", [KNOWN, NO_SCOPE], ids=["known", "known, without the scope"])
async def test_a_key_of_the_other_region_is_told_with_the_setting(there: Answer) -> None:
    async with two_regions(UNKNOWN, there) as (client, _, second, other):
        found = await refused(client)
        assert found.context["reason"] == "wrong_region"
        assert other in found.fix
        assert other.partition("://")[2] in found.message
        assert second.requests[0].startswith(b"GET /api/users/@me/ ")
        assert f"Bearer {KEY}".encode() in second.requests[0]


@pytest.mark.parametrize(
    "there", [UNKNOWN, detail(500, "x"), no_answer, slow_headers, http(302, b"", Location="/login")]
)
async def test_a_key_that_is_not_known_there_either_is_plainly_refused(there: Answer) -> None:
    async with two_regions(UNKNOWN, there) as (client, _, second, _):
        found = await refused(client)
        assert found.context["reason"] == "unknown_key"
        assert "Invalid personal API key" in found.message
        assert second.requests


@pytest.mark.parametrize(("there", "reason"), [(KNOWN, "wrong_region"), (UNKNOWN, "unknown_key")])
async def test_the_other_region_is_asked_once(there: Answer, reason: str) -> None:
    reasons: list[object] = []

    async def ask() -> None:
        reasons.append((await refused(client)).context["reason"])

    async with two_regions(UNKNOWN, there) as (client, first, second, _):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(ask)
        await ask()
        assert (len(first.requests), len(second.requests)) == (6, 1)
    assert reasons == [reason] * 6


@pytest.mark.parametrize("here", [detail(403, "API key missing required scope 'query:read'"), detail(402, "quota")])
async def test_a_key_that_is_known_here_is_not_shown_to_the_other_region(here: Answer) -> None:
    async with two_regions(here, KNOWN) as (client, _, second, _):
        await refused(client)
        assert second.requests == []


async def test_a_self_hosted_key_is_shown_to_nobody_else() -> None:
    host = Host([UNKNOWN])
    async with listening(host.serve) as port:
        client = Client(f"http://127.0.0.1:{port}", KEY, replace(QUICK, siblings=Manners().siblings))
        assert (await refused(client)).context["reason"] == "unknown_key"
        assert len(host.requests) == 1
        await client.aclose()


def test_the_clouds_regions_are_each_others_and_no_others() -> None:
    """Every address that a setting gives has a sibling; the setting that is told leads there."""
    siblings = Manners().siblings
    assert {REGIONS[name]: siblings[REGIONS[name]] for name in REGIONS} == {US: EU, EU: US}
    assert {urls for pair in siblings.items() for urls in pair} <= {US, EU, "https://app.posthog.com"}
    for name, address in REGIONS.items():
        assert f"POSTHOG_REGION={name}" in settings_for(address)
