"""The table, read once: families, their endpoints, and the names that do not exist.

Keys of a family: `at` its path (P/ is /api/projects/{project_id}/, O/ is /api/organizations/{organization_id}/),
`calls` which of list, create, get, update and delete it has (`does` says what one does, where its title does not),
`more` its other endpoints, `paging` how its list goes on, `fields` what an item has, `filters` query parameters,
`writes` and `required` fields of a body, `needs` parameters that must be given, `delete` = "soft" where deleting is
PATCH {deleted: true}, `reads` a POST that changes nothing, `admin` what kind of account change it is, `empty` the
answer where there is nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from posthog_mcp.results import Json

Method = Literal["GET", "POST", "PATCH", "DELETE"]
Shape = Literal["offset", "cursor", "page", "list", "object", "file", "none"]
"""`offset`, `cursor` and `page` are {next, previous, results}, offset and page with `count`; `list` is a bare array."""
Admin = Literal["", "key", "member", "project", "organisation"]

PREFIXES = {"P/": "/api/projects/{project_id}/", "O/": "/api/organizations/{organization_id}/"}
PAGED: Mapping[Shape, tuple[str, ...]] = {
    "offset": ("limit", "offset"),
    "cursor": ("limit", "cursor"),
    "page": ("page", "limit"),
}
CALLS: Mapping[str, tuple[Method, str]] = {
    "list": ("GET", "list {title}"),
    "create": ("POST", "create or add: {title}"),
    "get": ("GET", "one by id: {title}"),
    "update": ("PATCH", "change, edit or rename: {title}"),
    "delete": ("DELETE", "delete or remove: {title}"),
}
FILES = ("product", "data", "admin")
PLACEHOLDER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method on one path. `path` begins with /api/ and has {placeholders}; `scope` is what a key needs."""

    family: str
    title: str
    method: Method
    path: str
    does: str
    scope: str
    shape: Shape
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    kind: str = ""
    """The driver's resource, where this is its list, item or creation."""
    role: str = ""
    """list, create, get, update or delete; empty for the others."""
    admin: Admin = ""
    reads: bool = False
    """A POST that changes nothing."""
    use: str = ""
    """The tool to use instead of calling it."""
    note: str = ""
    source: str = ""
    words: str = ""
    empty: Json = None

    @property
    def changes(self) -> bool:
        """Whether a call may change something."""
        return self.method != "GET" and not self.reads

    @property
    def parameters(self) -> tuple[str, ...]:
        """Placeholders that the caller fills; project and organization are known."""
        return tuple(name for name in PLACEHOLDER.findall(self.path) if name not in ("project_id", "organization_id"))

    @property
    def query(self) -> tuple[str, ...]:
        """Every query parameter, paging included."""
        return tuple(dict.fromkeys((*self.needs, *self.filters, *PAGED.get(self.shape, ()))))

    @property
    def short(self) -> str:
        """The path with P/ and O/."""
        return shortened(self.path)


@dataclass(frozen=True, slots=True)
class Absent:
    """An endpoint that PostHog does not have, or that is not offered here, and the true way."""

    method: Method
    path: str
    says: str
    instead: str
    words: str


@dataclass(frozen=True, slots=True)
class Table:
    """All of it. `soft` are the paths whose objects are deleted by PATCH {deleted: true}."""

    endpoints: tuple[Endpoint, ...]
    absent: tuple[Absent, ...]
    soft: frozenset[str] = field(default_factory=frozenset[str])

    def of_kind(self, kind: str, role: str = "list") -> Endpoint | None:
        """The endpoint that lists, gets or writes a driver's resource."""
        return next((each for each in self.endpoints if each.kind == kind and each.role == role), None)


@cache
def table() -> Table:
    """Read from the package once; a few milliseconds."""
    endpoints: list[Endpoint] = []
    absent: list[Absent] = []
    soft: set[str] = set()
    for name in FILES:
        text = (Path(__file__).parent / "table" / f"{name}.toml").read_text(encoding="utf-8")
        for family, entry in tomllib.loads(text).items():
            if family == "absent":
                absent += [absent_of(each) for each in entry]
                continue
            endpoints += family_endpoints(family, entry)
            if entry.get("delete") == "soft":
                soft.add(long_path(item_path(entry)))
    return Table(tuple(endpoints), tuple(absent), frozenset(soft))


def absent_of(entry: Mapping[str, str]) -> Absent:
    method, _, path = entry["call"].partition(" ")
    return Absent(cast("Method", method), long_path(path), entry["says"], entry["instead"], entry["words"])


def family_endpoints(family: str, entry: Mapping[str, Any]) -> Iterator[Endpoint]:
    """The plain calls, then the others."""
    for call in entry["calls"].split():
        yield plain_endpoint(family, entry, call)
    for more in entry.get("more", ()):
        yield other_endpoint(family, entry, more)


def plain_endpoint(family: str, entry: Mapping[str, Any], call: str) -> Endpoint:
    method, does = CALLS[call]
    listing, item = call == "list", call in ("get", "update", "delete")
    path = item_path(entry) if item else entry["at"]
    body = call in ("create", "update")
    filters = entry.get("filters" if listing else "item_filters", "") if method == "GET" else ""
    return Endpoint(
        family,
        entry["title"],
        method,
        long_path(path),
        entry.get("does", {}).get(call) or does.format(title=entry["title"]),
        scopes(entry["scope"], method),
        cast("Shape", entry.get("paging", "offset") if listing else "none" if call == "delete" else "object"),
        fields=words(entry.get("item_fields" if call == "get" else "fields") or entry.get("fields", "")),
        filters=words(filters),
        needs=words(entry.get("needs", "")) if listing else (),
        writes=words(entry.get("writes", "")) if body else (),
        required=words(entry.get("required", "")) if call == "create" else (),
        kind=entry.get("kind", ""),
        role=call,
        admin=entry.get("admin", ""),
        note=entry.get("note", ""),
        source=entry["source"],
        words=entry["words"],
    )


def other_endpoint(family: str, entry: Mapping[str, Any], more: Mapping[str, Any]) -> Endpoint:
    method, _, rest = more["call"].partition(" ")
    path = rest if rest.startswith(("/", "P/", "O/")) else entry["at"] + rest
    kind = more.get("kind", "")
    return Endpoint(
        family,
        entry["title"],
        cast("Method", method),
        long_path(path),
        more["does"],
        scopes(more.get("scope", entry["scope"]), method),
        cast("Shape", more.get("shape", "object" if method != "DELETE" else "none")),
        fields=words(more.get("fields", "")),
        filters=words(more.get("filters", "")),
        needs=words(more.get("needs", "")),
        writes=words(more.get("writes", "")),
        required=words(more.get("required", "")),
        kind=kind,
        role="list" if kind else "",
        admin=more.get("admin", entry.get("admin", "")),
        reads=more.get("reads", False),
        use=more.get("use", ""),
        note=entry.get("note", ""),
        source=entry["source"],
        words=entry["words"],
        empty=more.get("empty"),
    )


def item_path(entry: Mapping[str, Any]) -> str:
    return f"{entry['at']}{{{entry.get('id', 'id')}}}/"


def long_path(path: str) -> str:
    """P/ and O/ written out."""
    return PREFIXES.get(path[:2], path[:2]) + path[2:]


def shortened(path: str) -> str:
    """The other way round."""
    return next((short + path.removeprefix(long) for short, long in PREFIXES.items() if path.startswith(long)), path)


def scopes(objects: str, method: str) -> str:
    """`insight` → `insight:read` or `insight:write`; the query scope has no writing form."""
    verb = "read" if method == "GET" else "write"
    return " ".join(f"{each}:{'read' if each == 'query' else verb}" for each in objects.split())


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def families() -> Sequence[str]:
    """Names of the families, in the table's order."""
    return tuple(dict.fromkeys(each.family for each in table().endpoints))
