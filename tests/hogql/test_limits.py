"""Row limits: what they do to a text, checked by parsing and by running what comes out."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_project import SmallProject

from posthog_mcp.errors import HogQLSyntaxError
from posthog_mcp.hogql.limits import Bounded, bounded, constant_limit
from posthog_mcp.hogql.tree import SelectQuery, SelectSetQuery, from_json


async def limited(project: SmallProject, query: str, default: int = 100, cap: int = 500) -> Bounded:
    tree = from_json(await project.parser.parse(query))
    return bounded(query, tree, default=default, cap=cap)


CASES = [
    ("select 1 from t", "select 1 from t LIMIT 100"),
    ("select 1 from t;", "select 1 from t LIMIT 100;"),
    ("select 1 from t -- all\n ; # end", "select 1 from t LIMIT 100 -- all\n ; # end"),
    ("select 1 /* a */ from t /* b */", "select 1 /* a */ from t LIMIT 100 /* b */"),
    ("(select 1)", "(select 1) LIMIT 100"),
    ("select 1 from t offset 5", "select 1 from t LIMIT 100 offset 5"),
    ("select 1 from t limit 3 by a", "select 1 from t limit 3 by a LIMIT 100"),
    ("select 1 from t order by a desc nulls last", "select 1 from t order by a desc nulls last LIMIT 100"),
    ("select 1 from t group by a with totals", "select 1 from t group by a with totals LIMIT 100"),
    ("with x as (select 1 limit 2) select * from x", "with x as (select 1 limit 2) select * from x LIMIT 100"),
    ("select * from (select 1 limit 2)", "select * from (select 1 limit 2) LIMIT 100"),
    ("select <a>don't -- x</a>", "select <a>don't -- x</a> LIMIT 100"),
    ("select 1 as `limit 5`", "select 1 as `limit 5` LIMIT 100"),
    ("select 1 union all select 2", "(select 1 union all select 2) LIMIT 100"),
    ("select 1 union all select 2 limit 1 -- last", "(select 1 union all select 2 limit 1) LIMIT 100 -- last"),
    ("with a as (select 1) select 2 intersect select 3", "(with a as (select 1) select 2 intersect select 3) LIMIT 100"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "text"), CASES)
async def test_a_query_without_a_limit_gets_the_default_one(project: SmallProject, query: str, text: str) -> None:
    assert await limited(project, query) == Bounded(text, 100, added=True)


@pytest.mark.parametrize(
    "limit", ["limit 5", "limit 500", "limit 0", "limit (7)", "limit 10 offset 3", "limit -3", "limit 10, 20"]
)
async def test_a_small_limit_stays(project: SmallProject, limit: str) -> None:
    query = f"select 1 from t {limit} -- mine"
    found = await limited(project, query)
    assert found.query == query
    assert not found.added
    assert not found.lowered


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("select 1 from t limit 501 -- lots", "select 1 from t limit 500 -- lots"),
        ("select 1 from t limit 1e6 offset 2", "select 1 from t limit 500 offset 2"),
        ("select 1 from t limit 99999999999999999999999", "select 1 from t limit 500"),
        ("select 1 from t limit -501", "select 1 from t limit -500"),
        ("(select 1 union all select 2) limit 9999", "(select 1 union all select 2) limit 500"),
    ],
)
async def test_a_large_limit_is_lowered_to_the_cap(project: SmallProject, query: str, text: str) -> None:
    assert await limited(project, query) == Bounded(text, 500, lowered=True)


@pytest.mark.parametrize(
    "limit", ["limit 40 %", "limit 5 with ties", "limit 1 + 1", "limit {n}", "limit 0.5", "limit 5 with ties offset 2"]
)
async def test_what_cannot_be_bounded_in_place_is_bounded_from_outside(project: SmallProject, limit: str) -> None:
    found = await limited(project, f"select 1 from t {limit} ; -- c")
    assert found == Bounded(f"SELECT * FROM (select 1 from t {limit}) LIMIT 500 ; -- c", 500, added=True)


async def test_the_default_is_never_above_the_cap(project: SmallProject) -> None:
    assert (await limited(project, "select 1", default=100, cap=7)).limit == 7


SELECTS = st.sampled_from(
    ["select 1", "select number from numbers(9)", "select 'a;b' as x, `y -- z`", "select f'{1} it''s'", "(select 2)",
     "select a from t where a in (select 3 limit 4) group by a having a > 1", "with c as (select 1) select * from c"]
)  # fmt: skip
LIMITS = st.sampled_from(
    ["", "limit 7", "limit 900", "offset 3", "limit 2 by 1", "limit 50 %", "limit 3 with ties", "limit 1+1"]
)
GLUE = st.sampled_from([" union all ", "\nUNION DISTINCT\n", " except /* ( */ ", " intersect "])
ENDS = st.sampled_from(["", ";", " ;", "\n-- limit 5", " /* limit 5 */ ;", " # end"])


@st.composite
def queries(draw: st.DrawFn) -> str:
    parts = [draw(SELECTS) + " " + draw(LIMITS) for _ in range(draw(st.integers(1, 3)))]
    text = parts[0]
    for part in parts[1:]:
        text += draw(GLUE) + part
    if draw(st.booleans()):
        text = f"( {text} ) {draw(LIMITS)}"
    return text + draw(ENDS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries())
async def test_whatever_the_query_the_outermost_limit_binds(project: SmallProject, query: str) -> None:
    try:
        await project.parser.parse(query)
    except HogQLSyntaxError:
        return
    found = await limited(project, query)
    tree = cast("SelectQuery | SelectSetQuery", from_json(await project.parser.parse(found.query)))
    assert tree.limit is not None
    assert constant_limit(tree.limit) == found.limit <= 500
    assert not tree.limit_with_ties
    assert not tree.limit_percent
    assert await limited(project, found.query) == Bounded(found.query, found.limit)


@pytest.mark.parametrize(
    "query",
    [
        "select number from numbers(50)",
        "select number from numbers(20) union all select number from numbers(20) limit 2",
        "select number % 3 as x from numbers(50) order by x limit 2 with ties",
        "select number from numbers(50) order by number limit 90 %",
        "select number from numbers(50) limit 1000 offset 5",
    ],
)
async def test_what_runs_gives_no_more_rows(project: SmallProject, query: str) -> None:
    found = await limited(project, query, default=10, cap=10)
    assert 0 < len(await project.rows(found.query)) <= 10


async def test_order_survives_the_outer_limit(project: SmallProject) -> None:
    found = await limited(project, "select number from numbers(500) order by number desc limit 50 %", cap=5)
    assert await project.rows(found.query) == [[499], [498], [497], [496], [495]]
