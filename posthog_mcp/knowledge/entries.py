"""Entries by id."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from posthog_mcp.errors import NotFound
from posthog_mcp.hogql.suggest import nearest

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "_knowledge", PACKAGE.parent / "knowledge")
"""In the wheel, and in a clone."""


@cache
def paths() -> dict[str, Path]:
    """Every entry's file by its id. Blocks: a hundred small files are listed once."""
    folder = next((each for each in FOLDERS if each.is_dir()), None)
    return {path.stem: path for path in sorted(folder.rglob("*.md")) if path.stem != "README"} if folder else {}


def read_entry(entry_id: str) -> str:
    """The text of an entry, front matter included. Blocks.

    Raises:
        NotFound: there is no such entry; names the nearest.
    """
    found = paths().get(entry_id)
    if found is None:
        near = nearest(entry_id, paths())
        fix = f"Did you mean {' or '.join(near)}?" if near else "See the knowledge folder for the ids."
        raise NotFound(f"There is no knowledge entry {entry_id!r}.", fix=fix)
    return found.read_text(encoding="utf-8")
