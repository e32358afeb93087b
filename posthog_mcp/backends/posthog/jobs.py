"""A query from its request to its rows: at most a few at once, polled while PostHog works, stopped when we stop.

Each run gets a `client_query_id` of its own: PostHog hands out an older run's rows for an id that it knows. Repeating a
request with the same id is safe for the same reason.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, cast

import anyio

from posthog_mcp.backends.backend import Progress
from posthog_mcp.backends.posthog.client import Body
from posthog_mcp.backends.posthog.errors import job_error
from posthog_mcp.backends.posthog.project_api import ProjectApi
from posthog_mcp.errors import NotFound, PostHogMcpError, QueryTimeout, RateLimited, Unavailable
from posthog_mcp.results import Json

Refresh = Literal[
    "blocking",
    "async",
    "lazy_async",
    "async_except_on_cache_miss",
    "force_blocking",
    "force_async",
    "force_cache",
]
"""PostHog's words for when a result may come from its cache, and whether the request waits for a new one."""
LOSSES = frozenset({"timeout", "broken"})
"""Reasons after which a query that was sent may run on the host."""
OVER = frozenset({"query_failed", "forgotten"})
"""Reasons after which one that the host took runs no more."""


@dataclass(slots=True)
class Run:
    """One run of a query. `id` is ours until the host tells its own."""

    id: str
    timeout_seconds: float
    progress: Progress | None
    sent: bool = False
    taken: bool = False
    """The host has made it a job."""

    def may_go_on(self, error: PostHogMcpError) -> bool:
        """Whether it may still run on the host after a request failed."""
        reason = error.context.get("reason")
        if self.taken:
            return isinstance(error, RateLimited | Unavailable) and reason not in OVER
        return self.sent and reason in LOSSES


class Jobs:
    """Runs query bodies of one project."""

    def __init__(self, api: ProjectApi) -> None:
        self._api = api
        self._client = api.client

    async def run(
        self,
        query: Mapping[str, Json],
        query_id: str,
        timeout_seconds: float,
        refresh: Refresh = "async",
        progress: Progress | None = None,
        more: Mapping[str, Json] | None = None,
    ) -> Body:
        """The response body of a finished query. The time limit counts from its turn, not while it waits for one.

        `more`: further members of the request, such as `variables_override`.

        Raises:
            QueryTimeout: `timeout_seconds` passed; the query was stopped on the host.
            Unavailable: there is no answer; a query that may still run was stopped.
            RateLimited: no request was left to look at it; it was stopped.
            PostHogMcpError: what PostHog said.
        """
        run = Run(f"{query_id}-{secrets.token_hex(4)}", timeout_seconds, progress)
        request: Body = {**(more or {}), "query": dict(query), "refresh": refresh, "client_query_id": run.id}
        async with self._client.limiter.query():
            await self._turn(progress)
            try:
                with anyio.fail_after(timeout_seconds):
                    return await self._follow(run, request)
            except TimeoutError:
                await self._stop(run)
                message = f"The query ran longer than {timeout_seconds:g} s and was stopped."
                raise QueryTimeout(message, fix="Shorten the time range, or raise POSTHOG_MCP_QUERY_TIMEOUT.") from None
            except anyio.get_cancelled_exc_class():
                await self._stop(run)
                raise
            except PostHogMcpError as error:
                if run.may_go_on(error):
                    await self._stop(run)
                raise

    @asynccontextmanager
    async def elsewhere(self, query_id: str) -> AsyncGenerator[None]:
        """The place of a query that is asked by somebody else under this id; stopped when its caller fails or leaves.

        Raises:
            PostHogMcpError: the caller's own.
        """
        async with self._client.limiter.query():
            await self._turn(None)
            try:
                yield
            except (PostHogMcpError, anyio.get_cancelled_exc_class()):
                await self._stop(Run(query_id, 0, None, sent=True))
                raise

    async def _turn(self, progress: Progress | None) -> None:
        expected = self._client.limiter.expected("query")
        if progress and expected >= 1:
            progress(0.0, f"waiting {expected:.0f} s: this key's requests are used up")
        await self._client.limiter.turn("query", self._client.manners.longest_wait)

    async def _follow(self, run: Run, request: Body) -> Body:
        run.sent = True
        status, answer = await self._api.request(
            "POST", "query/", body=request, wait_seconds=run.timeout_seconds, repeat="query", queued=False
        )
        polling = self._client.manners.polling
        pause = polling.first
        while status == 202 or (isinstance(answer.get("query_status"), dict) and "results" not in answer):
            run.taken = True
            job = cast("Body", answer.get("query_status") or {})
            run.id = str(job.get("id") or run.id)
            if job.get("error") is True:
                failure = self._client.without_key(job_error(job, self._client.host))
                raise failure
            if job.get("complete") is True:
                return cast("Body", job.get("results") or {})
            if run.progress:
                run.progress(*progress_of(job))
            await anyio.sleep(pause)
            pause = min(pause * polling.growth, polling.longest)
            status, answer = await self._look(run)
        return answer

    async def _look(self, run: Run) -> tuple[int, Body]:
        """Where the job stands.

        Raises:
            Unavailable: the host forgot it.
        """
        try:
            return await self._api.request("GET", f"query/{run.id}/", params={"show_progress": "true"})
        except NotFound:
            message = f"{self._client.host} no longer knows this query: it was stopped there, or its result expired."
            raise Unavailable(message, fix="Run it again.", context={"reason": "forgotten"}) from None

    async def _stop(self, run: Run) -> None:
        """Tell the host, whatever became of us; it waits for no turn, and not long."""
        if not run.sent:
            return
        with anyio.move_on_after(self._client.manners.stop_seconds, shield=True):
            try:
                self._client.limiter.count()
                await self._api.request("DELETE", f"query/{run.id}/", queued=False)
            except PostHogMcpError:
                return


def progress_of(job: Mapping[str, Json]) -> tuple[float, str]:
    """A fraction and what PostHog tells of a running query."""
    told = job.get("query_progress")
    rows, expected = (told.get("rows_read"), told.get("estimated_rows_total")) if isinstance(told, dict) else (0, 0)
    if not isinstance(rows, int) or not isinstance(expected, int) or expected <= 0:
        return 0.5, "PostHog is running the query"
    return min(rows / expected, 0.99), f"PostHog has read {rows:,} of about {expected:,} rows"
