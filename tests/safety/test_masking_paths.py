"""No planted value leaves by any path while masking is on, and joins still work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from mcp import Client

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.house.rules import ROOT
from tests.safety.planted import EMAIL, NAME, PLANTED, TOKEN, WHO, all_of, client_of, leaks, make


@pytest.fixture(scope="module")
async def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await make(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module", params=["pii", "strict"])
async def masked(request: pytest.FixtureRequest, data: Path) -> Any:
    async with client_of(data, mask=request.param) as client:
        yield client


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("execute_hogql", {"query": "SELECT * FROM events"}),
    ("execute_hogql", {"query": "SELECT * FROM persons"}),
    ("execute_hogql", {"query": "SELECT properties FROM events", "format": "csv"}),
    ("execute_hogql", {"query": "SELECT properties.note, properties.$ip FROM events", "format": "markdown"}),
    ("execute_hogql", {"query": "SELECT properties.customerName AS x, person.properties.name AS y FROM events"}),
    ("execute_hogql", {"query": "SELECT upper(substring(properties.email, 1, 99)) AS x FROM events"}),
    ("execute_hogql", {"query": "SELECT JSONExtractString(properties, 'customerName') AS x FROM events"}),
    ("execute_hogql", {"query": "SELECT person.properties['name'] AS x FROM events"}),
    ("execute_hogql", {"query": "WITH p AS (SELECT properties.name AS n, id FROM persons) SELECT n AS z FROM p"}),
    ("execute_hogql", {"query": "SELECT groupArray(y) FROM (SELECT properties.name y FROM persons)"}),
    ("execute_hogql", {"query": "SELECT (properties.name, 1) AS t FROM persons"}),
    ("execute_hogql", {"query": "SELECT x.1 AS z FROM (SELECT (properties.name, 1) AS x FROM persons)"}),
    ("execute_hogql", {"query": "SELECT arrayJoin(JSONExtractKeysAndValuesRaw(properties)) AS p FROM persons"}),
    ("execute_hogql", {"query": "SELECT p.1 AS k, p.2 AS v FROM (SELECT arrayJoin("
                                "JSONExtractKeysAndValuesRaw(properties)) AS p FROM persons)"}),
    ("execute_hogql", {"query": "SELECT concat('Dear ', properties.name) AS g FROM persons"}),
    ("execute_hogql", {"query": "SELECT 'x' AS v UNION ALL SELECT properties.name FROM persons"}),
    ("execute_hogql", {"query": f"SELECT count() FROM events WHERE properties.email = '{EMAIL}'"}),
    ("execute_hogql", {"query": f"SELECT '{EMAIL}' AS x"}),
    ("execute_hogql", {"query": f"SELECT nothing FROM events WHERE properties.email = '{EMAIL}'"}),
    ("validate_hogql", {"query": f"SELECT count() FROM events WHERE properties.email = '{EMAIL}'", "format": True}),
    ("query_history", {}),
    ("show_last_script", {}),
    ("get_object_fields", {"name": "bought"}),
    ("get_object_fields", {"name": "bought", "values_for": "customerName"}),
    ("get_object_fields", {"name": "persons"}),
    ("get_object_fields", {"name": "name", "kind": "person_property"}),
    ("get_object_fields", {"name": "email", "kind": "property"}),
    ("discover_objects", {}),
    ("discover_objects", {"kind": "event"}),
    ("discover_objects", {"kind": "person_property"}),
    ("run_insight", {"kind": "trends", "series": [{"event": "bought", "math": "dau"}], "breakdown": "person:email",
                     "date_from": "2026-10-01", "date_to": "2026-10-07"}),
    ("run_insight", {"kind": "trends", "series": [{"event": "bought"}], "breakdown": "customerName",
                     "date_from": "2026-10-01", "date_to": "2026-10-07"}),
    ("run_insight", {"kind": "paths", "date_from": "2026-10-01", "date_to": "2026-10-07"}),
    ("run_insight", {"kind": "trends", "series": [{"event": "bought", "filters": [{"key": "email", "value": EMAIL}]}],
                     "date_from": "2026-10-01", "date_to": "2026-10-07"}),
    ("run_insight", {"kind": "trends", "series": [{"event": "bought"}], "date_from": "2026-10-01",
                     "date_to": "2026-10-07", "actors": {"period": "2026-10-02"}}),
    ("get_object_fields", {"name": EMAIL}),
    ("read_trace", {"trace_id": "t-1", "detail": "full"}),
    ("list_traces", {"date_from": "2026-10-01", "date_to": "2026-10-07"}),
    ("collect_theme", {"theme": "ux_issues", "date_from": "2026-10-01", "date_to": "2026-10-07", "rewind": True}),
    ("run_theme", {"theme": "ux_issues", "date_from": "2026-10-01", "date_to": "2026-10-07", "rewind": True}),
    ("list_segments", {}),
    ("plan_question", {"question": f"why did {EMAIL} leave?"}),
    ("search_knowledge", {"query": EMAIL}),
    ("render_chart", {"columns": ["customerName", "n"], "rows": [[NAME, 1], [EMAIL, 2]], "type": "bar"}),
    ("call_api", {"path": "P/persons/"}),
    ("call_api", {"path": "P/events/"}),
    ("call_api", {"path": "P/persons/values/", "params": {"key": "name"}}),
    ("call_api", {"path": "P/events/values/", "params": {"key": "customerName"}}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments"), CALLS, ids=[f"{n}-{each[0]}" for n, each in enumerate(CALLS)])
async def test_no_tool_gives_planted_data(masked: Client, tool: str, arguments: dict[str, Any]) -> None:
    result = await masked.call_tool(tool, arguments)

    assert leaks(all_of(result)) == []


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def kept_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*.result"))


async def rows(client: Client, query: str) -> list[list[Any]]:
    result = await client.call_tool("execute_hogql", {"query": query})
    assert result.structured_content is not None, all_of(result)
    return result.structured_content["rows"]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
async def test_no_export_or_resource_gives_planted_data(masked: Client, form: str) -> None:
    ran = await masked.call_tool("execute_hogql", {"query": "SELECT *, person.properties.name AS n FROM events"})
    assert ran.structured_content is not None
    exported = await masked.call_tool("export_result", {"query_id": ran.structured_content["query_id"], "format": form})
    assert exported.structured_content is not None, all_of(exported)
    file = read(Path(exported.structured_content["path"]))
    resource = await masked.read_resource(exported.structured_content["uri"])

    assert leaks(all_of(exported), file, all_of(resource)) == []
    assert "bought" in file or form == "parquet"


async def test_charts_and_events_hold_none(masked: Client) -> None:
    chart = await masked.call_tool("render_chart", {
        "columns": ["name", "n"], "rows": [[NAME, 1], [EMAIL, 2]], "type": "bar"})  # fmt: skip
    events = await masked.read_resource("posthog://events")

    assert EMAIL not in all_of(chart)
    assert leaks(all_of(events)) == []


async def test_kept_files_hold_none(data: Path) -> None:
    async with client_of(data, mask="strict", mask_deny="plan") as client:
        before = kept_in(data)
        await rows(client, "SELECT *, person.properties.name FROM events")
    kept = kept_in(data) - before

    assert kept
    assert leaks(*map(read, kept)) == []


async def test_results_of_an_unmasked_server_stay_shut(data: Path) -> None:
    async with client_of(data) as client:
        ran = await client.call_tool("execute_hogql", {"query": "SELECT properties.email FROM events"})
        assert EMAIL in all_of(ran)
        assert ran.structured_content is not None
    async with client_of(data, mask="pii") as client:
        exported = await client.call_tool("export_result", {"query_id": ran.structured_content["query_id"]})

    assert exported.is_error
    assert leaks(all_of(exported)) == []


async def test_joins_counts_and_other_columns_survive(masked: Client) -> None:
    query = (
        "SELECT e.properties.email AS a, p.properties.email AS b, e.properties.plan AS plan, count() AS n "
        "FROM events AS e JOIN persons AS p ON e.person_id = p.id WHERE e.properties.plan = 'pro' "
        "GROUP BY a, b, plan"
    )
    [[first, second, plan, count]] = await rows(masked, query)

    assert first == second
    assert first.startswith("email_")
    assert (plan, count) == ("pro", 5)
    assert (await rows(masked, "SELECT uniq(properties.email) FROM persons")) == [[2]]


async def test_strict_also_hides_who(data: Path) -> None:
    query = {"query": "SELECT distinct_id, distinct_id AS d, properties FROM events"}
    async with client_of(data, mask="strict") as client:
        result = await client.call_tool("execute_hogql", query)
        assert result.structured_content is not None
        assert leaks(all_of(result), planted=(*PLANTED, WHO)) == []
        assert all(row[0] == row[1] != "" for row in result.structured_content["rows"])
    async with client_of(data, mask="pii") as client:
        assert WHO in all_of(await client.call_tool("execute_hogql", query))


async def test_lists_of_properties_win(data: Path) -> None:
    query = {
        "query": "SELECT properties.customerName AS x, properties.plan AS y FROM events WHERE properties.iban != ''"
    }
    async with client_of(data, mask="pii", mask_allow="customername", mask_deny="plan") as client:
        result = await client.call_tool("execute_hogql", query)

    assert result.structured_content is not None
    assert NAME in all_of(result)
    assert '"pro"' not in all_of(result)
    assert all(row[1].startswith("private_") for row in result.structured_content["rows"] if row[1])


async def test_traces_lose_people_and_keep_tools(masked: Client) -> None:
    result = await masked.call_tool(
        "execute_hogql", {"query": "SELECT properties.$ai_input, properties.$ai_output_choices FROM events "
                                   "WHERE event = '$ai_generation'"})  # fmt: skip

    assert leaks(all_of(result)) == []
    assert "get_weather" in all_of(result)


async def test_compact_mode_is_masked_too(data: Path) -> None:
    query = {"name": "execute_hogql", "arguments": {"query": "SELECT properties FROM events"}}
    async with Client(
        build_server(Settings.load(data_dir=data, backend="local", mode="compact", mask="pii"))
    ) as client:
        assert leaks(all_of(await client.call_tool("use_tool", query))) == []


async def test_errors_of_resources_and_prompts_hold_none(masked: Client) -> None:
    from mcp import MCPError

    for ask in (masked.read_resource(f"posthog://traces/{EMAIL}"), masked.get_prompt("is-this-normal", {"day": EMAIL})):
        with pytest.raises(MCPError) as caught:
            await ask
        assert EMAIL not in str(caught.value)


async def test_personal_keys_do_not_break_the_counts_beside_them(masked: Client) -> None:
    """`explain_change` looks for dimensions by unpacking properties, of which some are personal."""
    query = (
        "SELECT pair.1 AS key, count() AS n, (SELECT count() FROM (SELECT properties AS props FROM events)) AS total "
        "FROM (SELECT arrayJoin(JSONExtractKeysAndValuesRaw(props)) AS pair FROM (SELECT properties AS props FROM "
        "events)) GROUP BY key ORDER BY key"
    )
    found = {row[0]: row[1:] for row in await rows(masked, query)}

    assert found["iban"] == [5, 7]


async def test_one_value_has_one_pseudonym_wherever_it_stands(masked: Client) -> None:
    [[cell]] = await rows(masked, f"SELECT any(properties.email) FROM events WHERE properties.email = '{EMAIL}'")
    quoted = await masked.call_tool("get_object_fields", {"name": EMAIL})

    assert cell in all_of(quoted)


async def test_what_is_drawn_of_given_rows_is_masked_before_it_is_a_picture(data: Path) -> None:
    asked = {"columns": ["customerName", "n"], "rows": [[NAME, 1], [EMAIL, 2]], "type": "bar"}
    async with client_of(data, mask="pii", mask_deny="plan") as client:
        drawn = await client.call_tool("render_chart", asked)
    assert drawn.structured_content is not None
    spec = read(Path(drawn.structured_content["files"]["spec"]))

    assert leaks(spec) == []
    assert "name_" in spec


@pytest.mark.parametrize("form", ["text", "json"])
def test_logs_hold_no_key_and_no_person(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    import logging

    from posthog_mcp.commands.logs import log_to_stderr

    before = logging.root.handlers[:], logging.root.level
    try:
        log_to_stderr(Settings.load(data_dir=tmp_path, mask="pii", log_format=form))
        try:
            raise ValueError(f"{EMAIL} with {TOKEN}")
        except ValueError:
            logging.getLogger("posthog_mcp").exception("it failed for %s", EMAIL)
    finally:
        logging.root.handlers[:] = before[0]
        logging.root.setLevel(before[1])
    line = capsys.readouterr().err

    assert "it failed for email_" in line
    assert leaks(line) == []


async def test_the_command_line_is_masked_too(data: Path) -> None:
    query = json.dumps({"query": "SELECT properties, person.properties.name AS x FROM events"})
    env = {"POSTHOG_MCP_DATA_DIR": str(data), "POSTHOG_MCP_MASK": "pii", "HOME": str(data), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "posthog_mcp", "call", "execute_hogql", query]
    done = await to_thread.run_sync(
        lambda: subprocess.run(
            command, env={**env, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100
        )
    )

    assert done.returncode == 0, done.stderr
    assert leaks(done.stdout, done.stderr) == []
    assert "bought" in done.stdout or "pro" in done.stdout
