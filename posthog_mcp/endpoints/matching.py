"""From a path as people write it to an endpoint of the table, and from an endpoint to a path that is safe to send."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, unquote, urlsplit

from posthog_mcp.endpoints.table import PLACEHOLDER, PREFIXES, Absent, Endpoint, Method, shortened, table
from posthog_mcp.errors import Forbidden, InvalidInput, NotFound
from posthog_mcp.hogql.suggest import nearest

ROOT = re.compile(r"^/?(?:api/)?(projects|environments|organizations)/([^/]+)(?:/|$)")
NO_METHOD = "method_not_allowed"
PROJECT, ORGANIZATION = "{project_id}", "{organization_id}"


@dataclass(frozen=True, slots=True)
class Match:
    """An endpoint with the values of its placeholders, decoded. `project` and `organization` as far as named."""

    endpoint: Endpoint
    values: Mapping[str, str]
    project: str | None = None
    organization: str | None = None


def match(method: Method, path: str) -> Match:
    """The endpoint of a path: `P/insights/7/`, `insights/7`, `/api/projects/1/insights/7/` or with `{id}` left in.

    Raises:
        NotFound: the table has no such endpoint; says the true way or the nearest paths.
        InvalidInput: the path names a host, a query string, or walks up.
    """
    given, project, organization = normal(path)
    for each in table().endpoints:
        if each.method == method and (values := placeholders(each.path, given)) is not None:
            return Match(each, values, project, organization)
    gone = unknown(method, given)
    raise gone


def normal(path: str) -> tuple[str, str | None, str | None]:
    """The path below /api/ in the table's spelling, and the project and the organization that it names.

    Raises:
        InvalidInput: it is no plain path.
    """
    parts = urlsplit(path.strip())
    if parts.scheme or parts.netloc or parts.query or parts.fragment:
        raise InvalidInput(
            "Only a path belongs here: no host, and no `?…`.", fix='Give "insights/" and put filters into `params`.'
        )
    text = parts.path.rstrip("/") + "/"
    if any(unquote(segment) in (".", "..") for segment in text.split("/")):
        raise InvalidInput("The path walks up.", fix="Give a path of search_api.")
    for short, long in PREFIXES.items():
        if text.startswith(short):
            return long + text[2:], None, None
    if found := ROOT.match(text):
        rest = text[found.end() :]
        if found[1] == "organizations":
            return f"{PREFIXES['O/']}{rest}", None, None if found[2] == ORGANIZATION else unquote(found[2])
        return f"{PREFIXES['P/']}{rest}", None if found[2] == PROJECT else unquote(found[2]), None
    if text.startswith(("/api/", "api/")):
        return "/" + text.lstrip("/"), None, None
    return PREFIXES["P/"] + text.lstrip("/"), None, None


def placeholders(template: str, path: str) -> dict[str, str] | None:
    """Values of a template's placeholders in a path, decoded; None where it does not fit. `{id}` fills nothing."""
    wanted, given = template.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    values: dict[str, str] = {}
    for pattern, segment in zip(wanted, given, strict=True):
        hole = PLACEHOLDER.fullmatch(pattern)
        if hole is None or pattern in (PROJECT, ORGANIZATION):
            if pattern != segment:
                return None
        elif PLACEHOLDER.fullmatch(segment) is None:
            if not segment or segment in fixed():
                return None
            values[hole[1]] = unquote(segment)
    return values


@cache
def fixed() -> frozenset[str]:
    """Words that are never an id, so that `insights/trending/` is not an insight called trending."""
    segments = (segment for each in table().endpoints for segment in each.path.split("/"))
    return frozenset(segment for segment in segments if segment and "{" not in segment) - {"events", "query"}


def unknown(method: Method, path: str) -> NotFound | Forbidden | InvalidInput:
    """Why a path is not in the table, in words."""
    if (absent := absent_of(method, path)) is not None:
        return NotFound(absent.says, fix=absent.instead)
    soft = [each for each in table().soft if placeholders(each, path) is not None]
    if method == "DELETE" and soft:
        fix = 'PATCH it with {"deleted": true}.'
        return InvalidInput("PostHog deletes these by marking them.", fix=fix, context={"reason": NO_METHOD})
    others = [each.method for each in table().endpoints if placeholders(each.path, path) is not None]
    if others:
        fix = f"Use {' or '.join(dict.fromkeys(others))}."
        return InvalidInput(f"There is no {method} here.", fix=fix, context={"reason": NO_METHOD})
    known = {each.short: each for each in table().endpoints}
    short = shortened(path)
    near = nearest(short, known)
    fix = f"Did you mean {' or '.join(near)}?" if near else "Find it with search_api."
    return NotFound(f"The table has no endpoint {short}.", fix=fix)


def absent_of(method: Method, path: str) -> Absent | None:
    """The entry that says that it does not exist; a list's entry also answers for its items."""
    entries = [each for each in table().absent if placeholders(each.path, path) is not None]
    exact = [each for each in entries if each.method == method]
    below = [
        each for each in table().absent if path.startswith(each.path) and each.method == "GET" and not any(serves(path))
    ]
    return next(iter([*exact, *below]), None)


def serves(path: str) -> Iterator[Endpoint]:
    """Endpoints of this path, whatever the method."""
    return (each for each in table().endpoints if placeholders(each.path, path) is not None)


def filled(endpoint: Endpoint, values: Mapping[str, str], project: str, organization: str) -> str:
    """The path to send, every value escaped.

    Raises:
        InvalidInput: a value is missing, empty, or cannot stand in a path.
    """
    known = {**values, "project_id": project, "organization_id": organization}

    def value(hole: re.Match[str]) -> str:
        text = known.get(hole[1], "")
        if not text or text in (".", "..") or len(text) > 400:
            raise InvalidInput(f"`{hole[1]}` is missing.", fix=f'Give params {{"{hole[1]}": …}}.')
        return quote(text, safe="@$:~-_.")

    return PLACEHOLDER.sub(value, endpoint.path)
