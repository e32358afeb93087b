"""Slack: a bot (Block Kit, pictures by files upload v2) or an incoming webhook (no pictures).

Limits (https://docs.slack.dev/reference/block-kit/blocks): 50 blocks, 3,000 characters a section, 150 a header; about
13,000 characters a message. A bot's message carries its key as metadata, so that after a crash the channel's history
tells whether it arrived (scope channels:history; without it nobody can tell). A member is written to by their id, or by
their e-mail address (users.lookupByEmail, scope users:read.email); their conversation is read with im:write and
im:history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from posthog_mcp.delivery.addresses import check, post
from posthog_mcp.delivery.channel import NotDelivered, Parcel, attached, picture_name
from posthog_mcp.delivery.http_faults import broken, refused
from posthog_mcp.delivery.message import Message, Picture
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    import httpx

MOST_BLOCKS, MOST_SECTION, MOST_HEADER, MOST_TOTAL = 48, 2_900, 150, 12_000
AGAIN = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"})
EVENT = "posthog_mcp_report"
MEMBER = re.compile(r"[UW][A-Z0-9]{5,20}\Z")
"""A member's id; a person's property must not choose a channel."""


class Slack:
    """Posts to the target's channel, or to its webhook."""

    dedupes = False

    def __init__(self, client: httpx.AsyncClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def preview(self, parcel: Parcel) -> dict[str, Json]:
        if parcel.target.url:
            return {"method": "POST", "to": "Slack incoming webhook", "body": text_of(parcel), "pictures": []}
        posts = [post_of(parcel, each) for each in channels(parcel)]
        body: Json = posts[0] if len(posts) == 1 else [*posts]
        where = ", ".join(channels(parcel))
        return {"method": "POST", "to": f"Slack {where}", "body": body, "pictures": [*attached(parcel.message)]}

    async def hand_over(self, parcel: Parcel) -> str:
        """Post the message, then its pictures in the thread below it.

        Raises:
            NotDelivered: Slack refused it, or the connection broke.
            PostHogMcpError: the address may not be posted to, or the bot is not set up.
        """
        if parcel.target.url:
            return await self._to_webhook(parcel, text_of(parcel))
        told: list[str] = []
        for wanted in channels(parcel):
            channel = await self._channel(wanted)
            posted = await self._call("chat.postMessage", post_of(parcel, channel))
            missing = await self._pictures(parcel.message, str(posted.get("channel")), str(posted.get("ts")))
            told.append(f"{wanted} {posted.get('ts')}{missing}")
        return "; ".join(told)

    async def arrived(self, parcel: Parcel) -> bool | None:
        """Whether the channel's last messages hold one with this key."""
        if parcel.target.url or self._settings.slack_bot_token is None:
            return None
        for wanted in channels(parcel):
            try:
                channel = await self._conversation(await self._channel(wanted))
                asked: dict[str, Json] = {"channel": channel, "limit": 200, "include_all_metadata": True}
                found = await self._call("conversations.history", asked)
            except (NotDelivered, PostHogMcpError):
                return None
            for each in cast("list[dict[str, Json]]", found.get("messages") or []):
                metadata = each.get("metadata")
                payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
                if isinstance(payload, dict) and payload.get("key") == parcel.key:
                    return True
        return False

    async def _channel(self, wanted: str) -> str:
        """A channel or member as it is given; the member whom an e-mail address means.

        Raises:
            NotDelivered: nobody here has this address, or Slack does not say.
            InvalidInput: there is no bot token.
        """
        if "@" not in wanted:
            return wanted
        try:
            found = await self._call("users.lookupByEmail", {"email": wanted}, form=True)
        except NotDelivered as error:  # Nothing was posted, however the question broke.
            raise NotDelivered(error.reason, again=error.again, wait=error.wait) from None
        user = found.get("user")
        member = str(user.get("id")) if isinstance(user, dict) and user.get("deleted") is not True else ""
        if not MEMBER.match(member):
            raise NotDelivered("Slack has no active member with this e-mail address.", again=False)
        return member

    async def _conversation(self, channel: str) -> str:
        """Where the history of a channel is: a member's is in the direct conversation with them."""
        if not MEMBER.match(channel):
            return channel
        opened = (await self._call("conversations.open", {"users": channel})).get("channel")
        return str(opened.get("id")) if isinstance(opened, dict) else channel

    async def _to_webhook(self, parcel: Parcel, body: Mapping[str, Json]) -> str:
        assert parcel.target.url is not None
        answer = await self._post(
            parcel.target.url.get_secret_value(), json.dumps(body).encode(), parcel.target.allow_private
        )
        return f"{answer.status_code} from Slack's webhook"

    async def _pictures(self, message: Message, channel: str, thread: str) -> str:
        """Upload the pictures; what is missing is told, for the message itself is there."""
        missing: list[str] = []
        for number, each in enumerate(message.pictures, 1):
            try:
                await self._upload(each, picture_name(number), channel, thread)
            except (NotDelivered, PostHogMcpError) as error:
                missing.append(f"{each.title}: {error}")
        return f" (without pictures: {'; '.join(missing)})" if missing else ""

    async def _upload(self, picture: Picture, name: str, channel: str, thread: str) -> None:
        """The three steps of files upload v2 (https://docs.slack.dev/messaging/working-with-files)."""
        size: dict[str, Json] = {"filename": name, "length": len(picture.png), "alt_txt": picture.alt[:1000]}
        place = await self._call("files.getUploadURLExternal", size, form=True)
        private = self._settings.allow_private_targets
        await self._post(str(place.get("upload_url")), picture.png, private, "application/octet-stream")
        done: dict[str, Json] = {"files": [{"id": place.get("file_id"), "title": picture.title}]}
        await self._call("files.completeUploadExternal", {**done, "channel_id": channel, "thread_ts": thread})

    async def _call(self, method: str, body: Mapping[str, Json], *, form: bool = False) -> dict[str, Json]:
        """A Web API method.

        Raises:
            NotDelivered: Slack says no.
            InvalidInput: there is no bot token.
        """
        token = self._settings.slack_bot_token
        if token is None:
            raise InvalidInput(
                "This Slack target needs SLACK_BOT_TOKEN.", fix="Set it, or give the target a webhook url."
            )
        url = f"{self._settings.slack_api_url.rstrip('/')}/{method}"
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
        if form:
            from urllib.parse import urlencode

            content, kind = (
                urlencode({key: str(value) for key, value in body.items()}).encode(),
                "application/x-www-form-urlencoded",
            )
        else:
            content, kind = json.dumps(body).encode(), "application/json; charset=utf-8"
        response = await self._post(url, content, self._settings.allow_private_targets, kind, headers)
        try:
            answer = cast("dict[str, Json]", response.json())
        except ValueError:
            text = f"Something that is not Slack answered {method} at {self._settings.slack_api_url}."
            raise NotDelivered(text, again=False, arrived=True) from None
        if answer.get("ok") is not True:
            error = str(answer.get("error") or "unknown_error")
            raise NotDelivered(f"Slack refused {method}: {error}.{hint(error)}", again=error in AGAIN)
        return answer

    async def _post(
        self,
        url: str,
        content: bytes,
        private: bool,
        kind: str = "application/json; charset=utf-8",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        import httpx

        checked = await check(url, allow_private=private)
        try:
            response = await post(self._client, checked, content, {"Content-Type": kind, **(headers or {})})
        except httpx.HTTPError as error:
            fault = broken(error, "Slack")
            raise fault from None
        problem = refused(response, "Slack")
        if problem:
            raise problem
        return response


def hint(error: str) -> str:
    """What to do about Slack's most frequent refusals."""
    hints = {
        "not_in_channel": " Invite the bot to the channel.",
        "channel_not_found": " Check the channel's name or id, and invite the bot.",
        "invalid_auth": " Check SLACK_BOT_TOKEN.",
        "missing_scope": " The bot needs the scopes chat:write and files:write; users:read.email for addresses.",
        "users_not_found": " No member of this workspace has this e-mail address.",
    }
    return hints.get(error, "")


def channels(parcel: Parcel) -> tuple[str, ...]:
    """Where a bot posts.

    Raises:
        InvalidInput: nowhere.
    """
    found = parcel.to or parcel.target.to
    if not found:
        raise InvalidInput(f"The target {parcel.target.name!r} has no channel.", fix="Give it `to: '#channel'`.")
    return found


def text_of(parcel: Parcel) -> dict[str, Json]:
    """What Slack shows."""
    return {"text": fallback(parcel.message), "blocks": [*blocks(parcel.message)]}


def post_of(parcel: Parcel, channel: str) -> dict[str, Json]:
    """What a bot posts: with the key, by which it is found again."""
    metadata: Json = {"event_type": EVENT, "event_payload": {"key": parcel.key}}
    return {**text_of(parcel), "channel": channel, "metadata": metadata}


def fallback(message: Message) -> str:
    """What notifications show."""
    return escaped(message.title)[:300]


def blocks(message: Message) -> list[dict[str, Json]]:
    """Block Kit; what does not fit is cut with a sign."""
    found: list[dict[str, Json]] = [header(message.title)]
    budget = MOST_TOTAL
    for section in message.sections:
        texts = [f"*{mrkdwn(section.title)}*"] if section.title else []
        texts += [mrkdwn(each) for each in section.paragraphs] + [f"• {mrkdwn(each)}" for each in section.points]
        for piece in pieces(texts, MOST_SECTION):
            if len(piece) > budget or len(found) >= MOST_BLOCKS:
                return [*found, context("… the rest did not fit into a Slack message.")]
            budget -= len(piece)
            found.append({"type": "section", "text": {"type": "mrkdwn", "text": piece}})
    return [*found, context(mrkdwn(message.footer))] if message.footer else found


def header(text: str) -> dict[str, Json]:
    return {"type": "header", "text": {"type": "plain_text", "text": text[:MOST_HEADER], "emoji": False}}


def context(text: str) -> dict[str, Json]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text[:MOST_SECTION]}]}


def pieces(texts: list[str], most: int) -> list[str]:
    """Lines put together up to so many characters a piece."""
    found: list[str] = []
    for text in (each[:most] for each in texts):
        if found and len(found[-1]) + len(text) + 1 <= most:
            found[-1] += f"\n{text}"
        else:
            found.append(text)
    return found


def mrkdwn(text: str) -> str:
    """Slack's own marks. Escaping `<` takes every mention and link away."""
    return re.sub(r"\*\*(.+?)\*\*", r"*\1*", escaped(text))


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
