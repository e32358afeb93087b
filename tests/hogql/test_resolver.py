"""What each wrong query is told: message, place, and a fix that names what exists."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_project import CATALOGUE, SmallProject

from posthog_mcp.errors import HogQLResolutionError

# query, offending text, part of the message, part of the fix
WRONG = [
    ("select evnt from events", "evnt", "Unknown column", "`event`"),
    ("select 1 from evnts", "evnts", "Unknown table", "`events`"),
    ("select trace_id from ai_events", "ai_events", "Unknown table", "`posthog.ai_events`"),
    ("select e.nope from events e", "nope", "not a column of events", ""),
    ("select $browser from events", "$browser", "Unknown column", "Write properties.$browser."),
    ("select email from events", "email", "Unknown column", "Write person.properties.email."),
    ("select email from persons", "email", "Unknown column", "Write properties.email."),
    ("select person from events", "person", "is a table", "Write person.column."),
    ("select person.nme from events", "nme", "not a column of person", ""),
    ("select session.$duration from events", "$duration", "not a column of sessions", "`duration`"),
    ("select event.x from events", "event.x", "a string has no `x`", "JSON"),
    ("select cnt(1) from events", "cnt", "Unsupported function call `cnt(…)`", "count(…)"),
    ("select lower(event, 1) from events", "lower(event, 1)", "expects 1 argument, found 2", ""),
    ("select uniq() from events", "uniq()", "expects at least 1 argument, found 0", ""),
    ("select windowFunnel(timestamp, 1) from events", "windowFunnel(timestamp, 1)", "requires parameters", ""),
    ("select quantile(0.1, 0.2)(1)", "quantile(0.1, 0.2)(1)", "parameter, found 2", ""),
    ("select sum(count()) from events", "count()", "cannot be nested", "subquery"),
    ("select count() as c, sum(c) from events", "c", "cannot aggregate it again", "table.c"),
    ("select 1 from events where count() > 1", "count()", "cannot stand in WHERE", "HAVING"),
    ("select count() as c from events where c > 1", "c", "WHERE cannot use it", "HAVING"),
    ("select count() from events group by sum(1)", "sum(1)", "cannot stand in GROUP BY", "subquery"),
    ("select rank() from events", "rank", "needs OVER", "OVER"),
    ("select 1 from events where rank() over () = 1", "rank() over ()", "cannot stand in WHERE", "QUALIFY"),
    (
        "select sum(1) over w from events window v as (order by event)",
        "w",
        "no window `w`",
        "WINDOW name AS",
    ),
    (
        "select sum(1) filter (where 1) over () from events",
        "sum(1) filter (where 1) over ()",
        "dropped by HogQL",
        "sumIf",
    ),
    ("select event from events group by 2", "2", "1 column", "Positions count from 1"),
    ("select 1 as a, 2 as a", "2 as a", "already an alias", "another name"),
    ("select b, 1 as b", "b", "Unknown column", ""),
    ("select id from persons p join persons q on p.id = q.id", "id", "ambiguous", "p.id or q.id"),
    ("select x from (select event as y from events)", "x", "Unknown column", "y"),
    ("select (select e.event) from events e", "e.event", "outer query", "join"),
    ("select e.x from (select event from events) e", "x", "not a column of e", "event"),
    ("with a as (select 1 as x) select y from a", "y", "Unknown column", "x"),
    ("select properties.a[0] from events", "properties.a[0]", "from one", "1"),
    ("select (1, 2).3", "(1, 2).3", "2 items", ""),
    ("select 'a'::fruit", "'a'::fruit", "no cast to `fruit`", "int"),
    ("select {name} from events", "{name}", "{name} has no value", "values={'name'"),
    ("select {variables.x}", "{variables.x}", "{variables.x} has no value", "variables.x"),
    ("select 1 from events where person_id in cohort 9", "9", "no cohort 9", "1 'vips'"),
    ("select 1 from events where person_id in cohort 'vip'", "'vip'", "no cohort 'vip'", "'vips'"),
    ("select 1 from events where person_id in cohort 'twice'", "'twice'", "2 cohorts", "2, 3"),
    ("select matchesAction('bougt') from events", "'bougt'", "no action", "'bought'"),
    ("select 1 from events where timestamp > 'yesterday'", "'yesterday'", "cannot be read as a time", "2026-01-31"),
    ("select 1 from events where uuid = 'abc'", "'abc'", "cannot be read as a UUID", "toString"),
    ("select 1 from events where properties.price > 'lots'", "'lots'", "compared with a number", "toString"),
    ("select 1 from events where properties.paid = 'yes'", "'yes'", "true or false", "= true"),
    ("select * from numbers(99999999999)", "numbers(99999999999)", "at most 10,000,000", "fewer"),
    ("select * from generate(3)", "generate(3)", "Unknown table function `generate`", "numbers"),
    ("select 1 union all select 2, 3", "select 2, 3", "joins 1 column with 2", "same number"),
    ("select *", "*", "needs a FROM", "FROM events"),
    ("select x.* from events", "x", "`x` is not a table of this query", ""),
    ("select * exclude (evnt) from events", "evnt", "`evnt` is not a column", "`event`"),
    ("select x -> 1", "x -> 1", "lambda stands only in", "arrayMap"),
    ("select p.id from events e join persons p using (uuid)", "uuid", "no column `uuid`", ""),
    ("select event from events where event in (select event from events where e.x = 1)", "e", "Unknown", ""),
]


@pytest.mark.parametrize(("query", "text", "message", "fix"), WRONG, ids=[row[0] for row in WRONG])
async def test_a_wrong_query_says_where_and_what_instead(
    project: SmallProject, query: str, text: str, message: str, fix: str
) -> None:
    checked = await project.check(query)
    first = checked.errors[0]
    assert (first.code, first.text) == ("hogql_resolution", text)
    assert message in first.message
    assert fix in first.fix
    assert query[first.column - 1 : first.end_column - 1] == text


async def test_all_errors_come_at_once_each_with_its_place(project: SmallProject) -> None:
    checked = await project.check("select evnt,\n  cnt(1)\nfrom events\nwhere sum(1) > 1 and nope = 2")
    assert [(each.line, each.column, each.text) for each in checked.errors] == [
        (1, 8, "evnt"),
        (2, 3, "cnt"),
        (4, 7, "sum(1)"),
        (4, 22, "nope"),
    ]
    with pytest.raises(HogQLResolutionError, match=r"line 1, column 8: .*line 4, column 22") as raised:
        checked.raise_for_errors()
    assert raised.value.context["line"] == 1


async def test_one_unknown_table_is_one_error(project: SmallProject) -> None:
    checked = await project.check("with a as (select * from nope) select x, a.y, n.z from a join nope2 n on n.i = a.i")
    assert [each.text for each in checked.errors] == ["nope", "nope2"]


async def test_columns_are_counted_in_code_points(project: SmallProject) -> None:
    checked = await project.check("select '😀é', evnt from events")
    assert (checked.errors[0].column, checked.errors[0].text) == (14, "evnt")


VALID = [
    "select event as e, e as f, lower(f) as g from events where g = 'x' group by e, f, g having f != '' order by g",
    "with 5 as n, n + 1 as m select m from numbers(3) where number < n",
    "with a as (select event from events), b as (select * from a) select b.event from b join a on a.event = b.event",
    "with recursive t as (select 1 as n union all select n + 1 from t where n < 5) select n from t",
    "select arrayMap(x -> concat(x, event), ['a']), arrayMap((x, y) -> x + y + length(event), [1], [2]) from events",
    "select e.person.properties.email, e.pdi.person.properties.age, organization.properties.plan from events e",
    "select event from posthog.events",
    "select row_number() over w as n from events qualify n = 1 window w as (partition by event)",
    "select t.x, t.y from (values (1, 'a')) t(x, y)",
    "select count(*), count(distinct person_id, event) from events",
    "select * from (select a.id, b.id from persons a join persons b on a.id = b.id)",
    "select sum(n) from (select count() as n from events group by event)",
    "select max(count()) over () from events group by event",
    "select properties.a.b[1].c, properties['x y'], properties?.z from events",
    "select distinct_id from events join person_distinct_ids using (distinct_id)",
]


@pytest.mark.parametrize("query", VALID)
async def test_valid_queries_have_no_errors(project: SmallProject, query: str) -> None:
    assert (await project.check(query)).errors == ()


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        (
            "select event, properties.$browser, properties['x y'], person.properties.email from events",
            "event,$browser,x y,email",
        ),
        ("select count(), lower( event ), 1 as one from events", "count(),lower( event ),one"),
        ("select e.event, p.id, p.id from events e join persons p on p.id = e.person_id", "event,id,id"),
        ("select * exclude (properties) from persons", "id,created_at,last_seen_at,is_identified"),
        ("select columns('^\\\\$group_[01]') from events", "$group_0,$group_1"),
        (
            "select p.* exclude (properties), event from events join persons p on 1 = 1",
            "id,created_at,last_seen_at,is_identified,event",
        ),
    ],
)
async def test_columns_are_named_as_written(project: SmallProject, query: str, columns: str) -> None:
    assert ",".join(each.name for each in (await project.check(query)).columns) == columns


async def test_types_come_from_the_projects_definitions(project: SmallProject) -> None:
    checked = await project.check(
        "select properties.price, properties.paid, properties.at, properties.$browser from events"
    )
    assert [each.type for each in checked.columns] == ["float", "boolean", "datetime", "string"]


async def test_tables_reached_lazily_are_listed(project: SmallProject) -> None:
    checked = await project.check("select session.$session_duration, person.created_at, group_0.key from events")
    assert checked.tables == ("events", "sessions", "persons", "groups")


async def test_names_never_seen_here_are_warned_of_with_volumes(project: SmallProject) -> None:
    checked = await project.check("select properties.$brwser from events where event in ('pageview', 'signup')")
    found = {each.code: each for each in checked.warnings}
    assert found["unknown_event"].text == "'pageview'"
    assert "'$pageview': 1,200 in 30 days" in found["unknown_event"].fix
    assert "'$browser'" in found["unknown_property"].fix


@pytest.mark.parametrize(
    "expression",
    [
        "properties.$browser > 5",
        "3 = event",
        "sum(properties.$browser)",
        "quantile(0.5)(event)",
        "properties.$browser * 2",
    ],
)
async def test_text_used_as_a_number_is_warned_of_and_not_run(project: SmallProject, expression: str) -> None:
    checked = await project.check(f"select {expression} from events")
    found = next(each for each in checked.warnings if each.code == "text_as_number")
    assert found.fix == f"Write toFloat({found.text})."
    with pytest.raises(HogQLResolutionError, match="used as a number"):
        await project.print(f"select {expression} from events")
    assert await project.rows(f"select {expression.replace(found.text, f'toFloat({found.text})')} from events")


async def test_an_empty_catalogue_warns_of_nothing(project: SmallProject) -> None:
    empty = replace(CATALOGUE, events={}, event_properties={}, version="empty")
    checked = await project.check(
        "select properties.x from events where event = 'y' and timestamp > now() limit 1", empty
    )
    assert checked.warnings == ()


async def test_a_chain_of_doubling_ctes_is_refused_not_expanded(project: SmallProject) -> None:
    parts = ["c0 as (select 1 as x from events)"]
    parts += [f"c{i} as (select a.x from c{i - 1} a join c{i - 1} b on a.x = b.x)" for i in range(1, 40)]
    checked = await project.check(f"with {', '.join(parts)} select x from c39")
    assert "more than 500 times" in checked.errors[0].message


async def test_a_chain_of_doubling_expressions_costs_little(project: SmallProject) -> None:
    parts = ["1 as c0", *(f"c{i - 1} + c{i - 1} as c{i}" for i in range(1, 60))]
    assert (await project.rows(f"with {', '.join(parts[:10])} select c9")) == [[2**9]]
    assert (await project.check(f"with {', '.join(parts)} select c59")).errors == ()


async def test_syntax_errors_are_findings_too(project: SmallProject) -> None:
    checked = await project.check("select event,\n from events where (")
    assert checked.tree is None
    assert checked.errors[0].code == "hogql_syntax"
    assert checked.errors[0].line == 2


async def test_the_same_check_is_not_made_twice(project: SmallProject) -> None:
    from posthog_mcp.hogql.checker import Checker

    async def current() -> object:
        return CATALOGUE

    checker = Checker(project.parser, current)  # type: ignore[arg-type]
    first = await checker.check("select {x}", values={"x": 1})
    assert await checker.check("select {x}", values={"x": 1}) is first
    assert await checker.check("select {x}", values={"x": 2}) is not first
