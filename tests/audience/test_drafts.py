"""A draft shows who would get what, leaves out those who refused, and lets nobody's own words become more than words."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from mcp import Client

from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.audience.conftest import (
    FILE,
    NOW,
    REACHED,
    TEXT,
    answered,
    call,
    drafted,
    person_id,
    refused,
    segment_under,
    with_file,
)
from tests.reports.receivers import Mailbox


async def test_a_draft_leaves_out_those_who_refused(client: Client, mailbox: Mailbox) -> None:
    segment, before = await segment_under(client, 100, "made"), len(mailbox.mails)

    draft = await call(client, "draft_campaign", name="D", segment=segment, target="people", **TEXT)

    left = {"unsubscribed": 2, "no address": 1, "same address": 1, "bad address": 1}
    assert (draft["audience"], draft["left_out"], draft["status"]) == (REACHED, left, "draft")
    assert len(mailbox.mails) == before


async def test_suppressed_addresses_and_ids_get_nothing(client: Client, settings: Settings) -> None:
    campaign = await drafted(client, "Suppressed", under=100)

    changed = await call(client, "update_campaign", campaign=campaign, suppress=["P98@example.com ", person_id("u99")])

    assert changed["left_out"]["suppressed"] == 2
    async with open_project(settings) as project:  # Other tests of this project reach them.
        for each in ("p98@example.com", person_id("u99")):
            assert await project.desk.documents.delete("suppression", 1, each)


@pytest.fixture
async def consenting(settings: Settings, mailbox: Mailbox) -> AsyncIterator[Client]:
    """The same project for a person who wrote down that consent is needed."""
    file = FILE % (settings.data_dir / "letters") + "consent_property: marketing_ok\n"
    async with Client(build_server(with_file(settings.data_dir, file, mailbox))) as connected:
        yield connected


async def test_only_those_who_consented_are_reached(client: Client, consenting: Client) -> None:
    segment = await segment_under(client, 100, "made")

    draft = await call(consenting, "draft_campaign", name="C", segment=segment, target="people", **TEXT)

    assert draft["audience"] == 20 - 5
    assert draft["left_out"]["no consent"] >= 78


async def test_the_draft_says_what_its_variables_lack(client: Client) -> None:
    segment = await segment_under(client, 20, "made")
    fields = {"segment": segment, "target": "people", "subject": "Hi", "body": "{{name}} {{nme}} {{plan | free}}"}

    content, text = await answered(client, "draft_campaign", name="Gaps", **fields, conversion_event="bougth")

    notes = "\n".join(content["notes"])
    assert "1 of 15 people have no 'name'" in notes
    assert "15 of 15 people have no 'nme'" in notes
    assert "No person has a property 'nme'" in notes
    assert "no event 'bougth'" in notes
    assert "'plan'" not in notes
    assert notes in text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Hello {{first name}}", "cannot be read"),
        ("Hello {{name", "cannot be read"),
        ("Go to https://{{site}}/x", "host of a link"),
        ("Go to https://x.{{site}}.com", "host of a link"),
    ],
)
async def test_a_text_with_a_wrong_variable_is_refused(client: Client, body: str, told: str) -> None:
    segment = await segment_under(client, 12, "made")

    assert told in await refused(
        client, "draft_campaign", name="W", segment=segment, target="people", subject="S", body=body
    )


async def test_what_people_wrote_is_only_words(client: Client) -> None:
    who = [{"key": "number", "value": 15}]
    segment = (await call(client, "create_segment", name="Eve", criteria=who))["confirm_token"]
    made = await call(client, "create_segment", name="Eve", criteria=who, confirm_token=segment)
    body = "Dear {{name}}, see https://example.com/?n={{name}}."
    fields = {"segment": made["id"], "target": "folder", "subject": "For {{name}}", "body": body}

    draft = await call(client, "draft_campaign", name="Eve", **fields)

    text = draft["examples"][0]["text"]
    assert "Dear bEve/b !channel x(https[:]//evil" in text
    assert "?n=%3Cb%3EEve" in text
    assert [mark for mark in ("<b>", "<!channel>", "](", "**", "://evil", "\nBcc") if mark in text] == []


async def test_a_time_is_told_in_the_projects_zone(client: Client) -> None:
    segment = await segment_under(client, 12, "made")
    later = f"{NOW.year + 1}-01-31T09:00"

    _, text = await answered(
        client, "draft_campaign", name="Z", segment=segment, target="people", send_at=later, **TEXT
    )

    assert f"at {later} (Europe/Berlin)" in text


@pytest.mark.parametrize(
    ("target", "code", "told"),
    [
        ("closed", "[forbidden]", "campaigns: true"),
        ("channel", "[invalid_input]", "incoming webhook"),
        ("https://example.com/hook", "[not_found]", "only names of the list"),
        ("boss@example.com", "[not_found]", "only names of the list"),
    ],
)
async def test_only_opened_targets_of_the_list_are_taken(client: Client, target: str, code: str, told: str) -> None:
    text = await refused(client, "draft_campaign", name="X", segment=1, target=target, **TEXT)

    assert code in text
    assert told in text


async def test_a_segment_that_is_not_there_is_told(client: Client) -> None:
    told = await refused(client, "draft_campaign", name="X", segment=9999, target="people", **TEXT)

    assert told.startswith("[not_found] There is no segment 9999")


async def test_a_property_cannot_choose_a_slack_channel(client: Client) -> None:
    draft = await call(
        client,
        "update_campaign",
        campaign=await drafted(client, "S"),
        changes={"target": "slack", "address_property": "plan"},
    )

    assert draft["audience"] == 0
    assert draft["left_out"] == {"bad address": 12}


@pytest.mark.parametrize("field", ["approved", "approved_size", "status", "started", "id"])
async def test_agreement_and_status_cannot_be_set(client: Client, field: str) -> None:
    campaign = await drafted(client, f"Forged {field}")

    told = await refused(client, "update_campaign", campaign=campaign, changes={field: "sent"})

    assert f"{field!r} cannot be set" in told
