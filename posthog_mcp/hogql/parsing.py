"""Parse HogQL in a process that can be killed; syntax errors come back with a place and a fix.

`Parser` owns the worker (`parse_worker.py`), starts it at the first parse, serialises its callers, and replaces it
after a crash, a timeout or a cancelled call. What the two parsers word differently is put into one wording here.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from typing import Literal, cast

import anyio
from anyio.abc import Process

from posthog_mcp.errors import HogQLSyntaxError, Unavailable
from posthog_mcp.hogql.diagnostics import position
from posthog_mcp.results import Json

ParseKind = Literal["select", "expr", "order_expr"]

MAX_QUERY_LENGTH = 100_000
"""Characters. PostHog itself reads longer texts; no person or model writes them."""
PARSE_SECONDS = 2.0
MAX_DEPTH = 300
"""Levels of nodes in one tree; the resolver and printer recurse once a level."""

FLATTEN = "Flatten nested calls, replace long OR chains by IN (…), or split the query."


class Parser:
    """Parses in a worker process; safe to share between tasks. Close it with `aclose`."""

    def __init__(self, seconds: float = PARSE_SECONDS) -> None:
        self._seconds = seconds
        self._process: Process | None = None
        self._lock = anyio.Lock()

    async def parse(self, query: str, kind: ParseKind = "select") -> dict[str, Json]:
        """Return PostHog's JSON tree: nodes with `node`, `start` and `end` {line, column, offset}.

        Raises:
            HogQLSyntaxError: with `start`, `end`, `line`, `column`, `text` in its context.
            Unavailable: no parser can be installed on this platform, or it cannot be started.
        """
        refuse_unparsable_text(query)
        request = f"{kind}\n{query}".encode()
        async with self._lock:
            answer = await self._ask(query, request)
        try:
            tree = cast("dict[str, Json]", json.loads(answer))
        except RecursionError:
            raise HogQLSyntaxError(
                "The query is nested too deeply.", fix=FLATTEN, context=place(query, 0, 80)
            ) from None
        if tree.get("error"):
            message, fix, start, end = explain(query, tree)
            raise HogQLSyntaxError(message, fix=fix, context=place(query, start, end))
        if depth(tree) > MAX_DEPTH * 2:
            raise HogQLSyntaxError("The query is nested too deeply.", fix=FLATTEN, context=place(query, 0, 80))
        return tree

    async def _ask(self, query: str, request: bytes) -> bytes:
        """One request and its answer; whatever goes wrong, the next call meets a clean worker.

        Raises:
            HogQLSyntaxError: the parse took too long, or crashed the parser.
        """
        finished = False
        try:
            with anyio.fail_after(self._seconds + (0.0 if self._process else 3.0)):
                process = await self._running()
                assert process.stdin is not None
                await process.stdin.send(struct.pack(">I", len(request)) + request)
                (length,) = struct.unpack(">I", await receive_exactly(process, 4))
                answer = await receive_exactly(process, length)
                finished = True
                return answer
        except TimeoutError:
            message = f"The query takes more than {self._seconds:g} s to parse."
            raise HogQLSyntaxError(message, fix=FLATTEN, context=place(query, 0, 80)) from None
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise HogQLSyntaxError("The query crashed the parser.", fix=FLATTEN, context=place(query, 0, 80)) from None
        finally:
            if not finished:
                await self._kill()

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            if sys.platform == "win32":
                raise Unavailable(
                    "PostHog publishes no HogQL parser for Windows, so queries cannot be checked here.",
                    fix="Run posthog-mcp under WSL, or connect to a PostHog host, which checks them itself.",
                )
            self._process = await anyio.open_process(
                [sys.executable, "-m", "posthog_mcp.hogql.parse_worker"],
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()

    async def aclose(self) -> None:
        """End the worker; a later parse starts a new one."""
        await self._kill()


async def receive_exactly(process: Process, count: int) -> bytes:
    assert process.stdout is not None
    parts: list[bytes] = []
    while count:
        part = await process.stdout.receive(count)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def refuse_unparsable_text(query: str) -> None:
    """Refuse what no parser should be given: too long, empty, NUL bytes, lone surrogates.

    Raises:
        HogQLSyntaxError: naming the place of the first such character.
    """
    if len(query) > MAX_QUERY_LENGTH:
        message = f"The query has {len(query):,} characters; at most {MAX_QUERY_LENGTH:,} are accepted."
        fix = "Shorten it: put long value lists into `values`, or query in parts."
        raise HogQLSyntaxError(message, fix=fix, context=place(query, 0, 0))
    if not query.strip().strip(";"):
        fix = "Write a SELECT, such as SELECT count() FROM events."
        raise HogQLSyntaxError("The query is empty.", fix=fix, context=place(query, 0, 0))
    for at, character in enumerate(query):
        if character == "\0" or 0xD800 <= ord(character) <= 0xDFFF:
            what = "a NUL character" if character == "\0" else "half of a surrogate pair"
            message, fix = f"The query holds {what}.", "Remove that character."
            raise HogQLSyntaxError(message, fix=fix, context=place(query, at, at + 1))


def depth(tree: Json) -> int:
    """Levels of nesting, counted without recursion."""
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        if isinstance(node, dict):
            stack += [(child, level + 1) for child in node.values() if isinstance(child, dict | list)]
        elif isinstance(node, list):
            stack += [(child, level + 1) for child in node if isinstance(child, dict | list)]
    return deepest


def place(query: str, start: int, end: int) -> dict[str, object]:
    """The context of a syntax error: offsets, 1-based line and column, and the offending text."""
    line, column = position(query, start)
    return {"start": start, "end": end, "line": line, "column": column, "text": query[start:end][:80]}


KNOWN_SLIPS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"^\s*(insert|update|delete|create|drop|alter|truncate|grant|set|use|optimize|kill|system)\b", re.I),
     "HogQL only reads: a query is one SELECT.", "Write a SELECT."),
    (re.compile(r"^\s*(explain|show|describe|desc)\b", re.I),
     "HogQL has no EXPLAIN, SHOW or DESCRIBE.", "Use get_object_fields for a table's fields."),
    (re.compile(r"\b(settings|format|into\s+outfile)\b[^()]*;?\s*$", re.I),
     "SETTINGS, FORMAT and INTO OUTFILE are not part of HogQL.", "Remove the clause."),
    (re.compile(r"\*\s*(except|replace)\s*\(", re.I),
     "`* EXCEPT (…)` and `* REPLACE (…)` are not HogQL.", "Write `* EXCLUDE (…)`, or name the columns."),
    (re.compile(r"\b(date|timestamp)\s+'", re.I),
     "DATE '…' and TIMESTAMP '…' literals are not HogQL.", "Write toDate('…') or toDateTime('…')."),
    (re.compile(r"\bextract\s*\(\s*\w+\s+from\b", re.I),
     "EXTRACT(… FROM …) is not HogQL.", "Write toYear(x), toMonth(x), toHour(x), …"),
    (re.compile(r"'[^'\n]*\\[^\\'nrtbfav0xuNe\"`/%_][^'\n]*'"),
     "A single backslash in a string starts an escape that HogQL does not know.", "Double it: '\\\\d'."),
    (re.compile(r",\s*(from|where|group|order|limit|\))", re.I),
     "There is a comma with nothing after it.", "Remove the trailing comma."),
    (re.compile(r";\s*\S"), "There is a second statement after `;`.", "Send one SELECT a call."),
)  # fmt: skip


def explain(query: str, answer: dict[str, Json]) -> tuple[str, str, int, int]:
    """A parser's error object in one wording: message, fix, start, end; the mend where the slip is a common one."""
    start, end = offset(answer, "start"), offset(answer, "end")
    start = max(0, min(start, len(query)))
    end = start + 1 if end <= start or end >= len(query) else end
    message = str(answer.get("message", ""))
    for pattern, explanation, fix in KNOWN_SLIPS:
        found = pattern.search(query)
        # The C++ parser often blames the whole statement, so a start at its first word says nothing.
        if found and (found.start() <= start <= found.end() + 1 or not query[:start].strip()):
            return explanation, fix, found.start(), found.end()
    if start >= len(query.rstrip().rstrip(";").rstrip()) or "EOF" in message or "Eof" in message:
        opened = query.count("(") - query.count(")")
        fix = f"Close {opened} bracket(s)." if opened > 0 else "Complete the query after this point."
        return "Unexpected end of query.", fix, start, end
    word = re.match(r"\w+|\S", query[start:])
    near = word.group(0) if word else query[start : start + 10]
    fix = "Check the text just before this place: a missing comma, operator, bracket or quote."
    return f"Syntax error at `{near}`.", fix, start, start + len(near)


def offset(answer: dict[str, Json], key: str) -> int:
    place = answer.get(key)
    value = place.get("offset") if isinstance(place, dict) else None
    return value if isinstance(value, int) else 0
