"""Answers of a driver, masked: HogQL rows by lineage, values of one property, results of PostHog's typed queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

import anyio

from posthog_mcp.backends.backend import QueryAnswer, QueryOptions
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.hogql.checker import Checker
from posthog_mcp.results import Json, Table
from posthog_mcp.safety.lineage import labels
from posthog_mcp.safety.masking import Masking

SMALL = 200
"""Rows that are masked without a thread."""


@runtime_checkable
class Masked(Protocol):
    """A driver whose answers are masked."""

    async def unmasked(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        """The plain answer, for what goes to the people themselves and never to a client.

        Raises:
            PostHogMcpError: what the backend says.
        """
        ...


async def masked_table(
    masking: Masking, checker: Checker, query: str, values: Mapping[str, Json] | None, table: Table
) -> Table:
    """The rows of this query, masked. A query that cannot be read has no lineage, and every column may be personal."""
    names = [column.name for column in table.columns]
    try:
        tree = (await checker.check(query, values=values)).tree
    except PostHogMcpError:
        tree = None
    found = labels(tree, names, masking.keys)
    if len(table.rows) <= SMALL:
        return masking.table(table, found)
    return await anyio.to_thread.run_sync(masking.table, table, found)


async def masked_answer(
    masking: Masking, checker: Checker, body: Mapping[str, Json], answer: QueryAnswer
) -> QueryAnswer:
    """The answer to a HogQLQuery body, masked."""
    values = body.get("values")
    given = values if isinstance(values, dict) else None
    return replace(answer, table=await masked_table(masking, checker, str(body.get("query")), given, answer.table))


def masked_values(masking: Masking, scope: str, name: str, found: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Values of one property with their counts."""
    return [(str(masking.under(name, text, person=scope != "session")), count) for text, count in found]


def masked_results(masking: Masking, query: Mapping[str, Json], response: dict[str, Json]) -> dict[str, Json]:
    """A typed query's response: by keys and patterns, and breakdown values by the property they are of."""
    label = next(filter(None, (masking.keys.label(name, person=True) for name in broken_down(query))), None)
    masked = masking.value(response.get("results"))
    if label:
        masked = by_breakdown(masking, masked, label)
    return {**response, "results": masked} if "results" in response else response


def broken_down(query: Mapping[str, Json]) -> list[str]:
    """Names of the properties that a typed query breaks down by."""
    given = query.get("breakdownFilter")
    if not isinstance(given, dict):
        return []
    several = given.get("breakdowns")
    names = [each.get("property") for each in several if isinstance(each, dict)] if isinstance(several, list) else []
    one = given.get("breakdown")
    return [str(name) for name in (*names, *(one if isinstance(one, list) else [one])) if name]


def by_breakdown(masking: Masking, value: Json, label: str) -> Json:
    if isinstance(value, list):
        return [by_breakdown(masking, item, label) for item in value]
    if not isinstance(value, dict):
        return value
    named = ("breakdown_value", "breakdown", "label")
    return {
        name: masking.value(item, label) if name in named else by_breakdown(masking, item, label)
        for name, item in value.items()
    }
