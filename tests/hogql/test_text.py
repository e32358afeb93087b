"""Printed HogQL parses to the tree it was printed from; laid-out HogQL is the same query, comments and all."""

from __future__ import annotations

import ast
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_project import SmallProject
from trees import queries

from posthog_mcp.errors import HogQLResolutionError, HogQLSyntaxError
from posthog_mcp.hogql.layout import format_hogql
from posthog_mcp.hogql.text import to_hogql
from posthog_mcp.hogql.tokens import tokens
from posthog_mcp.hogql.tree import Node, from_json

HERE = Path(__file__).parent
FAST = sys.version_info >= (3, 12)
QUICK = settings(max_examples=60 if FAST else 20, deadline=None, suppress_health_check=list(HealthCheck))


def texts() -> list[str]:
    """Every HogQL query that stands in these tests and in the knowledge."""
    found: set[str] = set()
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    for path in (HERE.parents[1] / "knowledge").rglob("*.md"):
        found |= set(re.findall(r"```hogql\n(.*?)\n```", path.read_text(encoding="utf-8"), re.DOTALL))
    return sorted(text for text in found if re.match(r"\s*\(?\s*(select|with)\s", text, re.IGNORECASE))


def some_texts() -> list[str]:
    """All of them, or a seventh where PostHog's C++ parser takes seconds for the long ones."""
    return texts() if FAST else texts()[::7]


async def parsed(project: SmallProject, query: str) -> Node | None:
    try:
        return from_json(await project.parser.parse(query))
    except (HogQLSyntaxError, HogQLResolutionError):
        return None


async def test_what_people_write_survives_a_print(project: SmallProject) -> None:
    known = some_texts()
    count = 0
    for query in known:
        tree = await parsed(project, query)
        if tree is not None:
            count += 1
            assert await parsed(project, to_hogql(tree)) == tree, query
    assert count > 0.6 * len(known)


async def test_what_people_write_survives_the_layout(project: SmallProject) -> None:
    for query in some_texts():
        tree = await parsed(project, query)
        if tree is None:
            continue
        laid_out = format_hogql(query, tree)
        assert await parsed(project, laid_out) == tree, query
        assert format_hogql(laid_out, tree) == laid_out
        assert comments(laid_out) == comments(query)


@QUICK
@given(tree=queries)
async def test_a_tree_survives_a_print(project: SmallProject, tree: Node) -> None:
    text = to_hogql(tree)
    again = await parsed(project, text)
    same = again == tree
    assert same, text


@QUICK
@given(tree=queries, noise=st.lists(st.sampled_from([" -- one\n", "/* two */", "\n\n", "  "]), max_size=30))
async def test_a_layout_keeps_tree_and_comments_and_is_final(
    project: SmallProject, tree: Node, noise: list[str]
) -> None:
    query = scattered(to_hogql(tree), noise)
    again = await parsed(project, query)
    laid_out = format_hogql(query, again)
    same = again is not None and await parsed(project, laid_out) == again
    assert same, query
    assert format_hogql(laid_out, again) == laid_out
    assert comments(laid_out) == comments(query)


def scattered(query: str, noise: list[str]) -> str:
    """The query with white space and comments in some of its gaps."""
    found = list(tokens(query))
    gaps = [a.end for a, b in pairwise(found) if a.end < b.start]
    for at, extra in sorted(zip(gaps, noise, strict=False), reverse=True):
        query = f"{query[:at]} {extra} {query[at:]}"
    return query


def comments(query: str) -> list[str]:
    return [each.text for each in tokens(query, comments=True) if each.kind == "comment"]


LAID_OUT = """\
WITH
  steps AS (
    SELECT person_id, min(timestamp) AS first_seen
    FROM events
    WHERE event = 'signed_up' AND timestamp > now() - INTERVAL 30 day
    GROUP BY person_id
  )
SELECT
  e.event, -- the name
  count() AS n,
  multiIf(n > 1000, 'a label of some length', n > 100, 'another label of some length', 'rest') AS size
FROM events e
LEFT JOIN steps ON steps.person_id = e.person_id
WHERE
  e.timestamp BETWEEN '2026-01-01' AND '2026-02-01' -- January
  AND e.properties.$browser =~ 'Chrome|Firefox'
  OR e.event IN ('signed_up', 'a', 'b')
GROUP BY e.event
ORDER BY n DESC
LIMIT 10"""


async def test_a_layout_looks_like_this(project: SmallProject) -> None:
    flat = (
        re.sub(r"\s+", " ", LAID_OUT.replace("-- the name", "/*1*/").replace("-- January", "/*2*/"))
        .lower()
        .replace("multiif", "multiIf")
    )
    source = (
        flat.replace("/*1*/", "-- the name\n")
        .replace("/*2*/", "-- January\n")
        .replace("chrome|firefox", "Chrome|Firefox")
    )
    tree = await parsed(project, source)
    assert format_hogql(source, tree) == LAID_OUT


@pytest.mark.parametrize("query", ["select <b>x</b>", "select (1", "select 'a", "", "select 1 /* "])
def test_what_cannot_be_trusted_stays_as_it_is(query: str) -> None:
    assert format_hogql(query) == query


async def test_a_name_keeps_its_case(project: SmallProject) -> None:
    query = "select `Order`, e.end from (select 1 as `Order`, 2 as `end`) e where `Order` = 1"
    laid_out = format_hogql(query, await parsed(project, query))
    assert "e.end" in laid_out
    assert await parsed(project, laid_out) == await parsed(project, query)
