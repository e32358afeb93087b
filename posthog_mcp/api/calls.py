"""Make a call: read at once; for a change show the plan, and make it when the plan comes back confirmed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from posthog_mcp.api.plans import Plan, allowed, planned
from posthog_mcp.api.requests import call_of, matched
from posthog_mcp.api.shaping import Shaped, shaped
from posthog_mcp.backends.backend import ApiCall, Progress, QueryOptions, TypedQueries
from posthog_mcp.endpoints.table import Endpoint, Method
from posthog_mcp.errors import Forbidden, InvalidInput
from posthog_mcp.project import Project
from posthog_mcp.results import Json, ProjectInfo

Ask = Callable[[Plan], Awaitable[bool | None]]
"""Asks the person: yes, no, or None where nobody can be asked."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it is asked for. `fields` chooses members of the answer."""

    method: Method
    path: str
    params: Mapping[str, Json]
    body: Mapping[str, Json]
    fields: Sequence[str] = ()
    confirm_token: str = ""


@dataclass(frozen=True, slots=True)
class Called:
    """A finished call; `plan` is what it changed."""

    endpoint: Endpoint
    project: ProjectInfo
    status: int
    answer: Shaped
    elapsed_ms: float
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A change that waits for its token."""

    plan: Plan
    token: str


async def call_api(project: Project, request: Request, ask: Ask, progress: Progress | None = None) -> Called | Proposed:
    """Make the call, or propose it.

    Raises:
        NotFound: there is no such endpoint or object.
        InvalidInput: parameters, body or token are wrong.
        WriteDisabled: writes are off.
        Forbidden: it changes the account and the settings do not allow that, or the person said no.
        PostHogMcpError: what PostHog said.
    """
    found = matched(request.method, request.path, request.params)
    own = (await project.driver.project()).id
    if found.project not in (None, "@current", str(own)):
        told = f"The path names project {found.project}; this call goes to project {own}."
        raise InvalidInput(told, fix=f"Give project_id {found.project}, or leave the project out of the path.")
    if found.endpoint.changes:
        allowed(found.endpoint, project.settings)
    if found.endpoint.short == "P/query/":
        typed_kind(request.body.get("query"))
    call = await call_of(project, found, request.params, request.body)
    if not call.endpoint.changes:
        return await made(project, call, request.fields, progress)
    plan = await planned(project, call)
    if not request.confirm_token:
        said = await ask(plan)
        if said is None:
            return Proposed(plan, await project.confirmations.issue(plan.digest))
        if not said:
            raise Forbidden("The person declined this change; nothing was changed.", fix="Ask what they want instead.")
    else:
        await project.confirmations.take(request.confirm_token, plan.digest)
    return await made(project, call, request.fields, progress, plan)


async def made(
    project: Project, call: ApiCall, fields: Sequence[str], progress: Progress | None, plan: Plan | None = None
) -> Called:
    """Send it, and cut the answer to size."""
    begun = time.perf_counter()
    if call.endpoint.short == "P/query/":
        status, found = 200, await typed(project, call, progress)
    else:
        status, found = await project.driver.call(call)
    elapsed = (time.perf_counter() - begun) * 1000
    return Called(call.endpoint, await project.driver.project(), status, shaped(call, found, fields), elapsed, plan)


def typed_kind(query: Json) -> dict[str, Json]:
    """A typed query, which HogQL is not.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(query, dict):
        fix = 'Give {"query": {"kind": "WebOverviewQuery", …}}.'
        raise InvalidInput("`query` must be an object with a `kind`.", fix=fix)
    if query.get("kind") == "HogQLQuery":
        raise InvalidInput("HogQL runs through execute_hogql.", fix="Call execute_hogql with the query text.")
    return query


async def typed(project: Project, call: ApiCall, progress: Progress | None) -> Json:
    """The answer of a typed query.

    Raises:
        InvalidInput: the project runs no typed queries.
    """
    query = typed_kind((call.body or {}).get("query"))
    if not isinstance(project.driver, TypedQueries):
        fix = "Use execute_hogql; typed queries run on PostHog (POSTHOG_API_KEY)."
        raise InvalidInput("The embedded project runs HogQL, no typed queries.", fix=fix)
    refresh = str((call.body or {}).get("refresh", "")).startswith("force")
    options = QueryOptions(uuid.uuid4().hex, project.settings.query_timeout, refresh=refresh, progress=progress)
    return dict(await project.driver.typed_query(query, options))
