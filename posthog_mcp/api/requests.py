"""From a method, a path, parameters and a body as a model writes them to one checked call of the endpoint table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from posthog_mcp.backends.backend import ApiCall
from posthog_mcp.backends.posthog.kinds import check_hidden, cleaned
from posthog_mcp.endpoints.matching import Match, match
from posthog_mcp.endpoints.table import PAGED, Endpoint, Method
from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.project import Project
from posthog_mcp.results import Json

CODE = frozenset({"hog", "bytecode", "transpiled", "sendRawQuery", "connectionId", "modifiers"})
"""Members that run code or change how queries run; no body holds one."""
QUERY_FIELDS = ("query", "metrics", "metrics_secondary")
"""Fields of a body that hold typed queries."""
DEFAULT_LIMIT = 50
MAX_BODY = 1_000_000
"""Characters."""


def matched(method: Method, path: str, params: Mapping[str, Json]) -> Match:
    """The endpoint of a path; placeholders that the path leaves open are taken from the parameters.

    Raises:
        NotFound: the table has no such endpoint.
        InvalidInput: it gives a file, or a tool of its own stands for it.
    """
    found = match(method, path)
    endpoint = found.endpoint
    if endpoint.use:
        raise InvalidInput(f"{endpoint.method} {endpoint.short} is not called here.", fix=f"Use {endpoint.use}.")
    if endpoint.shape == "file":
        fix = "Open it in PostHog, or take raw events with `posthog-mcp local sync`."
        raise InvalidInput(f"{endpoint.method} {endpoint.short} gives a file, which is no answer for a model.", fix=fix)
    given = {name: str(params[name]) for name in endpoint.parameters if name in params and name not in found.values}
    return replace(found, values={**found.values, **given})


async def call_of(project: Project, found: Match, params: Mapping[str, Json], body: Mapping[str, Json]) -> ApiCall:
    """The call with its parameters and body checked.

    Raises:
        InvalidInput: something is missing, unknown or not allowed.
        PostHogMcpError: HogQL in it does not check.
    """
    endpoint = found.endpoint
    for name in endpoint.parameters:
        if not found.values.get(name):
            raise InvalidInput(f"`{name}` of {endpoint.short} is missing.", fix=f'Give params {{"{name}": …}}.')
    asked = {name: value for name, value in params.items() if name not in endpoint.parameters}
    known("parameter", asked, endpoint.query, endpoint)
    missing("parameter", asked, endpoint.needs, endpoint)
    plain = {name: plain_value(value) for name, value in asked.items() if value is not None}
    if "limit" in PAGED.get(endpoint.shape, ()):
        plain.setdefault("limit", DEFAULT_LIMIT)
    sent = await checked_body(project, endpoint, body)
    return ApiCall(endpoint, found.values, plain, sent, found.organization)


async def checked_body(project: Project, endpoint: Endpoint, body: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """The body as it is sent; None where the endpoint takes none.

    Raises:
        InvalidInput: a field is missing, unknown, or holds code.
    """
    if endpoint.method in ("GET", "DELETE"):
        if body:
            raise InvalidInput(f"{endpoint.method} takes no body.", fix="Put filters into `params`.")
        return None
    known("field", body, endpoint.writes, endpoint)
    missing("field", body, endpoint.required, endpoint)
    if len(json.dumps(body)) > MAX_BODY:
        raise InvalidInput("The body is longer than a million characters.", fix="Send less at once.")
    refuse_code(dict(body), "body")
    sent = dict(body)
    for name in QUERY_FIELDS:
        if endpoint.family != "logs" and isinstance(body.get(name), dict | list):
            sent[name] = cleaned(body[name])
            for each in queries_in(sent[name]):
                await check_hidden(project.driver.checker, each)
    return sent


def queries_in(value: Json) -> Iterable[Mapping[str, Json]]:
    return (
        [value] if isinstance(value, dict) else [each for each in cast("list[Json]", value) if isinstance(each, dict)]
    )


def refuse_code(value: Json, path: str) -> None:
    """No body holds what runs code or bends queries.

    Raises:
        InvalidInput: naming the member.
    """
    if isinstance(value, list):
        for index, each in enumerate(value):
            refuse_code(each, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, each in value.items():
            if name in CODE:
                raise InvalidInput(f"`{path}.{name}` is never sent from here.", fix="Leave it out.")
            refuse_code(each, f"{path}.{name}")


def known(what: str, given: Iterable[str], names: tuple[str, ...], endpoint: Endpoint) -> None:
    """Only names that the table has.

    Raises:
        InvalidInput: the first that is not there, with the nearest ones.
    """
    for name in given:
        if name not in names:
            near = nearest(name, names)
            fix = f"Did you mean {', '.join(near)}?" if near else f"It takes: {', '.join(names) or 'none'}."
            raise InvalidInput(f"{endpoint.method} {endpoint.short} has no {what} `{name}`.", fix=fix)


def missing(what: str, given: Iterable[str], names: tuple[str, ...], endpoint: Endpoint) -> None:
    """All names that must be given.

    Raises:
        InvalidInput: some are not.
    """
    lacking = [name for name in names if name not in set(given)]
    if lacking:
        told = ", ".join(f"`{name}`" for name in lacking)
        raise InvalidInput(f"{endpoint.method} {endpoint.short} needs the {what} {told}.", fix="Add it.")


def plain_value(value: Json) -> str | int:
    """A parameter as a query string has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return value
    return json.dumps(value)
