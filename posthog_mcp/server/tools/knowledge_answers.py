"""What the tools of `knowledge` do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcp.types import CallToolResult

from posthog_mcp.errors import InvalidInput
from posthog_mcp.knowledge import definitions
from posthog_mcp.knowledge.filling import fill, fill_steps
from posthog_mcp.knowledge.models import Page, Template, Workflow
from posthog_mcp.knowledge.planning import plan
from posthog_mcp.knowledge.running import checked
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of
from posthog_mcp.server.tools import knowledge_texts as texts


async def plan_answer(ctx: Ctx, question: str, project_id: int) -> CallToolResult:
    """A plan."""
    project = await project_of(ctx).select(project_id)
    return answer(*texts.plan_content(await plan(project, question)))


async def search_answer(ctx: Ctx, query: str, kind: str, tag: str, limit: int, project_id: int) -> CallToolResult:
    """Entries by their words."""
    import anyio

    project = await project_of(ctx).select(project_id)
    library = await definitions.team_library(project)

    def fits(page: Page) -> bool:
        return (not kind or page.kind == kind) and (not tag or tag.lower() in [each.lower() for each in page.tags])

    if query.strip():
        hits = await anyio.to_thread.run_sync(library.texts.hits, query, len(library.pages))
        pages = [hit.page for hit in hits if fits(hit.page)]
    else:
        pages = sorted(filter(fits, library.pages), key=lambda page: (page.kind, page.id))
    return answer(*texts.search_content(query, pages, limit, library.broken))


async def read_answer(ctx: Ctx, entry_id: str, offset: int, project_id: int) -> CallToolResult:
    """One entry."""
    project = await project_of(ctx).select(project_id)
    library = await definitions.team_library(project)
    return answer(*texts.page_content(library.page(entry_id.strip().removeprefix("posthog://knowledge/")), offset))


async def fill_answer(ctx: Ctx, entry_id: str, params: Mapping[str, Json], project_id: int) -> CallToolResult:
    """A filled template or workflow.

    Raises:
        InvalidInput: the entry has nothing to fill.
    """
    project = await project_of(ctx).select(project_id)
    library = await definitions.team_library(project)
    page, known = library.page(entry_id), definitions.formulas(library)
    info = (await project.driver.project()).as_json()
    if isinstance(page, Workflow):
        used, steps = fill_steps(page, params, known)
        return answer(*texts.steps_content(page, used, steps, info))
    if not isinstance(page, Template):
        raise InvalidInput(f"{entry_id!r} is a {page.kind}, with nothing to fill.", fix="Read it with read_knowledge.")
    return answer(*texts.filled_content(await checked(project, fill(page, params, known)), info))


async def save_answer(
    ctx: Ctx,
    name: str,
    kind: str,
    hogql: str,
    events: Sequence[str],
    description: str,
    tags: Sequence[str],
    project_id: int,
) -> CallToolResult:
    """A definition kept."""
    project = await project_of(ctx).select(project_id)
    front = front_of(name.strip(), kind, hogql.strip(), events, description, tags)
    page, replaced = await definitions.save(project, front, description if kind == "entry" else "")
    return answer(*texts.saved_content(page, replaced, await where(project, page)))


def front_of(
    name: str, kind: str, hogql: str, events: Sequence[str], description: str, tags: Sequence[str]
) -> dict[str, Json]:
    """The front matter of a definition.

    Raises:
        InvalidInput: an entry has no text, or a definition's field.
    """
    entry_id = definitions.slug(name)
    if kind == "entry":
        if hogql or events or not description.strip():
            raise InvalidInput(
                "An entry is a text.", fix="Give it as description; HogQL goes in ```hogql blocks there."
            )
        return {"id": entry_id, "kind": "guide", "title": name, "tags": list(tags)}
    front: dict[str, Json] = {"id": entry_id, "kind": "definition", "title": name, "name": name, "defines": kind}
    optional: dict[str, Json] = {"events": list(events), "hogql": hogql, "description": description, "tags": list(tags)}
    return front | {key: value for key, value in optional.items() if value}


async def where(project: Project, page: Page) -> str:
    """Where it was kept, for people."""
    folder = project.settings.knowledge_dir
    return str(folder / f"{page.id}.md") if folder else "the local state database"


async def delete_answer(ctx: Ctx, name: str, project_id: int) -> CallToolResult:
    """A definition deleted."""
    project = await project_of(ctx).select(project_id)
    return answer(*texts.deleted_content(await definitions.delete(project, name)))
