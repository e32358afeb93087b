"""The coverage table says what is: its constructs are tried again, and every example of a function runs."""

from __future__ import annotations

import re

import pytest
from coverage_table import CONSTRUCTS, SYSTEM_ELSEWHERE, TABLE, cell, examples_in, outcome
from small_project import SmallProject

from posthog_mcp.hogql.functions import registry

TEXT = TABLE.read_text(encoding="utf-8")
EXAMPLES = examples_in(TEXT)
TOGETHER = 25
"""Expressions that are tried in one query: a parse takes 20 ms on Python 3.11."""


@pytest.mark.parametrize(("name", "query"), CONSTRUCTS, ids=[name for name, _ in CONSTRUCTS])
async def test_a_construct_is_as_the_table_says(project: SmallProject, name: str, query: str) -> None:
    if name not in SYSTEM_ELSEWHERE:
        checked, embedded = await outcome(project, query)
        assert f"| {cell(name)} | {cell(checked)} | {cell(embedded)} |" in TEXT


def test_the_table_lists_every_function() -> None:
    listed = re.findall(r"^\| `([^`]+)` \| [^|]* \| (?:yes|no)", TEXT, re.MULTILINE)
    assert set(listed) == set(registry())
    by_name = TEXT.count("| yes, by name |")
    assert by_name < 80, "run: python tests/hogql/coverage_table.py"


def batches() -> list[str]:
    """Examples that can stand in one SELECT: aggregates together, everything else together; the others alone."""
    aggregates: list[str] = []
    scalars: list[str] = []
    alone: list[str] = []
    for name, query in EXAMPLES.items():
        found = re.fullmatch(r"select (.*) from events limit 1", query)
        if not found or "Merge" in name or "arrayJoin" in name:
            alone.append(query)
        else:
            (aggregates if registry()[name].aggregate else scalars).append(found[1])
    parts = [each[i : i + TOGETHER] for each in (aggregates, scalars) for i in range(0, len(each), TOGETHER)]
    return [f"select {', '.join(part)} from events limit 1" for part in parts] + alone


async def test_every_example_of_a_function_runs(project: SmallProject) -> None:
    assert len(EXAMPLES) > 1000
    for query in batches():
        assert await project.rows(query) is not None
