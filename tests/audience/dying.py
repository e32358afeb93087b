"""A server whose client asks a campaign to be sent, as a process to be killed: `python -m tests.audience.dying SETTINGS CAMPAIGN`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.audience.conftest import Person


def settings_of(text: str) -> Settings:
    given: dict[str, Any] = json.loads(text)
    return Settings.load(**{**given, "data_dir": Path(given["data_dir"]), "reports": Path(given["reports"])})


async def send(settings: str, campaign: str) -> None:
    server = build_server(settings_of(settings))
    async with Client(server, mode="legacy", elicitation_callback=Person()) as client:
        await client.call_tool("send_campaign", {"campaign": campaign, "dry_run": False})


if __name__ == "__main__":
    anyio.run(send, sys.argv[1], sys.argv[2])
