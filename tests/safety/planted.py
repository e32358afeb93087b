"""A project whose people left personal data in every place they can, and a client of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.insights.made import Did, written

EMAIL, NAME, PHONE = "ada.byron@lovelace.example", "Ada Byron-King", "+44 20 7946 0958"
IP, CARD, IBAN = "203.0.113.77", "4242 4242 4242 4242", "GB82 WEST 1234 5698 7654 32"
TOKEN = "sk_live_" + "Qz81" * 6
PLANTED = (EMAIL, NAME, PHONE, IP, CARD, IBAN, TOKEN)
WHO = "user-ada-8812"
"""A distinct_id: personal in strict only."""

PERSON = {"email": EMAIL, "name": NAME, "phone_number": PHONE, "plan": "pro"}
PROPERTIES = {
    "$ip": IP,
    "email": EMAIL,
    "customerName": NAME,
    "note": f"call {PHONE} or write to {EMAIL}; card {CARD}",
    "iban": IBAN,
    "auth": TOKEN,
    "$current_url": f"https://shop.example/?email={EMAIL}",
    "plan": "pro",
    "nested": {"contact": {"first_name": NAME, "emails": [EMAIL]}},
}
TRACE = {
    "$ai_trace_id": "t-1",
    "$ai_input": json.dumps([{"role": "user", "content": f"I am {EMAIL}, ring {PHONE}"}]),
    "$ai_output_choices": json.dumps([{"role": "assistant", "content": "Noted.", "tool": {"name": "get_weather"}}]),
}


def events() -> list[Did]:
    bought = [Did(WHO, "bought", f"2026-10-{day:02d} 10:00:00", PROPERTIES, PERSON) for day in range(1, 6)]
    other = [Did("user-bob-1", "bought", "2026-10-02 09:00:00", {"plan": "free"}, {"email": "bob@b.example"})]
    return [*bought, *other, Did(WHO, "$ai_generation", "2026-10-03 11:00:00", TRACE, PERSON)]


async def make(folder: Path, name: str = "Planted") -> Path:
    """A data folder with these events."""
    (folder / "events.jsonl").write_text(written(events(), "UTC"))
    made = ProjectSettings(name=name, timezone="UTC", week_start_day=0)
    await import_exports(Store(folder / "data" / "local"), [folder / "events.jsonl"], project=made)
    return folder / "data"


@asynccontextmanager
async def client_of(data: Path, **settings: Any) -> AsyncIterator[Client]:
    given = {"data_dir": data, "backend": "local", "toolsets": "all"} | settings
    async with Client(build_server(Settings.load(**given))) as client:
        yield client


def leaks(*texts: str, planted: tuple[str, ...] = PLANTED) -> list[str]:
    """Planted values that stand in any of these texts, however they are written."""
    every = "\n".join(texts)
    plain = every.replace("\\", "")
    return [value for value in planted if value in every or value in plain or value.replace(" ", "") in plain]


def all_of(result: Any) -> str:
    """Everything of a result as it goes over the wire."""
    return result.model_dump_json(by_alias=True)
