"""Cases out of a checkout of PostHog's source: what its own HogQL tests call, and what they expect of it.

Read with `ast`, never run. A test calls a helper (`self._select("…")`, `execute_hogql_query("…")`) with a text; inside
`assertRaises` or by an error helper it is refused, and the message nearby says how; else it is valid. A bare
`parse_select` proves only that the text parses. Calls whose text is not written out, that take placeholders or a
context made for the test, or that print for another database, are marked `needs`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.agreement.cases import Case, Kind, Verdict, verdict_of

FOLDERS = ("posthog/hogql", "posthog/hogql_queries/test", "posthog/api/test")
RESOLVES: Mapping[str, Kind] = {
    "_select": "query",
    "_print": "query",
    "_pretty": "query",
    "_print_select": "query",
    "execute_hogql_query": "query",
    "_execute": "query",
    "_run_query": "query",
    "_expr": "expr",
    "_test_property_group_comparison": "expr",
}
"""Helpers that resolve the text and print or run it."""
PARSES: Mapping[str, Kind] = {"parse_select": "query", "parse_expr": "expr"}
"""`self._select` and `self._expr` of the parser's tests only parse as well."""
REFUSES: Mapping[str, Kind] = {
    "_assert_select_error": "query",
    "_assert_query_error": "query",
    "_assert_expr_error": "expr",
}
KINDS: Mapping[str, Kind] = {**RESOLVES, **PARSES, **REFUSES}
RAISES = ("assertRaises", "assertRaisesMessage", "assertRaisesRegex", "raises")
TEXT_NAMES = ("query", "expr", "statement", "node")
NEEDS = ("placeholders", "database", "connection_id", "variables", "filters", "modifiers")
"""Keyword arguments that bring something of the test along."""
DIALECTS = ("postgres", "duckdb", "hogql")
"""Other dialects allow and refuse other things."""


@dataclass(slots=True)
class Reading:
    """One test function being read: its texts by name, and the expected message while inside `assertRaises`."""

    source: str
    parser_tests: bool
    texts: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    messages: dict[str, str] = field(default_factory=dict[str, str])
    """Name of an `as` target → the message that is asserted of it."""
    raising: str | None = None


def extract(checkout: Path) -> list[Case]:
    """The cases of every HogQL test of the checkout.

    Raises:
        FileNotFoundError: there is no HogQL in it.
    """
    folders = [checkout / each for each in FOLDERS if (checkout / each).is_dir()]
    if not folders:
        raise FileNotFoundError(f"{checkout} holds none of {', '.join(FOLDERS)}.")
    files = sorted({path for folder in folders for path in folder.rglob("*test*.py")})
    return [
        case for path in files for case in cases_of(path.read_text(encoding="utf-8"), str(path.relative_to(checkout)))
    ]


def cases_of(text: str, source: str) -> Iterator[Case]:
    """The cases of one test file."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test"):
            reading = Reading(f"{source}:{function.name}", "test_parser" in Path(source).name)
            gather(function, reading)
            yield from read(function.body, reading)


def gather(function: ast.AST, reading: Reading) -> None:
    """Note the texts that names stand for, and the messages asserted of exceptions."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                reading.texts.setdefault(name, []).extend(written(value, reading))
            case ast.For(target=ast.Name(id=name), iter=over):
                reading.texts.setdefault(name, []).extend(written(over, reading))
            case ast.Call(args=[*_, _, _]):
                note_message(node, reading)
            case ast.Assert(test=ast.Compare(left=left, comparators=[right])):
                note_pair(left, right, reading)
            case _:
                pass


def written(node: ast.AST, reading: Reading) -> list[str]:
    """The texts an expression is sure to be: a constant, a list of them, or a name for them."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [text for item in items for text in written(item, reading)]
        case ast.Name(id=name):
            return reading.texts.get(name, [])
        case _:
            return []


def note_message(call: ast.Call, reading: Reading) -> None:
    """`assertEqual(str(e.exception), "…")` and `assertIn("…", str(e.exception))`."""
    if name_of(call).startswith("assert"):
        note_pair(call.args[0], call.args[1], reading)


def note_pair(left: ast.expr, right: ast.expr, reading: Reading) -> None:
    for text, raised in ((left, right), (right, left)):
        names = [each.id for each in ast.walk(raised) if isinstance(each, ast.Name)]
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            for name in names:
                reading.messages.setdefault(name, text.value)


def read(body: list[ast.stmt], reading: Reading) -> Iterator[Case]:
    """The cases of some statements, in order."""
    for statement in body:
        if isinstance(statement, ast.With | ast.AsyncWith):
            outside, reading.raising = reading.raising, raised_message(statement, reading)
            yield from read(statement.body, reading)
            reading.raising = outside
            continue
        inner = [block for name in ("body", "orelse", "finalbody") for block in getattr(statement, name, [])]
        if inner and not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from read(inner, reading)
        elif not inner:
            yield from called(statement, reading)


def raised_message(statement: ast.With | ast.AsyncWith, reading: Reading) -> str | None:
    """The message expected inside a `with`, "" where none is given, None where nothing is to be raised."""
    for item in statement.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and name_of(call) in RAISES:
            given = [*call.args[1:], *(each.value for each in call.keywords if each.arg in ("match", "expected_regex"))]
            texts = [text for each in given for text in written(each, reading)]
            name = item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else ""
            return texts[0] if texts else reading.messages.get(name, "")
    return reading.raising


def called(statement: ast.stmt, reading: Reading) -> Iterator[Case]:
    """The cases of one statement; a `parse_select` inside a helper's call is that helper's."""
    inner: set[ast.AST] = set()
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call) or node in inner:
            continue
        name = name_of(node)
        if name in KINDS:
            wrapped = [each for each in ast.walk(node) if each is not node and isinstance(each, ast.Call)]
            inner.update(wrapped)
            for text in texts_of(node, wrapped, reading):
                yield case_of(node, name, text, reading)


def texts_of(call: ast.Call, wrapped: list[ast.Call], reading: Reading) -> list[str]:
    """The texts a helper is called with: its first argument, one by name, or what a `parse_…` in it parses."""
    given = [*call.args[:1], *(each.value for each in call.keywords if each.arg in TEXT_NAMES)]
    given += [each.args[0] for each in wrapped if name_of(each) in PARSES and each.args]
    return [text for each in given for text in written(each, reading)]


def case_of(call: ast.Call, name: str, text: str, reading: Reading) -> Case:
    kind = KINDS[name]
    if name in REFUSES:
        message = next(iter(written(call.args[1], reading)), "") if len(call.args) > 1 else ""
        return Case(text, kind, verdict_of(message), reading.source, message, needs(call))
    if reading.raising is not None:
        return Case(text, kind, verdict_of(reading.raising), reading.source, reading.raising, needs(call))
    verdict: Verdict = "parses" if name in PARSES or reading.parser_tests else "valid"
    return Case(text, kind, verdict, reading.source, "", needs(call))


def needs(call: ast.Call) -> str:
    """What the call takes beyond its text."""
    words = [each.arg for each in call.keywords if each.arg in NEEDS and not empty(each.value)]
    given = [*call.args[1:], *(each.value for each in call.keywords)]
    words += [each.value for each in given if isinstance(each, ast.Constant) and each.value in DIALECTS]
    return ", ".join(str(word) for word in words)


def empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def name_of(call: ast.Call) -> str:
    """The last part of what is called."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""
