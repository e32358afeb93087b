"""PostHog's answers and httpx's failures as our errors. Source of the codes: posthog/exceptions and DRF."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from posthog_mcp.backends.posthog.retrying import seconds_of
from posthog_mcp.errors import (
    Forbidden,
    HogQLResolutionError,
    HogQLSyntaxError,
    InvalidInput,
    NotFound,
    PostHogMcpError,
    QueryTimeout,
    RateLimited,
    Unavailable,
)

if TYPE_CHECKING:
    import httpx

SCOPE = re.compile(r"required scope '?([\w:]+)")
KEYS = "Create a personal API key under Settings → Personal API keys."


def response_error(status: int, retry_after: str, content: bytes, host: str) -> PostHogMcpError:
    """The error that a status above 399 stands for; PostHog's own message is kept."""
    body = error_body(content)
    detail = str(body.get("detail") or "").strip() or f"HTTP {status}"
    code = str(body.get("code") or "")
    if not body and status not in {401, 403, 404, 429, 500, 502, 503, 504, 512}:
        message = f"{host} answered {status} with something that is not PostHog's API."
        return Unavailable(message, fix="Check POSTHOG_BASE_URL or POSTHOG_REGION.")
    if status == 401:
        fix = f"Check POSTHOG_API_KEY and the region (POSTHOG_REGION us or eu): keys work in one region. {KEYS}"
        return Forbidden(f"{host}: {detail}", fix=fix)
    if status in {402, 403}:
        scope = SCOPE.search(detail)
        fix = f"Give the key the scope {scope[1]}. {KEYS}" if scope else "Ask an administrator of the project."
        return Forbidden(f"{host}: {detail}", fix=fix)
    if status == 404:
        return NotFound(f"{host}: {detail}", fix="Check POSTHOG_PROJECT_ID, or the id you asked for.")
    if status == 429:
        seconds = seconds_of(retry_after)
        wait = "Wait a minute and try again." if seconds is None else f"Wait {seconds:.0f} s and try again."
        return RateLimited(f"{host}: {detail}", fix=wait, context={"retry_after_seconds": seconds})
    if status in {504, 512}:
        return QueryTimeout(f"{host}: {detail}", fix="Shorten the time range or filter by event.")
    if status >= 500:
        return Unavailable(f"{host}: {detail}", fix="Try again in a minute; PostHog's status page tells of outages.")
    if code == "hogql_syntax_error":
        return HogQLSyntaxError(detail, fix="Run validate_hogql for the place.")
    if code.startswith("hogql") or code in {"unknown_table", "unknown_function", "illegal_type_of_argument"}:
        return HogQLResolutionError(detail, fix="Run validate_hogql for the place.")
    attr = body.get("attr")
    fix = f"Correct `{attr}`." if attr else "Correct what PostHog names in its answer."
    return InvalidInput(f"{host}: {detail}", fix=fix, context={"attr": attr})


def error_body(content: bytes) -> Mapping[str, object]:
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}


def transport_error(error: httpx.HTTPError, host: str) -> PostHogMcpError:
    """A request that got no whole answer: what failed, without the request."""
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return Unavailable(f"{host} did not answer in time.", fix="Try again; check the network and proxy.")
    if isinstance(error, httpx.ConnectError):
        if "certificate" in str(error).lower() or "ssl" in str(error).lower():
            return Unavailable(
                f"{host} cannot be trusted: its TLS certificate does not verify.",
                fix="Check POSTHOG_BASE_URL and the machine's certificates; a proxy may stand between.",
            )
        return Unavailable(
            f"{host} cannot be reached.", fix="Check POSTHOG_BASE_URL or POSTHOG_REGION, the network, DNS and TLS."
        )
    return Unavailable(f"The answer of {host} broke off ({type(error).__name__}).", fix="Try again.")


def web_page(host: str) -> Unavailable:
    return Unavailable(
        f"{host} answered with a web page, perhaps a login, instead of JSON.",
        fix="Check that POSTHOG_BASE_URL is PostHog's own address and that nothing asks for a login in between.",
    )


def not_json(host: str) -> Unavailable:
    return Unavailable(
        f"{host} answered with something that is not JSON.", fix="Check that POSTHOG_BASE_URL is PostHog's address."
    )
