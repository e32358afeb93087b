"""The REST families as entries, made from `posthog_mcp/endpoints` when asked for: the table is their only source."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from posthog_mcp.endpoints.table import PAGED, Endpoint, table
from posthog_mcp.knowledge.models import Page

LIMITS = (
    "Limits a key: 480 requests a minute and 4,800 an hour; queries 240 a minute and 2,400 an hour; after a 429 wait "
    "as long as Retry-After says, and never repeat a 400."
)
ERRORS = (
    "Errors are {{type, code, detail, attr}}: 400 the request is wrong, 401 the key (or the other region's), 403 its "
    "scope `{scope}` is missing, 404 no such object, 429 too many."
)


@cache
def api_pages() -> tuple[Page, ...]:
    """One page a family."""
    families: dict[str, list[Endpoint]] = {}
    for endpoint in table().endpoints:
        families.setdefault(endpoint.family, []).append(endpoint)
    return tuple(page_of(name, endpoints) for name, endpoints in families.items())


def page_of(family: str, endpoints: Sequence[Endpoint]) -> Page:
    """Purpose, methods, scopes, paging, shapes, errors, limits, and a call as example."""
    first = endpoints[0]
    notes = dict.fromkeys(each.note for each in endpoints if each.note)
    scope = first.scope or "none"
    lines = [
        f"{first.title}.",
        "",
        "| call | does | scope |",
        "|---|---|---|",
        *(f"| `{each.method} {each.short}` | {each.does} | {each.scope or 'none'} |" for each in endpoints),
        "",
        *(f"{note}\n" for note in notes),
        *shapes(endpoints),
        f"{ERRORS.format(scope=scope)} {LIMITS}",
        "",
        f'Example: call_api {{"method": "{first.method}", "path": "{first.short}"}}.',
        "P/ is /api/projects/{project_id}/, O/ is /api/organizations/{organization_id}/.",
    ]
    return Page(
        id=f"api-{family.replace('_', '-')}",
        kind="api",
        title=f"API: {first.title}",
        intents=("docs_help",),
        tags=("api", family, *first.words.split()),
        body="\n".join(lines) + "\n",
        source=f"{family}.toml",
    )


def shapes(endpoints: Sequence[Endpoint]) -> list[str]:
    """What an item holds, how its list is paged, what a body takes."""
    listing = next((each for each in endpoints if each.role == "list"), endpoints[0])
    paging = ", ".join(PAGED.get(listing.shape, ())) or "none"
    lines = [f"Answer: {listing.shape}; paging by {paging}."]
    if listing.fields:
        lines.append(f"Fields: {', '.join(listing.fields)}.")
    if listing.filters:
        lines.append(f"Query parameters: {', '.join(listing.filters)}.")
    creating = next((each for each in endpoints if each.writes), None)
    if creating:
        required = f" (required: {', '.join(creating.required)})" if creating.required else ""
        lines.append(f"Body: {', '.join(creating.writes)}{required}.")
    return [f"{line}\n" for line in lines]
