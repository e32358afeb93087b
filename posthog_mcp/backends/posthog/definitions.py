"""Reads what a live project has: schema, event and property definitions, groups, cohorts and actions.

The lists are asked for at the same time. A list that the key may not read stays empty and its scope is kept in
`missing_scopes`: without the names of cohorts, queries still run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import cast

import anyio

from posthog_mcp.backends.backend import ListOptions, Page, Resource
from posthog_mcp.backends.posthog.client import Body
from posthog_mcp.backends.posthog.project_api import ProjectApi
from posthog_mcp.backends.posthog.schema import catalogue_from
from posthog_mcp.errors import Forbidden, PostHogMcpError
from posthog_mcp.hogql.catalogue import Catalogue

MAX_PAGES = 40
PAGE = 500
"""Up to 20,000 definitions of a kind; a project with more has its most used ones."""
Listing = Callable[[Resource, ListOptions], Awaitable[Page]]
Wanted = tuple[Resource, Mapping[str, str]]


class Definitions:
    """Loads the catalogue of one project."""

    def __init__(self, api: ProjectApi, listing: Listing) -> None:
        self._api = api
        self._list = listing
        self.missing_scopes: set[str] = set()

    async def load(self) -> Catalogue:
        """Schema and definitions as of now.

        Raises:
            PostHogMcpError: what PostHog said to the first request that failed.
        """
        info = await self._api.info()
        self.missing_scopes.clear()
        schema: Body = {}

        async def read_schema() -> None:
            asked: Body = {"query": {"kind": "DatabaseSchemaQuery"}}
            schema.update((await self._api.request("POST", "query/", body=asked, repeat="read"))[1])

        wanted: dict[str, Wanted] = {
            "events": ("event_definitions", {}),
            "event": ("property_definitions", {"type": "event"}),
            "person": ("property_definitions", {"type": "person"}),
            "group_types": ("groups_types", {}),
            "cohorts": ("cohorts", {}),
            "actions": ("actions", {}),
        }
        lists = await self._lists(wanted, read_schema)
        groups: dict[str, Wanted] = {
            f"group_{index}": ("property_definitions", {"type": "group", "group_type_index": str(index)})
            for index in range(len(lists["group_types"]))
        }
        return catalogue_from(info, schema, lists | await self._lists(groups))

    async def _lists(self, wanted: Mapping[str, Wanted], *also: Callable[[], Awaitable[None]]) -> dict[str, list[Body]]:
        """All lists at the same time.

        Raises:
            PostHogMcpError: the first failure; the other requests are given up.
        """
        lists: dict[str, list[Body]] = {name: [] for name in wanted}
        failures: list[PostHogMcpError] = []

        async def one(work: Callable[[], Awaitable[None]]) -> None:
            try:
                await work()
            except PostHogMcpError as error:
                failures.append(error)
                tasks.cancel_scope.cancel()

        def filling(name: str) -> Callable[[], Awaitable[None]]:
            async def fill() -> None:
                lists[name] = await self._all(*wanted[name])

            return fill

        async with anyio.create_task_group() as tasks:
            for work in (*also, *map(filling, wanted)):
                tasks.start_soon(one, work)
        if failures:
            raise failures[0]
        return lists

    async def _all(self, resource: Resource, filters: Mapping[str, str]) -> list[Body]:
        """Every page, each object once; pages shift while the project changes.

        Raises:
            Forbidden: not for a missing scope.
        """
        items: dict[str, Body] = {}
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            try:
                page = await self._list(resource, ListOptions(limit=PAGE, cursor=cursor, filters=filters))
            except Forbidden as error:
                if error.context.get("reason") != "missing_scope":
                    raise
                self.missing_scopes.add(str(error.context["scope"]))
                break
            for each in page.items:
                items[str(each.get("id", len(items)))] = each
            if page.next is None or page.next == cursor:
                break
            cursor = page.next
        return list(items.values())


def scopes_of(body: Body) -> tuple[str, ...]:
    """The scopes that `/api/personal_api_keys/@current/` tells; `*` is full access."""
    found = body.get("scopes")
    return tuple(str(each) for each in cast("list[object]", found)) if isinstance(found, list) else ()
