"""Every endpoint of the table, answered by the embedded project in PostHog's shapes.

Kinds that are kept here have their lists, items and changes; `api_answers.py` has what needs an answer of its own; any
other GET has the shape that PostHog gives where there is nothing. A change that cannot be made here is refused by name.
`next` and `previous` are paths on this host, which the REST facade makes whole addresses of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args
from urllib.parse import urlencode

from posthog_mcp.backends.backend import ApiCall, Driver, ListOptions, Page, Resource
from posthog_mcp.backends.local.api_answers import ANSWERS, activity, project
from posthog_mcp.backends.local.api_changes import CHANGES
from posthog_mcp.backends.local.downloads import Downloads, download
from posthog_mcp.backends.local.object_kinds import KINDS
from posthog_mcp.endpoints.matching import filled
from posthog_mcp.endpoints.table import Endpoint
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.results import Json

Body = dict[str, Json]
RESOURCES: frozenset[str] = frozenset(get_args(Resource))
PAGING = frozenset({"limit", "offset", "cursor", "page", "page_size", "search"})
DEFAULT_PAGE, MAX_PAGE = 100, 1000


async def embedded_call(driver: Driver, downloads: Downloads, call: ApiCall) -> tuple[int, Json]:
    """Status and body of a call.

    Raises:
        NotFound: there is no such object, or nothing of that family is kept here.
        InvalidInput: a parameter or the body is refused, or the change cannot be made here.
    """
    endpoint = call.endpoint
    name = f"{endpoint.method} {endpoint.short}"
    if endpoint.family == "file_download_batch_exports":
        return await download(downloads, call)
    if name in ANSWERS:
        return 200, await ANSWERS[name](driver, call)
    if name in CHANGES and endpoint.kind == "":
        return 200, await CHANGES[name](driver, call)
    if endpoint.kind in RESOURCES and endpoint.role:
        return await of_kind(driver, cast("Resource", endpoint.kind), call)
    if endpoint.method == "GET":
        return 200, await other_reading(driver, call)
    message = f"The embedded project cannot do this: {endpoint.method} {endpoint.short} ({endpoint.does})."
    raise InvalidInput(message, fix="Set POSTHOG_API_KEY to ask a PostHog project.")


async def of_kind(driver: Driver, resource: Resource, call: ApiCall) -> tuple[int, Json]:
    """The plain calls of a kind that is kept here."""
    role = call.endpoint.role
    if role == "list":
        return 200, await listing(driver, resource, call)
    if role == "create":
        return 201, cast("Json", await driver.create(resource, call.body or {}))
    object_id = call.values[call.endpoint.parameters[0]]
    if role == "update":
        return 200, cast("Json", await driver.update(resource, object_id, call.body or {}))
    if role == "delete":
        await driver.delete(resource, object_id)
        return 204, None
    return 200, cast("Json", await driver.get(resource, object_id))


async def listing(driver: Driver, resource: Resource, call: ApiCall) -> Json:
    """One page of a kind.

    Raises:
        InvalidInput: a parameter that must be there is not.
    """
    for name in call.endpoint.needs:
        if name not in call.params:
            raise InvalidInput("This field is required.", fix=f"Give `{name}`.", context={"attr": name})
    limit, offset = limit_of(call), offset_of(call)
    filters = {name: str(value) for name, value in call.params.items() if name not in PAGING}
    search = str(call.params["search"]) if "search" in call.params else None
    options = ListOptions(search, limit, str(offset) if offset else None, filters)
    return paged(call, await driver.list(resource, options), limit, offset)


def paged(call: ApiCall, found: Page, limit: int, offset: int) -> Json:
    """A page in its endpoint's shape."""
    shape = call.endpoint.shape
    items = cast("list[Json]", found.items)
    if shape == "list":
        return items
    before = link(call, limit, max(0, offset - limit)) if offset else None
    body: Body = {"next": link(call, limit, int(found.next)) if found.next else None, "previous": before}
    counted: Body = {} if shape == "cursor" else {"count": found.count}
    return {**counted, **body, "results": items}


def link(call: ApiCall, limit: int, start: int) -> str:
    """The path of another page, in the endpoint's own way of paging."""
    place: Mapping[str, str | int] = {"limit": limit, "offset": start}
    if call.endpoint.shape == "cursor":
        place = {"limit": limit, "cursor": start}
    elif call.endpoint.shape == "page":
        place = {"limit": limit, "page": start // limit + 1}
    kept = {name: value for name, value in call.params.items() if name not in PAGING or name == "search"}
    path = filled(call.endpoint, call.values, "1", call.organization or "@current")
    return f"{path}?{urlencode({**kept, **place})}"


def limit_of(call: ApiCall) -> int:
    name = "page_size" if "page_size" in call.params else "limit"
    return max(1, min(number(call, name, DEFAULT_PAGE), MAX_PAGE))


def offset_of(call: ApiCall) -> int:
    shape = call.endpoint.shape
    if shape == "page":
        return max(0, number(call, "page", 1) - 1) * limit_of(call)
    return number(call, "cursor" if shape == "cursor" else "offset", 0)


def number(call: ApiCall, name: str, default: int) -> int:
    """A whole number of the parameters.

    Raises:
        InvalidInput: it is none.
    """
    text = str(call.params.get(name, default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput("A valid integer is required.", fix=f"Correct `{name}`.", context={"attr": name})
    return int(text)


async def other_reading(driver: Driver, call: ApiCall) -> Json:
    """A GET that needs nothing special: what lies below an object, or the shape of nothing.

    Raises:
        NotFound: the object that the path names is not there.
    """
    endpoint = call.endpoint
    if endpoint.short.endswith("/activity/"):
        return await activity(driver, call, lambda page, limit, offset: paged(call, page, limit, offset))
    parent = parent_kind(endpoint)
    if parent is not None and endpoint.parameters:
        await driver.get(parent, call.values[endpoint.parameters[0]])
    if endpoint.family in ("projects", "organizations") and endpoint.shape == "object" and endpoint.empty is None:
        return await project(driver, call)
    return nothing(call)


def parent_kind(endpoint: Endpoint) -> Resource | None:
    """The kept kind that the path's first placeholder is an id of."""
    family = endpoint.short.removeprefix("P/").partition("/{")[0].replace("/", "_")
    return cast("Resource", family) if family in KINDS else None


def nothing(call: ApiCall) -> Json:
    """An endpoint's answer where there is nothing.

    Raises:
        NotFound: it is about one object.
    """
    endpoint = call.endpoint
    if endpoint.shape == "list":
        return []
    if endpoint.shape in ("offset", "cursor", "page"):
        return paged(call, Page([], None, 0), limit_of(call), 0)
    if endpoint.shape == "object" and endpoint.empty is not None:
        return endpoint.empty
    raise NotFound("Not found.", fix=f"The embedded project has no {endpoint.family.replace('_', ' ')} of this id.")
