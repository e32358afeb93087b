"""A HogQL query as it would have answered at an earlier time: `now()` and `today()` set back, later events left out."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime

from posthog_mcp.hogql.text import to_hogql
from posthog_mcp.hogql.tree import Node, rewrite
from posthog_mcp.hogql.tree_expressions import And, Call, CompareOperation, Constant, Field
from posthog_mcp.hogql.tree_queries import SelectQuery
from posthog_mcp.project import Project

NOW = frozenset({"now", "now64"})
TODAY = frozenset({"today", "yesterday"})


async def as_of(project: Project, query: str, moment: datetime) -> str:
    """The query at this wall time of the project's zone.

    Raises:
        HogQLSyntaxError, HogQLResolutionError: it does not check.
    """
    checked = await project.driver.checker.check(query)
    checked.raise_for_errors()
    assert checked.tree is not None
    return to_hogql(rewrite(deepcopy(checked.tree), lambda node: changed(node, moment)))


def changed(node: Node, moment: datetime) -> Node:
    if isinstance(node, Call) and node.name in NOW and not node.args:
        return time_of(node, moment)
    if isinstance(node, Call) and node.name in TODAY:
        day = Call(start=node.start, end=node.end, name="toDate", args=[time_of(node, moment)])
        back = [day, Constant(start=node.start, end=node.end, value=1)]
        return day if node.name == "today" else Call(start=node.start, end=node.end, name="minus", args=list(back))
    if isinstance(node, SelectQuery) and reads_events(node):
        return bounded(node, moment)
    return node


def time_of(node: Node, moment: datetime) -> Call:
    text = Constant(start=node.start, end=node.end, value=f"{moment:%Y-%m-%d %H:%M:%S}")
    return Call(start=node.start, end=node.end, name="toDateTime", args=[text])


def reads_events(node: SelectQuery) -> bool:
    """Whether its first table is events, by itself."""
    source = node.select_from
    table = source.table if source is not None else None
    return isinstance(table, Field) and table.chain == ["events"]


def bounded(node: SelectQuery, moment: datetime) -> SelectQuery:
    """With `timestamp` before the moment."""
    alias = node.select_from.alias if node.select_from is not None else None
    chain: list[str | int] = [alias, "timestamp"] if alias else ["timestamp"]
    time = Field(start=node.start, end=node.end, chain=chain)
    until = CompareOperation(start=node.start, end=node.end, left=time, right=time_of(node, moment), op="<")
    where = node.where
    node.where = until if where is None else And(start=node.start, end=node.end, exprs=[where, until])
    return node
