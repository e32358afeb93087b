"""The coverage table: every construct and function of HogQL, whether it is checked, whether it runs embedded, and why
not. `python tests/hogql/coverage_table.py` writes `knowledge/api/hogql-coverage.md`; `test_coverage.py` runs every example.

An example for a function is looked for among likely arguments; what is written down has run.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parent))

from small_project import SmallProject

from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.hogql.functions import FunctionDef, find_function, registry
from posthog_mcp.hogql.parsing import Parser

TABLE = Path(__file__).parents[2] / "knowledge" / "api" / "hogql-coverage.md"

CONSTRUCTS: tuple[tuple[str, str], ...] = (
    ("INNER, LEFT JOIN … ON", "select count() from events e left join persons p on e.person_id = p.id"),
    ("RIGHT, FULL JOIN … ON", "select count() from (select 1 as a) x full join (select 2 as a) y on x.a = y.a"),
    ("JOIN … USING", "select a from (select 1 as a) x join (select 1 as a) y using (a)"),
    ("RIGHT JOIN … USING", "select a from (select 1 as a) x right join (select 2 as a) y using (a)"),
    ("FULL JOIN … USING", "select a from (select 1 as a) x full join (select 2 as a) y using (a)"),
    ("CROSS JOIN, comma", "select count() from events, (select 1 as one) x"),
    ("ASOF JOIN", "select count() from events e asof join sessions s on e.$session_id = s.session_id and e.timestamp >= s.$start_timestamp"),
    ("SEMI, ANTI, ANY JOIN", "select count() from events e semi join persons p on e.person_id = p.id"),
    ("POSITIONAL JOIN", "select x.a, y.b from (select 1 as a) x positional join (select 2 as b) y"),
    ("lazy joins (person, session, group, pdi)", "select person.properties.email, session.$session_duration, organization.properties.plan, pdi.person_id from events"),
    ("UNION ALL, UNION DISTINCT", "select 1 union distinct select 2"),
    ("INTERSECT, EXCEPT", "select 1 except select 2 intersect select 3"),
    ("UNION BY NAME", "select 1 as a union all by name select 2 as a"),
    ("window functions, frames", "select sum(1) over (partition by event order by timestamp rows between 1 preceding and current row) from events"),
    ("WINDOW name AS", "select rank() over w from events window w as (order by timestamp)"),
    ("ARRAY JOIN", "select x from events array join [1, 2] as x"),
    ("LEFT ARRAY JOIN", "select x from events left array join [1, 2] as x"),
    ("lambdas", "select arrayMap((x, y) -> x + y, [1], [2])"),
    ("arrays, tuples, 1-based access", "select [1, 2][1], (1, 'a').2, [1, 2][-1]"),
    ("slices", "select [1, 2, 3][1:2], [1, 2, 3][2:]"),
    ("?? and ?:", "select properties.price ?? 0 from events"),
    ("?.", "select properties?.deep?.a from events"),
    ("=~ =~* !~ !~*", "select event =~ 'a', event !~* 'B' from events"),
    ("IS [NOT] DISTINCT FROM", "select event is distinct from 'a' from events"),
    ("FILTER (WHERE …)", "select count() filter (where event = 'signup') from events"),
    ("LIMIT n BY", "select event from events limit 1 by event"),
    ("LIMIT … WITH TIES", "select event from events order by event limit 1 with ties"),
    ("LIMIT n %", "select event from events limit 40 %"),
    ("GROUP BY ALL", "select event, count() from events group by all"),
    ("ROLLUP, CUBE, GROUPING SETS", "select event, count() from events group by grouping sets ((event), ())"),
    ("QUALIFY", "select event from events qualify row_number() over (order by timestamp) = 1"),
    ("PIVOT", "select * from (select event, 1 as n from events) pivot (sum(n) for event in ('signup'))"),
    ("UNPIVOT", "select * from (select 1 as a, 2 as b) unpivot (v for n in (a, b))"),
    ("VALUES in FROM", "select a from (values (1), (2)) as t(a)"),
    ("WITH name AS (SELECT …)", "with x as (select 1 as a) select a from x"),
    ("WITH expression AS name", "with 1 + 1 as two select two"),
    ("WITH RECURSIVE", "with recursive t as (select 1 as n union all select n + 1 as n from t where n < 3) select n from t"),
    ("WITH … MATERIALIZED, column lists", "with x(a) as materialized (select 1) select a from x"),
    ("template strings", "select f'{event} happened' from events"),
    ("HogQLX tags", "select <a href='x'>{event}</a> from events"),
    ("<HogQLQuery /> as a table", "select a from <HogQLQuery query='select 1 as a' />"),
    ("<Sparkline />, sparkline()", "select sparkline([1, 2]), <Sparkline data={[1]} />"),
    ("IN COHORT", "select count() from events where person_id in cohort 1"),
    ("matchesAction", "select count() from events where matchesAction('bought')"),
    ("numbers()", "select number from numbers(3)"),
    ("interval arithmetic", "select timestamp - interval 1 day + interval '2' hour from events"),
    ("dates in the project's zone", "select toDate(timestamp), toStartOfDay(timestamp) from events"),
    ("decimals", "select toDecimal('1.25', 2) + toDecimal('1.5', 2)"),
    ("UUIDs", "select uuid = toUUID('10000000-0000-0000-0000-000000000001') from events"),
    ("casts", "select '1'::int, cast('2024-01-01' as date), '1.5'::decimal(10, 2)"),
    ("TRY_CAST", "select try_cast('x' as int)"),
    ("CASE", "select case event when 'signup' then 1 else 0 end, case when 1 = 1 then 2 end from events"),
    ("BETWEEN, IN, NOT IN, EXISTS", "select event between 'a' and 'b', event in ('a'), exists(select 1), not EXISTS (select 1 where 1 = 0) from events"),
    ("LIKE, ILIKE", "select event like 'a%', event not ilike '%b' from events"),
    ("* EXCLUDE, (* REPLACE …), COLUMNS", "select * exclude (properties), columns('^ev') from events"),
    ("*COLUMNS(…) as arguments", "select coalesce(*columns('^event$')) from events"),
    ("SAMPLE", "select count() from events sample 1/2"),
    ("FINAL", "select count() from events final"),
    ("PREWHERE", "select count() from events prewhere event = 'signup'"),
    ("ORDER BY … WITH FILL INTERPOLATE", "select number, number as n from numbers(2) order by number with fill to 4 interpolate (n as (n + 1))"),
    ("placeholders {name}", "select count() from events where event = {name}"),
    ("{filters}", "select count() from events where {filters}"),
    ("nested and indexed properties", "select properties.deep.a.b, properties.items[1].id, properties.items.1.id from events"),
    ("typed properties", "select properties.price + 1, properties.paid = true, properties.at > now() from events"),
    ("null logic (NULL = NULL is true)", "select properties.nothing = null, null != 1 from events"),
    ("$virt_ fields", "select $virt_is_bot, person.$virt_initial_channel_type from events"),
    ("$virt_revenue, $virt_mrr", "select person.$virt_revenue from events"),
    ("team_id", "select team_id from events where team_id = 1"),
    ("system.* tables", "select name from system.cohorts"),
    ("system.information_schema", "select table_name from system.information_schema.tables"),
    ("warehouse tables", "select 1 from stripe_customers"),
    ("exchange rates", "select convertCurrency('USD', 'EUR', 1)"),
    ("correlated subqueries", "select (select count() from persons p where p.id = e.person_id) from events e"),
    ("ORDER BY inside an aggregate", "select groupArray(event order by timestamp) from events"),
    ("positional columns (#1)", "select #1 from events"),
    ("named arguments (a := 1)", "select if(a := 1) from events"),
)  # fmt: skip
SYSTEM_ELSEWHERE = ("system.* tables", "system.information_schema")
"""Run by the embedded project, which has their data; the small project of these tests has not."""

POOL = (
    "event", "1", "'a'", "timestamp", "[1, 2]", "0.5", "properties", "toDate(timestamp)", "1 = 1", "['a', 'b']", "(1, 2)",
    "uuid", "'2024-01-01 00:00:00'", "'UTC'", "'day'", "'$.a'", "map('a', 1)", "toIPv4('1.2.3.4')", "toIPv6('::1')",
    "[(1, 2)]", "x -> x = 1", "interval 1 day", "'%Y'", "'1.2.3.4/8'", "'sum'", "'Int64'", "toInt('3')", "null",
)  # fmt: skip
PARAMETERS = ("(0.5)", "(2)", "(1, 2)", "(3600)", "('a')", "(0.5, 0.9)", "(1, 2, 3)")
TRIES = 700


async def outcome(project: SmallProject, query: str) -> tuple[str, str]:
    """(checked, embedded): `yes`, `warned` or what is said instead."""
    given = {"name": "signup"} if "{name}" in query else {}
    checked = await project.check(query, values=given)
    if checked.errors:
        return f"refused: {checked.errors[0].message}", "no"
    refused = [each for each in checked.warnings if each.code == "refused_by_posthog"]
    verdict = "yes; PostHog itself refuses it" if refused else "yes"
    try:
        await project.rows(query, values=given)
    except PostHogMcpError as error:
        return verdict, f"no: {error.message}"
    return verdict, "yes"


def candidates(found: FunctionDef) -> Iterator[str]:
    """Likely calls, the simplest first."""
    name = found.name
    least = max(found.min_args, 0)
    most = least + 2 if found.max_args is None else found.max_args
    parameters = (
        PARAMETERS
        if found.max_params != 0 and found.min_params
        else ("", *PARAMETERS[:2])[: 1 if found.max_params == 0 else 3]
    )
    if "Merge" in name:
        base, _, rest = name.partition("Merge")
        condition = ", 1 = 1" if rest.startswith("If") else ""
        for value in ("1", "event", "1, 1 = 1"):
            yield f"select {name}(s{condition}) from (select {base}State({value}) as s from events)"
    over = " over (order by timestamp)" if found.kind == "window" else ""
    for count in range(least, most + 1):
        for params in parameters:
            pools = [POOL] * count if count < 3 else [POOL[:9]] * count
            if name.startswith("array") and count > 1:
                for array in ("[1, 2]", "['a', 'b']"):
                    yield f"select {name}{params}(x -> x = x, {', '.join([array] * (count - 1))}){over} from events"
            for values in islice(product(*pools), TRIES):
                yield f"select {name}{params}({', '.join(values)}){over} from events"


async def example(project: SmallProject, found: FunctionDef) -> str | None:
    """A query with this function that runs."""
    for query in islice(candidates(found), TRIES):
        try:
            if not (await project.check(query)).errors:
                await project.rows(f"{query} limit 1")
                return f"{query} limit 1"
        except Exception:
            continue
    return None


async def table() -> str:
    """The whole page."""
    parser = Parser(plain=False)
    project = SmallProject(parser)
    lines = [HEAD, "## Constructs", "", "| construct | checked | runs embedded | example |", "|---|---|---|---|"]
    for name, query in CONSTRUCTS:
        checked, embedded = ("yes", "yes") if name in SYSTEM_ELSEWHERE else await outcome(project, query)
        lines.append(f"| {cell(name)} | {cell(checked)} | {cell(embedded)} | `{cell(query)}` |")
    lines += ["", "## Functions", "", "| function | arguments | runs embedded | example |", "|---|---|---|---|"]
    known = examples_in(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    for name, found in sorted(registry().items(), key=lambda pair: pair[0].lower()):
        if found.kind == "missing":
            lines.append(f"| `{name}` | {arity(found)} | no: {found.reason} | |")
            continue
        query = known.get(name) or await example(project, found)
        shown = f"`{cell(query)}`" if query else ""
        lines.append(f"| `{name}` | {arity(found)} | {'yes' if query else 'yes, by name'} | {shown} |")
    await parser.aclose()
    return "\n".join(lines) + "\n"


def arity(found: FunctionDef) -> str:
    high = "…" if found.max_args is None else str(found.max_args)
    args = str(found.min_args) if high == str(found.min_args) else f"{found.min_args}–{high}"
    return f"({found.min_params}) {args}" if found.min_params else args


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def examples_in(text: str) -> dict[str, str]:
    """Function → example of a written table."""
    rows = re.findall(r"^\| `([^`]+)` \| [^|]* \| yes \| `(.*)` \|$", text, re.MULTILINE)
    return {name: query.replace("\\|", "|") for name, query in rows if find_function(name)}


HEAD = """---
id: hogql-coverage
kind: api
title: What of HogQL is checked, and what runs embedded
---

Written by `python tests/hogql/coverage_table.py`; the tests run every example again. "Checked" is what `validate_hogql` says,
on PostHog and embedded alike; "runs embedded" is about the project that needs no account. Functions marked "by name"
are known to the engine under that name, and no example is written down.
"""

if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(anyio.run(table), encoding="utf-8")
