"""What came of a campaign, from events that are known: who counts, who does not, and which variant did better."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp import Client

from posthog_mcp.audience.campaigns import campaign_of, variant_of
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from posthog_mcp.state.desk.deliveries import Deliveries, Delivery
from tests.audience.conftest import NOW, Person, answered, call, drafted, person_id
from tests.audience.conftest import REACHED as MAILED

REACHED = MAILED + 1 - 2
"""A folder needs no e-mail address; 98 and 99 are left out, since other tests suppress them."""

VARIANTS = [{"key": "a", "subject": "A", "body": "x"}, {"key": "b", "subject": "B", "body": "x"}]


def event(name: str, who: str, at: datetime, **properties: Any) -> dict[str, Any]:
    return {"event": name, "distinct_id": who, "timestamp": at.isoformat(), "properties": properties}


async def test_events_are_counted_by_variant(asking: tuple[Client, Person], settings: Settings) -> None:
    client, _ = asking
    fields = {"target": "folder", "variants": VARIANTS, "conversion_event": "upgraded"}
    campaign = await drafted(client, "Split", under=98, subject="", body="", **fields)
    done = await call(client, "send_campaign", campaign=campaign, dry_run=False)
    assert done["outcomes"]["sent"] == REACHED
    a, b = await by_variant(settings, campaign)
    before, after = NOW - timedelta(days=2), datetime.now(UTC) + timedelta(seconds=30)
    came = [
        *(event("campaign_delivered", who, after, campaign=campaign) for who in a),
        *(event("email_opened", who, after, campaign_id=campaign) for who in (*a[:6], a[0], b[0])),
        *(event("campaign_clicked", who, after, campaign=campaign) for who in a[:2]),
        *(event("$pageview", who, after, utm_campaign=campaign) for who in (a[0], a[2], b[1])),
        *(event("upgraded", who, after) for who in (*a[:20], *b[:6], a[0])),
        event("upgraded", b[7], before),
        event("email_opened", a[8], after, campaign="another"),
        event("email_opened", a[9], before, campaign=campaign),
        event("email_opened", "u3", after, campaign=campaign),
    ]
    driver = LocalDriver(settings.data_dir)
    assert await driver.capture_events(came) == len(came)
    await driver.aclose()

    content, text = await answered(client, "campaign_stats", campaign=campaign)

    assert content["columns"][:8] == [
        "variant",
        "sent",
        "failed",
        "uncertain",
        "delivered",
        "opened",
        "clicked",
        "converted",
    ]
    assert [row[:8] for row in content["rows"]] == [
        ["a", len(a), 0, 0, len(a), 6, 3, 20],
        ["b", len(b), 0, 0, 0, 1, 1, 6],
        ["all", REACHED, 0, 0, len(a), 7, 4, 26],
    ]
    one = content["comparisons"][0]
    rates = [20 / len(a), 6 / len(b)]
    error = math.sqrt(sum(rate * (1 - rate) / (n - 1) for rate, n in zip(rates, (len(a), len(b)), strict=True)))
    assert one["difference"] == round(rates[1] - rates[0], 4)
    assert abs((one["interval_95"][1] - one["interval_95"][0]) / 2 - 1.99 * error) < 0.02 * error + 1e-3
    assert abs(one["p"] - math.erfc(abs(rates[1] - rates[0]) / error / math.sqrt(2))) < 0.02
    assert '"variant": "b"' in text
    assert content["verdict"]


async def by_variant(settings: Settings, campaign: str) -> tuple[list[str], list[str]]:
    """The distinct ids of those who got each variant, from the ledger."""
    names = {person_id(f"u{number}"): f"u{number}" for number in range(100)}
    async with open_project(settings) as project:
        found = await project.desk.deliveries.of(campaign)
    a, b = ([names[each.person] for each in found if each.variant == key] for key in "ab")
    assert len(a) + len(b) == REACHED
    assert min(len(a), len(b)) >= 30
    return a, b


DAY = 86_400
WINDOW = 3
MOMENTS = (-5 * DAY, -60, 60, DAY, WINDOW * DAY - 60, WINDOW * DAY + 60, 6 * DAY)
"""Seconds from a person's message to what they did."""


async def test_only_what_was_done_within_the_window_after_the_own_message_counts(
    client: Client, settings: Settings
) -> None:
    """Messages of ten and nine days ago; the counts are worked out again below, person by person."""
    fields = {"target": "folder", "variants": VARIANTS, "conversion_event": "renewed"}
    campaign = await drafted(client, "Window", under=100, subject="", body="", **fields)
    await call(client, "update_campaign", campaign=campaign, changes={"conversion_days": WINDOW})
    did: dict[str, list[float]] = {}
    expected = {"a": [0, 0], "b": [0, 0]}
    events: list[dict[str, Any]] = []
    async with open_project(settings) as project:
        for number in range(40):
            sent, variant = (NOW - timedelta(days=10 - number % 2)).timestamp(), "ab"[number % 3 == 0]
            ledger = Deliveries(project.desk.database, now=lambda at=sent: at)
            key = f"{campaign}:{number}"
            await ledger.claim(Delivery(key, 1, campaign, "folder", person_id(f"u{number}"), variant))
            await ledger.mark(key, "sent")
            did[f"u{number}"] = [sent + each for place, each in enumerate(MOMENTS) if number >> place % 6 & 1]
            within = [each for each in did[f"u{number}"] if sent <= each < sent + WINDOW * DAY]
            expected[variant][0] += 1
            expected[variant][1] += bool(within)
    for who, times in did.items():
        events += [event("renewed", who, datetime.fromtimestamp(each, UTC)) for each in times]
    driver = LocalDriver(settings.data_dir)
    assert await driver.capture_events(events) == len(events)
    await driver.aclose()

    rows = (await call(client, "campaign_stats", campaign=campaign))["rows"]

    told = {row[0]: [row[1], row[7]] for row in rows}
    assert told == {**expected, "all": [40, expected["a"][1] + expected["b"][1]]}
    assert 0 < expected["a"][1] < expected["a"][0]
    assert [row[8] for row in rows] == [round(done / of, 4) for of, done in told.values()]


@pytest.mark.parametrize(("shares", "limit"), [((1, 1), 10.83), ((5, 3, 2), 13.82), ((1, 1, 1, 1, 1), 18.47)])
def test_people_are_split_by_the_shares_and_each_campaign_anew(shares: tuple[int, ...], limit: float) -> None:
    """10,000 ids; the limits are chi-square's at p = 0.001 for one, two and four degrees of freedom."""
    variants = [{"key": f"v{place}", "share": share, "subject": "S", "body": "B"} for place, share in enumerate(shares)]
    one, other = (
        campaign_of({"id": f"campaign-{name}", "name": "N", "segment": 1, "target": "t", "variants": variants})
        for name in "ab"
    )
    ids = [str(uuid.UUID(int=number)) for number in range(10_000)]

    split = [variant_of(one, each).key for each in ids]

    expected = {f"v{place}": 10_000 * share / sum(shares) for place, share in enumerate(shares)}
    counts = Counter(split)
    assert sum((counts[key] - wanted) ** 2 / wanted for key, wanted in expected.items()) < limit
    assert split == [variant_of(campaign_of(one.model_dump()), each).key for each in ids]
    same = sum(first == variant_of(other, each).key for first, each in zip(split, ids, strict=True))
    alike = sum((wanted / 10_000) ** 2 for wanted in expected.values())
    assert abs(same / 10_000 - alike) < 4 * math.sqrt(alike * (1 - alike) / 10_000)


async def test_a_campaign_that_was_not_sent_says_so(client: Client) -> None:
    content, text = await answered(client, "campaign_stats", campaign=await drafted(client, "Silent"))

    assert content["rows"] == [["all", 0, 0, 0, 0, 0, 0, 0, None]]
    assert "No conversion event" in text
