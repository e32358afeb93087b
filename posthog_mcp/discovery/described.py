"""Fields of the metadata kinds: of a kind, read off the objects there are, or of one object with its values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from posthog_mcp.backends.backend import ListOptions
from posthog_mcp.discovery.kinds import SOURCES, Kind, plural
from posthog_mcp.endpoints.table import table
from posthog_mcp.errors import NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.project import Project
from posthog_mcp.results import Json

LOOKED_AT = 200
"""Objects among which a name is looked for."""
NAMES = ("id", "short_id", "name", "key", "title", "content", "uuid", "display_name", "group_type")
"""Fields that an object is called by."""
WORDS: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "string",
    list: "array",
    dict: "object",
}
VALUE = 300
"""Characters of a value."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """`fill_rate` is the share (0 to 1) of sampled rows with a value; None where nothing was sampled."""

    name: str
    type: str
    description: str = ""
    fill_rate: float | None = None
    sample_values: tuple[Json, ...] = ()

    def as_row(self) -> list[Json]:
        rate = None if self.fill_rate is None else round(self.fill_rate, 3)
        return [self.name, self.type, self.description, rate, list(self.sample_values)]


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of `name`; `sampled` rows were looked at (None: no sampling)."""

    name: str
    kind: str
    fields: list[FieldInfo]
    sampled: int | None
    total: int


async def described(project: Project, name: str, kind: Kind) -> Fields:
    """Fields of a kind, or of the object of this name, id or short_id.

    Raises:
        NotFound: the kind has no such object; the nearest names are in the fix.
    """
    source = SOURCES[kind]
    if name in {kind, plural(kind)}:
        page = await project.driver.list(source.resource, ListOptions(limit=50, filters=source.filters))
        return of_kind(kind, page.items)
    page = await project.driver.list(source.resource, ListOptions(limit=LOOKED_AT, filters=source.filters))
    for each in page.items:
        if name in {str(each.get(field)) for field in NAMES if each.get(field) is not None}:
            found = [FieldInfo(key, word(value), "", None, (preview(value),)) for key, value in each.items()]
            return Fields(name, kind, found, None, len(found))
    there = [str(each[field]) for each in page.items for field in NAMES[1:6] if each.get(field)]
    near = ", ".join(nearest(name, there)) or ", ".join(there[:5])
    fix = f"Nearest: {near}." if near else f"This project has no {kind}."
    raise NotFound(f"There is no {kind} {name!r}.", fix=fix)


def of_kind(kind: Kind, items: Sequence[Mapping[str, Json]]) -> Fields:
    """Fields that the objects have, and those that PostHog gives where there are no objects to look at."""
    there: dict[str, list[Json]] = {}
    for item in items:
        for key, value in item.items():
            there.setdefault(key, []).append(value)
    found = [
        FieldInfo(key, word(next((v for v in values if v is not None), None)), "", rate(values, items), samples(values))
        for key, values in there.items()
    ]
    endpoint = table().of_kind(SOURCES[kind].resource)
    if not items and endpoint is not None:
        found = [FieldInfo(name, "unknown") for name in endpoint.fields]
    return Fields(kind, kind, found, len(items), len(found))


def word(value: Json) -> str:
    """JSON's word for a type."""
    return WORDS.get(type(value), "null")


def preview(value: Json) -> Json:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= VALUE else f"{text[:VALUE]}…"


def rate(values: Sequence[Json], items: Sequence[object]) -> float:
    return sum(value is not None for value in values) / len(items)


def samples(values: Sequence[Json]) -> tuple[Json, ...]:
    short = [value for value in values if isinstance(value, str | int | float | bool) and len(str(value)) <= 80]
    return tuple(dict.fromkeys(cast("list[str]", short)))[:3]
