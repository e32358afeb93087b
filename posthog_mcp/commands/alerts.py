"""`alerts check`: evaluate every alert once, tell its targets, keep its state. For cron, systemd or CI."""

from __future__ import annotations

import argparse
import sys
from functools import partial

import anyio

from posthog_mcp.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """One line an alert; 1 when one could not be checked or told."""
    return anyio.run(partial(check, settings, arguments))


async def check(settings: Settings, arguments: argparse.Namespace) -> int:
    """Check the named alerts, or all.

    Raises:
        NotFound: there is no such alert.
        PostHogMcpError: the project does not answer.
    """
    from posthog_mcp.reports.alerts import check_alerts
    from posthog_mcp.runtime import open_project

    async with open_project(settings) as project:
        found = await check_alerts(project, arguments.name, notify=not arguments.dry_run)
    failed = False
    for each in found:
        state = "firing" if each.state.firing else "ok"
        event = f" ({each.event})" if each.event else ""
        sys.stdout.write(f"{each.alert.name}: {state}{event}. {each.state.why}{each.error}\n")
        for one in each.deliveries:
            sys.stdout.write(f"  {one.target}: {one.state} {one.detail}\n")
        failed = failed or bool(each.error) or any(one.state != "sent" for one in each.deliveries)
    if not found:
        sys.stdout.write("No alerts are saved.\n")
    return 1 if failed else 0
