"""Random queries: a check always answers, and what passes it the engine can read.

The engine may still refuse types (a sum of texts); it must never meet a name it does not know, an ambiguous one,
or SQL that does not parse.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_project import SmallProject, sql

from posthog_mcp.errors import HogQLResolutionError

OUR_FAULT = {
    36: "bad arguments",
    47: "unknown identifier",
    60: "unknown table",
    62: "syntax",
    179: "alias",
    207: "ambiguous",
}
COLUMNS = [
    "event",
    "timestamp",
    "distinct_id",
    "person_id",
    "uuid",
    "$session_id",
    "properties.$browser",
    "properties.price",
]
REACHED = [
    "properties.paid",
    "properties.at",
    "person.properties.email",
    "person.created_at",
    "session.$session_duration",
]
MORE = [
    "organization.properties.plan",
    "pdi.person.properties.age",
    "properties.items[1].id",
    "a1",
    "a2",
    "x.n",
    "y.event",
]
LITERALS = [
    "1",
    "0",
    "null",
    "'x'",
    "''",
    "1.5",
    "true",
    "'2024-03-10'",
    "[1, 2]",
    "('a', 'b')",
    "now()",
    "interval 1 day",
]
CALLS = ["count()", "sum({0})", "uniq({0})", "countIf({0} = {1})", "lower({0})", "toDate({0})", "coalesce({0}, {1})"]
MORE_CALLS = [
    "if({0} = {1}, {0}, {1})",
    "arrayMap(v -> concat(v, 'x'), [toString({0})])",
    "toStartOfDay({0})",
    "concat({0}, {1})",
]
OPERATORS = ["=", "!=", "<", ">=", "in", "not in", "like", "not ilike", "=~", "is distinct from", "and", "or", "+", "/"]
TABLES = [
    "events",
    "events x",
    "persons",
    "posthog.events",
    "(select event, count() as n from events group by event) x",
    "cte x",
]
JOINS = [
    "",
    "",
    " join persons p on p.id = person_id",
    " left join (select event from events) y on y.event = event",
    ", numbers(2) x",
]

atoms = st.sampled_from(COLUMNS + REACHED + MORE + LITERALS)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds(lambda call, a, b: call.format(a, b), st.sampled_from(CALLS + MORE_CALLS), inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} is null)".format, inner),
        st.builds("({} between {} and {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)


@st.composite
def queries(draw: st.DrawFn) -> str:
    columns = draw(st.lists(expressions, min_size=1, max_size=3))
    named = [f"{each} as a{i}" if draw(st.booleans()) else each for i, each in enumerate(columns, 1)]
    text = f"select {', '.join(named)} from {draw(st.sampled_from(TABLES))}{draw(st.sampled_from(JOINS))}"
    for clause in ("where", "having"):
        if draw(st.booleans()):
            text += f" {clause} {draw(expressions)}" if clause == "where" else ""
    if draw(st.booleans()):
        text += f" group by {draw(st.sampled_from(['1', 'a1', 'event', 'all']))}"
    if draw(st.booleans()):
        text += f" order by {draw(expressions)} desc limit 3"
    return f"with cte as (select event, 1 as n from events) {text}" if "cte" in text else text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=queries())
async def test_what_passes_the_check_the_engine_can_read(project: SmallProject, query: str) -> None:
    checked = await project.check(query)
    if checked.errors:
        assert all(each.message and query[each.span.start : each.span.end] == each.text for each in checked.errors)
        return
    try:
        printed = await project.print(query)
    except HogQLResolutionError:
        return
    complaint = complaint_about(printed.sql, {name: each.value for name, each in printed.parameters.items()})
    code = int(complaint.partition("Code: ")[2].partition(".")[0] or 0)
    assert code not in OUR_FAULT, f"{OUR_FAULT.get(code)}: {query}\n{printed.sql}\n{complaint}"


def complaint_about(text: str, parameters: dict[str, str]) -> str:
    try:
        sql(text, parameters)
    except Exception as error:
        return str(error)
    return ""


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=60), place=st.sampled_from(["'{}'", "`{}`", "{}", "properties['{}']", "properties.`{}`"]))
async def test_no_text_reaches_the_sql_unquoted(project: SmallProject, text: str, place: str) -> None:
    query = f"select {place.format(text)} as `{text}` from events where event = '{text}'"
    checked = await project.check(query)
    if not checked.errors:
        try:
            rows = await project.rows(query)
        except HogQLResolutionError:
            return
        assert rows is not None


@pytest.mark.parametrize(
    "query",
    [
        "select " + "(" * 250 + "1" + ")" * 250,
        "select " + "lower(" * 100 + "event" + ")" * 100 + " from events",
        "select " + "not " * 200 + "1",
        "select * from " + "(select * from " * 60 + "events" + ")" * 60,
        "select " + " + ".join(["1"] * 400),
        "select " + ", ".join(f"properties.p{i}" for i in range(400)) + " from events",
    ],
    ids=["brackets", "calls", "nots", "subqueries", "sum", "columns"],
)
async def test_deep_and_wide_queries_are_answered(project: SmallProject, query: str) -> None:
    checked = await project.check(query)
    if not checked.errors:
        assert (await project.print(query)).sql


SCARS = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "'",
    '"',
    "`",
    ";",
    "=",
    "<",
    "-",
    "\\",
    "%",
    "&",
    "!",
    "?",
    ":",
    "#",
    "from",
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good query with parts lost, doubled or put in."""
    text = draw(queries())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(text) - 1, 0)))
        more = draw(st.integers(0, 6))
        text = draw(
            st.sampled_from([text[:at] + text[at + more :], text[:at] + draw(st.sampled_from(SCARS)) + text[at:]])
        )
    return text


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=damaged())
async def test_a_damaged_query_is_answered_and_a_correction_is_right(project: SmallProject, query: str) -> None:
    checked = await project.check(query)
    for each in checked.errors:
        assert 0 <= each.span.start <= each.span.end <= len(query)
        assert each.message
    if checked.corrected is not None:
        again = await project.check(checked.corrected)
        assert not again.errors, checked.corrected
