"""Everything that can be read: shipped entries, the team's files, its definitions, and the API's families.

Shipped entries are read once. The team's folder (`POSTHOG_MCP_KNOWLEDGE_DIR`) is read again when a file of it changes;
an entry there takes the place of a shipped one of the same id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.knowledge.api_pages import api_pages
from posthog_mcp.knowledge.entries import entries, parse
from posthog_mcp.knowledge.guide_page import intent_pages
from posthog_mcp.knowledge.intents import Classifier, Example
from posthog_mcp.knowledge.models import Page, Template, Workflow
from posthog_mcp.knowledge.retrieval import Questions, Texts


@dataclass(frozen=True)
class Library:
    """Pages by id, and the indexes over them. `broken` says which of the team's files could not be read, and why."""

    pages: Sequence[Page]
    broken: Sequence[str] = field(default=())

    @cached_property
    def by_id(self) -> dict[str, Page]:
        return {page.id: page for page in self.pages}

    @cached_property
    def templates(self) -> Questions:
        return Questions([page for page in self.pages if isinstance(page, Template)])

    @cached_property
    def workflows(self) -> Questions:
        return Questions([page for page in self.pages if isinstance(page, Workflow)])

    @cached_property
    def texts(self) -> Texts:
        return Texts(self.pages)

    def page(self, entry_id: str) -> Page:
        """A page by its id.

        Raises:
            NotFound: there is none; names the nearest.
        """
        found = self.by_id.get(entry_id)
        if found is None:
            near = nearest(entry_id, self.by_id)
            fix = f"Did you mean {' or '.join(near)}?" if near else "Find one with search_knowledge."
            raise NotFound(f"There is no knowledge entry {entry_id!r}.", fix=fix)
        return found


@cache
def classifier() -> Classifier:
    """Learnt from the intents' guide pages. Blocks the first time."""
    return Classifier([Example(text, page.intents) for page in intent_pages() for text in page.questions])


def library(team: Path | None = None) -> Library:
    """The library with the team's folder. Blocks.

    Raises:
        InvalidInput: the team's folder cannot be read.
    """
    return shipped() if team is None else with_team(team, stamp_of(team))


@cache
def shipped() -> Library:
    return Library((*entries(), *api_pages()))


def files_in(team: Path) -> list[Path]:
    """The team's Markdown files.

    Raises:
        InvalidInput: there is no such folder.
    """
    if not team.is_dir():
        raise InvalidInput(
            f"There is no knowledge folder {team}.", fix="Make it, or correct POSTHOG_MCP_KNOWLEDGE_DIR."
        )
    return sorted(path for path in team.rglob("*.md") if path.stem.lower() != "readme")


def stamp_of(team: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a file does."""
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files_in(team))


_latest: dict[Path, tuple[object, Library]] = {}


def with_team(team: Path, stamp: object) -> Library:
    """Kept until a file changes."""
    kept = _latest.get(team)
    if kept is None or kept[0] != stamp:
        pages, broken = team_pages(team)
        own = {page.id for page in pages}
        others = [page for page in shipped().pages if page.id not in own]
        kept = _latest[team] = (stamp, Library((*pages, *others), tuple(broken)))
    return kept[1]


def team_pages(team: Path) -> tuple[list[Page], list[str]]:
    """The team's entries, and what is wrong with those that cannot be read."""
    pages: list[Page] = []
    broken: list[str] = []
    for path in files_in(team):
        try:
            pages.append(parse(path.read_text(encoding="utf-8"), path.name))
        except (InvalidInput, OSError, UnicodeDecodeError) as error:
            broken.append(f"{path.name}: {error}" if not isinstance(error, InvalidInput) else error.message)
    return pages, broken
