"""Our own questions about the people of a campaign, answered with their own values even where masking is on.

With masking on, these rows go into messages and counts alone: they are not cached, kept, or noted in the history, and
`as_shown` is how a client sees a recipient.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import cast

from posthog_mcp.audience.campaigns import Recipient
from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json
from posthog_mcp.safety.answers import Masked

NOWHERE = "@masked.invalid"
"""Makes a pseudonym an address for a channel that checks them."""


async def rows_of(project: Project, query: str, limit: int) -> list[list[Json]]:
    """Rows of a query, whose own LIMIT is at most `limit`.

    Raises:
        PostHogMcpError: it does not run.
    """
    driver = project.driver
    if not isinstance(driver, Masked):
        return (await run_hogql(project, query, limit=limit, refresh=True)).table.rows
    options = QueryOptions(uuid.uuid4().hex[:16], project.settings.query_timeout, limit, refresh=True)
    return (await driver.unmasked({"kind": "HogQLQuery", "query": query}, options)).table.rows


def as_shown(project: Project, each: Recipient) -> Recipient:
    """A recipient in a preview: with masking on, their address and properties are pseudonyms."""
    masking = project.masking
    if masking is None:
        return each
    shown = {key: str(masking.under(key, value, person=True)) for key, value in each.properties.items()}
    return replace(each, address=f"{masking.under('email', each.address)}{NOWHERE}", properties=shown)


def without_host(shown: dict[str, Json]) -> dict[str, Json]:
    """A preview whose pseudonym of an address stands alone, as in every other answer."""
    return cast("dict[str, Json]", json.loads(json.dumps(shown).replace(NOWHERE, "")))
