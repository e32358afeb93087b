"""OAuth 2.1: only tokens of the issuer, for this resource, in time and with their scopes; roles narrow the tools."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.rest.app import rest_app
from tests.insights.served import serving
from tests.remote.calls import ask, call, server_of, tools

RESOURCE = "https://mcp.example.com/mcp"
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
OTHER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
Sign = Callable[..., str]


@asynccontextmanager
async def issuing() -> AsyncIterator[str]:
    """An authorization server's metadata and keys."""
    address: list[str] = []
    public: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k1", "alg": "RS256"}

    async def config(request: Any) -> JSONResponse:
        return JSONResponse({"issuer": address[0], "jwks_uri": f"{address[0]}/keys"})

    async def keys(request: Any) -> JSONResponse:
        return JSONResponse({"keys": [public]})

    routes = [Route("/.well-known/openid-configuration", config), Route("/keys", keys)]
    async with serving(Starlette(routes=routes)) as found:
        address.append(found)
        yield found


@pytest.fixture(scope="module")
async def signed_in(demo_dir: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Sign]]:
    async with issuing() as issuer:

        def sign(key: Any = KEY, algorithm: str = "RS256", kid: str = "k1", **claims: Any) -> str:
            usual = {"iss": issuer, "aud": RESOURCE, "sub": "ada", "exp": time.time() + 600, "scope": "mcp analytics"}
            given = {name: value for name, value in (usual | claims).items() if value is not None}
            return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid})

        more = {"auth": "oauth", "oauth_issuer": issuer, "public_url": RESOURCE, "oauth_scopes": "mcp"}
        async with server_of(demo_dir, backend="local", allow_writes=True, default_role="viewer", **more) as client:
            yield client, sign


async def test_a_token_of_the_issuer_comes_in(signed_in: tuple[httpx.AsyncClient, Sign]) -> None:
    client, sign = signed_in

    assert "discover_objects" in await tools(client, sign())


PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
WRONG: dict[str, dict[str, Any]] = {
    "another resource": {"aud": "https://other.example/mcp"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://evil.example"},
    "expired": {"exp": time.time() - 3_600},
    "no end": {"exp": None},
    "not yet": {"nbf": time.time() + 3_600},
    "no subject": {"sub": None},
    "another key": {"key": OTHER},
    "unknown key id": {"kid": "k9"},
    "another kind of key": {"key": ec.generate_private_key(ec.SECP256R1()), "algorithm": "ES256"},
}


@pytest.mark.parametrize("what", WRONG)
async def test_wrong_tokens_are_refused(signed_in: tuple[httpx.AsyncClient, Sign], what: str) -> None:
    client, sign = signed_in
    answer = await ask(client, "tools/list", {}, sign(**WRONG[what]))

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("token", ["none", "public key as secret", "no token at all", "a.b.c"])
async def test_forged_tokens_are_refused(signed_in: tuple[httpx.AsyncClient, Sign], token: str) -> None:
    client, sign = signed_in
    head, body, _ = sign().split(".")
    if token == "none":
        token = jwt.encode(jwt.decode(sign(), options={"verify_signature": False}), "", algorithm="none")
    elif token == "public key as secret":
        import base64
        import hashlib
        import hmac

        head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1","typ":"JWT"}').decode().rstrip("=")
        mark = hmac.new(PUBLIC, f"{head}.{body}".encode(), hashlib.sha256).digest()
        token = f"{head}.{body}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"

    assert (await ask(client, "tools/list", {}, token.replace(" ", ""))).status_code in (401, 429)


async def test_a_missing_scope_is_told(signed_in: tuple[httpx.AsyncClient, Sign]) -> None:
    client, sign = signed_in
    answer = await ask(client, "tools/list", {}, sign(scope="other"))

    assert answer.status_code == 403
    assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_clients_find_the_authorization_server(signed_in: tuple[httpx.AsyncClient, Sign]) -> None:
    client, _ = signed_in
    refused = await ask(client, "tools/list", {})
    found = (await client.get("/.well-known/oauth-protected-resource/mcp")).json()

    expected = 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'
    assert expected in refused.headers["www-authenticate"]
    assert (found["resource"], found["scopes_supported"]) == (RESOURCE, ["mcp"])


ROLES: dict[str, tuple[set[str], set[str]]] = {
    "viewer": ({"discover_objects", "run_insight"}, {"execute_hogql", "call_api", "save_insight"}),
    "analyst": ({"execute_hogql", "call_api"}, {"save_insight"}),
    "editor": ({"execute_hogql", "save_insight"}, set()),
}


@pytest.mark.parametrize("role", ROLES)
async def test_roles_decide_over_tools(signed_in: tuple[httpx.AsyncClient, Sign], role: str) -> None:
    client, sign = signed_in
    token = sign(roles=[role], sub=role)
    has, lacks = ROLES[role]
    listed = set(await tools(client, token))

    assert has <= listed
    assert not lacks & listed
    for tool in lacks:
        answer = await call(client, tool, {}, token)
        assert answer["content"][0]["text"].startswith("[forbidden]")


async def test_writes_need_the_role(signed_in: tuple[httpx.AsyncClient, Sign]) -> None:
    client, sign = signed_in
    change = {"path": "P/annotations/", "method": "POST", "body": {"content": "x"}}
    analyst = await call(client, "call_api", change, sign(roles="analyst"))
    editor = await call(client, "call_api", change, sign(roles="editor"))

    assert analyst["content"][0]["text"].startswith("[write_disabled]")
    assert "confirm_token" in editor["structuredContent"]


async def test_people_behind_one_server_key_have_their_own_history(signed_in: tuple[httpx.AsyncClient, Sign]) -> None:
    client, sign = signed_in
    await call(client, "execute_hogql", {"query": "SELECT 42 AS adas"}, sign(roles="analyst", sub="ada"))
    found = await call(client, "query_history", {}, sign(roles="analyst", sub="bob"))

    assert "adas" not in str(found)


@pytest.fixture(scope="module")
async def several(
    demo_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[httpx.AsyncClient, Sign]]:
    """One PostHog key on the server, people whose tokens name the projects that they may use."""
    driver = LocalDriver(demo_dir)
    async with issuing() as issuer, serving(rest_app(driver)) as posthog:

        def sign(**claims: Any) -> str:
            usual = {"iss": issuer, "aud": RESOURCE, "sub": "ada", "exp": time.time() + 600}
            return jwt.encode({**usual, **claims}, KEY, algorithm="RS256", headers={"kid": "k1"})

        more = {"auth": "oauth", "oauth_issuer": issuer, "public_url": RESOURCE, "projects_claim": "posthog_projects"}
        place = {"base_url": posthog, "api_key": "phx_local", "backend": "posthog", "project_id": 1}
        async with server_of(tmp_path_factory.mktemp("several"), **more, **place) as client:
            yield client, sign
    await driver.aclose()


COUNT = {"query": "SELECT 1 AS one"}
CLAIMS: dict[str, Any] = {"a list": [1], "numbers as text": ["1", "7"], "a text": "7, 1", "prefixed": ["posthog-mcp:1"]}


@pytest.mark.parametrize("what", CLAIMS)
async def test_a_token_opens_its_projects(several: tuple[httpx.AsyncClient, Sign], what: str) -> None:
    client, sign = several
    found = await call(client, "execute_hogql", COUNT, sign(posthog_projects=CLAIMS[what]))

    assert found["structuredContent"]["rows"] == [[1]]


async def test_a_project_beyond_the_token_is_forbidden(several: tuple[httpx.AsyncClient, Sign]) -> None:
    client, sign = several
    token = sign(posthog_projects=[1])
    told = await call(client, "execute_hogql", {**COUNT, "project_id": 2}, token)
    by_header = await ask(client, "tools/list", {}, token, **{"x-posthog-project-id": "2"})
    by_path = await ask(client, "tools/list", {}, token, path="/2/mcp")

    assert told["content"][0]["text"].startswith("[forbidden]")
    assert (by_header.status_code, by_path.status_code) == (403, 403)
    assert "[forbidden]" in by_header.text


@pytest.mark.parametrize(
    "claims", [{}, {"posthog_projects": []}, {"posthog_projects": "all"}, {"posthog_projects": [True]}]
)
async def test_a_token_without_projects_opens_none(
    several: tuple[httpx.AsyncClient, Sign], claims: dict[str, Any]
) -> None:
    client, sign = several

    assert (await ask(client, "tools/list", {}, sign(**claims))).status_code == 403


async def test_a_token_that_loses_a_project_loses_it_at_once(several: tuple[httpx.AsyncClient, Sign]) -> None:
    client, sign = several
    before = await call(client, "execute_hogql", {**COUNT, "project_id": 1}, sign(sub="eve", posthog_projects=[1, 2]))
    after = await call(client, "execute_hogql", {**COUNT, "project_id": 1}, sign(sub="eve", posthog_projects=[2]))

    assert not before.get("isError")
    assert after["content"][0]["text"].startswith("[forbidden]")
