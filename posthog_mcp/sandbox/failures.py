"""E2B's exceptions as ours. Which of them mean that a sandbox is gone, or that time ran out, is said here only."""

from __future__ import annotations

from posthog_mcp.errors import PostHogMcpError, RateLimited, Unavailable
from posthog_mcp.sandbox.access import Access


class NoSandbox(Unavailable):
    """No sandbox can be made; nothing has run."""


class Gone(Exception):
    """The sandbox has ended. `started`: the command may have begun."""

    def __init__(self, started: bool) -> None:
        super().__init__()
        self.started = started


class Overflow(Exception):
    """A command printed more than it may."""


def is_gone(error: Exception) -> bool:
    from e2b import SandboxNotFoundException
    from e2b.exceptions import SandboxNotRunningException, SandboxUnreachableException

    return isinstance(error, SandboxNotFoundException | SandboxNotRunningException | SandboxUnreachableException)


def is_late(error: Exception) -> bool:
    from e2b import TimeoutException

    return isinstance(error, TimeoutException) and not is_gone(error)


def creation_failed(error: Exception, access: Access) -> NoSandbox:
    """Why there is no sandbox, and which setting mends it."""
    from e2b import AuthenticationException, NotFoundException, RateLimitException

    said = told(error, access)
    if isinstance(error, AuthenticationException):
        return NoSandbox(f"E2B refuses the key: {said}", fix="Check E2B_API_KEY, and E2B_DOMAIN where E2B is your own.")
    if isinstance(error, RateLimitException):
        return NoSandbox(f"E2B's quota is used up: {said}", fix="Try again in a minute, or end other sandboxes.")
    if isinstance(error, NotFoundException) or "template" in said:
        fix = "Set POSTHOG_MCP_SANDBOX_TEMPLATE to a template of your E2B account."
        return NoSandbox(f"E2B has no template {access.template!r}: {said}", fix=fix)
    return NoSandbox(f"E2B makes no sandbox: {said}", fix="Try again in a minute; check E2B_API_URL and the network.")


def use_failed(error: Exception, access: Access) -> PostHogMcpError:
    """A sandbox that was there and failed."""
    from e2b import RateLimitException

    said = told(error, access)
    if isinstance(error, RateLimitException):
        return RateLimited(f"E2B: {said}", fix="Wait a minute and try again.")
    return Unavailable(f"The sandbox failed: {said}", fix="Call again; a new sandbox is made.")


def told(error: Exception, access: Access) -> str:
    """What the SDK says, short and without secrets."""
    text = access.scrubbed(str(error) or type(error).__name__).split("\n", 1)[0]
    return text if len(text) <= 300 else f"{text[:300]}…"
