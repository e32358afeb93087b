"""One project of a hundred people, its mail server, and MCP clients with and without a person who can be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitResult, TextContent

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.insights.made import Did, person_id, written
from tests.remote.test_shared import database, listens
from tests.reports.receivers import Mailbox, Receiver, mail_server, receiving

__all__ = ["database"]
PEOPLE = 100
REACHED = PEOPLE - 5
"""Without 3, 5, 7, 9 and 13, for the reasons below."""
NOW = datetime.now(UTC).replace(microsecond=0)
TEXT = {"subject": "Hello {{name | there}}", "body": "Dear {{name}},\n\nsee https://example.com/new today."}
FILE = """
targets:
  people: {channel: email, campaigns: true, to: me@example.com, per_minute: 6000}
  closed: {channel: email, to: me@example.com}
  channel: {channel: slack, campaigns: true, url: "https://hooks.slack.com/services/T/B/x"}
  slack: {channel: slack, campaigns: true, to: "#growth"}
  folder: {channel: file, campaigns: true, to: %s, per_minute: 6000}
"""


def at(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def events() -> list[Did]:
    """A hundred people sign up; the even ones pay; 3 has no address, 5 opted out, 7 unsubscribed, 9 shares 1's address,
    13's is none. Those under 20 have consented. 15 writes HTML and mentions as a name."""
    found: list[Did] = []
    addresses = {3: "", 9: "p1@example.com", 13: "p13@example.com, boss@example.com"}
    for number in range(PEOPLE):
        mail = addresses.get(number, f"p{number}@example.com")
        person: dict[str, Any] = {"email": mail, "name": f"Person {number}", "plan": "free" if number % 4 else "pro"}
        person |= {"unsubscribed": True} if number == 5 else {}
        person |= {"marketing_ok": "yes"} if number < 20 else {}
        person |= {"number": number}
        if number == 15:
            person["name"] = "<b>Eve</b> <!channel> [x](https://evil.example) & **loud**\r\nBcc: all@example.com"
        if number == 17:
            del person["name"]
        who = f"u{number}"
        found.append(Did(who, "signed_up", at(20), {}, person))
        found += [Did(who, "paid", at(10), {}, person)] if number % 2 == 0 else []
        found += [Did(who, "unsubscribed", at(5), {}, person)] if number == 7 else []
        found += [Did(who, "$ai_generation", at(4), {"$ai_trace_id": f"trace-{number}"}, person)] * (
            number in (1, 2, 4)
        )
    return found


@pytest.fixture(scope="session")
def mailbox() -> Any:
    with mail_server() as box:
        yield box


@pytest.fixture(scope="session")
async def settings(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Settings:
    """A project of these events, and targets that are open for campaigns."""
    folder = tmp_path_factory.mktemp("audience")
    export = folder / "events.jsonl"
    export.write_text(written(events(), "UTC"))
    project = ProjectSettings(name="Made", timezone="Europe/Berlin")
    await import_exports(Store(folder / "data" / "local"), [export], project=project)
    return with_file(folder / "data", FILE % (folder / "letters"), mailbox)


def with_file(data_dir: Path, text: str, mailbox: Mailbox, **more: Any) -> Settings:
    """Settings with this reports.yaml."""
    file = data_dir.parent / f"reports-{abs(hash(text))}.yaml"
    file.write_text(text)
    return Settings.load(
        data_dir=data_dir,
        backend="local",
        reports=file,
        smtp_url=mailbox.url,
        allow_writes=True,
        toolsets="all",
        **more,
    )


@pytest.fixture(scope="session")
async def client(settings: Settings) -> AsyncIterator[Client]:
    """A client that cannot ask its person."""
    async with Client(build_server(settings)) as connected:
        yield connected


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.skipif(not listens(5432), reason="no PostgreSQL at 127.0.0.1")),
    ]
)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A state database of the test's own."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("database"))
    return f"sqlite:///{tmp_path / 'state.sqlite'}"


@pytest.fixture
def crm() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


class Person:
    """Who is asked by the client: what they read, and what they say."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.agrees = True

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        self.read.append(params.message)
        return ElicitResult(action="accept", content={"confirm": self.agrees})


@pytest.fixture(scope="session")
async def asking(settings: Settings) -> AsyncIterator[tuple[Client, Person]]:
    """A client that asks a person, and the person."""
    person = Person()
    async with Client(build_server(settings), mode="legacy", elicitation_callback=person) as connected:
        yield connected, person


async def answered(client: Client, tool: str, **arguments: Any) -> tuple[dict[str, Any], str]:
    """Structured content and text."""
    result = await client.call_tool(tool, arguments)
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    assert not result.is_error, text
    assert result.structured_content is not None
    return result.structured_content, text


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await answered(client, tool, **arguments))[0]


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def made(client: Client, name: str, **how: Any) -> dict[str, Any]:
    """Both steps of a segment; one where the client asks its person."""
    plan = await call(client, "create_segment", name=name, **how)
    if plan["changed"]:
        return plan
    done = await call(client, "create_segment", name=name, **how, confirm_token=plan["confirm_token"])
    assert done["size"] == plan["size"]
    return {**plan, **done}


segments_made: dict[str, int] = {}


async def segment_under(client: Client, number: int, key: str) -> int:
    """A cohort of the people with a number below; one cohort for all tests of a project (`key`)."""
    name = f"under {number}"
    if f"{key} {name}" not in segments_made:
        criteria = [{"key": "number", "operator": "lt", "value": number}]
        segments_made[f"{key} {name}"] = (await made(client, name, criteria=criteria))["id"]
    return segments_made[f"{key} {name}"]


async def drafted(client: Client, name: str, *, under: int = 12, **more: Any) -> str:
    """A campaign to the people with a number below `under`; its id."""
    segment = more.pop("segment", None) or await segment_under(client, under, "made")
    fields = {"segment": segment, "target": "people", "cap_messages": 99, **TEXT, **more}
    return (await call(client, "draft_campaign", name=name, **fields))["campaign"]


def people(numbers: Any) -> set[str]:
    return {person_id(f"u{number}") for number in numbers}
