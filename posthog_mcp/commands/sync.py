"""`local sync`: pull one's own events and persons from PostHog into the embedded project."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

import anyio

from posthog_mcp.commands.clickhouse import copy
from posthog_mcp.commands.local import tell
from posthog_mcp.commands.progress import progress_bar
from posthog_mcp.errors import InvalidInput
from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    from posthog_mcp.sync.run import Synced


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Sync, then say what the embedded project holds; 1 when rows were left out."""
    return anyio.run(partial(bring, settings, arguments.days))


async def bring(settings: Settings, days: int) -> int:
    """Work with the PostHog that the settings name.

    Raises:
        InvalidInput: there is no key.
    """
    if settings.api_key is None:
        fix = "Set POSTHOG_API_KEY to a key with the scopes project:read and batch_export:write."
        raise InvalidInput("A sync needs a PostHog key.", fix=fix)
    from posthog_mcp.backends.posthog.driver import PostHogDriver
    from posthog_mcp.sync.run import sync

    driver = PostHogDriver(settings)
    try:
        with progress_bar("syncing") as watch:
            synced = await sync(driver.api, settings.data_dir, days=days, progress=watch)
    finally:
        with anyio.CancelScope(shield=True):
            await driver.aclose()
    return report(synced) or await copy(settings)


def report(synced: Synced) -> int:
    """What came, and how to ask it."""
    span = f"{synced.span.start:%Y-%m-%d %H:%M} to {synced.span.end:%Y-%m-%d %H:%M} UTC"
    project = f"project {synced.project.id} {synced.project.name} on {synced.project.host}"
    sys.stdout.write(f"Synced {project}, {span}: {synced.pieces} downloads, {synced.files} files.\n")
    code = tell(synced.report) if synced.report else 0
    if synced.report is None:
        sys.stdout.write("Nothing new was there.\n")
    sys.stdout.write("Ask it with --backend local (POSTHOG_MCP_BACKEND=local); that costs no quota.\n")
    return code
