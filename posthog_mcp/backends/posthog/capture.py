"""Send events to a project with its public token, as PostHog's SDKs do.

Source: PostHog's capture API (`POST /batch/`, https://posthog.com/docs/api/capture). PostHog Cloud takes events on a
host of its own; a self-hosted PostHog on its only one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthog_mcp.backends.posthog.retrying import Retries
from posthog_mcp.backends.posthog.transport import MAX_BYTES, Call, Phases, Transport, encoded
from posthog_mcp.errors import Forbidden, Unavailable
from posthog_mcp.results import Json

INGESTION = {"https://us.posthog.com": "https://us.i.posthog.com", "https://eu.posthog.com": "https://eu.i.posthog.com"}
MOST_EVENTS = 100
"""Events a request: summaries are long, and a request may hold 20 MB."""


async def send_events(base_url: str, token: str, events: Sequence[Mapping[str, Json]]) -> int:
    """How many were accepted. Events carry uuids of their own, so that a request may be sent twice.

    Raises:
        Forbidden: there is no project token.
        Unavailable: the host took none.
    """
    if not token.startswith("phc_"):
        fix = "Give the personal key the scope project:read."
        raise Forbidden("The key does not show the project's token, which events are sent with.", fix=fix)
    transport = Transport(INGESTION.get(base_url, base_url), token, Phases(), MAX_BYTES)
    try:
        for start in range(0, len(events), MOST_EVENTS):
            await sent(transport, token, events[start : start + MOST_EVENTS])
    finally:
        await transport.aclose()
    return len(events)


async def sent(transport: Transport, token: str, events: Sequence[Mapping[str, Json]]) -> None:
    """One request, repeated as reads are.

    Raises:
        Unavailable: it was not taken.
    """
    import anyio
    import httpx

    body: dict[str, Json] = {"api_key": token, "batch": [dict(each) for each in events]}
    retries = Retries()
    why = "no answer"
    for attempt in range(1, retries.tries + 1):
        try:
            reply = await transport.send(Call("POST", "/batch/", encoded(body)))
        except httpx.HTTPError as error:
            why = type(error).__name__
        else:
            if reply.status < 300:
                return
            why = f"HTTP {reply.status}"
            if not retries.again(reply.status, "read"):
                break
        await anyio.sleep(retries.wait(attempt, None))
    raise Unavailable(f"The capture host did not take the events: {why}.", fix="Try again; summaries are kept locally.")
