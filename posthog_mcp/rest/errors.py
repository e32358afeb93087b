"""Our errors as PostHog's error bodies: {type, code, detail, attr} with the status its API gives."""

from __future__ import annotations

from starlette.responses import JSONResponse

from posthog_mcp.endpoints.matching import NO_METHOD
from posthog_mcp.errors import (
    Forbidden,
    HogQLResolutionError,
    HogQLSyntaxError,
    InvalidInput,
    NotFound,
    PostHogMcpError,
    QueryTimeout,
    RateLimited,
    WriteDisabled,
)

STATUS: dict[type[PostHogMcpError], tuple[int, str, str]] = {
    HogQLSyntaxError: (400, "validation_error", "hogql_syntax_error"),
    HogQLResolutionError: (400, "validation_error", "hogql_query_error"),
    InvalidInput: (400, "validation_error", "invalid_input"),
    NotFound: (404, "invalid_request", "not_found"),
    Forbidden: (403, "authentication_error", "permission_denied"),
    WriteDisabled: (403, "authentication_error", "permission_denied"),
    RateLimited: (429, "throttled_error", "throttled"),
    QueryTimeout: (504, "server_error", "timeout"),
}


def error_body(status: int, kind: str, code: str, detail: str, attr: str | None = None) -> JSONResponse:
    headers = {"Retry-After": "1"} if status == 429 else None
    body = {"type": kind, "code": code, "detail": detail, "attr": attr}
    return JSONResponse(body, status_code=status, headers=headers)


def as_response(error: PostHogMcpError) -> JSONResponse:
    """The response that PostHog would give. Unknown errors are 503, as at capacity."""
    status, kind, code = STATUS.get(type(error), (503, "server_error", "unavailable"))
    if error.context.get("reason") == NO_METHOD:
        status, kind, code = 405, "invalid_request", NO_METHOD
    attr = error.context.get("attr")
    return error_body(status, kind, code, error.message, str(attr) if attr else None)
