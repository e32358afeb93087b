"""`report daily|weekly`: build a report, print it as Markdown, send it where that is asked for."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TYPE_CHECKING

import anyio

from posthog_mcp.commands.progress import progress_bar
from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    from posthog_mcp.delivery.message import Message
    from posthog_mcp.project import Project


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print, and send with --send; 1 when a delivery failed."""
    return anyio.run(partial(build_and_send, settings, arguments))


async def build_and_send(settings: Settings, arguments: argparse.Namespace) -> int:
    """One report.

    Raises:
        PostHogMcpError: it cannot be built, or there is no such target.
    """
    from posthog_mcp.delivery.message import markdown
    from posthog_mcp.delivery.targets import chosen, load_targets
    from posthog_mcp.reports.build import Wanted, build_report
    from posthog_mcp.reports.compose import message_of
    from posthog_mcp.reports.store import keep
    from posthog_mcp.reports.writer import writer_of
    from posthog_mcp.runtime import open_project

    async with open_project(settings) as project:
        for name in arguments.send:
            chosen(await load_targets(settings), name, arguments.dashboard)
        with progress_bar("building the report") as watch:
            project.driver.progress = watch
            wanted = Wanted(arguments.kind, arguments.dashboard, arguments.days or 0)
            report = await build_report(project, wanted, writer=writer_of(project), progress=watch)
            project.driver.progress = None
            message = await message_of(report, pictures=bool(arguments.send))
            await keep(project, message)
        sys.stdout.write(markdown(message))
        if report.quiet and arguments.send and not arguments.even_quiet:
            sys.stderr.write("Nothing happened, so nothing was sent; --even-quiet sends it nevertheless.\n")
            return 0
        return await delivered(project, message, arguments)


async def delivered(project: Project, message: Message, arguments: argparse.Namespace) -> int:
    """Send to each target, or show what would be sent; 1 when one failed.

    Raises:
        PostHogMcpError: there is no such target, or the state database does not answer.
    """
    from posthog_mcp.reports import sending

    failed = False
    for name in arguments.send:
        targets = await sending.targets_for(project, message, name)
        key = f"report:{arguments.key}" if arguments.key else ""
        parcels = sending.parcels_of(message, targets, key)
        if arguments.dry_run:
            sys.stderr.write(json.dumps(await sending.previews(project, parcels), ensure_ascii=False, indent=1) + "\n")
            continue
        for each in await sending.send(project, parcels):
            failed = failed or each.state != "sent"
            sys.stderr.write(f"{each.target}: {each.state} after {each.attempts} attempts. {each.detail}\n")
    return 1 if failed else 0
