"""What holds for every workflow: each step runs as it stands, leads on, and names only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mcp import Client

from posthog_mcp.knowledge.entries import FOLDERS, entry_of, paths
from posthog_mcp.knowledge.filling import fill_steps
from posthog_mcp.knowledge.models import Workflow
from tests.knowledge.workflows.walking import dated, shown

FOLDER = FOLDERS[1] / "workflows"
WORKFLOWS = sorted(path.stem for path in FOLDER.glob("*.md"))
ON_THE_DEMO = [name for name in WORKFLOWS if name != "survey-readout"]
"""The demo has no survey answers; test_survey.py makes some."""
NAMED = re.compile(r"workflow ([a-z]+(?:-[a-z]+)+)|pattern ([a-z]+(?:-[a-z]+)+)")


@pytest.mark.parametrize("name", ON_THE_DEMO)
async def test_every_step_runs_clean_with_its_defaults(client: Client, name: str) -> None:
    workflow = entry_of(name, Workflow)
    published = {tool.name for tool in (await client.list_tools()).tools}
    for step in workflow.steps:
        found = await shown(client, workflow, step, dated(workflow), published)
        assert not step.arguments.get("query") or found.rows, f"{step.id} shows nothing on the demo"


@pytest.mark.parametrize("name", ON_THE_DEMO)
async def test_relative_days_check_too(client: Client, name: str) -> None:
    _, steps = fill_steps(entry_of(name, Workflow), {})
    for arguments in steps:
        if query := arguments.get("query"):
            checked = (await client.call_tool("validate_hogql", {"query": query})).structured_content or {}
            assert not checked["errors"], checked["errors"]
            assert {each["code"] for each in checked["warnings"]} <= {"now_in_result"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_other_entries_are_named_rightly(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    named = {found for pair in NAMED.findall(text) for found in pair if found}
    assert named | set(entry_of(name, Workflow).followups) <= set(paths())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_placeholder_is_a_parameter_and_every_parameter_is_used(name: str) -> None:
    workflow = entry_of(name, Workflow)
    text = str([step.arguments for step in workflow.steps])
    used = set(re.findall(r"\{\{\s*(\w+)", text))
    assert used == set(workflow.params)


def test_every_workflow_is_walked() -> None:
    proofs = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in WORKFLOWS if f'"{name}", decide' not in proofs] == []
    assert len(WORKFLOWS) >= 20
