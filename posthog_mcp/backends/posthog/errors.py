"""PostHog's answers and httpx's failures as our errors. Source of the codes: posthog/exceptions and DRF.

`context["reason"]` tells kinds of one code apart for `doctor`; PostHog's own message is kept in the text.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from posthog_mcp.backends.posthog.regions import settings_for
from posthog_mcp.backends.posthog.retrying import Loss
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

SCOPE = re.compile(r"required scopes? '?([\w:]+)")
EXPECTED_WAIT = re.compile(r"available in (\d+) second")
SCOPED = "keys with scoped projects"
"""What PostHog says to a key that is limited to projects, outside of them (posthog/permissions.py)."""
KEYS = "Personal API keys are made under Settings → Personal API keys."
MAX_DETAIL = 2000
RESOLUTION = frozenset(
    {
        "hogql_query_error",
        "hogql_error",
        "table_access_denied",
        "unknown_table",
        "unknown_function",
        "unknown_identifier",
        "illegal_type_of_argument",
        "no_common_type",
        "not_an_aggregate",
        "type_mismatch",
        "illegal_aggregation",
        "number_of_arguments_doesnt_match",
    }
)
"""Codes of a query that is wrong in itself."""
GATEWAY = frozenset({429, 500, 502, 503, 504, 512})
"""Statuses that mean the same whoever sends them."""


def response_error(status: int, wait: float | None, content: bytes | bytearray, host: str) -> PostHogMcpError:
    """The error that a status above 399 stands for. `wait`: seconds of its Retry-After."""
    body = error_body(content)
    detail, code = detail_of(body) or f"HTTP {status}", str(body.get("code") or "")
    if not body and status not in GATEWAY:
        return foreign(status, content, host)
    if status in {401, 402, 403}:
        return refusal(status, detail, code, host)
    if status == 404:
        return NotFound(f"{host}: {detail}", fix="Check POSTHOG_PROJECT_ID, or the id you asked for.")
    if status == 429:
        told = EXPECTED_WAIT.search(detail)
        seconds = float(told[1]) if wait is None and told else wait
        fix = "Wait a minute and try again." if seconds is None else f"Wait {seconds:.0f} s and try again."
        return RateLimited(f"{host}: {detail}", fix=fix, context={"retry_after_seconds": seconds})
    if status in {504, 512}:
        return QueryTimeout(f"{host}: {detail}", fix="Shorten the time range or filter by event.")
    if status >= 500:
        fix = "Try again in a minute; PostHog's status page tells of outages."
        context = {"reason": "query_failed"} if body.get("job") else {}
        return Unavailable(f"{host}: {detail}", fix=fix, context=context)
    return rejection(detail, code, body.get("attr"), host)


def refusal(status: int, detail: str, code: str, host: str) -> Forbidden:
    """The key is unknown, too narrow, or the plan does not allow it."""
    text = f"{host}: {detail}"
    if status == 401:
        if "expired" in detail.lower():
            return Forbidden(text, fix=f"Make a new key and set POSTHOG_API_KEY. {KEYS}", context={"reason": "expired"})
        fix = f"Check POSTHOG_API_KEY and the region (POSTHOG_REGION us or eu): keys work in one region. {KEYS}"
        return Forbidden(text, fix=fix, context={"reason": "unknown_key"})
    if status == 402:
        return Forbidden(text, fix="Check billing of the organization.", context={"reason": "quota"})
    if scope := SCOPE.search(detail):
        fix = f"Give the key the scope {scope[1]}. {KEYS}"
        return Forbidden(text, fix=fix, context={"reason": "missing_scope", "scope": scope[1]})
    if SCOPED in detail.lower():
        fix = "Set POSTHOG_PROJECT_ID to the project that the key is limited to: such a key cannot list projects."
        return Forbidden(text, fix=fix, context={"reason": "project_scoped"})
    fix = "Check which projects and organizations the key may use, or ask an administrator."
    return Forbidden(text, fix=fix, context={"reason": code or "refused"})


def rejection(detail: str, code: str, attr: object, host: str) -> PostHogMcpError:
    """The request is wrong. A query's own faults are told without the host."""
    if code == "hogql_syntax_error":
        return HogQLSyntaxError(detail, fix="Run validate_hogql for the place.")
    if code in RESOLUTION:
        return HogQLResolutionError(detail, fix="Run validate_hogql for the place.")
    if code == "too_many_bytes":
        return QueryTimeout(f"{host}: {detail}", fix="Shorten the time range or filter by event.")
    fix = f"Correct `{attr}`." if attr else "Correct what PostHog names in its answer."
    return InvalidInput(f"{host}: {detail}", fix=fix, context={"attr": attr})


def foreign(status: int, content: bytes | bytearray, host: str) -> PostHogMcpError:
    """A refusal that is not PostHog's: a proxy, a login, or another server."""
    what = "a web page" if looks_like_html(content) else "something that is not PostHog's API"
    text = f"{host} answered {status} with {what}."
    fix = "Check POSTHOG_BASE_URL or POSTHOG_REGION, and whether a proxy or a login stands between."
    if status == 404:
        return NotFound(text, fix=fix, context={"reason": "not_posthog"})
    return Unavailable(text, fix=fix, context={"reason": "not_posthog"})


def error_body(content: bytes | bytearray) -> Mapping[str, object]:
    """PostHog's error {type, code, detail, attr}; a failed query job's status is read as one, marked `job`."""
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    body = cast("Mapping[str, object]", found)
    job = body.get("query_status")
    return job_body(cast("Mapping[str, object]", job)) if isinstance(job, dict) else body


def job_body(job: Mapping[str, object]) -> Mapping[str, object]:
    detail = job.get("error_message") or "The query failed on PostHog, which gives no reason."
    return {"detail": detail, "code": job.get("error_code"), "job": True}


def detail_of(body: Mapping[str, object]) -> str:
    """PostHog's message, wherever a body of its has one."""
    for name in ("detail", "error", "message"):
        found = body.get(name)
        if isinstance(found, str) and found.strip():
            return found.strip()[:MAX_DETAIL]
    return json.dumps(body)[:MAX_DETAIL] if body else ""


def job_error(job: Mapping[str, object], host: str) -> PostHogMcpError:
    """The error of a query job that PostHog reports as failed in an answer of status 200."""
    body = job_body(job)
    if not job.get("error_message"):
        return Unavailable(f"{host}: {body['detail']}", fix="Try again.", context={"reason": "query_failed"})
    return rejection(str(body["detail"])[:MAX_DETAIL], str(body["code"] or ""), None, host)


def wrong_region(host: str, other: str) -> Forbidden:
    name = other.partition("://")[2]
    return Forbidden(
        f"This key belongs to {name}; it was sent to {host}, which does not know it.",
        fix=f"Set {settings_for(other)}.",
        context={"reason": "wrong_region"},
    )


def lost(error: httpx.HTTPError, host: str) -> tuple[PostHogMcpError, Loss]:
    """A request that got no whole answer: what failed, without the request, and what that means for another try."""
    import httpx

    def unavailable(reason: str, text: str, fix: str) -> Unavailable:
        return Unavailable(f"{host} {text}", fix=fix, context={"reason": reason})

    if isinstance(error, httpx.ConnectTimeout):
        fix = "Check POSTHOG_BASE_URL, the network, firewall and proxy."
        return unavailable("timeout", "did not answer in time: it takes no connection.", fix), "unsent"
    if isinstance(error, httpx.PoolTimeout):
        return unavailable("busy", "is asked too much at once by this process.", "Try again."), "unsent"
    if isinstance(error, httpx.TimeoutException):
        return unavailable("timeout", "did not answer in time.", "Try again; check the network and proxy."), "late"
    if isinstance(error, httpx.ProxyError):
        fix = "Check HTTPS_PROXY and NO_PROXY."
        return unavailable("proxy", "cannot be reached: the proxy refuses.", fix), "final"
    if not isinstance(error, httpx.ConnectError):
        return unavailable("broken", f"broke off its answer ({type(error).__name__}).", "Try again."), "broken"
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = "cannot be trusted: its TLS certificate does not verify."
            fix = "Check POSTHOG_BASE_URL; for a certificate of your own set SSL_CERT_FILE."
            return unavailable("tls", text, fix), "final"
        if isinstance(cause, ssl.SSLError):
            fix = "Check scheme and port of POSTHOG_BASE_URL (http or https?)."
            return unavailable("tls", "cannot be reached: it does not speak TLS as expected.", fix), "final"
        if isinstance(cause, socket.gaierror):
            loss: Loss = "unsent" if cause.errno == socket.EAI_AGAIN else "final"
            fix = "Check the spelling of POSTHOG_BASE_URL, and DNS."
            return unavailable("dns", "cannot be reached: its name is unknown (DNS).", fix), loss
        if isinstance(cause, ConnectionRefusedError):
            fix = "Check host and port of POSTHOG_BASE_URL, and whether PostHog runs there."
            return unavailable(
                "refused", "cannot be reached: nothing listens there (connection refused).", fix
            ), "unsent"
    return unavailable("network", "cannot be reached.", "Check POSTHOG_BASE_URL and the network."), "unsent"


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that led to it, groups opened."""
    waiting, seen = [error], set[int]()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [each for each in (found.__cause__, found.__context__) if each is not None]
        if isinstance(found, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", found).exceptions


def looks_like_html(content: bytes | bytearray) -> bool:
    return content[:200].lstrip()[:1] == b"<"


def not_json(host: str, content_type: str, content: bytes | bytearray) -> Unavailable:
    """A good status with a body that no API gives."""
    if "html" in content_type or looks_like_html(content):
        fix = "Check that POSTHOG_BASE_URL is PostHog's own address and that nothing asks for a login in between."
        text = f"{host} answered with a web page, perhaps a login, instead of JSON."
        return Unavailable(text, fix=fix, context={"reason": "not_posthog"})
    text = f"{host} answered with something that is not JSON ({content_type[:60] or 'no content type'})."
    return Unavailable(text, fix="Check that POSTHOG_BASE_URL is PostHog's address.", context={"reason": "not_posthog"})


def without_secret(error: PostHogMcpError, secret: str) -> PostHogMcpError:
    """The same error with the secret taken out wherever it stands."""
    if secret and secret in f"{error.message}{error.fix}{error.context}":
        error.message, error.fix = (text.replace(secret, "[key]") for text in (error.message, error.fix))
        error.args = (error.message,)
        error.context = {
            name: value.replace(secret, "[key]") if isinstance(value, str) else value
            for name, value in error.context.items()
        }
    return error
