"""`themes …`: list themes of LLM traces, save theme files, run one unattended (from cron, a timer, or by hand)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import cast

import anyio

from posthog_mcp.commands.logs import log_to_stderr
from posthog_mcp.commands.progress import progress_bar
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings

Action = Callable[[Project, argparse.Namespace], Awaitable[int]]
SHOWN = 10


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Dispatch on the second word."""
    actions: dict[str, Action] = {"run_one": run_one, "listing": listing, "save": save}
    log_to_stderr(settings)
    return anyio.run(opened, settings, arguments, actions[arguments.action])


async def opened(settings: Settings, arguments: argparse.Namespace, action: Action) -> int:
    async with open_project(settings) as project:
        return await action(project, arguments)


async def run_one(project: Project, arguments: argparse.Namespace) -> int:
    """Read, then cluster; 1 where traces were given up."""
    from posthog_mcp.traces.clusters import cluster
    from posthog_mcp.traces.running import MOST_TRACES, MOST_USD, run_theme
    from posthog_mcp.traces.themes import as_json, find_theme, theme_of

    name = str(arguments.theme)
    if Path(name).suffix in (".yaml", ".yml", ".json"):
        name = (await saved(project, Path(name)))[0]
    theme = await find_theme(project, name)
    if arguments.date_from:
        theme = theme_of({**as_json(theme), "date_from": arguments.date_from})
    if arguments.rewind:
        await project.themes.forget_marks((await project.driver.project()).id, theme.id)
    with progress_bar(f"theme {theme.id}") as watch:
        report = await run_theme(
            project,
            theme,
            most=arguments.limit or MOST_TRACES,
            most_usd=MOST_USD if arguments.max_cost is None else arguments.max_cost,
            progress=watch,
        )
    try:
        clusters = await cluster(project, theme, theme.clustering)
    except NotFound:
        clusters = {}
    if arguments.json:
        sys.stdout.write(json.dumps({"run": report.as_json(), "clusters": clusters.get("clusters", [])}) + "\n")
    else:
        tell(report.as_json(), clusters)
    return 1 if report.dead else 0


def tell(report: Mapping[str, Json], clusters: Mapping[str, Json]) -> None:
    """Figures and the largest groups."""
    cost = f" for {report['cost_usd']} USD" if report["tokens"] else ""
    sys.stdout.write(
        f"Theme {report['theme']}: {report['read']} traces read by {report['writer']}{cost}, "
        f"{report['relevant']} relevant, {report['failed']} failed; {report['elapsed_ms']} ms.\n"
    )
    if report["stopped"] or report["more"]:
        sys.stdout.write("More traces wait: run it again.\n")
    if report["dead_letters"]:
        sys.stdout.write(
            f"Given up after three tries: {', '.join(map(str, cast('list[Json]', report['dead_letters'])))}\n"
        )
    for each in cast("list[dict[str, Json]]", clusters.get("clusters") or [])[:SHOWN]:
        trend = cast("dict[str, Json]", each["trend"])
        sys.stdout.write(
            f"  [{each['cluster_id']}] {each['label']}: {each['size']} traces, {each['users']} users, "
            f"{trend['before']} -> {trend['now']}\n"
        )


async def listing(project: Project, arguments: argparse.Namespace) -> int:
    """A line a theme."""
    from posthog_mcp.traces.themes import all_themes

    del arguments
    info = await project.driver.project()
    runs = await project.themes.last_runs(info.id)
    for name, theme in (await all_themes(project)).items():
        done = (await project.themes.mark_counts(info.id, name)).get("done", 0)
        last = f"last run {runs[name][0][:16]}" if name in runs else "never run"
        schedule = f", {theme.schedule}" if theme.schedule else ""
        sys.stdout.write(f"{name}: {theme.description} ({done} traces read, {last}{schedule})\n")
    return 0


async def save(project: Project, arguments: argparse.Namespace) -> int:
    """Check and keep the themes of a file."""
    names = await saved(project, arguments.file)
    sys.stdout.write(f"Saved: {', '.join(names)}.\n")
    return 0


async def saved(project: Project, file: Path) -> list[str]:
    """Ids of the themes that a file holds, all of them kept, or none.

    Raises:
        InvalidInput: the file cannot be read, or a theme in it is wrong or built in.
    """
    from posthog_mcp.traces.picking import plan_of
    from posthog_mcp.traces.themes import as_json, built_in, read_theme_file

    try:
        text = await anyio.Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.") from None
    themes = read_theme_file(text)
    for theme in themes:
        if theme.id in built_in():
            raise InvalidInput(f"{theme.id} is built in.", fix="Give your theme another name.")
        await plan_of(project, theme)
    project_id = (await project.driver.project()).id
    for theme in themes:
        await project.themes.save_theme(project_id, theme.id, as_json(theme))
    return [theme.id for theme in themes]
