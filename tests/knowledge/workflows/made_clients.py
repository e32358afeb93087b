"""A client of a project that holds just these events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import Client

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings


@asynccontextmanager
async def client_of(folder: Path, export: str) -> AsyncGenerator[Client]:
    """`export`: a batch export in JSON lines."""
    (folder / "events.jsonl").write_text(export)
    store = Store(folder / "data" / "local")
    await import_exports(store, [folder / "events.jsonl"], project=ProjectSettings(name="Made", timezone="UTC"))
    async with Client(build_server(Settings.load(data_dir=folder / "data", backend="local"))) as connected:
        yield connected
