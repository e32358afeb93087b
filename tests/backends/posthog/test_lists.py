"""Lists that shift while they are read, that name another host as their next page, or that never end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from keyed_host import serving_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from posthog_mcp.backends.backend import ListOptions
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings


@dataclass
class Lists:
    """Event definitions, newest first; `arrive` new ones before each page. `origin` is what `next` begins with."""

    names: list[str]
    arrive: int = 0
    endless: bool = False
    origin: str = ""
    given: list[list[int]] = field(default_factory=list)
    """Ids of each page."""

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        if path == "/api/projects/1/":
            return JSONResponse({"id": 1, "name": "Shifting", "timezone": "UTC"})
        if path.endswith("/query/"):
            return JSONResponse({"tables": {}, "joins": []})
        if not path.endswith("/event_definitions/"):
            return JSONResponse({"count": 0, "next": None, "results": []})
        limit, offset = (int(request.query_params.get(name, 0)) for name in ("limit", "offset"))
        self.names[:0] = [f"new {len(self.names)}, {number}" for number in range(self.arrive)]
        page = [self.item(place) for place in range(len(self.names))[offset : offset + limit]]
        self.given.append([each["id"] for each in page])
        more = self.endless or offset + limit < len(self.names)
        start = 0 if self.endless else offset + limit
        following = f"{self.origin or request.base_url}api{path[4:]}?limit={limit}&offset={start}" if more else None
        return JSONResponse({"count": len(self.names), "next": following, "previous": None, "results": page})

    def item(self, place: int) -> dict[str, Any]:
        return {"id": len(self.names) - place, "name": self.names[place], "volume_30_day": len(self.names) - place}


@asynccontextmanager
async def driver_of(lists: Lists) -> AsyncIterator[PostHogDriver]:
    async with serving_app(Starlette(routes=[Route("/{path:path}", lists.answer, methods=["GET", "POST"])])) as address:
        driver = PostHogDriver(Settings.load(api_key="phx_test", project_id=1, base_url=address, backend="posthog"))
        yield driver
        await driver.aclose()


async def test_a_list_that_shifts_is_read_whole_and_each_once() -> None:
    names = [f"event {number}" for number in range(1_200)]
    lists = Lists(list(names), arrive=3)
    async with driver_of(lists) as driver:
        events = (await driver.catalogue()).events
    assert any({*before} & {*after} for before, after in pairwise(lists.given)), "pages overlapped"
    assert {*names} <= events.keys()
    assert len(events) == len({each for page in lists.given for each in page})
    assert events["event 0"] == 1_200, "numbers stay with their names"


async def test_the_next_page_is_asked_of_the_same_host() -> None:
    lists = Lists([f"event {number}" for number in range(30)], origin="https://evil.example/")
    async with driver_of(lists) as driver:
        seen: list[Json] = []
        options = ListOptions(limit=10)
        while True:
            page = await driver.list("event_definitions", options)
            seen += [each["name"] for each in page.items]
            if page.next is None:
                break
            options = ListOptions(limit=10, cursor=page.next)
    assert seen == lists.names
    assert len(lists.given) == 3


async def test_a_list_without_end_ends() -> None:
    lists = Lists(["one", "two"], endless=True)
    async with driver_of(lists) as driver:
        assert [*(await driver.catalogue()).events] == ["one", "two"]
    assert len(lists.given) <= 10
