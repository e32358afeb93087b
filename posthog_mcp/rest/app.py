"""The ASGI app: authentication, routes, paging. Run it with `serve_rest`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import cast, get_args

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from posthog_mcp.backends.backend import Driver, ListOptions, Resource
from posthog_mcp.errors import Forbidden, InvalidInput, NotFound, PostHogMcpError
from posthog_mcp.rest.capture import captured_events
from posthog_mcp.rest.errors import as_response, error_body
from posthog_mcp.rest.queries import Queries
from posthog_mcp.results import Json

KEY = "phx_local"
Body = dict[str, Json]
Handler = Callable[[Request], Awaitable[Response]]
Capture = Callable[[Sequence[Body]], Awaitable[int]]

RESOURCES: frozenset[str] = frozenset(get_args(Resource)) - {"users", "projects", "organizations"}
FILTERS = ("type", "event_names", "group_type_index", "is_numerical")
MAX_BODY = 11 << 20


class Api:
    """Handlers over one driver. `capture` takes events where the driver can store them."""

    def __init__(self, driver: Driver, capture: Capture | None) -> None:
        self.driver = driver
        self.capture = capture
        self.queries: Queries | None = None

    async def query(self, request: Request) -> Response:
        assert self.queries is not None
        job_id = request.path_params.get("id")
        if job_id is None:
            status, body = await self.queries.submit(await json_body(request))
            return JSONResponse(body, status_code=status)
        if request.method == "DELETE":
            self.queries.cancel(job_id)
            return Response(status_code=204)
        job = self.queries.job(job_id)
        if job.error is not None:
            return as_response(job.error)
        return JSONResponse({"query_status": job.status()}, status_code=200 if job.results is not None else 202)

    async def list(self, request: Request) -> Response:
        """GET lists, POST creates."""
        resource = known_resource(request.path_params["resource"])
        if request.method == "POST":
            return JSONResponse(await self.driver.create(resource, await json_body(request)), status_code=201)
        limit = number(request, "limit", 100, 1000)
        offset = number(request, "offset", 0, 10**9)
        filters = {name: request.query_params[name] for name in FILTERS if name in request.query_params}
        search = request.query_params.get("search")
        page = await self.driver.list(resource, ListOptions(search, limit, str(offset) if offset else None, filters))

        def link(start: int) -> str:
            return str(request.url.include_query_params(limit=limit, offset=start))

        following = link(int(page.next)) if page.next else None
        before = link(max(0, offset - limit)) if offset else None
        return JSONResponse({"count": page.count, "next": following, "previous": before, "results": page.items})

    async def item(self, request: Request) -> Response:
        """GET, PATCH and DELETE of one object."""
        resource, object_id = known_resource(request.path_params["resource"]), request.path_params["id"]
        if request.method == "PATCH":
            return JSONResponse(await self.driver.update(resource, object_id, await json_body(request)))
        if request.method == "DELETE":
            await self.driver.delete(resource, object_id)
            return Response(status_code=204)
        return JSONResponse(await self.driver.get(resource, object_id))

    async def values(self, request: Request) -> Response:
        """Sample values of a property, most frequent first."""
        scope = "person" if request.path_params["resource"] == "persons" else "event"
        found = await self.driver.property_values(scope, request.query_params.get("key", ""))
        return JSONResponse([{"name": value, "count": count} for value, count in found])

    async def project(self, request: Request) -> Response:
        del request
        return JSONResponse(await self._project())

    async def projects(self, request: Request) -> Response:
        del request
        return JSONResponse(one_page([await self._project()]))

    async def _project(self) -> Body:
        info = await self.driver.project()
        return {
            "id": info.id,
            "name": info.name,
            "timezone": info.timezone,
            "api_token": "phc_local",
            "week_start_day": info.week_start_day,
        }

    async def organizations(self, request: Request) -> Response:
        del request
        return JSONResponse(one_page((await self.driver.list("organizations", ListOptions())).items))

    async def me(self, request: Request) -> Response:
        del request
        users = (await self.driver.list("users", ListOptions())).items
        return JSONResponse({**users[0], "team": await self._project()})

    async def current_key(self, request: Request) -> Response:
        del request
        return JSONResponse({"id": "local", "label": "embedded", "scopes": ["*"], "scoped_teams": [1]})

    async def ingest(self, request: Request) -> Response:
        if self.capture is None:
            raise NotFound("This backend takes no events here.")
        try:
            events = await captured_events(request)
        except Forbidden as error:
            return error_body(401, "authentication_error", "invalid_api_key", error.message)
        await self.capture(events)
        return JSONResponse({"status": 1})

    async def flags(self, request: Request) -> Response:
        """SDKs ask for flags when they start; none is evaluated here."""
        del request
        return JSONResponse(
            {"featureFlags": {}, "featureFlagPayloads": {}, "flags": {}, "errorsWhileComputingFlags": False}
        )


def one_page(items: Sequence[Body]) -> Body:
    return {"count": len(items), "next": None, "previous": None, "results": cast("list[Json]", list(items))}


def known_resource(name: str) -> Resource:
    """The resource of a path segment.

    Raises:
        NotFound: PostHog has it, or not; it is not served here.
    """
    if name not in RESOURCES:
        raise NotFound("Endpoint not found.")
    return cast("Resource", name)


def number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number of the query string.

    Raises:
        InvalidInput: not one, or out of range.
    """
    text = request.query_params.get(name, str(default))
    if not text.isdigit():
        raise InvalidInput("A valid integer is required.", context={"attr": name})
    return min(int(text), most)


async def json_body(request: Request) -> Body:
    """The JSON object of the body.

    Raises:
        InvalidInput: too large, not JSON, or not an object.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise InvalidInput(f"The body is larger than {MAX_BODY >> 20} MB.")
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("JSON parse error.") from None
    if not isinstance(found, dict):
        raise InvalidInput("The body must be a JSON object.")
    return cast("Body", found)


def guarded(handler: Handler, *, key: bool = True) -> Handler:
    """Check the key and the project, and turn our errors into PostHog's bodies."""

    async def call(request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if key and given != KEY:
            code = "authentication_failed" if given else "not_authenticated"
            detail = "Invalid personal API key." if given else "Authentication credentials were not provided."
            return error_body(401, "authentication_error", code, detail)
        if request.path_params.get("project", "1") not in {"1", "@current"}:
            return error_body(404, "invalid_request", "not_found", "Project not found.")
        try:
            return await handler(request)
        except PostHogMcpError as error:
            return as_response(error)

    return call


def rest_app(driver: Driver, capture: Capture | None = None) -> Starlette:
    """PostHog's API over this driver."""
    api = Api(driver, capture)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        del app
        async with anyio.create_task_group() as tasks:
            api.queries = Queries(driver, tasks)
            yield
            tasks.cancel_scope.cancel()

    def route(path: str, handler: Handler, *methods: str, key: bool = True) -> Route:
        return Route(path, guarded(handler, key=key), methods=list(methods) or ["GET"])

    roots = ("/api/projects/{project}", "/api/environments/{project}")
    routes = [
        route("/api/users/@me/", api.me),
        route("/api/personal_api_keys/@current/", api.current_key),
        route("/api/organizations/", api.organizations),
        route("/api/projects/", api.projects),
        *(
            each
            for root in roots
            for each in (
                route(f"{root}/", api.project),
                route(f"{root}/query/", api.query, "POST"),
                route(f"{root}/query/{{id}}/", api.query, "GET", "DELETE"),
                route(f"{root}/{{resource}}/values/", api.values),
                route(f"{root}/{{resource}}/", api.list, "GET", "POST"),
                route(f"{root}/{{resource}}/{{id}}/", api.item, "GET", "PATCH", "DELETE"),
            )
        ),
        *(
            route(path, api.ingest, "POST", key=False)
            for path in ("/batch/", "/batch", "/capture/", "/capture", "/e/", "/track/", "/i/v0/e/", "/i/v0/e")
        ),
        *(route(path, api.flags, "POST", key=False) for path in ("/flags/", "/decide/", "/flags", "/decide")),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def serve_rest(driver: Driver, host: str, port: int, capture: Capture | None = None) -> None:
    """Serve until SIGTERM or SIGINT; the driver stays the caller's to close."""
    import uvicorn

    config = uvicorn.Config(rest_app(driver, capture), host=host, port=port, log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()
