"""OAuth 2.1 resource server: access tokens (JWT, RFC 9068) verified with the issuer's keys, and RFC 9728 metadata.

Signature, issuer, audience, times and scopes are checked; only asymmetric algorithms are taken. The issuer's keys are
read when a token needs them, and again for an unknown key id, at most twice a minute.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import anyio

from posthog_mcp.results import Json
from posthog_mcp.safety.principals import ROLE_TOOLSETS, Principal, Role, principal_id
from posthog_mcp.server.credentials import Refused
from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY = 30
AGAIN_AFTER = 30.0
SECONDS = 10.0
MOST_DIGITS = 12
"""Of a project's number."""
METADATA = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


class JwtTokens:
    """Tokens of one issuer for this resource."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issuer = (settings.oauth_issuer or "").rstrip("/")
        self._keys: dict[str, PyJWK] = {}
        self._read_at = -AGAIN_AFTER
        self._reading = anyio.Lock()

    async def principal(self, token: str) -> Principal:
        """Whose token it is, and in which role.

        Raises:
            Refused: it is not valid, not for us, or lacks a scope.
        """
        claims = await self.claims(token)
        lacking = set(self._settings.oauth_scopes) - scopes_of(claims)
        if lacking:
            raise Refused("insufficient_scope", f"The token lacks: {' '.join(sorted(lacking))}.", 403)
        subject = str(claims["sub"])
        who = str(claims.get("email") or claims.get("preferred_username") or subject)
        pseudonym = principal_id("subject", f"{self._issuer} {subject}")
        return Principal(pseudonym, who[:200], self.role(claims), self.projects(claims))

    async def claims(self, token: str) -> Mapping[str, Any]:
        """The verified claims.

        Raises:
            Refused: signature, issuer, audience or times are wrong.
        """
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid") or ""))
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name] if key.algorithm_name in ALGORITHMS else [],
                audience=self._settings.oauth_audience or self._settings.public_url,
                issuer=[self._issuer, f"{self._issuer}/"],
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Refused("invalid_token", f"The token is not valid here: {type(error).__name__}.") from None

    def projects(self, claims: Mapping[str, Any]) -> tuple[int, ...] | None:
        """The projects that the projects claim lists, as numbers or a text; none where a set claim is missing."""
        name = self._settings.projects_claim
        if not name:
            return None
        given = claims.get(name)
        items = cast("list[object]", given) if isinstance(given, list) else str(given or "").replace(",", " ").split()
        texts = [str(item).removeprefix("posthog-mcp:") for item in items if not isinstance(item, bool)]
        return tuple(int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS)

    def role(self, claims: Mapping[str, Any]) -> Role:
        """The most that the roles claim allows; the default role where it names none of ours."""
        given = claims.get(self._settings.roles_claim)
        names = cast("list[object]", given) if isinstance(given, list) else str(given or "").split()
        held = {str(name).removeprefix("posthog-mcp:") for name in names}
        ours: list[Role] = [role for role in ROLE_TOOLSETS if role in held]
        return ours[-1] if ours else self._settings.default_role

    async def _key(self, kid: str) -> PyJWK:
        """The issuer's key of this id.

        Raises:
            Refused: there is none, or the issuer does not answer.
        """
        async with self._reading:
            if kid not in self._keys and time.monotonic() - self._read_at >= AGAIN_AFTER:
                self._keys = await self._read()
                self._read_at = time.monotonic()
        if kid not in self._keys:
            raise Refused("invalid_token", "The token was signed with a key that its issuer does not name.")
        return self._keys[kid]

    async def _read(self) -> dict[str, PyJWK]:
        """The issuer's signing keys.

        Raises:
            Refused: it does not answer, or not with keys.
        """
        import httpx
        import jwt

        try:
            async with httpx.AsyncClient(timeout=SECONDS) as client:
                found = (await client.get(await self._keys_address(client))).raise_for_status().json()
            return {str(key.key_id or ""): key for key in jwt.PyJWKSet.from_dict(found).keys}
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, AttributeError):
            raise Refused("temporarily_unavailable", "The issuer's keys cannot be read now.", 503) from None

    async def _keys_address(self, client: Any) -> str:
        """Where the keys are: as set, or as the issuer's metadata says.

        Raises:
            ValueError: the metadata names none.
        """
        if self._settings.oauth_jwks_url:
            return self._settings.oauth_jwks_url
        for path in METADATA:
            answer = await client.get(self._issuer + path)
            if answer.status_code == 200:
                return str(answer.json()["jwks_uri"])
        raise ValueError("no metadata")


def scopes_of(claims: Mapping[str, Any]) -> set[str]:
    """Scopes as RFC 9068 writes them, or as a list."""
    given = claims.get("scope", claims.get("scp", ""))
    return set(map(str, cast("list[object]", given))) if isinstance(given, list) else set(str(given).split())


def metadata(settings: Settings) -> dict[str, Json]:
    """Protected-resource metadata (RFC 9728)."""
    return {
        "resource": settings.public_url or settings.oauth_audience,
        "authorization_servers": [settings.oauth_issuer],
        "scopes_supported": list(settings.oauth_scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "posthog-mcp",
    }


def metadata_url(settings: Settings) -> str | None:
    """Where a client finds it: the well-known path put before the resource's own."""
    if settings.auth != "oauth" or not settings.public_url:
        return None
    address = urlsplit(settings.public_url)
    path = address.path.rstrip("/")
    return f"{address.scheme}://{address.netloc}/.well-known/oauth-protected-resource{path}"
