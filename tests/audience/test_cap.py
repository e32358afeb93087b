"""A person's cap holds for all campaigns together, however many senders claim at the same moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from mcp import Client

from posthog_mcp.audience.campaigns import load, move
from posthog_mcp.audience.sending import send, target_of
from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from posthog_mcp.state.desk import Desk, open_desk
from posthog_mcp.state.desk.deliveries import Cap, Delivery
from tests.audience.conftest import call, drafted, with_file
from tests.audience.test_sending import HOOK, REACHED
from tests.reports.receivers import Mailbox, Receiver

PEOPLE = [f"person-{number}" for number in range(12)]
CAMPAIGNS = [f"campaign-{number}" for number in range(5)]


@pytest.fixture
async def desks(state: str, tmp_path: Path) -> AsyncIterator[list[Desk]]:
    """Three processes' worth of connections to one database."""
    opened = [open_desk(tmp_path, state) for _ in range(3)]
    yield opened
    for each in opened:
        await each.aclose()


@pytest.mark.parametrize("most", [1, 2])
async def test_of_claims_at_one_moment_only_so_many_are_given(desks: list[Desk], most: int) -> None:
    given: Counter[str] = Counter()
    states: Counter[str] = Counter()
    cap = Cap(most, time.time() - 86_400)

    async def claim(desk: Desk, campaign: str, person: str) -> None:
        key = f"{most} {campaign}:{person}"
        claim = await desk.deliveries.claim(Delivery(key, most, campaign, "crm", person), cap)
        given[person] += claim.yours
        states[claim.delivery.state] += 1

    async with anyio.create_task_group() as tasks:
        for person in PEOPLE:
            for number, campaign in enumerate(CAMPAIGNS):
                tasks.start_soon(claim, desks[number % len(desks)], campaign, person)

    assert given == dict.fromkeys(PEOPLE, most)
    assert states == {"claimed": most * len(PEOPLE), "capped": (len(CAMPAIGNS) - most) * len(PEOPLE)}


async def test_one_that_failed_is_counted_again_before_it_is_tried_again(desks: list[Desk]) -> None:
    ledger, cap = desks[0].deliveries, Cap(1, time.time() - 86_400)
    failed, other = Delivery("failed:p", 3, "a", "crm", "p"), Delivery("other:p", 3, "b", "crm", "p")
    assert (await ledger.claim(failed, cap)).yours
    await ledger.mark(failed.key, "failed")
    assert (await ledger.claim(other, cap)).yours
    await ledger.mark(other.key, "sent")

    again = await ledger.claim(failed, cap)

    assert (again.yours, again.delivery.state) == (False, "capped")
    kept = await ledger.get(failed.key)
    assert kept is not None
    assert kept.state == "failed"


async def test_what_another_project_or_an_earlier_time_sent_does_not_count(desks: list[Desk]) -> None:
    ledger = desks[0].deliveries
    for project, key in ((4, "a"), (5, "b")):
        assert (await ledger.claim(Delivery(key, project, key, "crm", "q"), Cap(1, time.time() - 60))).yours

    assert (await ledger.claim(Delivery("c", 4, "c", "crm", "q"), Cap(1, time.time() + 60))).yours


async def test_two_campaigns_sent_at_once_reach_each_person_once(
    settings: Settings, mailbox: Mailbox, crm: Receiver, tmp_path: Path
) -> None:
    state = f"sqlite:///{tmp_path / 'own.sqlite'}"
    own = with_file(settings.data_dir, HOOK.format(url=crm.url, idempotent="false"), mailbox, state_url=state)
    async with Client(build_server(own)) as client:
        both = [await drafted(client, name, target="crm", cap_messages=1) for name in ("One", "Two")]
        outcomes: Counter[str] = Counter()

        async def sent(campaign: str) -> None:
            async with open_project(own) as project:
                kept, _ = await load(project, campaign)
                agreed = {"status": "scheduled", "approved": kept.digest(await target_of(project, kept))}
                await move(project, campaign, {**agreed, "approved_size": REACHED}, only={"draft"})
                outcomes.update((await send(project, campaign)).outcomes)

        async with anyio.create_task_group() as tasks:
            for each in both:
                tasks.start_soon(sent, each)

        rows = [(await call(client, "campaign_stats", campaign=each))["rows"][-1][1] for each in both]
    people = Counter(each.json["facts"]["person_id"] for each in crm.requests)
    assert (len(people), set(people.values())) == (REACHED, {1})
    assert (outcomes["sent"], outcomes["capped"], sum(rows)) == (REACHED, REACHED, REACHED)
