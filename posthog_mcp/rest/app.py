"""The ASGI app: authentication, the query routes, and every endpoint of the table."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import cast

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from posthog_mcp.backends.backend import ApiCall, Driver
from posthog_mcp.endpoints.matching import match
from posthog_mcp.endpoints.table import Method
from posthog_mcp.errors import Forbidden, InvalidInput, NotFound, PostHogMcpError
from posthog_mcp.rest.capture import captured_events
from posthog_mcp.rest.errors import as_response, error_body
from posthog_mcp.rest.queries import Queries
from posthog_mcp.results import Json

KEY = "phx_local"
Body = dict[str, Json]
Handler = Callable[[Request], Awaitable[Response]]
Capture = Callable[[Sequence[Body]], Awaitable[int]]
Files = Callable[[str], Path]
MAX_BODY = 11 << 20


class Api:
    """Handlers over one driver. `capture` takes events where the driver can store them, `files` finds downloads."""

    def __init__(self, driver: Driver, capture: Capture | None, files: Files | None) -> None:
        self.driver = driver
        self.capture = capture
        self.files = files
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

    async def endpoint(self, request: Request) -> Response:
        """Any other endpoint of the table.

        Raises:
            NotFound: there is no such endpoint, project or object.
        """
        method = cast("Method", "PATCH" if request.method == "PUT" else request.method)
        found = match(method, f"/api/{request.path_params['rest']}")
        if found.project not in (None, "1", "@current"):
            raise NotFound("Project not found.")
        params = {name: value for name, value in request.query_params.items() if value != ""}
        body = await json_body(request) if method in ("POST", "PATCH") else None
        status, content = await self.driver.call(
            ApiCall(found.endpoint, found.values, params, body, found.organization)
        )
        if status == 302 and isinstance(content, dict):
            return RedirectResponse(whole(request, content["location"]) or "/", 302, {"Cache-Control": "no-store"})
        if status == 204:
            return Response(status_code=204)
        if isinstance(content, dict) and "next" in content:
            links = {name: whole(request, content.get(name)) for name in ("next", "previous")}
            content = {**content, **links}
        return JSONResponse(content, status_code=status)

    async def file(self, request: Request) -> Response:
        """A file whose address was given out; no key is asked.

        Raises:
            NotFound: the address was not given out.
        """
        if self.files is None:
            raise NotFound("Not found.")
        return FileResponse(self.files(request.path_params["token"]), media_type="application/octet-stream")

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


def whole(request: Request, path: Json) -> str | None:
    """A path of this host as an address."""
    return f"{str(request.base_url).rstrip('/')}{path}" if isinstance(path, str) else None


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
        found: object = json.loads(body.strip() or b"{}")
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


def rest_app(driver: Driver, capture: Capture | None = None, files: Files | None = None) -> Starlette:
    """PostHog's API over this driver."""
    api = Api(driver, capture, files)

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
        *(
            each
            for root in roots
            for each in (
                route(f"{root}/query/", api.query, "POST"),
                route(f"{root}/query/{{id}}/", api.query, "GET", "DELETE"),
            )
        ),
        route("/api/{rest:path}", api.endpoint, "GET", "POST", "PUT", "PATCH", "DELETE"),
        route("/files/{token}", api.file, key=False),
        *(
            route(path, api.ingest, "POST", key=False)
            for path in ("/batch/", "/batch", "/capture/", "/capture", "/e/", "/track/", "/i/v0/e/", "/i/v0/e")
        ),
        *(route(path, api.flags, "POST", key=False) for path in ("/flags/", "/decide/", "/flags", "/decide")),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
