"""Entries by id: the files under `knowledge/`, read from the clone or from the installed wheel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

from pydantic import ValidationError

from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.knowledge.models import MODELS, Page

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "_knowledge", PACKAGE.parent / "knowledge")
"""In the wheel, and in a clone."""
FRONT = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
Kind = TypeVar("Kind", bound=Page)


def folder() -> Path | None:
    """Where the entries lie."""
    return next((each for each in FOLDERS if each.is_dir()), None)


@cache
def paths() -> dict[str, Path]:
    """Every entry's file by its id. Blocks: a hundred small files are listed once."""
    found = folder()
    return {path.stem: path for path in sorted(found.rglob("*.md")) if path.stem != "README"} if found else {}


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


def parse(text: str, source: str) -> Page:
    """An entry from its text. `source` is the file's name, without its ending the entry's id.

    Raises:
        InvalidInput: naming the file and each wrong field.
    """
    import yaml

    found = FRONT.match(text.replace("\r\n", "\n"))
    if not found:
        raise InvalidInput(f"{source}: no front matter.", fix="Begin with --- lines around YAML.")
    try:
        front: object = yaml.load(found[1], Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise InvalidInput(f"{source}: the front matter is no YAML: {error}.", fix="Correct it.") from None
    if not isinstance(front, dict):
        raise InvalidInput(f"{source}: the front matter holds no fields.", fix="Write id, kind and title.")
    return validated(cast("dict[str, object]", front), found[2], source)


def validated(front: Mapping[str, object], body: str, source: str) -> Page:
    """The entry of these fields.

    Raises:
        InvalidInput: naming the file and each wrong field.
    """
    model = MODELS.get(str(front.get("kind")), Page)
    try:
        page = model.model_validate({**front, "body": body.strip() + "\n", "source": source})
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}".removeprefix(": ") for each in error.errors()]
        raise InvalidInput(f"{source}: {'; '.join(problems[:6])}.", fix="See knowledge/README.md.") from None
    if page.id != Path(source).stem:
        raise InvalidInput(f"{source}: its id is {page.id!r}.", fix="Give the file the entry's id as its name.")
    return page


@cache
def entry(entry_id: str) -> Page:
    """An entry of the shipped knowledge. Blocks.

    Raises:
        NotFound: there is no such entry; names the nearest.
        InvalidInput: its file is wrong.
    """
    return parse(read_entry(entry_id), f"{entry_id}.md")


def entry_of(entry_id: str, kind: type[Kind]) -> Kind:
    """An entry of one kind. Blocks.

    Raises:
        NotFound: there is no such entry, or it is of another kind.
    """
    found = entry(entry_id)
    if isinstance(found, kind):
        return found
    raise NotFound(f"{entry_id!r} is a {found.kind}.", fix=f"Read it with read_knowledge, or name a {kind.__name__}.")


@cache
def entries() -> tuple[Page, ...]:
    """Every shipped entry, by id. Blocks.

    Raises:
        InvalidInput: a file is wrong.
    """
    return tuple(entry(name) for name in paths())
