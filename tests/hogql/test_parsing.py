"""The parser process: trees, errors with places and mends, hostile texts, death, and cancellation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import anyio
import pytest
from small_project import SmallProject

from posthog_mcp.errors import HogQLSyntaxError
from posthog_mcp.hogql.parsing import MAX_QUERY_LENGTH, WORKER, Parser


@pytest.fixture(scope="session")
async def parser(project: SmallProject) -> Parser:
    return project.parser


async def refused(parser: Parser, query: str) -> HogQLSyntaxError:
    with pytest.raises(HogQLSyntaxError) as caught:
        await parser.parse(query)
    return caught.value


async def test_a_tree_has_nodes_with_places(parser: Parser) -> None:
    tree = await parser.parse("SELECT '😀', event FROM events")
    column = tree["select"][1]  # type: ignore[index]
    assert column["chain"] == ["event"]  # type: ignore[index]
    assert column["start"]["offset"] == 12  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "text", "node"),
    [("expr", "1 + 1", "ArithmeticOperation"), ("order_expr", "a DESC", "OrderExpr")],
)
async def test_other_kinds_of_text_parse(parser: Parser, kind: str, text: str, node: str) -> None:
    assert (await parser.parse(text, kind))["node"] == node  # type: ignore[arg-type]


SLIPS = [
    ("select", "Unexpected end of query.", "select"),
    ("select event from events where", "Unexpected end of query.", "where"),
    ("select a from t where a is", "Unexpected end of query.", "is"),
    ("select 1 from t where x = 'a' and -- more", "Unexpected end of query.", "and"),
    ("select event,\n  count(\nfrom events", "This `(` is not closed.", "("),
    ("select if(a, 2 from events", "This `(` is not closed.", "("),
    ("select sum(a)) from t", "This `)` closes nothing.", ")"),
    ("select [1, 2) from t", "`)` stands where `]` is expected.", ")"),
    ("select event,, count() from events", "There is a comma with nothing after it.", ","),
    ("select event from events order by event desc, limit 10", "There is a comma with nothing after it.", ","),
    ("select event from events, ", "There is a comma with nothing after it.", ","),
    ("select 1; select 2", "There is more after `;`: one call takes one SELECT.", "select 2"),
    ("select 1 from events settings a=1", "SETTINGS, FORMAT and INTO OUTFILE are not part of HogQL.", "settings"),
    ("select 1 into outfile '/tmp/x'", "SETTINGS, FORMAT and INTO OUTFILE are not part of HogQL.", "into outfile"),
    ("select * except (event) from events", "`* EXCEPT …` is not HogQL.", "* except ("),
    ("select DATE '2024-01-01'", "DATE '…' literals are not HogQL.", "DATE '2024-01-01'"),
    ("select extract(year from timestamp) from events", "EXTRACT(… FROM …) is not HogQL.", "extract(year from"),
    ("select top 10 event from events", "TOP is not HogQL.", "top 10"),
    (r"select replaceAll(event, '\d', '') from events", r"`\d` is not an escape that HogQL knows.", r"\d"),
    ("select event from events where event = 'a", "This text is not closed by a quotation mark.", "'a"),
    ("select 'it's' from events", "This text is not closed by a quotation mark.", "' from events"),
    ("select event from events /* all", "This comment is not closed.", "/* all"),
    ("drop table events", "HogQL only reads: a query is one SELECT.", "drop"),
    ("/* hi */ explain select 1", "HogQL has no EXPLAIN, SHOW or DESCRIBE.", "explain"),
    ("selct event from events", "A query starts with SELECT or WITH, not `selct`.", "selct"),
    ("select event form events", "Syntax error at `form`.", "form"),
    ("select event from events wher a = 1", "Syntax error at `wher`.", "wher"),
    ("select event from events order event", "ORDER is missing its BY.", "order"),
    ("select case when 1 then 2 from events", "This CASE is not complete.", "case"),
    ("select from events", "SELECT lists no columns.", "from"),
    ("select now() - interval 7 days", "INTERVAL takes a number and a unit", "interval 7 days"),
    ("select a from t where a == 1 && b", "HogQL does not use the sign & here.", "&"),
    ("select ‘a’ from t", "HogQL does not use a typographic quotation mark here.", "‘"),
    ("select a from t where a in ()", "IN () lists no values.", "in ()"),
    ("select a from t where a = ?", "`?` does not stand for a value here.", "?"),
    ("select a b c from t", "Syntax error at `c`.", "c"),
    ("select f'a {b' from t", "A `{` in this template text is not closed.", "f'a {b'"),
    ("```sql\nselect 1\n```", "A query starts with SELECT or WITH.", "```sql\nselect 1\n```"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "message", "text"), SLIPS)
async def test_a_slip_is_named_with_its_place_and_a_mend(parser: Parser, query: str, message: str, text: str) -> None:
    error = await refused(parser, query)
    assert error.message.startswith(message)
    assert error.context["text"] == text
    start, end = error.context["start"], error.context["end"]
    assert query[start:end] == text  # type: ignore[misc]
    assert error.fix


async def test_an_expression_need_not_start_with_select(parser: Parser) -> None:
    with pytest.raises(HogQLSyntaxError, match="Unexpected end"):
        await parser.parse("a +", "expr")


async def test_lines_and_columns_count_from_one_in_code_points(parser: Parser) -> None:
    error = await refused(parser, "select '😀',\n  count(\nfrom events")
    assert (error.context["line"], error.context["column"]) == (2, 8)


@pytest.mark.parametrize(
    "query",
    [
        "select event, from events",
        "select 1;",
        "\ufeffselect 1",
        "select 1 as settings, 2 as format from t",
        "select date, timestamp from events where a = 'settings' -- ;",
        "select properties.$browser, 'a;b', `x;y` from events # done",
    ],
)
async def test_what_only_looks_wrong_parses(parser: Parser, query: str) -> None:
    assert (await parser.parse(query))["node"] == "SelectQuery"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "empty"),
        (" ;\n", "empty"),
        ("select '\0'", "NUL"),
        ("select '\ud800'", "surrogate"),
        ("select '" + "a" * MAX_QUERY_LENGTH + "'", "characters"),
        ("select '" + "a" * 10_000_000 + "'", "characters"),
        ("select " + "(" * 10_000, "nested too deeply"),
        ("select " + "[" * 101 + "]" * 101, "nested too deeply"),
        ("select 1 from t where " + " or ".join(["a = 1"] * 20_000)[:90_000], "joined by AND and OR"),
        ("select " + "-" * 2 + "\n" + "- " * 3_000 + "1", "nested"),
        ("select 1" + "::int" * 700, "nested too deeply"),
    ],
)
async def test_hostile_texts_are_refused_at_once(parser: Parser, query: str, words: str) -> None:
    before = time.monotonic()
    assert words in (await refused(parser, query)).message
    assert time.monotonic() - before < 2
    assert (await parser.parse("select 1"))["node"] == "SelectQuery"


async def test_a_parse_that_takes_too_long_is_ended_and_the_event_loop_runs_on(parser: Parser) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    before = time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        assert "too complex" in (await refused(parser, "select 1 " + "|| '1' " * 8_000)).message
        tasks.cancel_scope.cancel()
    assert ticks > 50
    assert time.monotonic() - before < 6
    assert (await parser.parse("select 1"))["node"] == "SelectQuery"


async def test_a_killed_worker_is_replaced(parser: Parser) -> None:
    await parser.parse("select 1")
    first = parser.worker_pid
    assert first
    os.kill(first, signal.SIGKILL)
    assert (await parser.parse("select 2"))["node"] == "SelectQuery"
    assert parser.worker_pid != first


async def test_a_worker_killed_in_the_middle_is_replaced() -> None:
    parser = Parser(plain=False)
    await parser.parse("select 1 as first_of_this_test")  # not one that is known already
    slow = "select 1 from t where " + " or ".join(["a = 1"] * 290)

    async def kill() -> None:
        await anyio.sleep(0.05)
        os.kill(parser.worker_pid or 0, signal.SIGKILL)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(kill)
        assert (await parser.parse(slow))["node"] == "SelectQuery"
    await parser.aclose()


async def test_a_cancelled_parse_does_not_answer_the_next_one(parser: Parser) -> None:
    slow = "select 1 from t where " + " or ".join(["a = 1"] * 290)
    for delay in (0.0, 0.001, 0.01, 0.05):
        with anyio.move_on_after(delay):
            await parser.parse(slow)
        assert (await parser.parse("select 42"))["select"][0]["value"] == 42  # type: ignore[index]


async def test_many_tasks_get_their_own_answers(parser: Parser) -> None:
    answers: dict[int, object] = {}

    async def ask(number: int) -> None:
        answers[number] = (await parser.parse(f"select {number}"))["select"][0].get("value")  # type: ignore[index, union-attr]

    async with anyio.create_task_group() as tasks:
        for number in range(40):
            tasks.start_soon(ask, number)
    assert answers == {number: number for number in range(40)}


async def test_after_aclose_a_parse_starts_a_new_worker() -> None:
    parser = Parser(plain=False)
    await parser.parse("select 1")
    await parser.aclose()
    assert parser.worker_pid is None
    assert (await parser.parse("select 2"))["node"] == "SelectQuery"
    await parser.aclose()


def test_the_worker_ends_with_its_parent() -> None:
    worker = subprocess.Popen([sys.executable, "-P", str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdin
    worker.stdin.close()
    assert worker.wait(10) == 0
