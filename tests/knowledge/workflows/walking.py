"""Walk a workflow as a model would: run a step's tool, look at the numbers, follow the outcome they give, until stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeAlias

from mcp import Client
from mcp.types import TextContent

from posthog_mcp.knowledge.entries import entry_of
from posthog_mcp.knowledge.filling import filled_step, taken_all
from posthog_mcp.knowledge.models import Outcome, Step, Workflow

END = date(2026, 11, 1)
"""The demo's last day is the one before."""
FIXED: dict[str, set[str]] = {
    "explain_change": {"metric", "date_from", "date_to", "baseline", "dimensions"},
    "detect_anomalies": {"metric", "query_id"},
    "list_traces": {"filters"},
}
"""Arguments of tools that another toolset publishes, as the interface fixes them."""


STORIES: dict[str, dict[str, Any]] = {
    "why-did-it-drop": {"before_from": "2026-09-02", "drop_from": "2026-09-22", "drop_to": "2026-09-28"},
    "release-check": {"date_from": "2026-09-02", "date_to": "2026-09-28"},
    "incident-aftermath": {
        "before_from": "2026-08-04",
        "day": "2026-08-18",
        "next_day": "2026-08-19",
        "after_to": "2026-09-16",
    },
    "data-quality-audit": {"doubt_from": "2026-08-04", "doubt_to": "2026-09-08"},
}
"""When the planted stories happened, for workflows whose defaults look at the last days."""


@dataclass(frozen=True)
class Found:
    """What a step showed. `rows` as dicts, in order."""

    content: Mapping[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def row(self, **where: Any) -> dict[str, Any]:
        """The one row with these values."""
        (found,) = [row for row in self.rows if all(row[name] == value for name, value in where.items())]
        return found


Decide: TypeAlias = "Callable[[Found], int]"


@dataclass
class Walked:
    """The steps in order, each with the outcome that was followed and what it showed."""

    path: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    found: dict[str, Found] = field(default_factory=dict)

    @property
    def last(self) -> str:
        """What the last outcome means."""
        return self.outcomes[-1].means


async def walk(client: Client, workflow_id: str, decide: Mapping[str, Decide], **params: Any) -> Walked:
    """From the first step to stop. `decide` tells for each step which outcome (from 0) its numbers give."""
    workflow = entry_of(workflow_id, Workflow)
    steps = {step.id: step for step in workflow.steps}
    given = {name: value for name, value in dated(workflow).items() if value is not None} | params
    published = {tool.name for tool in (await client.list_tools()).tools}
    walked, at = Walked(), workflow.steps[0].id
    while at != "stop":
        assert at not in walked.path, "a workflow must not go in circles"
        step = steps[at]
        walked.path.append(at)
        walked.found[at] = await shown(client, workflow, step, given, published)
        outcome = step.outcomes[decide[at](walked.found[at])]
        walked.outcomes.append(outcome)
        at = outcome.next
    return walked


def dated(workflow: Workflow) -> dict[str, str]:
    """When to look: relative days as days before END, or the days of the story."""
    dates = {name: param.default for name, param in workflow.params.items() if param.type == "date"}
    found = {name: str(END - timedelta(days=int(str(days).strip("-d")))) for name, days in dates.items()}
    return found | STORIES.get(workflow.id, {})


async def shown(
    client: Client, workflow: Workflow, step: Step, params: Mapping[str, Any], published: set[str]
) -> Found:
    """What the step's tool answers; of one that is not offered here only the arguments are checked."""
    arguments = filled(workflow, step, params)
    if step.tool not in published:
        assert set(arguments) <= FIXED[step.tool], f"{step.tool} has no such arguments"
        return Found({})
    if "query" in arguments:
        checked = (await client.call_tool("validate_hogql", {"query": arguments["query"]})).structured_content or {}
        assert not checked["errors"], checked["errors"]
        assert not checked["warnings"], checked["warnings"]
    result = await client.call_tool(step.tool, arguments)
    assert not result.is_error, (step.id, [each.text for each in result.content if isinstance(each, TextContent)])
    content = result.structured_content or {}
    names = [column["name"] for column in content.get("columns", [])]
    return Found(content, [dict(zip(names, row, strict=True)) for row in content.get("rows", [])])


def filled(workflow: Workflow, step: Step, params: Mapping[str, Any]) -> dict[str, Any]:
    """The step's arguments with the params written in."""
    return filled_step(workflow, step.arguments, taken_all(workflow, params), {})


def always(outcome: int) -> Decide:
    """The same outcome whatever is shown: for a step that is read by eye."""
    return lambda found: outcome
