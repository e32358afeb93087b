"""The team's own words: checked, found by their exact name, cited, moved as files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from posthog_mcp.knowledge import definitions
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.insights.made import Did, project_of

FORMULA = "countIf(event = 'paid') / countIf(event = 'joined')"


def events() -> list[Did]:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    names = ["joined", "joined", "joined", "joined", "paid"]
    return [Did(f"p{at}", name, (yesterday + timedelta(seconds=at)).isoformat()) for at, name in enumerate(names)]


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[Project]:
    async with project_of(tmp_path, events()) as made:
        yield made


@pytest.fixture
async def client(project: Project, tmp_path: Path) -> AsyncIterator[Client]:
    settings = Settings.load(data_dir=project.settings.data_dir, backend="local", allow_writes=True)
    async with Client(build_server(settings)) as connected:
        yield connected


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


async def test_a_saved_metric_is_planned_by_its_name_cited_and_gives_its_number(client: Client) -> None:
    await call(client, "save_definition", name="Pay Rate", kind="metric", hogql=FORMULA, description="Paid per join")
    plan = await call(client, "plan_question", question="how is our pay rate doing?")
    assert plan["definitions"][0]["uri"] == "posthog://knowledge/pay-rate"
    rows = await call(client, "execute_hogql", query=plan["metrics"][0]["hogql"])
    assert [row[1] for row in rows["rows"]] == [0.25]
    insight = await call(client, plan["next"]["tool"], **plan["next"]["arguments"])
    assert 0.25 in [cell for row in insight["rows"] for cell in row]


async def test_an_event_definition_names_the_event_of_a_plan(client: Client) -> None:
    await call(client, "save_definition", name="convert to gold", kind="event", events=["paid"])
    plan = await call(client, "plan_question", question="how many people convert to gold per day")
    assert "paid" in str([each["params"] for each in plan["templates"]])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"kind": "metric", "hogql": "uniq(persn_id)"}, "person_id"),
        ({"kind": "metric", "hogql": "count("}, "[hogql_syntax]"),
        ({"kind": "metric"}, "formula"),
        ({"kind": "event", "events": ["joind"]}, "joined"),
        ({"kind": "event"}, "events"),
        ({"kind": "entry"}, "text"),
        ({"kind": "entry", "description": "```hogql\nSELECT nothing FROM events\n```"}, "nothing"),
    ],
)
async def test_a_wrong_definition_is_refused_with_the_mend(
    client: Client, arguments: dict[str, Any], says: str
) -> None:
    result = await client.call_tool("save_definition", {"name": "made", **arguments})
    assert result.is_error
    assert says in result.content[0].text  # pyright: ignore[reportAttributeAccessIssue]
    assert (await call(client, "search_knowledge", kind="definition"))["rows"] == []


async def test_a_metric_that_is_no_aggregate_is_refused(client: Client) -> None:
    result = await client.call_tool("save_definition", {"name": "made", "kind": "metric", "hogql": "event"})
    assert result.is_error


async def test_an_entry_is_found_read_changed_and_deleted(client: Client) -> None:
    text = "We call a workspace golden when it pays for a year."
    await call(client, "save_definition", name="Golden workspace", kind="entry", description=text, tags=["Sales"])
    assert (await call(client, "search_knowledge", query="golden", tag="sales"))["rows"][0][0] == "golden-workspace"
    again = await call(client, "save_definition", name="Golden workspace", kind="entry", description="Two years.")
    assert again["replaced"]
    assert "Two years" in (await call(client, "read_knowledge", id="golden-workspace"))["text"]
    gone = await call(client, "delete_definition", name="golden WORKSPACE")
    assert "Two years" in gone["text"]
    assert (await client.call_tool("read_knowledge", {"id": "golden-workspace"})).is_error


async def test_shipped_entries_cannot_be_replaced_or_deleted(client: Client) -> None:
    taken = await client.call_tool("save_definition", {"name": "Cohort retention", "kind": "entry", "description": "x"})
    assert taken.is_error
    assert (await client.call_tool("delete_definition", {"name": "cohort-retention"})).is_error


async def test_writes_are_not_offered_unless_allowed(tmp_path: Path) -> None:
    async with Client(build_server(Settings.load(data_dir=tmp_path, backend="local"))) as connected:
        names = {tool.name for tool in (await connected.list_tools()).tools}
    assert "plan_question" in names
    assert not names & {"save_definition", "delete_definition"}


async def test_definitions_move_as_files(project: Project, tmp_path: Path) -> None:
    front = {"id": "pay-rate", "kind": "definition", "title": "pay rate", "name": "pay rate", "defines": "metric"}
    await definitions.save(project, {**front, "hogql": FORMULA}, "")
    (file,) = await definitions.export(project, tmp_path / "git")
    await definitions.delete(project, "pay rate")
    assert await definitions.metric(project, "pay rate") is None
    await definitions.take_in(project, file.parent)
    found = await definitions.metric(project, "PAY RATE")
    assert found
    assert found.formula == FORMULA


async def test_a_teams_folder_is_the_store_and_its_broken_files_are_named(project: Project, tmp_path: Path) -> None:
    team = tmp_path / "team"
    team.mkdir()
    (team / "broken.md").write_text("no front matter")
    settings = Settings.load(data_dir=project.settings.data_dir, backend="local", allow_writes=True, knowledge_dir=team)
    async with Client(build_server(settings)) as client:
        await call(client, "save_definition", name="pay rate", kind="metric", hogql=FORMULA)
        assert "defines: metric" in (team / "pay-rate.md").read_text()
        found = await call(client, "search_knowledge", kind="definition")
        assert [row[0] for row in found["rows"]] == ["pay-rate"]
        assert "broken.md" in found["warnings"][0]["message"]
        await call(client, "delete_definition", name="pay rate")
        assert not (team / "pay-rate.md").exists()


async def test_an_analysis_gets_a_definition_as_an_insight_call(project: Project) -> None:
    front = {"id": "pay-rate", "kind": "definition", "title": "pay rate", "name": "pay rate", "defines": "metric"}
    await definitions.save(project, {**front, "hogql": FORMULA, "events": ["paid", "joined"]}, "")
    assert await definitions.resolved(project, "nothing") is None
    call_of = await definitions.resolved(project, "pay rate")
    assert call_of
    assert call_of["kind"] == "trends"
    assert "date_from" not in call_of


async def test_two_projects_do_not_share_definitions(tmp_path: Path) -> None:
    async with open_project(Settings.load(data_dir=tmp_path, backend="local")) as project:
        await project.definitions.save(1, "a", "text")
        assert await project.definitions.texts(1) == {"a": "text"}
        assert await project.definitions.texts(2) == {}
