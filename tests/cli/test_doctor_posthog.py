"""`doctor` against a PostHog host: for each thing that can be wrong one line that names it, with the mend.

The host is the embedded project's REST API with keys, scopes, projects and a clock of the test's.
"""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from anyio.abc import AnyByteStream
from starlette.responses import HTMLResponse, JSONResponse

from posthog_mcp.commands.doctor_posthog import IMPATIENT, USEFUL, WRITES, posthog_findings
from posthog_mcp.commands.finding import Line
from posthog_mcp.settings import Settings
from tests.backends.posthog.fault_host import certificate_in, client_of, http, listening
from tests.backends.posthog.keyed_host import Key, KeyedHost, serving, serving_app
from tests.cli.test_commands import posthog_mcp

GOOD, READS, BAD, OLD, NARROW = (
    f"phx_{name}_{secrets.token_hex(8)}" for name in ("good", "reads", "bad", "old", "narrow")
)
EVERY_READ = ("user:read", "query:read", "project:read", *USEFUL)
KEYS = {
    GOOD: Key(),
    READS: Key(EVERY_READ),
    OLD: Key(refusal="Personal API key has expired."),
    NARROW: Key(("project:read",)),
}


def host(**more: Any) -> KeyedHost:
    return KeyedHost({**KEYS, **more.pop("keys", {})}, **more)


def settings_for(address: str, key: str, **more: Any) -> Settings:
    return Settings.load(**({"api_key": key, "project_id": 1, "base_url": address, "backend": "posthog"} | more))


async def lines_of(address: str, key: str, **more: Any) -> list[Line]:
    found = [line async for line in posthog_findings(settings_for(address, key, **more))]
    assert not any(key in f"{line.found}{line.mend}" for line in found)
    return found


def wrong(lines: list[Line]) -> Line:
    """The one line that is not ok; it says what to do."""
    [found] = [line for line in lines if line.state != "ok"]
    assert found.mend
    return found


async def doctor(address: str, key: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as people run it."""
    project = {"POSTHOG_BASE_URL": address, "POSTHOG_API_KEY": key, "POSTHOG_PROJECT_ID": "1"}
    variables = {**project, "POSTHOG_MCP_DATA_DIR": str(folder)}
    return await anyio.to_thread.run_sync(partial(posthog_mcp, "doctor", **variables))


@pytest.mark.parametrize(
    ("key", "scopes"), [(GOOD, "full access"), (READS, f"{len(EVERY_READ)} scopes")], ids=["full access", "reads"]
)
async def test_a_good_key_has_nothing_wrong(demo_dir: Path, key: str, scopes: str) -> None:
    async with serving(host(), demo_dir) as address:
        found = {line.what: line for line in await lines_of(address, key)}
    assert {line.state for line in found.values()} == {"ok"}
    assert list(found) == ["host", "key", "scopes", "project", "queries", "clock"]
    assert scopes in found["scopes"].found
    assert "Demo" in found["project"].found


async def test_full_access_is_advised_against_where_nothing_is_written(demo_dir: Path) -> None:
    async with serving(host(), demo_dir) as address:
        for writes in (False, True):
            [found] = [line for line in await lines_of(address, GOOD, allow_writes=writes) if line.what == "scopes"]
            assert bool(found.mend) is not writes


Case = tuple[str, dict[str, Any], str, dict[str, Any], tuple[str, str], str, str]
CASES: list[Case] = [
    ("bad key", {}, BAD, {}, ("failed", "key"), "Invalid personal API key", "POSTHOG_API_KEY"),
    ("expired key", {}, OLD, {}, ("failed", "key"), "expired", "Make a new key"),
    ("no scope to query", {}, NARROW, {}, ("failed", "scopes"), "lacks query:read", "query:read"),
    ("no scope to query, which the host does not tell", {"keys": {NARROW: replace(KEYS[NARROW], tells_scopes=False)}}, NARROW, {}, ("failed", "queries"), "missing required scope 'query:read'", "query:read"),
    ("no scope for the project, which the host does not tell", {"keys": {NARROW: Key(("query:read",), tells_scopes=False)}}, NARROW, {}, ("failed", "project"), "missing required scope 'project:read'", "project:read"),
    ("no scope for cohorts", {"keys": {READS: Key(tuple(each for each in EVERY_READ if each != "cohort:read"))}}, READS, {}, ("warning", "scopes"), "lacks cohort:read", "Add"),
    ("no scope to write", {}, READS, {"allow_writes": True}, ("warning", "scopes"), WRITES[0], "Add"),
    ("another project", {}, GOOD, {"project_id": 77}, ("failed", "project"), "no project 77", "one of: 1 Demo"),
    ("several projects", {"projects": ((1, "Demo"), (2, "Shop"))}, GOOD, {"project_id": None}, ("failed", "project"), "sees 2 projects", "1 Demo, 2 Shop"),
    ("no project", {"projects": ()}, GOOD, {"project_id": None}, ("failed", "project"), "sees 0 projects", "POSTHOG_PROJECT_ID"),
    ("clock ahead", {"ahead": timedelta(hours=-1)}, GOOD, {}, ("warning", "clock"), "s ahead of the host's", "system clock"),
    ("clock behind", {"ahead": timedelta(minutes=3)}, GOOD, {}, ("warning", "clock"), "s behind the host's", "system clock"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hosted", "key", "more", "line", "found", "mend"), CASES, ids=[case[0] for case in CASES]
)
async def test_what_is_wrong_is_one_line(
    demo_dir: Path,
    name: str,
    hosted: dict[str, Any],
    key: str,
    more: dict[str, Any],
    line: tuple[str, str],
    found: str,
    mend: str,
) -> None:
    async with serving(host(**hosted), demo_dir) as address:
        told = wrong(await lines_of(address, key, **more))
    assert (told.state, told.what) == line
    assert found in told.found
    assert mend in told.mend


async def test_a_key_limited_to_projects_is_told_to_name_one(demo_dir: Path) -> None:
    async with serving(host(keys={GOOD: Key(limited=True)}), demo_dir) as address:
        assert all(line.state == "ok" for line in await lines_of(address, GOOD))
        told = wrong(await lines_of(address, GOOD, project_id=None))
    assert (told.what, "POSTHOG_PROJECT_ID" in told.mend) == ("project", True)


async def test_a_key_of_the_other_region_is_told_with_the_setting(demo_dir: Path) -> None:
    async with serving(host(), demo_dir) as there, serving(KeyedHost({}), demo_dir) as here:
        manners = replace(IMPATIENT, siblings={here: there})
        told = wrong([line async for line in posthog_findings(settings_for(here, GOOD), manners)])
    assert (told.state, told.what) == ("failed", "key")
    assert "belongs to" in told.found
    assert there in told.mend


async def html(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await HTMLResponse("<!doctype html><title>Sign in</title>")(scope, receive, send)


async def another_api(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await JSONResponse({"detail": "Not found."}, 404)(scope, receive, send)


async def nothing_there(stream: AnyByteStream) -> None:
    await stream.aclose()


@asynccontextmanager
async def unreachable(kind: str, folder: Path) -> AsyncIterator[str]:
    """An address at which there is no PostHog."""
    if kind == "TLS":
        async with client_of(http(200), tls=certificate_in(folder).server()) as (client, _):
            yield client.base_url
    elif kind in {"a web page", "another API"}:
        async with serving_app(html if kind == "a web page" else another_api) as address:
            yield address
    elif kind == "hangs up":
        async with listening(nothing_there) as port:
            yield f"http://127.0.0.1:{port}"
    else:
        yield {"DNS": "http://nowhere.invalid", "refused": "http://127.0.0.1:9", "no port": "http://127.0.0.1:99999"}[
            kind
        ]


UNREACHABLE = {
    "DNS": ("name is unknown", "spelling"),
    "refused": ("nothing listens there", "host and port"),
    "no port": ("no address", "https://"),
    "TLS": ("certificate does not verify", "SSL_CERT_FILE"),
    "a web page": ("web page", "POSTHOG_BASE_URL"),
    "another API": ("has no PostHog API", "POSTHOG_BASE_URL"),
    "hangs up": ("broke off", "Try again"),
}


@pytest.mark.parametrize("kind", UNREACHABLE)
async def test_a_host_that_is_none_is_one_line_and_the_exit_code(tmp_path: Path, kind: str) -> None:
    async with unreachable(kind, tmp_path) as address:
        told = wrong(await lines_of(address, GOOD))
        done = await doctor(address, GOOD, tmp_path)
    found, mend = UNREACHABLE[kind]
    assert (told.state, told.what) == ("failed", "host")
    assert found in told.found
    assert mend in told.mend
    assert done.returncode == 1
    assert done.stderr == ""
    assert told.mend in done.stdout


EXITS: list[tuple[str, str, Callable[[], KeyedHost], int, str]] = [
    ("good", GOOD, host, 0, r"ok +queries"),
    ("bad", BAD, host, 1, r"failed +key .*Invalid"),
    ("expired", OLD, host, 1, r"failed +key .*expired"),
    ("narrow", NARROW, host, 1, r"failed +scopes .*query:read"),
    ("wrong clock", GOOD, partial(host, ahead=timedelta(hours=2)), 0, r"warning +clock .* behind"),
]


@pytest.mark.parametrize(("name", "key", "hosted", "code", "line"), EXITS, ids=[row[0] for row in EXITS])
async def test_the_command_prints_it_and_exits(
    demo_dir: Path, tmp_path: Path, name: str, key: str, hosted: Callable[[], KeyedHost], code: int, line: str
) -> None:
    serves = hosted()
    async with serving(serves, demo_dir) as address:
        done = await doctor(address, key, tmp_path)
    assert serves.heard, "the host was asked"
    assert done.returncode == code, done.stdout
    assert re.search(line, done.stdout)
    wrong = re.findall("^(?:failed|warning) +(?:host|key|scopes|project|queries|clock) ", done.stdout, re.MULTILINE)
    assert len(wrong) == (0 if name == "good" else 1)
    assert key not in done.stdout + done.stderr


async def test_it_asks_little_and_changes_nothing(demo_dir: Path) -> None:
    serves = host()
    async with serving(serves, demo_dir) as address:
        await lines_of(address, GOOD)
    assert len(serves.asked) <= 5
    assert [(method, body["query"]["kind"]) for method, _, body in serves.asked if method != "GET"] == [
        ("POST", "HogQLMetadata")
    ]
