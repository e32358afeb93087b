"""The measure itself: what is extracted from a PostHog test, how messages are classed, what counts as agreement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agreement.cases import Case, Verdict, distinct, read_corpus, verdict_of
from tests.agreement.measure import measure, report
from tests.agreement.posthog_source import cases_of, extract

A_TEST = """
class TestThing:
    def _select(self, query):
        return print_it(parse_select(query))

    def test_valid(self):
        self.assertEqual(self._select("select 1 from events"), "SELECT 1")
        self.assertEqual(self._expr("event", HogQLContext(), "hogql"), "event")
        named = "select 2 from events"
        execute_hogql_query(named, self.team)
        execute_hogql_query("select {it}", self.team, placeholders={"it": 1})
        to_printed_hogql(parse_select("select anything"), self.team)

    def test_refused(self):
        self._assert_expr_error("avg()", "Aggregation 'avg' expects at least 1 argument, found 0")
        for each in ["select a from events", "select b from events"]:
            with self.assertRaises(QueryError) as e:
                execute_hogql_query(each, self.team)
            self.assertIn("Unable to resolve field:", str(e.exception))
        with pytest.raises(QueryError, match="Unknown table"):
            self._select("select 1 from nowhere")
        with self.assertRaises(QueryError):
            self._select("select of no message")
        self._select(f"select {self.team.pk}")
"""


def test_cases_are_read_from_a_posthog_test() -> None:
    found = [(case.text, case.verdict, case.needs) for case in cases_of(A_TEST, "test_thing.py")]
    assert found == [
        ("select 1 from events", "valid", ""),
        ("event", "valid", "hogql"),
        ("select 2 from events", "valid", ""),
        ("select {it}", "valid", "placeholders"),
        ("select anything", "parses", ""),
        ("avg()", "arity", ""),
        ("select a from events", "unknown_name", ""),
        ("select b from events", "unknown_name", ""),
        ("select 1 from nowhere", "unknown_name", ""),
        ("select of no message", "refused", ""),
    ]


def test_parser_tests_prove_only_that_a_text_parses() -> None:
    source = 'def test_it(self):\n    self.assertEqual(self._select("select x from y"), 1)\n'
    assert [case.verdict for case in cases_of(source, "hogql/test/_test_parser.py")] == ["parses"]


def test_a_checkout_without_hogql_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="posthog/hogql"):
        extract(tmp_path)


def test_a_checkout_is_searched_for_tests(tmp_path: Path) -> None:
    folder = tmp_path / "posthog" / "hogql" / "test"
    folder.mkdir(parents=True)
    (folder / "test_thing.py").write_text(A_TEST)
    assert len(extract(tmp_path)) == 10


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("mismatched input 'x' expecting <EOF>", "syntax"),
        ("Unable to resolve field: pizza", "unknown_name"),
        ("Unsupported function call 'pizza(...)'", "unknown_name"),
        ("Function 'pizza' expects 1 argument, found 0", "arity"),
        ("Aggregation 'pizza' requires parameters in addition to arguments", "arity"),
        ("Table function 'pizza' requires arguments", "arity"),
        ("Table 'pizza' does not accept arguments", "arity"),
        ("Missing arguments in function 'pizza'", "arity"),
        ("Cannot resolve field: 'pizza'", "unknown_name"),
        ("Aggregation 'avg' cannot be nested inside another aggregation 'avg'.", "other_error"),
        ("", "refused"),
    ],
)
def test_messages_are_classed(message: str, verdict: Verdict) -> None:
    assert verdict_of(message) == verdict


OURS: list[tuple[Case, str]] = [
    (Case("select event from events", "query", "valid", "a"), "valid"),
    (Case("select event frm from events", "query", "parses", "b"), "valid"),
    (Case("select (", "query", "syntax", "c"), "syntax"),
    (Case("1;2", "expr", "syntax", "d"), "syntax"),
    (Case("timestamp<event", "expr", "valid", "m"), "valid"),
    (Case("pizza", "expr", "unknown_name", "e"), "unknown_name"),
    (Case("hamburger(event)", "expr", "unknown_name", "f"), "unknown_name"),
    (Case("select 1 from pizza", "query", "unknown_name", "g"), "unknown_name"),
    (Case("person.pizza", "expr", "unknown_name", "h"), "unknown_name"),
    (Case("avg()", "expr", "arity", "i"), "arity"),
    (Case("quantile(event)", "expr", "arity", "j"), "arity"),
    (Case("avg(avg(1))", "expr", "other_error", "k"), "other_error"),
    (Case("avg(avg(1))", "query", "refused", "l"), "syntax"),
]


async def test_our_verdicts() -> None:
    outcomes = await measure([case for case, _ in OURS])
    assert [each.ours[0] for each in outcomes] == [ours for _, ours in OURS]
    assert all(each.agrees for each in outcomes)


async def test_the_report_counts_and_shows_what_differs() -> None:
    cases = [Case("1", "expr", "valid", "here"), Case("1", "expr", "arity", "there", "found 1")]
    text = report(await measure([*cases, Case("2", "expr", "valid", "", "", "warehouse")]), left_out=1)
    assert "1 of 2 (50.00 %)" in text
    assert "there\n  1\n  PostHog: arity found 1\n  ours: valid" in text


def test_a_corpus_is_lines_of_json(tmp_path: Path) -> None:
    corpus = tmp_path / "a.jsonl"
    rows = [{"query": "select 1", "verdict": "valid"}, {"expr": "a", "verdict": "unknown_name", "needs": "warehouse"}]
    corpus.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    assert [(case.kind, case.needs) for case in read_corpus(corpus)] == [("query", ""), ("expr", "warehouse")]
    corpus.write_text('{"query": "select 1", "verdict": "fine"}')
    with pytest.raises(ValueError, match=r"a\.jsonl:1"):
        list(read_corpus(corpus))


def test_a_text_counts_once_with_its_fullest_verdict() -> None:
    cases = [Case("a  b", "expr", "parses", ""), Case("a b", "expr", "valid", ""), Case("a b", "expr", "refused", "")]
    assert [case.verdict for case in distinct(cases)] == ["valid"]
