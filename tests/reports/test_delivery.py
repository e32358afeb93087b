"""Deliveries arrive as they should, once, and say what hinders them."""

from __future__ import annotations

import hashlib
import hmac
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.delivery.addresses import check
from posthog_mcp.delivery.channel import Parcel
from posthog_mcp.delivery.outbox import open_outbox
from posthog_mcp.delivery.targets import Target, load_targets
from posthog_mcp.errors import Forbidden
from posthog_mcp.reports.sending import digest_of
from posthog_mcp.state.desk.deliveries import Delivery
from tests.reports.conftest import PNG, a_message, project_in
from tests.reports.receivers import Mailbox, Receiver, SlackLike


async def delivered(
    demo_dir: Path, folder: Path, target: dict[str, Any], *, key: str = "k", times: int = 1, **settings: Any
) -> list[Delivery]:
    async with project_in(demo_dir, folder, **settings) as project, open_outbox(project, pause=0.01) as outbox:
        made = Target.model_validate({"name": "t", **target})
        return [await outbox.deliver(Parcel(a_message(), made, key)) for _ in range(times)]


def webhook(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"channel": "webhook", "url": f"{receiver.url}/hook/secret-path", "allow_private": True, **more}


async def test_a_webhook_is_signed_and_carries_its_key(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    (done,) = await delivered(demo_dir, tmp_path, webhook(receiver, secret="s3"))

    (request,) = receiver.requests
    stamp = request.headers["x-posthog-mcp-timestamp"]
    wanted = hmac.new(b"s3", stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert done.state == "sent"
    assert request.headers["x-posthog-mcp-signature"] == f"v1={wanted}"
    assert abs(int(stamp) - time.time()) < 60
    assert request.headers["idempotency-key"] == "k"
    assert request.json["title"] == "Weekly report: Demo"
    assert "secret-path" not in done.detail


async def test_the_same_key_goes_once(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    done = await delivered(demo_dir, tmp_path, webhook(receiver), times=3)

    assert [each.state for each in done] == ["sent"] * 3
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("faults", "state", "requests"),
    [
        ([503, 500], "sent", 3),
        ([(429, {"Retry-After": "0.05"})], "sent", 2),
        (["cut"], "sent", 2),
        ([404], "failed", 1),
        ([(302, {"Location": "http://169.254.169.254/"})], "failed", 1),
        ([500] * 9, "failed", 4),
    ],
)
async def test_a_webhook_that_fails(
    demo_dir: Path, tmp_path: Path, receiver: Receiver, faults: list[Any], state: str, requests: int
) -> None:
    receiver.faults = faults

    (done,) = await delivered(demo_dir, tmp_path, webhook(receiver))

    assert (done.state, done.attempts, len(receiver.requests)) == (state, requests, requests)
    assert len({each.headers["idempotency-key"] for each in receiver.requests}) == 1


async def test_what_failed_can_be_sent_again(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    receiver.faults = [404]

    done = await delivered(demo_dir, tmp_path, webhook(receiver), times=2)

    assert [each.state for each in done] == ["failed", "sent"]


async def test_retry_after_is_waited_for(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    receiver.faults = [(429, {"Retry-After": "0.4"})]
    begun = time.monotonic()

    await delivered(demo_dir, tmp_path, webhook(receiver))

    assert time.monotonic() - begun >= 0.4


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://localhost/x",
        "http://93.184.216.34/x",
        "https://100.64.0.1/x",
        "https://0.0.0.0/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
        "https://0177.0.0.1/x",
        "https://127.1/x",
        "https://①②⑦.0.0.1/x",
        "https://127。0。0。1/x",
        "https://[::]/x",
        "https://[::ffff:169.254.169.254]/x",
        "https://[::ffff:a9fe:a9fe]/x",
        "https://[2002:7f00:1::]/x",
        "https://[64:ff9b:1::7f00:1]/x",
        "https://[fe80::1]/x",
        "https://[fec0::1]/x",
        "https://[fd00:ec2::254]/latest/meta-data",
        "https://168.63.129.16/metadata/instance",
        "https://100.100.100.200/latest/meta-data",
        "https://192.0.0.192/opc/v2",
        "https://224.0.0.1/x",
    ],
)
async def test_addresses_of_private_networks_are_refused(demo_dir: Path, tmp_path: Path, url: str) -> None:
    (done,) = await delivered(demo_dir, tmp_path, {"channel": "webhook", "url": url})

    assert done.state == "failed"
    assert "[forbidden]" in done.detail


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com@127.0.0.1/x",
        "https://hooks.example.com:443@127.0.0.1/x",
        "https://hooks.example.com\\@127.0.0.1/x",
        "https:///x",
        "https://hooks.example.com:99999/x",
        "https://[::1/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1/x",
    ],
)
async def test_what_is_no_plain_web_address_is_refused(demo_dir: Path, tmp_path: Path, url: str) -> None:
    (done,) = await delivered(demo_dir, tmp_path, {"channel": "webhook", "url": url})

    assert done.state == "failed"
    assert "[invalid_input]" in done.detail


NAME = "hooks.example.test"
PUBLIC = "93.184.216.34"


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A name server that answers for `NAME` one after another (several at once with a comma); what it was asked."""
    real, asked = socket.getaddrinfo, list[str]()

    def answer(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host not in (NAME, NAME.encode()):
            return real(host, port, *more, **named)
        asked.append(NAME)
        addresses = answers[min(len(asked), len(answers)) - 1].split(",")
        return [each for address in addresses for each in real(address, port, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


async def test_the_connection_goes_to_the_address_that_was_checked(
    demo_dir: Path, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens at 127.0.0.2, where a second look would lead."""
    asked = resolving(monkeypatch, "127.0.0.1", "127.0.0.2")
    port = receiver.url.rpartition(":")[2]
    target = {"channel": "webhook", "url": f"http://{NAME}:{port}/x", "allow_private": True}

    (done,) = await delivered(demo_dir, tmp_path, target)

    assert (done.state, asked) == ("sent", [NAME])
    assert receiver.requests[0].headers["host"] == f"{NAME}:{port}"


async def test_a_name_that_turns_private_is_refused_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, PUBLIC, f"{PUBLIC},10.0.0.1", "127.0.0.1")

    assert (await check(f"https://{NAME}/x?y=1", allow_private=False)).pinned == f"https://{PUBLIC}/x?y=1"
    for _ in range(2):
        with pytest.raises(Forbidden, match="private network"):
            await check(f"https://{NAME}/x", allow_private=False)


async def test_a_target_is_only_known_by_name(demo_dir: Path, tmp_path: Path) -> None:
    async with project_in(demo_dir, tmp_path) as project:
        targets = await load_targets(project.settings)

        with pytest.raises(Exception, match="no target"):
            targets.named("https://evil.example/x")


@pytest.mark.parametrize("change", [{"url": "https://b.example/x"}, {"secret": "other"}, {"to": "x"}])
def test_an_approval_stands_for_the_address_too(change: dict[str, Any]) -> None:
    """Addresses of webhooks are secrets, which show as stars wherever they are written."""
    target: dict[str, Any] = {"name": "t", "channel": "webhook", "url": "https://a.example/x", "secret": "one"}
    before, after = [Target.model_validate({**target, **more}) for more in ({}, change)]

    digests = [digest_of([Parcel(a_message(), each, "k")]) for each in (before, after)]

    assert digests[0] != digests[1]
    assert digests[0] == digest_of([Parcel(a_message(), Target.model_validate(target), "k")])


async def test_slack_gets_blocks_and_pictures_and_no_mention(
    demo_dir: Path, tmp_path: Path, slack: tuple[Receiver, SlackLike]
) -> None:
    receiver, api = slack
    settings = {"slack_bot_token": "xoxb-test", "slack_api_url": f"{receiver.url}/api", "allow_private_targets": True}

    (done,) = await delivered(demo_dir, tmp_path, {"channel": "slack", "to": "#growth"}, **settings)

    assert done.state == "sent", done.detail
    (message,) = api.messages
    text = " ".join(block["text"]["text"] for block in message["blocks"] if block["type"] == "section")
    assert "*Sign-ups* fell to 12" in text
    assert "<!channel>" not in text
    assert list(api.files.values()) == [PNG]
    assert api.shared[0]["channel_id"] == "C1"
    assert api.shared[0]["thread_ts"] == message["ts"]


@pytest.mark.parametrize(
    ("error", "state", "says"), [("ratelimited", "sent", ""), ("not_in_channel", "failed", "Invite the bot")]
)
async def test_slack_refuses(
    demo_dir: Path, tmp_path: Path, slack: tuple[Receiver, SlackLike], error: str, state: str, says: str
) -> None:
    receiver, api = slack
    api.errors = [error]
    settings = {"slack_bot_token": "xoxb-test", "slack_api_url": f"{receiver.url}/api", "allow_private_targets": True}

    (done,) = await delivered(demo_dir, tmp_path, {"channel": "slack", "to": "#growth"}, **settings)

    assert done.state == state
    assert says in done.detail


@pytest.mark.parametrize(
    ("faults", "state", "says"),
    [
        ([(429, {"Retry-After": "0.05"})], "sent", "#growth"),
        ([503], "sent", "#growth"),
        (["cut"], "sent", "#growth"),
        (["cut after"], "sent", "found at the destination"),
        ([500] * 9, "failed", "answered 500"),
        (["garbage"] * 9, "uncertain", "not Slack"),
    ],
)
async def test_slack_fails_and_gets_one_message(
    demo_dir: Path, tmp_path: Path, slack: tuple[Receiver, SlackLike], faults: list[Any], state: str, says: str
) -> None:
    """After a broken connection its history tells whether the message is there."""
    receiver, api = slack
    receiver.faults = faults
    settings = {"slack_bot_token": "xoxb-test", "slack_api_url": f"{receiver.url}/api", "allow_private_targets": True}

    (done,) = await delivered(demo_dir, tmp_path, {"channel": "slack", "to": "#growth"}, **settings)

    assert (done.state, len(api.messages)) == (state, int(state == "sent")), done.detail
    assert says in done.detail


@pytest.mark.parametrize(("faults", "requests"), [([(429, {"Retry-After": "0.05"})], 2), ([503, 503], 3)])
async def test_a_slack_webhook_is_tried_again(
    demo_dir: Path, tmp_path: Path, receiver: Receiver, faults: list[Any], requests: int
) -> None:
    receiver.faults = faults

    (done,) = await delivered(demo_dir, tmp_path, {"channel": "slack", "url": receiver.url, "allow_private": True})

    assert (done.state, len(receiver.requests)) == ("sent", requests)


async def test_a_slack_webhook_that_breaks_off_is_uncertain(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    """Nobody can ask an incoming webhook whether it posted; a second post would be a duplicate."""
    receiver.faults = ["cut"]

    done = await delivered(
        demo_dir, tmp_path, {"channel": "slack", "url": receiver.url, "allow_private": True}, times=2
    )

    assert [each.state for each in done] == ["uncertain", "uncertain"]
    assert len(receiver.requests) == 1


async def test_mail_has_text_page_and_inline_picture(demo_dir: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    (done,) = await delivered(demo_dir, tmp_path, {"channel": "email"}, smtp_url=mailbox.url)

    assert done.state == "sent", done.detail
    (mail,) = mailbox.mails
    page = mail.get_body(("html",))
    picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert mailbox.recipients == [["team@example.com"]]
    assert page is not None
    assert f"cid:{str(picture['Content-ID']).strip('<>')}" in page.get_content()
    assert "&lt;b&gt;so on&lt;/b&gt;" in page.get_content()
    assert picture.get_content() == PNG
    assert "Sign-ups fell to 12" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("refusals", "state", "mails"),
    [(["451 try later"], "sent", 1), (["554 no"], "failed", 0), (["cut"], "uncertain", 0)],
)
async def test_a_mail_server_refuses(
    demo_dir: Path, tmp_path: Path, mailbox: Mailbox, refusals: list[str], state: str, mails: int
) -> None:
    mailbox.refusals = refusals

    (done,) = await delivered(demo_dir, tmp_path, {"channel": "email"}, smtp_url=mailbox.url)

    assert (done.state, len(mailbox.mails)) == (state, mails), done.detail


@pytest.mark.parametrize("to", ["a@b.example\nBcc: c@d.example", "a@b.example, c@d.example", "nobody"])
async def test_an_address_cannot_add_another(demo_dir: Path, tmp_path: Path, mailbox: Mailbox, to: str) -> None:
    (done,) = await delivered(demo_dir, tmp_path, {"channel": "email", "to": to}, smtp_url=mailbox.url)

    assert done.state == "failed"
    assert mailbox.mails == []


async def test_a_target_takes_so_many_a_minute(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    async with project_in(demo_dir, tmp_path) as project, open_outbox(project, pause=0.01) as opened:
        outbox = type(opened)(project, opened.channels, 0.01, minute=0.5)
        target = Target.model_validate({"name": "t", **webhook(receiver, per_minute=2)})
        begun = time.monotonic()
        for number in range(5):
            await outbox.deliver(Parcel(a_message(), target, f"k{number}"))

    assert time.monotonic() - begun >= 0.9
    assert len(receiver.requests) == 5


async def test_files_have_everything(demo_dir: Path, tmp_path: Path) -> None:
    (done,) = await delivered(demo_dir, tmp_path, {"channel": "file", "to": str(tmp_path / "out")})

    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert done.state == "sent"
    assert names == ["k.html", "k.json", "k.md"]
    assert "data:image/png;base64," in (tmp_path / "out" / "k.html").read_text()
