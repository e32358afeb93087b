"""`schedule`: daily and weekly reports, alerts, themes and campaigns at their times, until stopped.

Several replicas of one state database may run it: one leads, another follows when it dies. With --once everything that
is due runs once, for cron and the like.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, cast

import anyio

from posthog_mcp.commands.logs import log_to_stderr
from posthog_mcp.commands.recording import recorded
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    from posthog_mcp.project import Project
    from posthog_mcp.reports.schedules import Due
    from posthog_mcp.results import Json
    from posthog_mcp.traces.themes import AnalysisTheme

LOOK_SECONDS = 20.0


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Until SIGTERM or Ctrl-C."""
    log_to_stderr(settings)
    return anyio.run(partial(watch, settings, arguments.once))


async def watch(settings: Settings, once: bool) -> int:
    """Look for what is due, run it, sleep.

    Raises:
        InvalidInput: a cron string or the file of targets is wrong.
    """
    from posthog_mcp.delivery.targets import load_targets
    from posthog_mcp.reports.schedules import LEASE, leads
    from posthog_mcp.runtime import open_project
    from posthog_mcp.state.desk.holders import HOLDER

    async with open_project(settings) as project:
        crons = (await load_targets(settings)).file.schedules
        await announce(project, crons.model_dump())
        while True:
            if await leads(project, HOLDER):
                await round_of(project, HOLDER, crons.model_dump())
            elif once:
                sys.stderr.write("Another process runs what is due.\n")
            if once:
                await project.desk.leases.leave(LEASE, HOLDER)
                return 0
            await anyio.sleep(LOOK_SECONDS)


async def announce(project: Project, crons: dict[str, str]) -> None:
    """When each will run next.

    Raises:
        InvalidInput: a cron string is wrong.
    """
    from zoneinfo import ZoneInfo

    from posthog_mcp.reports.schedules import next_time

    zone = (await project.driver.project()).timezone
    now = datetime.now(UTC).astimezone(ZoneInfo(zone))
    for name, cron in crons.items():
        if cron.strip():
            sys.stderr.write(f"{name}: {cron} ({zone}), next {next_time(cron, now):%Y-%m-%d %H:%M}\n")


async def round_of(project: Project, holder: str, crons: dict[str, str]) -> None:
    """Run everything that is due; what fails is told and not repeated before its next time."""
    from posthog_mcp.reports.schedules import due, leads, remember

    for each in await due(project, crons, datetime.now(UTC)):
        if not await leads(project, holder):
            return
        await led(project, holder, each.name, partial(run_due, project, each), f" of {each.at:%Y-%m-%d %H:%M}")
        await remember(project, each.name, crons[each.name], each.at)
    await themes(project, holder)
    await campaigns(project, holder)


async def led(project: Project, holder: str, name: str, work: Callable[[], Awaitable[None]], of: str = "") -> None:
    """Work, on record, during which the lease is prolonged; its failure is told."""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_leading, project, holder)
            with recorded(project.settings, f"command schedule {name}"):
                await work()
            tasks.cancel_scope.cancel()
    except* PostHogMcpError as errors:
        for error in errors.exceptions:
            text = error.as_text() if isinstance(error, PostHogMcpError) else str(error)
            sys.stderr.write(f"{name}{of}: {text}\n")


async def themes(project: Project, holder: str) -> None:
    """Run the themes whose time has come; one that failed is left for a while."""
    from posthog_mcp.reports.schedules import leads, remember, tried_lately
    from posthog_mcp.traces.schedules import due_themes

    for each in await due_themes(project):
        name, now = f"theme {each.id}", datetime.now(UTC)
        if await tried_lately(project, name, now):
            continue
        if not await leads(project, holder):
            return
        await remember(project, name, each.schedule, now)
        await led(project, holder, name, partial(run_due_theme, project, each))


async def run_due_theme(project: Project, theme: AnalysisTheme) -> None:
    """Read what is new, and group it.

    Raises:
        PostHogMcpError: the backend or the model's provider refuses.
    """
    from posthog_mcp.errors import NotFound
    from posthog_mcp.traces.clusters import cluster
    from posthog_mcp.traces.running import run_theme

    done = await run_theme(project, theme)
    try:
        groups = len(cast("list[Json]", (await cluster(project, theme, theme.clustering)).get("clusters") or []))
    except NotFound:
        groups = 0
    sys.stderr.write(f"theme {theme.id}: {done.read} traces read, {groups} groups\n")


async def keep_leading(project: Project, holder: str) -> None:
    """Prolong the lease while a long run goes on."""
    from posthog_mcp.reports.schedules import leads

    while True:
        await anyio.sleep(LOOK_SECONDS)
        await leads(project, holder)


async def run_due(project: Project, due: Due) -> None:
    """A report to the targets of its dashboards, or the alerts.

    Raises:
        PostHogMcpError: it cannot be built.
    """
    if due.name == "alerts":
        from posthog_mcp.reports.alerts import check_alerts

        for each in await check_alerts(project):
            if each.event or each.error:
                sys.stderr.write(f"alert {each.alert.name}: {each.event} {each.state.why}{each.error}\n")
        return
    await scheduled_report(project, due)


async def scheduled_report(project: Project, due: Due) -> None:
    """One report a group of dashboards that go to the same targets, sent once for its due time.

    Raises:
        PostHogMcpError: it cannot be built.
        InvalidInput: there is nowhere to send it.
    """
    from posthog_mcp.delivery.targets import load_targets
    from posthog_mcp.reports.build import Wanted, build_report
    from posthog_mcp.reports.compose import message_of
    from posthog_mcp.reports.sending import parcels_of, send
    from posthog_mcp.reports.store import keep
    from posthog_mcp.reports.writer import writer_of

    targets = await load_targets(project.settings)
    groups: dict[tuple[str, ...], list[str]] = {}
    for dashboard, names in targets.file.dashboards.items():
        groups.setdefault(tuple(names), []).append(dashboard)
    everywhere = tuple(name for name in targets.known if name != "file")[:1] or ("file",)
    for number, (names, dashboards) in enumerate((groups or {everywhere: list[str]()}).items()):
        if not names:
            raise InvalidInput(f"{dashboards} go nowhere.", fix="Name their targets in reports.yaml.")
        kind = "daily" if due.name == "daily" else "weekly"
        report = await build_report(project, Wanted(kind, dashboards), writer=writer_of(project))
        message = await message_of(report)
        await keep(project, message)
        if report.quiet:
            sys.stderr.write(f"{due.name}: nothing happened, nothing sent\n")
            continue
        key = f"{due.name}:{due.at:%Y-%m-%dT%H:%M}:{number}"
        for each in await send(project, parcels_of(message, [targets.named(name) for name in names], key)):
            sys.stderr.write(f"{due.name} to {each.target}: {each.state} {each.detail}\n")


async def campaigns(project: Project, holder: str) -> None:
    """Send the campaigns whose approved time has come."""
    from posthog_mcp.audience.sending import due_campaigns
    from posthog_mcp.reports.schedules import leads

    for each in await due_campaigns(project):
        if not await leads(project, holder):
            return
        await led(project, holder, f"campaign {each.id}", partial(send_campaign, project, each.id))


async def send_campaign(project: Project, id: str) -> None:
    """One campaign, to everybody who has not got it.

    Raises:
        PostHogMcpError: it cannot be sent, or is no longer what the person agreed to.
    """
    from posthog_mcp.audience.sending import send

    for line in (await send(project, id)).lines():
        sys.stderr.write(f"{line}\n")
