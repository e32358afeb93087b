"""What a dry run shows is what goes out, channel by channel: texts, blocks, headers, attachments by name and size."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from posthog_mcp.delivery.message import Message, Picture, Section
from posthog_mcp.delivery.outbox import open_outbox
from posthog_mcp.delivery.targets import Target
from posthog_mcp.reports.sending import parcels_of, previews
from tests.reports.conftest import PNG, a_message, project_in
from tests.reports.receivers import Mailbox, Receiver, SlackLike


def message() -> Message:
    """Two pictures of different sizes, and more text than one Slack section holds."""
    long = Section("Trends", points=tuple(f"**Metric {at}** rose to {at},000 & <so> on" for at in range(150)))
    second = Section("More", ("Ö",), (), (Picture("Ünïcode & co", "Bars", PNG + b"tail"),))
    return Message("weekly-1", "Weekly report: Demo", (*a_message().sections, long, second), "footer", {"n": 1})


async def shown_and_sent(demo_dir: Path, folder: Path, target: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    """The dry run's answer, after everything was sent for real."""
    made = Target.model_validate({"name": "t", **target})
    async with project_in(demo_dir, folder, **settings) as project:
        parcels = parcels_of(message(), [made])
        shown: list[dict[str, Any]] = [*await previews(project, parcels)]
        async with open_outbox(project, pause=0.01) as outbox:
            done = [await outbox.deliver(each) for each in parcels]
    assert [each.state for each in done] == ["sent"] * len(parcels), done
    return json.loads(json.dumps(shown))


def bot(receiver: Receiver) -> dict[str, Any]:
    return {"slack_bot_token": "xoxb-test", "slack_api_url": f"{receiver.url}/api", "allow_private_targets": True}


async def test_slack_bot(demo_dir: Path, tmp_path: Path, slack: tuple[Receiver, SlackLike]) -> None:
    receiver, api = slack
    (shown,) = await shown_and_sent(demo_dir, tmp_path, {"channel": "slack", "to": "#growth"}, **bot(receiver))

    (posted,) = [each for each in receiver.requests if each.path.endswith("postMessage")]
    files = [
        {"name": api.names[each["files"][0]["id"]], "title": each["files"][0]["title"]}
        | {"alt": api.alts[each["files"][0]["id"]], "bytes": len(api.files[each["files"][0]["id"]])}
        for each in api.shared
    ]
    assert posted.json == shown["body"]
    assert files == shown["pictures"]
    assert [each["bytes"] for each in files] == [len(PNG), len(PNG) + 4]


async def test_each_channel_of_a_slack_bot_gets_it_once(
    demo_dir: Path, tmp_path: Path, slack: tuple[Receiver, SlackLike]
) -> None:
    """The second channel is refused for the moment; the first one does not get it again."""
    receiver, api = slack
    api.refuse_once = {"#sales"}
    shown = await shown_and_sent(demo_dir, tmp_path, {"channel": "slack", "to": ["#growth", "#sales"]}, **bot(receiver))

    assert [each["channel"] for each in api.messages] == ["#growth", "#sales"]
    assert [each["body"]["channel"] for each in shown] == ["#growth", "#sales"]


async def test_slack_incoming_webhook(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    target = {"channel": "slack", "url": f"{receiver.url}/services/T/B/x", "allow_private": True}
    (shown,) = await shown_and_sent(demo_dir, tmp_path, target)

    (request,) = receiver.requests
    assert request.json == shown["body"]
    assert shown["pictures"] == []


async def test_mail(demo_dir: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    (shown,) = await shown_and_sent(demo_dir, tmp_path, {"channel": "email"}, smtp_url=mailbox.url)

    (mail,) = mailbox.mails
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    sent = {
        "from": mail["From"],
        "to": mail["To"],
        "subject": mail["Subject"],
        "message_id": mail["Message-ID"],
        "text": "\n".join([*text.get_content().splitlines(), ""]),
        "html": "\n".join(page.get_content().splitlines()),
        "pictures": [(part.get_filename(), len(part.get_content())) for part in pictures],
    }
    wanted = {**shown, "pictures": [(each["name"], each["bytes"]) for each in shown["pictures"]]}
    assert sent == {key: wanted[key] for key in sent}
    for part in pictures:
        assert f'src="cid:{str(part["Content-ID"]).strip("<>")}"' in shown["html"]


async def test_signed_webhook(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    target = {"channel": "webhook", "url": f"{receiver.url}/in", "secret": "s3", "allow_private": True}
    (shown,) = await shown_and_sent(demo_dir, tmp_path, target)

    (request,) = receiver.requests
    body = request.json
    for each in body["pictures"]:
        each["bytes"] = len(base64.b64decode(each.pop("png_base64")))
    varying = {"X-PostHog-MCP-Timestamp": "<time>", "X-PostHog-MCP-Signature": "v1=<hex>"}
    headers = {name: varying.get(name, request.headers[name.lower()]) for name in shown["headers"]}
    client = {"host", "accept", "accept-encoding", "connection", "content-length"}
    assert body == shown["body"]
    assert headers == shown["headers"]
    assert set(request.headers) - client == {name.lower() for name in shown["headers"]}


async def test_files(demo_dir: Path, tmp_path: Path) -> None:
    (shown,) = await shown_and_sent(demo_dir, tmp_path, {"channel": "file", "to": str(tmp_path / "out")})

    written = {path.name: path.stat().st_size for path in (tmp_path / "out").iterdir()}
    assert shown["to"] == str(tmp_path / "out")
    assert written == {each["name"]: each["bytes"] for each in shown["files"]}
    (page,) = (tmp_path / "out").glob("*.md")
    assert page.read_text(encoding="utf-8") == shown["text"]
