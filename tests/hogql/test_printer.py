"""Printed SQL gives the rows of ClickHouse SQL written by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from small_project import CATALOGUE, PROFILE, SmallProject, sql

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.profile import Profile

RAW = "replaceRegexpAll(nullIf(nullIf(JSONExtractRaw({json}, '{name}'), ''), 'null'), '^\"|\"$', '')"
BROWSER = RAW.format(json="properties", name="$browser")

TWINS = [
    ("select event, count() from events group by event order by event", "select event, count() from ph.events group by event order by event"),
    ("select event, count() from events group by 1 order by 2 desc, 1", "select event, count() c from ph.events group by event order by c desc, event"),
    ("select properties.$browser from events order by uuid", f"select {BROWSER} from ph.events order by uuid"),
    ("select uniq(properties.$browser) from events", f"select uniq({BROWSER}) from ph.events"),
    ("select sum(properties.price), sum(properties.plan_price) from events", f"select sum(accurateCastOrNull({RAW.format(json='properties', name='price')}, 'Float64')), sum(mat_plan_price) from ph.events"),
    ("select person.properties.email, count() from events group by 1 order by 1", "select JSONExtractString(person_properties, 'email') e, count() from ph.events group by e order by e"),
    ("select p.properties.email, count() from events e join persons p on p.id = e.person_id group by 1 order by 1", "select JSONExtract(p.properties, 'email', 'Nullable(String)') e, count() from ph.events a join ph.persons p on p.id = a.person_id group by e order by e"),
    ("select person.is_identified, count() from events group by 1 order by 1", "select is_identified i, count() from ph.events a join ph.persons p on p.id = a.person_id group by i order by i"),
    ("select event, session.$session_duration from events order by uuid", "select event, s.`$session_duration` from ph.events e left join ph.sessions s on e.`$session_id` = s.session_id order by e.uuid"),
    ("select organization.properties.plan, count() from events group by 1 order by 1", "select nullIf(JSONExtractString(g.properties, 'plan'), '') p, count() from ph.events e left join (select * from ph.groups where `index` = 0) g on g.key = e.`$group_0` group by p order by p"),
    ("select pdi.person.properties.age, count() from events group by 1 order by 1", "select JSONExtract(p.properties, 'age', 'Nullable(Float64)') a, count() from ph.events e join ph.person_distinct_ids d on d.distinct_id = e.distinct_id join ph.persons p on p.id = d.person_id group by a order by a"),
    ("select pdi.distinct_id from persons where properties.email = 'ann@x.io' order by 1", "select arrayJoin(['d1', 'd1b'])"),
    ("select event from events where person_id in cohort 'vips' and event not in ('purchase') order by uuid", "select event from ph.events where event != 'purchase' and person_id in (select person_id from ph.cohort_people union all select person_id from ph.static_cohort_people) order by uuid"),
    ("select e, f from (select event as e, upper(e) as f from events) where f like 'P%' group by e, f order by e", "select event, upper(event) from ph.events where event = 'purchase' group by event"),
    ("with daily as (select toDate(timestamp) as day, count() as n from events group by day) select day, n, sum(n) over (order by day), lag(n) over (order by day) from daily order by day", "select toString(toDate(timestamp, 'America/New_York')) as d, count() c, sum(c) over (order by d), lagInFrame(toNullable(c)) over (order by d rows between unbounded preceding and current row) from ph.events group by d order by d"),
    ("with a as (select 1 as x union all select 2), b as (select x + 1 as y from a) select a.x, b.y from a left join b on a.x = b.y order by 1", "select * from (select 1, 0 union all select 2, 2) order by 1"),
    ("with recursive t as (select 1 as n union all select n + 1 from t where n < 4) select sum(n) from t", "select 10"),
    ("select person_id, windowFunnel(86400)(timestamp, event = '$pageview', event = 'signup') from events group by 1 order by 1", "select person_id, windowFunnel(86400)(toDateTime(timestamp), event = '$pageview', event = 'signup') from ph.events group by 1 order by 1"),
    ("select word, count() from events array join splitByChar('a', event) as word group by word order by word", "select word, count() from ph.events array join splitByChar('a', event) as word group by word order by word"),
    ("select arrayMap(x -> x * length(event), [1, 2]) from events limit 1", "select [9, 18]"),
    ("select event from events order by timestamp desc limit 1 by event", "select arrayJoin(['purchase', 'signup', '$pageview'])"),
    ("select event, row_number() over w as n from events qualify n = 1 window w as (partition by event order by timestamp) order by event", "select event, 1 from ph.events group by event order by event"),
    ("select count() filter (where event = 'signup'), countIf(properties.paid), count(distinct person_id) from events", "select 2, 2, 3"),
    ("select event, count() from events group by grouping sets ((event), ()) order by 2, 1", "select event, count() from ph.events group by grouping sets ((event), ()) order by 2, 1"),
    ("select * from (select 1 as a, 'x' as b union all by name select 'y' as b, 2 as a) order by a", "select * from (select 1, 'x' union all select 2, 'y') order by 1"),
    ("(select event from events intersect select 'signup') limit 1", "select 'signup'"),
    ("select x, y from (values (1, 'a'), (2, 'b')) t(x, y) order by x", "select * from (select 1, 'a' union all select 2, 'b') order by 1"),
    ("select n.number, m.number from numbers(2) n, numbers(5, 1) m order by 1", "select * from (select 0, 5 union all select 1, 5) order by 1"),
    ("select [1,2,3][1:2], [1,2,3][-2:-1], [1,2,3][2:], [1,2,3][-1], (1, 'a').2", "select [1,2], [2,3], [2,3], 3, 'a'"),
    ("select 7 / 2, 7 % 4, -7, 1 - 2 - 3, 2 * (3 + 4)", "select 3.5, 3, -7, -4, 14"),
    ("select number from numbers(10) order by number limit 30 %", "select arrayJoin([0, 1, 2])"),
    ("select number from numbers(3) order by number limit 1 offset 1", "select 1"),
    ("select case event when 'signup' then 's' else 'o' end, case when event = 'signup' then 1 end from events order by uuid limit 3", "select if(event = 'signup', 's', 'o'), if(event = 'signup', 1, null) from ph.events order by uuid limit 3"),
    ("select event from events where event =~ '^s.*p$' or event !~* 'P' order by uuid", "select event from ph.events where event = 'signup' order by uuid"),
    ("select concat('a', null, properties.nothing, 1), 'a' || event, f'{event}!' from events order by uuid limit 1", "select 'a1', 'a$pageview', '$pageview!'"),
    ("select distinct_id, count() from events join person_distinct_ids using (distinct_id) group by 1 order by 1", "select distinct_id, count() from ph.events group by 1 order by 1"),
    ("select * from (select a.id, b.id from persons a join persons b on a.id = b.id where a.properties.age = 30)", "select id, id from ph.persons where properties like '%30%'"),
    ("select e.properties.deep.a.b, e.properties.items[2].id, e.properties.items.1.id, e.properties.items[-1] from events e where e.properties.items is not null", "select null, '8', '7', '{\"id\":8}'"),
    ("select toInt('5'), toInt('x'), toFloat('1.5'), toUUID('x'), toDate('2024-05-06'), toDate('x'), '7'::int", "select 5, null, 1.5, null, '2024-05-06', null, 7"),
    ("select dateAdd('day', 1, toDate('2024-02-28')), toDate('2024-02-28') + interval '2' day", "select '2024-02-29', '2024-03-01'"),
    ("select toStartOfWeek(toDate('2024-05-05'))", "select '2024-04-29'"),
    ("select count() from events where event in ['signup', 'purchase'] and event in tuple('signup')", "select 2"),
    ("select sum(length(event)) from events sample 1", "select sum(length(event)) from ph.events"),
    ("select exists(select 1 from events where event = 'nope'), (select count() from events) + 1", "select 0, 9"),
    ("with (select max(timestamp) from events) as m select count() from events where timestamp > m - interval 1 day", "select 1"),
    ("select sortableSemVer('1.10.2') > sortableSemVer('1.9.12')", "select 1"),
]  # fmt: skip


@pytest.mark.parametrize(("hogql", "clickhouse"), TWINS, ids=[row[0] for row in TWINS])
async def test_rows_equal_the_hand_written_twin(project: SmallProject, hogql: str, clickhouse: str) -> None:
    def plain(rows: list[list[object]]) -> str:
        return json.dumps([[int(cell) if isinstance(cell, bool) else cell for cell in row] for row in rows])

    assert plain(await project.rows(hogql)) == plain(sql(clickhouse))


TEXTS = [
    "", 0, None, "null", "text", 'a "quote"', "back\\slash", "tab\t", "new\nline", "é😀", "\u2028", "\x01", "a/b", "'",
    [1, 2], ["x", 'y"'], [], {}, {"b": 1.5}, {"b": {"c": None}}, True, False, 1e3, -0.5, 12345678901234567890123, " 5", "5",
]  # fmt: skip


@pytest.mark.parametrize("value", TEXTS, ids=[json.dumps(each) for each in TEXTS])
async def test_a_property_reads_as_posthog_reads_it(project: SmallProject, value: object) -> None:
    for text in (
        json.dumps({"$browser": value}),
        json.dumps({"$browser": value}, ensure_ascii=False),
        "{}",
        "",
        "not json",
    ):
        printed = await project.print("select properties.$browser, properties.price, properties.paid from events")
        reads = re.sub(r" AS `[^`]*`", "", printed.sql.split(" FROM ")[0]).replace("t1.`properties`", "{json:String}")
        bound = {
            name: each.value.replace("price", "$browser").replace("paid", "$browser")
            for name, each in printed.parameters.items()
        }
        raw = RAW.format(json="{json:String}", name="$browser")
        twin = f"select {raw} v, accurateCastOrNull(v, 'Float64'), transform(v, ['true', 'false'], [true, false], null)"
        assert sql(reads, bound | {"json": text}) == sql(twin, {"json": text})


# expression, for an event whose $browser is NULL: the value
NULL_LOGIC = [
    ("null = 2", False), ("null != 2", True), ("null = null", True), ("null != null", False), ("2 = null", False),
    ("null < 2", False), ("null >= null", False), ("null like 'x'", False), ("null not like 'x'", True),
    ("null is null", True), ("null is not null", False), ("1 is not null", True),
    ("properties.$browser = 'x'", False), ("properties.$browser != 'x'", True),
    ("properties.$browser = properties.nothing", True), ("properties.$browser != properties.nothing", False),
    ("properties.$browser = toString(properties.price)", False), ("properties.$browser != event", True),
    ("properties.$browser is null", True), ("properties.$browser = null", True), ("properties.$browser != null", False),
    ("properties.$browser like '%'", False), ("properties.$browser not ilike 'x'", True),
    ("properties.$browser =~ 'x'", False), ("properties.$browser !~ 'x'", True),
    ("properties.$browser in ('x', 'y')", False), ("properties.$browser not in ('x', 'y')", True),
    ("properties.$browser in ('x', null)", True), ("properties.$browser not in ('x', null)", False),
    ("event in ('x', null)", False), ("not (properties.$browser = 'x')", True), ("not (properties.$browser != 'x')", False),
    ("properties.nothing > '5'", False), ("properties.nothing between 'a' and 'z'", False),
    ("properties.nothing not between 'a' and 'z'", True), ("properties.$browser is distinct from 'x'", True),
    ("properties.$browser is not distinct from null", True), ("coalesce(properties.$browser, '') = ''", True),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), NULL_LOGIC, ids=[row[0] for row in NULL_LOGIC])
async def test_comparisons_with_null_are_two_valued(project: SmallProject, expression: str, value: bool) -> None:
    where = "uuid = '10000000-0000-0000-0000-000000000004'"
    assert bool(await project.value(expression, where)) is value
    kept = await project.rows(f"select count() from events where {where} and {expression}")
    dropped = await project.rows(f"select count() from events where {where} and not ({expression})")
    assert (kept[0][0], dropped[0][0]) == ((1, 0) if value else (0, 1))


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("properties.price > 5", 2),
        ("properties.price = '20'", 1),
        ("properties.price is null", 4),
        ("properties.paid", 2),
        ("properties.paid = false", 1),
        ("not properties.paid", 1),
        ("properties.paid = 'true'", 2),
        ("properties.at < '2024-06-01'", 1),
        ("properties.at = '2024-11-03T05:30:00Z'", 1),
        ("properties.plan_price >= 3", 2),
    ],
)
async def test_properties_compare_by_their_type(project: SmallProject, condition: str, count: int) -> None:
    where = condition if condition != "not properties.paid" else "properties.paid is not null and not properties.paid"
    assert await project.rows(f"select count() from events where {where}") == [[count]]


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ("timestamp >= '2024-03-11'", [4, 5, 6, 7, 8]),
        ("timestamp >= '2024-03-10' and timestamp < '2024-03-11'", [1, 2, 3]),
        ("timestamp >= '2024-03-10T07:30:00Z' and timestamp < '2024-03-11'", [2, 3]),
        ("timestamp between '2024-11-03 01:30:00' and '2024-11-03 23:00:00'", [5, 6, 7]),
        ("toDate(timestamp) = '2024-03-10'", [1, 2, 3]),
        ("toDate(timestamp) in ('2024-11-03', '2024-12-31')", [5, 6, 7, 8]),
        ("timestamp >= toDate('2024-03-11') and timestamp < toDate('2024-03-12')", [4]),
        ("timestamp in ('2024-03-11 01:00:00')", [4]),
        ("toHour(timestamp) = 1", [1, 4, 5, 6]),
        ("timestamp > toDateTime('2024-12-01') - interval 1 month", [5, 6, 7, 8]),
        ("timestamp > now()", []),
        ("toStartOfDay(timestamp) = '2024-11-03'", [5, 6, 7]),
    ],
)
async def test_times_are_of_the_projects_zone(project: SmallProject, where: str, numbers: list[int]) -> None:
    rows = await project.rows(f"select toString(uuid) from events where {where} order by uuid")
    assert [int(row[0][-1]) for row in rows] == numbers


async def test_days_follow_daylight_saving(project: SmallProject) -> None:
    rows = await project.rows(
        "select toDate(timestamp) as d, toHour(timestamp), count() from events group by 1, 2 order by 1, 2"
    )
    assert rows[:4] == [["2024-03-10", 1, 1], ["2024-03-10", 3, 1], ["2024-03-10", 23, 1], ["2024-03-11", 1, 1]]
    assert rows[4:6] == [["2024-11-03", 1, 2], ["2024-11-03", 19, 1]]


async def test_now_is_of_the_projects_zone_and_not_cached_by_text(project: SmallProject) -> None:
    printed = await project.print("select now(), today(), now() - interval 1 day")
    assert printed.sql.count("now64(6, 'America/New_York')") == 3


async def test_time_bounds_print_the_stored_column(project: SmallProject) -> None:
    printed = await project.print("select count() from events where timestamp >= '2024-03-11' and timestamp < now()")
    assert "(t1.`timestamp` >= {p0:DateTime64(6, 'America/New_York')})" in printed.sql
    assert "toTimeZone" not in printed.sql


async def test_comparisons_that_cannot_be_null_stay_plain(project: SmallProject) -> None:
    printed = await project.print("select event = 'x', count() != 3 from events where distinct_id != 'y' group by 1")
    assert "ifNull" not in printed.sql
    filtered = await project.print("select 1 from events where properties.$browser = 'x' and properties.plan_price > 3")
    assert "ifNull" not in filtered.sql
    assert "`mat_plan_price`" in filtered.sql


async def test_only_the_columns_used_are_joined(project: SmallProject) -> None:
    printed = await project.print("select person.created_at, person.is_identified, person.properties.email from events")
    assert (
        re.findall(r"SELECT (t2\.`[^(]*) FROM ph\.persons", printed.sql)
        == ["t2.`created_at` AS `created_at`, t2.`is_identified` AS `is_identified`, t2.`id` AS `id`"]
        or printed.sql.count("JOIN") == 1
    )
    assert (await project.print("select person.id, person.properties.email from events")).sql.count("JOIN") == 0


@pytest.mark.parametrize(
    "source",
    [
        "(select * from events) e",
        "(select event, properties from (select event, properties from events where event != 'x')) e",
        "(select properties, row_number() over (order by uuid) as n from events) e",
    ],
)
async def test_properties_of_a_subquery_are_read_inside_it(project: SmallProject, source: str) -> None:
    query = f"select sum(e.properties.plan_price), uniq(properties.$browser) from {source} where properties.price >= 0"
    printed = await project.print(query)
    assert printed.sql.count("mat_plan_price") >= 1
    assert await project.rows(query) == await project.rows(query.replace(source, "events e"))


async def test_properties_of_a_grouped_subquery_are_read_outside_it(project: SmallProject) -> None:
    grouped = "select sum(properties.plan_price) from (select distinct properties from events)"
    assert await project.rows(grouped) == [[12.5]]
    star = "with e as (select properties from events) select count(), count(properties.price) from e where e.properties in (select * from e)"
    assert await project.rows(star) == [[8, 4]]


async def test_text_is_bound_never_printed(project: SmallProject) -> None:
    nasty = "x') OR 1=1 -- \\ ` {p0:String} \n"
    printed = await project.print(
        "select {v} as v, properties.`a'b` as p from events where event = {v} or event in {l}",
        values={"v": nasty, "l": [nasty, "y"]},
    )
    assert "OR 1=1" not in printed.sql
    assert "a'b" not in printed.sql
    assert (await project.rows("select {v}", values={"v": nasty})) == [[nasty]]
    assert (await project.rows("select 1 where {v} in {l}", values={"v": nasty, "l": [nasty, "y"]})) == [[1]]


async def test_aliases_cannot_break_out_or_shadow(project: SmallProject) -> None:
    assert await project.rows("select event as `a``b\\\\`, `a``b\\\\` from events order by uuid limit 1") == [
        ["$pageview"] * 2
    ]
    assert await project.rows(
        "select count() as events, 1 as t1, event as ph from events where event = 'signup' group by event"
    ) == [[2, 1, "signup"]]
    assert await project.rows("select lower('X') as event, e.event from events e order by e.uuid limit 1") == [
        ["x", "$pageview"]
    ]
    assert await project.rows("select event as timestamp from events order by timestamp limit 1") == [["$pageview"]]


async def test_columns_keep_the_authors_names_even_twice(project: SmallProject) -> None:
    printed = await project.print(
        "select e.event, f.event, count() from events e join events f on e.uuid = f.uuid group by 1, 2"
    )
    assert printed.columns == ("event", "event", "count()")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("select getTrafficType('x', '1.2.3.4') from events", "getTrafficType"),
        ("select convertCurrency('USD', 'EUR', 1) from events", "convertCurrency"),
        ("select person.$virt_revenue from events", r"\$virt_revenue"),
        ("select 1 from session_replay_events", "session_replay_events"),
    ],
)
async def test_what_cannot_run_embedded_is_refused_by_name(project: SmallProject, query: str, named: str) -> None:
    with pytest.raises(HogQLResolutionError, match=named):
        await project.print(query)


async def test_utc_projects_read_stored_times_as_they_are(project: SmallProject) -> None:
    utc = replace(CATALOGUE, timezone="UTC", version="utc")
    printed = await project.print("select timestamp, toDate(timestamp) from events", utc)
    assert "toTimeZone" not in printed.sql


async def test_weeks_start_as_the_project_says(project: SmallProject) -> None:
    sunday = replace(CATALOGUE, week_start_day=0, version="sunday")
    assert await project.rows("select toStartOfWeek(toDate('2024-05-08'))", sunday) == [["2024-05-05"]]


async def test_a_check_with_errors_is_not_printed(project: SmallProject) -> None:
    with pytest.raises(HogQLResolutionError, match="Unknown column"):
        await project.print("select evnt from events")


async def test_missing_columns_are_named(project: SmallProject) -> None:
    from posthog_mcp.hogql.printer import print_clickhouse

    checked = await project.check("select event from events")
    with pytest.raises(HogQLResolutionError, match="`events` has no data"):
        print_clickhouse(checked, CATALOGUE, Profile({}, "0"))
    assert PROFILE.tables["events"].name == "ph.events"
