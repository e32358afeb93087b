"""Our parser of plain HogQL gives the very tree of PostHog's, places included, or leaves the text to it."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from small_project import SmallProject
from test_text import texts
from trees import queries

from posthog_mcp.errors import HogQLSyntaxError
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.hogql.plain_parse import parse_plain
from posthog_mcp.hogql.text import to_hogql
from posthog_mcp.hogql.tree import Node

PLAIN = [
    "select a.b.c as x, 'it''s \\' \\\\', 1, 1.5, -2, null, TRUE, e[1], t.1, e[-1], f(x).2 from events e",
    "select 1 from events where a = 1 and not b or c in ('x', 'y') group by x having count() > 1 order by x desc, 2",
    "select (a and b) and c, a and (b and c) and d, (a or b) or c, NOT (a = b), not a = b, (a, b), ((a)), (a + b) * c",
    "select case a when 1 then 2 end, case when a then b end, case when a then b when c then d else e end",
    "select f(x -> x + 1, a), g((x, y) -> [x, y], b), tuple(1), quantile(0.5)(x), count(distinct a), count(*)",
    "select max(x) over (), max(x) over ( ) - 1",
    "select sum(x) over (partition by a, b order by c desc), now() - interval 30 day, x is not null, properties.`a b`",
    "with a as (select 1), b as (select 2 union all select 3) select distinct * from a join b on a.x = b.y and 1 = 1",
    "select u.* from (select 1 as a) as u left join t on u.a = t.b cross join v array join x as y limit 1 by a limit 5",
    "select any(x) as first, range(3), last.1, {p}, {v.w} from t where id in cohort 5 limit 10 offset 5",
]
OTHERS = [
    "select a between 1 and 2", "select a ? b : c", "select a::int", "select a || b", "select 1 -- why", "select 1;",
    "select a b from t", "select 1e5", "select date '2020-01-01'", "select 1 from t sample 0.1", "select", "select 1 from",
    "select a from t, u", "select f(a order by b)", "select '\\n'", "select columns('x')", "select now() - interval 7 days",
]  # fmt: skip


def plainly(node: Any) -> Any:
    """A parser's JSON without what means nothing: empty parts, and lines and columns beside offsets."""
    if isinstance(node, list):
        return [plainly(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: plainly(value)
        for key, value in node.items()
        if key not in ("start", "end") and (key == "value" or value not in (None, False))
    }
    return kept | {key: node[key]["offset"] for key in ("start", "end") if isinstance(node.get(key), dict)}


async def same(project: SmallProject, query: str) -> bool:
    """Whether our parser reads the text; if so, as PostHog's does."""
    own = parse_plain(query)
    if own is not None:
        assert plainly(own) == plainly(await project.parser.parse(query)), query
    return own is not None


@pytest.mark.parametrize("query", PLAIN, ids=lambda query: query[:30])
async def test_plain_queries_are_read_as_posthog_reads_them(project: SmallProject, query: str) -> None:
    assert await same(project, query)


@pytest.mark.parametrize("query", OTHERS)
def test_what_is_not_plain_or_wrong_is_left_to_posthogs_parser(query: str) -> None:
    assert parse_plain(query) is None


async def test_what_people_write_is_read_alike(project: SmallProject) -> None:
    """Every tenth of the queries in tests and knowledge with the slow parser, all with the fast one."""
    whole = [each for each in texts() if not re.search("[\x00\ud800-\udfff]", each)]  # refused before anything is read
    chosen = whole[:: 1 if sys.version_info >= (3, 12) else 10]
    read = 0
    for query in chosen:
        try:
            query.encode()
            read += await same(project, query)
        except (HogQLSyntaxError, UnicodeError):
            assert parse_plain(query) is None, query
    assert read > len(chosen) / 3


@settings(
    max_examples=60 if sys.version_info >= (3, 12) else 15, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(tree=queries)
async def test_generated_queries_are_read_alike(project: SmallProject, tree: Node) -> None:
    await same(project, to_hogql(tree))


async def test_a_plain_query_needs_no_worker_and_an_error_is_posthogs() -> None:
    parser = Parser(plain=True)
    assert (await parser.parse("select a from b"))["node"] == "SelectQuery"
    assert parser.worker_pid is None
    with pytest.raises(HogQLSyntaxError):
        await parser.parse("select a from")
    assert parser.worker_pid is not None
    await parser.aclose()
