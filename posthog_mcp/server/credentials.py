"""Who a request comes from: its PostHog key, its OAuth token, or nobody in particular.

The key of a request goes to the settings' PostHog host and to nowhere else. What is refused says why, never what was
sent.
"""

from __future__ import annotations

import re
from typing import Literal, Protocol, cast

from pydantic import SecretStr
from starlette.requests import HTTPConnection

from posthog_mcp.safety.principals import Access, Principal, principal_id
from posthog_mcp.settings import REGIONS, Settings

LOCAL_KEY = "phx_local"
"""The embedded project's personal key, which is public."""
EMBEDDED = 1
"""The embedded project's number."""
MAX_KEY = 4_096
PLACE = re.compile(r"^/(?:(us|eu)/)?(?:([0-9]{1,12})/)?mcp/?$")
"""`/mcp`, `/eu/mcp`, `/123/mcp`, `/eu/123/mcp`; with a line end after it too, since Starlette's routes take that."""


class Refused(Exception):
    """No access; `error` is RFC 6750's code."""

    def __init__(self, error: str, message: str, status: int = 401) -> None:
        super().__init__(message)
        self.error, self.message, self.status = error, message, status


class Tokens(Protocol):
    """Verifies OAuth access tokens."""

    async def principal(self, token: str) -> Principal:
        """Whose token it is.

        Raises:
            Refused: it is not valid here.
        """
        ...


class Credentials:
    """The way that the settings choose."""

    def __init__(self, settings: Settings, tokens: Tokens | None) -> None:
        self._settings, self._tokens = settings, tokens

    async def access(self, request: HTTPConnection) -> Access | None:
        """What the request brings; None for the server's own project.

        Raises:
            Refused: it brings nothing where something is needed, or what it brings is wrong.
        """
        settings = self._settings
        if settings.auth == "open":
            return None
        token = bearer(request)
        if token is None:
            if settings.auth == "auto":
                return None
            raise Refused("", "A bearer token is needed.")
        project_id, region = project_of(request), region_of(request)
        if self._tokens is not None:
            principal = await self._tokens.principal(token)
            return Access(principal, None, permitted(principal, project_id, settings), None)
        return self.of_key(token, project_id, region)

    def of_key(self, key: str, project_id: int | None, region: Literal["us", "eu"] | None) -> Access:
        """The access of a personal API key.

        Raises:
            Refused: it is none.
        """
        if key.startswith("phc_"):
            raise Refused("invalid_token", "A phc_ project token can only send events; send a personal key (phx_...).")
        settings = self._settings
        embedded = settings.backend == "local" or (key == LOCAL_KEY and not settings.uses_posthog)
        host = "embedded" if embedded else settings.base_url or REGIONS[region or settings.region]
        who = f"key {key[:4]}...{key[-2:]}" if len(key) > 12 else "key"
        principal = Principal(principal_id("key", f"{host} {key}"), who, settings.default_role)
        return Access(principal, None if embedded else SecretStr(key), None if embedded else project_id, region)


def permitted(principal: Principal, project_id: int | None, settings: Settings) -> int | None:
    """The project to use: the one asked for, the server's, or the first of the principal's own.

    Raises:
        Refused: it is beyond what the principal may use.
    """
    if principal.projects is None:
        return project_id
    usual = (settings.project_id or 0) if settings.uses_posthog else EMBEDDED
    first = next(iter(principal.projects), None) if settings.uses_posthog else None
    wanted = project_id or (usual if principal.may_use(usual) else first)
    if wanted is None or not principal.may_use(wanted):
        named = f"project {project_id}" if project_id else "any project of this server"
        raise Refused("insufficient_scope", f"[forbidden] The token does not allow {named}.", 403)
    return wanted


def bearer(request: HTTPConnection) -> str | None:
    """The token of the Authorization header.

    Raises:
        Refused: there is something else in it.
    """
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].strip().partition(" ")
    token = token.strip()
    if len(given) > 1 or scheme.lower() != "bearer" or not token:
        raise Refused("invalid_request", "Send one header: Authorization: Bearer KEY.", 400)
    if len(token) > MAX_KEY or not token.isascii() or not token.isprintable() or " " in token:
        raise Refused("invalid_token", "That is no key.")
    return token


def project_of(request: HTTPConnection) -> int | None:
    """The project of the path or of the header X-PostHog-Project-Id.

    Raises:
        Refused: it is not a number.
    """
    place = PLACE.match(str(request.scope.get("posthog_mcp.path") or request.scope["path"]))
    given = (place[2] if place else None) or request.headers.get("x-posthog-project-id")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 10**12):
        raise Refused("invalid_request", "X-PostHog-Project-Id is not the number of a project.", 400)
    return int(given)


def region_of(request: HTTPConnection) -> Literal["us", "eu"] | None:
    """The region of the path or of the header X-PostHog-Region.

    Raises:
        Refused: there is no such region.
    """
    place = PLACE.match(str(request.scope.get("posthog_mcp.path") or request.scope["path"]))
    given = (place[1] if place else None) or request.headers.get("x-posthog-region")
    if not given:
        return None
    if given.lower() not in REGIONS:
        raise Refused("invalid_request", "X-PostHog-Region is us or eu.", 400)
    return cast("Literal['us', 'eu']", given.lower())
