"""`approve CODE`: the person's word for what waits to leave the house; shown, approved, and sent at once."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

import anyio

from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    from posthog_mcp.delivery.approvals import Approval
    from posthog_mcp.project import Project


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Approve and send; 1 when something failed. `--later` leaves the sending to the next call of the tool."""
    return anyio.run(partial(approved, settings, arguments))


async def approved(settings: Settings, arguments: argparse.Namespace) -> int:
    """Show what the code stands for, and do it.

    Raises:
        NotFound: there is no such code, or it is too old.
        PostHogMcpError: what waits cannot be sent.
    """
    from posthog_mcp.delivery import approvals
    from posthog_mcp.runtime import open_project

    async with open_project(settings) as project:
        found = await approvals.look_up(project, arguments.code)
        sys.stdout.write("\n".join(found.lines) + "\n")
        if sys.stdin.isatty() and not arguments.yes and not typed_yes():
            sys.stderr.write("Not approved; nothing was sent.\n")
            return 1
        found = await approvals.approve(project, arguments.code)
        sys.stdout.write("Approved.\n")
        return 0 if arguments.later else await carried_out(project, found)


def typed_yes() -> bool:
    sys.stderr.write("Send this? [y/N] ")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


async def carried_out(project: Project, found: Approval) -> int:
    """Do what was approved; the code's digest is checked against what would go now.

    Raises:
        PostHogMcpError: it changed since, or cannot be sent.
    """
    from posthog_mcp.delivery import approvals

    if found.action.get("do") == "send_test":
        from posthog_mcp.audience.campaigns import load as load_campaign
        from posthog_mcp.audience.campaigns import target_of
        from posthog_mcp.audience.sending import send_test

        campaign, _ = await load_campaign(project, str(found.action.get("campaign")))
        digest = campaign.digest(await target_of(project, campaign))
        await approvals.require(project, found.code, f"test {digest}")
        sys.stdout.write("\n".join(await send_test(project, campaign)) + "\n")
        return 0
    if found.action.get("do") == "send_campaign":
        from posthog_mcp.audience.sending import send_approved

        lines = await send_approved(project, str(found.action.get("campaign")), found.code)
        sys.stdout.write("\n".join(lines) + "\n")
        return 0 if not any("failed" in each for each in lines) else 1
    from posthog_mcp.reports import sending
    from posthog_mcp.reports.store import load

    message = await load(project, str(found.action.get("report")))
    parcels = sending.parcels_of(message, await sending.targets_for(project, message, str(found.action.get("target"))))
    await approvals.require(project, found.code, sending.digest_of(parcels))
    done = await sending.send(project, parcels)
    for each in done:
        sys.stdout.write(f"{each.target}: {each.state} after {each.attempts} attempts. {each.detail}\n")
    return 0 if all(each.state == "sent" for each in done) else 1
