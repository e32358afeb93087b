"""What the tools of themes do: list, save, preview, collect, take answers, run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.types import CallToolResult

from posthog_mcp.errors import InvalidInput
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.tools.theme_texts import (
    collected_content,
    listed_content,
    preview_content,
    run_content,
    saved_content,
    stored_content,
    theme_content,
)
from posthog_mcp.traces import collect as collecting
from posthog_mcp.traces import running
from posthog_mcp.traces.picking import plan_of
from posthog_mcp.traces.saving import save_answers
from posthog_mcp.traces.themes import AnalysisTheme, all_themes, as_json, built_in, find_theme, theme_id, theme_of


async def list_answer(ctx: Ctx, theme: str, project_id: int) -> CallToolResult:
    """All themes, or one in full."""
    project = await project_of(ctx).select(project_id)
    if theme:
        return answer(*await theme_content(project, await find_theme(project, theme)))
    return answer(*await listed_content(project, await all_themes(project)))


async def save_answer(
    ctx: Ctx, name: str, fields: Mapping[str, Any], like: str, delete: bool, project_id: int
) -> CallToolResult:
    """A theme made, changed or deleted."""
    project = await project_of(ctx).select(project_id)
    theme = await deleted(project, name) if delete else await made(project, name, fields, like)
    return answer(*await stored_content(project, theme, deleted=delete))


async def made(project: Project, name: str, fields: Mapping[str, Any], like: str) -> AnalysisTheme:
    """The theme, checked and kept.

    Raises:
        InvalidInput: it is a built-in one, a field is wrong, or a filter does not compile.
    """
    if theme_id(name) in built_in():
        raise InvalidInput(f"{name} is built in.", fix=f'Give another name, with "like": "{theme_id(name)}".')
    themes = await all_themes(project)
    start = await find_theme(project, like) if like else themes.get(theme_id(name))
    given = {key: value for key, value in fields.items() if value not in ("", [], {})}
    theme = theme_of({**(as_json(start) if start else {}), **given, "name": name})
    await plan_of(project, theme)
    await project.themes.save_theme((await project.driver.project()).id, theme.id, as_json(theme))
    return theme


async def deleted(project: Project, name: str) -> AnalysisTheme:
    """The theme that was, dropped with its marks, summaries and clusters.

    Raises:
        InvalidInput: it is built in.
    """
    theme = await find_theme(project, name)
    if theme.id in built_in():
        raise InvalidInput(f"{theme.id} is built in and stays.", fix="Delete themes of your own.")
    await project.themes.delete_theme((await project.driver.project()).id, theme.id)
    return theme


async def dated(project: Project, name: str, dates: Mapping[str, str]) -> AnalysisTheme:
    """A theme, with other dates where some are given."""
    theme = await find_theme(project, name)
    given = {key: value for key, value in dates.items() if value}
    return theme_of({**as_json(theme), **given}) if given else theme


async def rewound(project: Project, theme: AnalysisTheme, rewind: bool) -> None:
    if rewind:
        await project.themes.forget_marks((await project.driver.project()).id, theme.id)


async def preview_answer(ctx: Ctx, theme: str, dates: Mapping[str, str], project_id: int) -> CallToolResult:
    """Counts and the estimate."""
    project = await project_of(ctx).select(project_id)
    chosen = await dated(project, theme, dates)
    found = await reporting(ctx, lambda _: collecting.preview(project, chosen))
    return answer(*await preview_content(project, found))


async def collect_answer(
    ctx: Ctx, theme: str, dates: Mapping[str, str], limit: int, budget_tokens: int, rewind: bool, project_id: int
) -> CallToolResult:
    """A batch to read."""
    project = await project_of(ctx).select(project_id)
    chosen = await dated(project, theme, dates)
    await rewound(project, chosen, rewind)
    batch = await reporting(ctx, lambda _: collecting.collect(project, chosen, budget_tokens=budget_tokens, most=limit))
    return answer(*await collected_content(project, batch))


async def saved_answer(
    ctx: Ctx, theme: str, batch_id: str, answers: Sequence[Mapping[str, Json]], project_id: int
) -> CallToolResult:
    """What was taken and what was refused."""
    project = await project_of(ctx).select(project_id)
    chosen = await find_theme(project, theme)
    saved = await save_answers(project, chosen, batch_id, [dict(each) for each in answers])
    return answer(*await saved_content(project, chosen, batch_id, saved))


async def run_answer(
    ctx: Ctx, theme: str, dates: Mapping[str, str], limit: int, most_usd: float, rewind: bool, project_id: int
) -> CallToolResult:
    """What an unattended run read and found."""
    project = await project_of(ctx).select(project_id)
    chosen = await dated(project, theme, dates)
    await rewound(project, chosen, rewind)
    report = await reporting(
        ctx,
        lambda progress: running.run_theme(project, chosen, most=limit, most_usd=most_usd, progress=progress),
    )
    return answer(*await run_content(project, chosen, report))
