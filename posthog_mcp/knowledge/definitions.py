"""The team's own words: kept in the state database, or as files in POSTHOG_MCP_KNOWLEDGE_DIR for a team that has one.

Both hold the same text, an entry with a front matter, so that export and import copy files. A formula or condition is
checked against the project before it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.knowledge.entries import parse, paths
from posthog_mcp.knowledge.library import Library, files_in, library, shipped
from posthog_mcp.knowledge.models import Definition, Page
from posthog_mcp.knowledge.words import folded
from posthog_mcp.project import Project
from posthog_mcp.queries.check import check
from posthog_mcp.results import Json

MAX_TEXT = 50_000
DAYS = 30


@dataclass(frozen=True, slots=True)
class Metric:
    """A defined metric: its formula, the query of its daily values, and the same as a run_insight call."""

    name: str
    formula: str
    hogql: str
    insight: Mapping[str, Json]
    page: Definition


async def team_library(project: Project) -> Library:
    """Everything that can be read here: shipped, the team's folder, and what was saved."""
    folder = project.settings.knowledge_dir
    known = folder is None and shipped.cache_info().currsize
    base = shipped() if known else await anyio.to_thread.run_sync(library, folder)
    texts = await project.definitions.texts((await project.driver.project()).id)
    return merged(base, texts) if texts else base


_merged: dict[int, tuple[Library, Mapping[str, str], Library]] = {}


def merged(base: Library, texts: Mapping[str, str]) -> Library:
    """The library with the saved texts; kept until one of them changes."""
    kept = _merged.get(id(base))
    if kept is None or kept[1] != texts:
        own = [parse(text, f"{name}.md") for name, text in texts.items()]
        names = {page.id for page in own}
        both = Library((*own, *(page for page in base.pages if page.id not in names)), base.broken)
        kept = _merged[id(base)] = (base, dict(texts), both)
    return kept[2]


async def text_of(project: Project, entry_id: str) -> str:
    """An entry as Markdown with its front matter, where it is a file; its text otherwise.

    Raises:
        NotFound: there is no such entry; names the nearest.
    """
    page = (await team_library(project)).page(entry_id)
    saved = (await project.definitions.texts((await project.driver.project()).id)).get(entry_id)
    if saved is not None:
        return saved
    for path in (*files_of(project, entry_id), *([paths()[entry_id]] if entry_id in paths() else [])):
        return await anyio.Path(path).read_text(encoding="utf-8")
    return f"# {page.title}\n\n{page.body}"


def definitions_of(found: Library) -> list[Definition]:
    return [page for page in found.pages if isinstance(page, Definition)]


def named(found: Library, question: str) -> list[Definition]:
    """The definitions that a question names, by their exact name in any case; the longer names first."""
    text = folded(question)
    known = sorted(definitions_of(found), key=lambda each: -len(each.name))
    return [each for each in known if re.search(rf"(?<!\w){re.escape(folded(each.name))}(?!\w)", text)]


async def metric(project: Project, name: str) -> Metric | None:
    """A defined metric by its name, in any case; None where there is none."""
    found = await team_library(project)
    wanted = folded(name.strip())
    for each in definitions_of(found):
        if each.defines == "metric" and wanted in (folded(each.name), each.id):
            return metric_of(each)
    return None


async def resolved(project: Project, name: str) -> Mapping[str, Json] | None:
    """A definition's name as the `metric` argument of an analysis: an insight call; None where there is none."""
    found = await metric(project, name)
    return {key: value for key, value in found.insight.items() if key != "date_from"} if found else None


def metric_of(page: Definition, days: int = DAYS) -> Metric:
    """The metric over the last days."""
    only = f"event IN ({', '.join(map(text_literal, page.events))}) AND " if page.events else ""
    since = f"timestamp >= toStartOfDay(now() - INTERVAL {days} DAY)"
    value = f"SELECT toStartOfDay(timestamp) AS day, {page.hogql} AS value"
    hogql = f"{value} FROM events WHERE {only}{since} GROUP BY day ORDER BY day LIMIT {days + 1}"
    series: dict[str, Json] = {"event": "", "math": "hogql", "math_hogql": page.hogql, "name": page.name}
    if len(page.events) == 1:
        series["event"] = page.events[0]
    elif page.events:
        condition = f"event IN ({', '.join(map(text_literal, page.events))})"
        series["filters"] = [{"type": "hogql", "key": condition}]
    return Metric(page.name, page.hogql, hogql, {"kind": "trends", "series": [series], "date_from": f"-{days}d"}, page)


def formulas(found: Library) -> dict[str, str]:
    """Every metric's formula by its name."""
    return {each.name: each.hogql for each in definitions_of(found) if each.defines == "metric"}


def slug(name: str) -> str:
    """An id from a name.

    Raises:
        InvalidInput: nothing is left of it.
    """
    found = re.sub(r"[^a-z0-9]+", "-", folded(name)).strip("-")[:80]
    if not found:
        raise InvalidInput(f"The name {name!r} has no letter or digit.", fix="Give it one.")
    return found


async def save(project: Project, front: Mapping[str, Json], body: str) -> tuple[Page, bool]:
    """Check and keep an entry; whether it took the place of an older one.

    Raises:
        InvalidInput: a field is wrong, or the id is a shipped entry's.
        HogQLSyntaxError: the formula does not parse.
        HogQLResolutionError: the formula names what is not there.
    """
    import yaml

    text = f"---\n{yaml.safe_dump(dict(front), allow_unicode=True, sort_keys=False, width=1000)}---\n{body.strip()}\n"
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"The entry has {len(text):,} characters.", fix=f"At most {MAX_TEXT:,} are kept.")
    page = parse(text, f"{front['id']}.md")
    if page.id in paths():
        raise InvalidInput(f"{page.id!r} is an entry of the shipped knowledge.", fix="Choose another name.")
    await checked(project, page)
    found = await team_library(project)
    known = page.id in found.by_id
    await written(project, page.id, text)
    return page, known


async def checked(project: Project, page: Page) -> None:
    """The entry's HogQL is right in this project, and its events exist.

    Raises:
        InvalidInput: an event does not exist, or the formula is no aggregate.
        HogQLSyntaxError: it does not parse.
        HogQLResolutionError: it names what is not there.
    """
    if isinstance(page, Definition):
        await checked_definition(project, page)
        return
    for block in page.blocks:
        (await check(project, block, {})).raise_for_errors()


async def checked_definition(project: Project, page: Definition) -> None:
    """See `checked`.

    Raises:
        InvalidInput: an event does not exist, or the HogQL is more than one expression.
        HogQLSyntaxError: it does not parse.
        HogQLResolutionError: it names what is not there.
    """
    catalogue = await project.driver.catalogue()
    for event in page.events:
        if catalogue.events and event not in catalogue.events:
            near = ", ".join(nearest(event, catalogue.events)) or "see posthog://events"
            raise InvalidInput(f"There is no event {event!r} here.", fix=f"Nearest: {near}.")
    if not page.hogql:
        return
    expression = page.hogql
    query = (
        f"SELECT ({expression}) AS value, toStartOfDay(timestamp) AS day FROM events GROUP BY day LIMIT 1"
        if page.defines == "metric"
        else f"SELECT count() FROM events WHERE ({expression}) LIMIT 1"
    )
    found = await check(project, query, {})
    found.raise_for_errors()


async def written(project: Project, entry_id: str, text: str) -> None:
    folder = project.settings.knowledge_dir
    if folder is None:
        await project.definitions.save((await project.driver.project()).id, entry_id, text)
        return
    path = folder / f"{entry_id}.md"
    await anyio.Path(path).write_text(text, encoding="utf-8")


async def delete(project: Project, name: str) -> Page:
    """Delete a team's entry by its name or id; it comes back, so that it can be saved again.

    Raises:
        NotFound: the team has none of this name.
    """
    found = await team_library(project)
    mine = [page for page in found.pages if page.id not in paths() and page.kind != "api"]
    wanted = folded(name.strip())
    page = next((each for each in mine if wanted in (each.id, folded(getattr(each, "name", each.title)))), None)
    if page is None:
        near = ", ".join(nearest(name, [each.id for each in mine])) or "see search_knowledge with kind definition"
        raise NotFound(f"The team has no entry {name!r}.", fix=f"Nearest: {near}.")
    await project.definitions.delete((await project.driver.project()).id, page.id)
    for path in files_of(project, page.id):
        await anyio.Path(path).unlink()
    return page


def files_of(project: Project, entry_id: str) -> Sequence[Path]:
    folder = project.settings.knowledge_dir
    return list(folder.rglob(f"{entry_id}.md")) if folder and folder.is_dir() else []


async def export(project: Project, folder: Path) -> list[Path]:
    """Write everything that was saved as files, one an entry. Existing files of the same id are replaced."""
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    texts = await project.definitions.texts((await project.driver.project()).id)
    for name, text in texts.items():
        await anyio.Path(folder / f"{name}.md").write_text(text, encoding="utf-8")
    return [folder / f"{name}.md" for name in texts]


async def take_in(project: Project, folder: Path) -> list[Page]:
    """Check every file of a folder, then save them all; one that is wrong stops it before anything is saved.

    Raises:
        InvalidInput: a file is wrong, or there is no folder.
        HogQLSyntaxError: a formula does not parse.
        HogQLResolutionError: a formula names what is not there.
    """
    files = await anyio.to_thread.run_sync(files_in, folder)
    texts = {path.stem: await anyio.Path(path).read_text(encoding="utf-8") for path in files}
    pages = [parse(text, f"{name}.md") for name, text in texts.items()]
    for page in pages:
        await checked(project, page)
    project_id = (await project.driver.project()).id
    for name, text in texts.items():
        await project.definitions.save(project_id, name, text)
    return pages
