"""Slips come back corrected, ready to run, and every error is told at once, at its place in the author's text."""

from __future__ import annotations

import pytest
from small_project import CATALOGUE, SmallProject

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checker
from posthog_mcp.hogql.parsing import ParseKind, Parser
from posthog_mcp.results import Json

CORRECTED = [
    # near-miss names
    ("select evnt from events", "select event from events"),
    ("select count() from evnts", "select count() from events"),
    ("select cout() from events", "select count() from events"),
    ("select e.evnt from events e", "select e.event from events e"),
    ("select event from events where event = 'singup'", "select event from events where event = 'signup'"),
    ("select properties.$browsr from events", "select properties.$browser from events"),
    ("select properties['$browsr'] from events", "select properties['$browser'] from events"),
    ("select trace_id from ai_events", "select trace_id from posthog.ai_events"),
    ("select 1 from events where person_id in cohort 'vip'", "select 1 from events where person_id in cohort 'vips'"),
    ("select 1 from events where matchesAction('bougt')", "select 1 from events where matchesAction('bought')"),
    ("select id from persons p join persons q on p.id = q.id", "select p.id from persons p join persons q on p.id = q.id"),
    # properties without `properties.`
    ("select $browser from events", "select properties.$browser from events"),
    ("select email from events", "select person.properties.email from events"),
    ("select email from persons", "select properties.email from persons"),
    ("select e.price from events e", "select e.properties.price from events e"),
    ("select plan_prise from events", "select properties.plan_price from events"),
    ("select events.event from events e", "select e.event from events e"),
    ("with x as (select 1 as a) select x.a from x as y", "with x as (select 1 as a) select y.a from x as y"),
    # names of other tools
    ("select event_name, user_id from events", "select event, person_id from events"),
    ("select e.session_id from events e", "select e.$session_id from events e"),
    ("select date, count() from events group by date", "select toDate(timestamp), count() from events group by toDate(timestamp)"),
    ("select person_id, distinct_ids from persons", "select id, pdi.distinct_id from persons"),
    ("select group_key from groups where group_type = 0", "select key from groups where index = 0"),
    ("select properties.'plan_price' from events", "select properties.plan_price from events"),
    # subqueries that look outside
    (
        "select count() from events e where exists (select 1 from persons p where p.id = e.person_id and p.is_identified)",
        "select count() from events e where e.person_id IN (SELECT p.id from persons p WHERE p.is_identified)",
    ),
    (
        "select count() from events e where not exists (select 1 from persons p where e.person_id = p.id)",
        "select count() from events e where not e.person_id IN (SELECT p.id from persons p)",
    ),
    ("select * exclude (evnt) from events", "select * exclude (event) from events"),
    # quotes
    ('select 1 from events where event = "signup"', "select 1 from events where event = 'signup'"),
    ("select 1 from events where event = ‘signup’", "select 1 from events where event = 'signup'"),
    ("select 1 from events where event = 'a\\d'", "select 1 from events where event = 'a\\\\d'"),
    # literals and clauses of other SQLs
    ("select 1 from events where timestamp > DATE '2024-01-01'", "select 1 from events where timestamp > toDate('2024-01-01')"),
    (
        "select 1 from events where timestamp > TIMESTAMP '2024-01-01 10:00:00'",
        "select 1 from events where timestamp > toDateTime('2024-01-01 10:00:00')",
    ),
    ("select * except (event) from events", "select * EXCLUDE (event) from events"),
    ("select event from events limit 5 format JSON", "select event from events limit 5"),
    ("select event from events settings max_threads = 1", "select event from events"),
    ("select top 5 event from events", "select event from events LIMIT 5"),
    ("select event from events fetch first 5 rows only", "select event from events LIMIT 5"),
    ("select event from events limit 5 rows", "select event from events LIMIT 5"),
    ("select extract(year from timestamp) from events", "select toYear(timestamp) from events"),
    ("select substring(event from 2 for 3) from events", "select substring(event, 2, 3) from events"),
    ("select properties->>'$browser' from events", "select properties.$browser from events"),
    ("select event from events where event === 'signup'", "select event from events where event = 'signup'"),
    ("select 1 from events where 1 = 1 && 2 = 2", "select 1 from events where 1 = 1 AND 2 = 2"),
    ("select 1 from events where event rlike 'a'", "select 1 from events where event =~ 'a'"),
    ("select 1 from events where timestamp > now() - interval 7 days", "select 1 from events where timestamp > now() - INTERVAL 7 DAY"),
    ("select event from events where event = :name", "select event from events where event = {name}"),
    # functions of other SQLs
    ("select date_format(timestamp, '%Y') from events", "select formatDateTime(timestamp, '%Y') from events"),
    ("select datediff(day, timestamp, now()) from events", "select dateDiff('day', timestamp, now()) from events"),
    ("select nvl(event, 'x') from events", "select ifNull(event, 'x') from events"),
    ("select group_concat(event) from events", "select arrayStringConcat(groupArray(event), ',') from events"),
    ("select approx_count_distinct(person_id) from events", "select uniq(person_id) from events"),
    ("select json_extract(properties, '$.a.b') from events", "select JSONExtractString(properties, 'a', 'b') from events"),
    ("select count_if(event = 'signup') from events", "select countIf(event = 'signup') from events"),
    ("select 1 from events where timestamp > current_date", "select 1 from events where timestamp > today()"),
    ("select sum(1) filter (where 1 = 1) over () from events", "select sumIf(1, 1 = 1) OVER () from events"),
    # grouping
    ("select event, count() from events", "select event, count() from events GROUP BY event"),
    (
        "select event, person_id, count() from events group by event order by 3 desc",
        "select event, person_id, count() from events group by event, person_id order by 3 desc",
    ),
    (
        "select toStartOfDay(timestamp) as day, count() from events where 1 = 1 order by day limit 3",
        "select toStartOfDay(timestamp) as day, count() from events where 1 = 1 GROUP BY day order by day limit 3",
    ),
    # punctuation and keywords
    ("select event from events where (event = 'signup'", "select event from events where (event = 'signup')"),
    ("select event) from events", "select event from events"),
    ("select event from events gruop by event", "select event from events GROUP by event"),
    ("select event from events order event", "select event from events ORDER BY event"),
    ("from events select event", "SELECT event FROM events".replace("FROM", "from").replace("SELECT", "select")),
    ("```sql\nselect event from events\n```", "select event from events"),
    ("select case when event = 'signup' then 1 else 2 from events", "select case when event = 'signup' then 1 else 2 END from events"),
    ("select row_number() from events", "select row_number() OVER () from events"),
    ("select * from events e join persons p on e.person_id = p.id", "select e.*, p.* from events e join persons p on e.person_id = p.id"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "corrected"), CORRECTED, ids=[row[0] for row in CORRECTED])
async def test_a_slip_comes_back_corrected(project: SmallProject, query: str, corrected: str) -> None:
    values = {"name": "signup"} if ":name" in query else {}
    checked = await project.check(query, values=values)
    assert checked.corrected == corrected
    again = await project.check(corrected, values=values)
    assert not again.errors


RUNNING = [corrected for _, corrected in CORRECTED if "ai_events" not in corrected and "{name}" not in corrected]


async def test_corrected_queries_run(project: SmallProject) -> None:
    for query in RUNNING:
        assert await project.rows(query) is not None


async def test_every_error_is_told_at_once_at_its_place(project: SmallProject) -> None:
    """A syntax error hides names, an unknown table hides columns: both come to light in one answer."""
    query = (
        "select evnt, cout() from evnts\nwhere evnt = 'signup' and timestamp > now() - interval 7 days gruop by evnt"
    )
    checked = await project.check(query)
    assert [(each.line, each.column, each.text) for each in checked.errors] == [
        (1, 8, "evnt"),
        (1, 14, "cout"),
        (1, 26, "evnts"),
        (2, 7, "evnt"),
        (2, 47, "interval 7 days"),
        (2, 63, "gruop"),
        (2, 72, "evnt"),
    ]
    assert checked.corrected is not None
    assert not (await project.check(checked.corrected)).errors


async def test_edits_apply_as_text(project: SmallProject) -> None:
    for query, _ in CORRECTED:
        checked = await project.check(query, values={"name": "signup"})
        for found in (*checked.errors, *checked.warnings):
            if found.edit:
                shown = found.as_json()["edit"]
                assert isinstance(shown, dict)
                lines = query.split("\n")
                start = (
                    sum(len(line) + 1 for line in lines[: int(str(shown["line"])) - 1]) + int(str(shown["column"])) - 1
                )
                assert (start, shown["text"]) == (found.edit.start, found.edit.text)
                assert found.edit.on(query) != query


NOT_MENDED = [
    "select count() from events where a and",
    "select nothing_like_it from events",
    "insert into events values (1)",
    "select 1; select 2",
    "select {nowhere} from events",
    "select uniq() from events",
]


@pytest.mark.parametrize("query", NOT_MENDED)
async def test_nothing_is_made_up_where_there_is_no_sure_mend(project: SmallProject, query: str) -> None:
    checked = await project.check(query)
    assert checked.errors
    assert checked.corrected is None


async def test_the_error_carries_the_corrected_query(project: SmallProject) -> None:
    checked = await project.check("select evnt from events")
    with pytest.raises(HogQLResolutionError) as raised:
        checked.raise_for_errors()
    assert raised.value.as_text().endswith("ready to run:\nselect event from events")


GROUPED = [
    "select lower(event), count() c, c * 2 from events group by event having c > 2 order by c",
    "select properties.$browser as b, uniq(person_id) from events group by b",
    "select arrayMap(x -> concat(x, event), ['a']), count() from events group by event",
    "select 1 + count(), now(), 'a' from events",
    "select t, count() from events array join ['a', 'b'] as t group by t",
    "select event, sum(1) over (partition by event) from events",
    "select event, sum(count()) over (partition by event) from events group by event",
    "with toStartOfDay(timestamp) as d select d, count() from events group by d",
    "select person.properties.email, count() from events group by person.properties.email",
    "select event, count() from events group by 1 order by 2 desc",
    "select event, x from (select event, count() as x from events group by event)",
    "select event, count() from events group by all",
    "select event, distinct_id, count() from events group by grouping sets ((event), (distinct_id))",
    "select toString(properties.price) p, count() from events group by properties.price",
    "select event, (select count() from persons) from events",
    "select $virt_is_bot, count() from events group by 1",
]


@pytest.mark.parametrize("query", GROUPED)
async def test_what_is_grouped_is_not_complained_of_and_runs(project: SmallProject, query: str) -> None:
    assert not (await project.check(query)).errors
    assert await project.rows(query) is not None


async def test_a_query_that_only_names_what_is_missing_is_looked_at_once_unless_asked(project: SmallProject) -> None:
    """Running a query needs no correction of it, and to look for one costs a parse a round."""
    looked: list[str] = []

    class Counting(Parser):
        async def parse(self, query: str, kind: ParseKind = "select") -> dict[str, Json]:
            looked.append(query)
            return await project.parser.parse(query, kind)

    async def catalogue() -> Catalogue:
        return CATALOGUE

    checker = Checker(Counting(), catalogue)
    query = "select properties.$browsr from events"
    run, shown = await checker.check(query), await checker.check(query, mend_warnings=True)

    assert run.warnings == shown.warnings
    assert (run.corrected, shown.corrected) == (None, "select properties.$browser from events")
    assert looked == [query, shown.corrected]
    assert await checker.check(query) is shown
