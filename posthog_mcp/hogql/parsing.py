"""Parse HogQL in a process that can be killed; syntax errors come back with a place and a fix.

`Parser` owns the worker (`parse_worker.py`), starts it at the first parse, serialises its callers, and replaces it
after a crash, a timeout or a cancelled call. Texts that no parser should see are refused before (`refuse_unparsable`);
what the parsers say of the others is put into one wording by `slips.py`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Literal, NoReturn, cast

import anyio
from anyio import to_thread
from anyio.abc import Process

from posthog_mcp.errors import HogQLSyntaxError, Unavailable
from posthog_mcp.hogql.diagnostics import position
from posthog_mcp.hogql.plain_parse import parse_plain
from posthog_mcp.hogql.slips import explain
from posthog_mcp.hogql.tokens import CLOSING, OPENING, tokens
from posthog_mcp.results import Json

ParseKind = Literal["select", "expr", "order_expr"]

MAX_QUERY_LENGTH = 100_000
"""Characters. PostHog itself reads longer texts; no person or model writes them."""
PARSE_SECONDS = 4.0
"""Processor time of one parse, so that a busy machine does not turn a good query into a bad one."""
SECONDS_A_SELECT, MOST_SECONDS = 0.5, 10.0
"""A query of many parts may take longer: what insights ask has up to fifteen, and the C++ parser is slow."""
MAX_BRACKETS = 100
"""Brackets open at once. The C++ parser gives up its two seconds at some thirty, the Rust one takes 500."""
MAX_CONDITIONS = 300
"""ANDs and ORs in one chain: about 0.8 s in either parser, and growing with the cube."""
MAX_DEPTH = 600
"""Levels of nodes and lists in one tree; the resolver and printer recurse once a level."""
SLOW = sys.version_info < (3, 12)
"""Whether PostHog's parser here is the C++ one."""
ERROR = b'{"error"'
"""How an answer begins that is no tree; a crash or a timeout may pass."""
KNOWN_BYTES = 16 << 20
"""Of answers that are kept: the C++ parser takes a second or two for what an insight asks."""
START_SECONDS = 20.0
BIG_ANSWER = 100_000
"""Bytes of JSON from which reading it moves off the event loop."""

CRASHES = (-signal.SIGSEGV, -signal.SIGABRT) if sys.platform != "win32" else ()
TOO_COMPLEX = "The query is too complex: it takes more time to parse than a query may."
FLATTEN = "Flatten nested calls, write IN (…) for long OR chains, put long lists into `values`, or split the query."
WORKER = Path(__file__).with_name("parse_worker.py")


class KnownAnswers:
    """The newest answers of the parsers, by text. A parse depends on nothing else, so every project shares them."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def get(self, kind: str, query: str) -> bytes | None:
        found = self._answers.get((kind, query))
        if found is not None:
            self._answers.move_to_end((kind, query))
        return found

    def put(self, kind: str, query: str, answer: bytes) -> None:
        self._bytes += len(answer) - len(self._answers.get((kind, query), b""))
        self._answers[kind, query] = answer
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._answers.popitem(last=False)[1])


KNOWN = KnownAnswers(KNOWN_BYTES)


class Parser:
    """Parses in a worker process; safe to share between tasks. Close it with `aclose`.

    `worker_pid` is the running worker's process id, None before it is needed. `plain`: what `plain_parse` reads does
    not go there.
    """

    def __init__(self, *, plain: bool = SLOW) -> None:
        self._plain = plain
        self._process: Process | None = None
        self._lock = anyio.Lock()

    @property
    def worker_pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def parse(self, query: str, kind: ParseKind = "select") -> dict[str, Json]:
        """Return PostHog's JSON tree: nodes with `node`, `start` and `end` {line, column, offset}.

        Raises:
            HogQLSyntaxError: with `start`, `end`, `line`, `column`, `text` in its context.
            Unavailable: no parser can be installed on this platform, or it cannot be started.
        """
        refuse_unparsable(query)
        tree = await to_thread.run_sync(parse_plain, query) if self._plain and kind == "select" else None
        if tree is not None and depth(tree) <= MAX_DEPTH:
            return tree
        answer = KNOWN.get(kind, query)
        if answer is None:
            seconds = allowed_seconds(query)
            answer = await self._ask(query, f"{kind} {seconds:g}\n{query}".encode(), seconds)
            if not answer.startswith(ERROR):
                KNOWN.put(kind, query, answer)
        if len(answer) < BIG_ANSWER:
            return read_tree(query, answer, kind)
        return await to_thread.run_sync(read_tree, query, answer, kind)

    async def _ask(self, query: str, request: bytes, seconds: float) -> bytes:
        """One request and its answer; a worker that was killed from outside is replaced, once.

        Raises:
            HogQLSyntaxError: the parse took too long, or crashed the parser.
            Unavailable: the parser does not stay alive.
        """
        async with self._lock:
            for attempt in (1, 2):
                process = await self._running()
                try:
                    return await self._exchange(process, request, seconds)
                except TimeoutError:
                    refuse(query, TOO_COMPLEX)
                except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    if process.returncode == -signal.SIGPROF:
                        refuse(query, TOO_COMPLEX)
                    if attempt == 2 or process.returncode in CRASHES:
                        refuse(query, "The query crashed the parser.")
            raise Unavailable("The HogQL parser was stopped twice.", fix="Try again.")

    async def _exchange(self, process: Process, request: bytes, seconds: float) -> bytes:
        """Send and receive; unless the whole answer arrives, cancelled or not, the worker is killed.

        Raises:
            TimeoutError: the worker does not answer in twice its time.
        """
        finished = False
        try:
            with anyio.fail_after(seconds * 2 + 0.5):
                assert process.stdin is not None
                await process.stdin.send(struct.pack(">I", len(request)) + request)
                answer = await receive_frame(process)
                finished = True
                return answer
        finally:
            if not finished:
                await self._kill()

    async def _running(self) -> Process:
        """The worker, started if there is none.

        Raises:
            Unavailable: there is no parser for this platform, it is not installed, or it does not start.
        """
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._kill()
        if sys.platform == "win32":
            raise Unavailable(
                "PostHog publishes no HogQL parser for Windows, so queries cannot be checked here.",
                fix="Run posthog-mcp under WSL, or connect to a PostHog host, which checks them itself.",
            )
        process = self._process = await anyio.open_process(
            # -P: beside the worker lie modules named like those of the standard library.
            [sys.executable, "-P", str(WORKER)],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        why = "it does not answer"
        try:
            with anyio.fail_after(START_SECONDS):
                why = str(json.loads(await receive_frame(process)).get("missing", ""))
        except (TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError):
            pass
        finally:
            if why:
                await self._kill()
        if why:
            fix = "Install posthog-mcp again: it brings hogql-parser-rs (Python 3.12+) or hogql-parser (3.11)."
            raise Unavailable(f"The HogQL parser does not start: {why}.", fix=fix)
        return process

    async def _kill(self) -> None:
        """End the worker and what it has forked."""
        process, self._process = self._process, None
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.aclose()

    async def aclose(self) -> None:
        """End the worker, once a parse that is under way has its answer; a later parse starts a new one."""
        with anyio.CancelScope(shield=True):
            async with self._lock:
                await self._kill()


async def receive_frame(process: Process) -> bytes:
    (length,) = struct.unpack(">I", await receive_exactly(process, 4))
    return await receive_exactly(process, length)


async def receive_exactly(process: Process, count: int) -> bytes:
    assert process.stdout is not None
    parts: list[bytes] = []
    while count:
        part = await process.stdout.receive(count)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def allowed_seconds(query: str) -> float:
    """Processor time that this text may take."""
    return max(PARSE_SECONDS, min(SECONDS_A_SELECT * query.lower().count("select"), MOST_SECONDS))


def refuse(query: str, message: str) -> NoReturn:
    """Refuse a query that the parsers cannot take.

    Raises:
        HogQLSyntaxError: always.
    """
    raise HogQLSyntaxError(message, fix=FLATTEN, context=place(query, 0, 80)) from None


def read_tree(query: str, answer: bytes, kind: ParseKind) -> dict[str, Json]:
    """The tree in a worker's answer.

    Raises:
        HogQLSyntaxError: the answer is an error, or the tree is too deep to work on.
    """
    try:
        tree = cast("dict[str, Json]", json.loads(answer))
    except RecursionError:
        refuse(query, "The query is nested too deeply.")
    if not tree.get("error"):
        if depth(tree) > MAX_DEPTH:
            refuse(query, "The query is nested too deeply.")
        return tree
    if tree.get("type") == "Timeout":
        refuse(query, TOO_COMPLEX)
    if tree.get("type") == "Crash":
        refuse(query, "The query crashed the parser.")
    start = tree.get("start")
    offset = start.get("offset") if isinstance(start, dict) else None
    slip = explain(query, str(tree.get("message", "")), offset if isinstance(offset, int) else 0, kind == "select")
    context = place(query, slip.start, slip.end)
    if slip.edit:
        context["edit"] = (slip.edit.start, slip.edit.end, slip.edit.text)
    raise HogQLSyntaxError(slip.message, fix=slip.fix, context=context)


def depth(tree: Json) -> int:
    """Levels of nesting, counted without recursion."""
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        stack += [(child, level + 1) for child in children if isinstance(child, dict | list)]
    return deepest


def place(query: str, start: int, end: int) -> dict[str, object]:
    """The context of a syntax error: offsets, 1-based line and column, and the offending text."""
    end = min(end, len(query))
    line, column = position(query, start)
    return {"start": start, "end": end, "line": line, "column": column, "text": query[start:end][:80]}


def refuse_unparsable(query: str) -> None:
    """Refuse what no parser should be given: too long, empty, NUL bytes, lone surrogates, hostile nesting.

    Raises:
        HogQLSyntaxError: naming the place.
    """
    if len(query) > MAX_QUERY_LENGTH:
        message = f"The query has {len(query):,} characters; at most {MAX_QUERY_LENGTH:,} are accepted."
        fix = "Shorten it: put long value lists into `values`, or query in parts."
        raise HogQLSyntaxError(message, fix=fix, context=place(query, 0, 0))
    if not query.strip(" \t\r\n;\ufeff"):
        fix = "Write a SELECT, such as SELECT count() FROM events."
        raise HogQLSyntaxError("The query is empty.", fix=fix, context=place(query, 0, 0))
    found = re.search("[\0\ud800-\udfff]", query)
    if found:
        what = "a NUL character" if found.group() == "\0" else "half of a surrogate pair"
        context = place(query, found.start(), found.end()) | {"text": repr(found.group())[1:-1]}
        raise HogQLSyntaxError(f"The query holds {what}.", fix="Remove that character.", context=context)
    refuse_hostile(query)


NEW_CHAIN = frozenset(
    {",", "select", "from", "where", "having", "on", "by", "when", "then", "else", "union", "qualify"}
)


def refuse_hostile(query: str) -> None:
    """Refuse nesting and chains that the parsers are known to take seconds for.

    Raises:
        HogQLSyntaxError: at the bracket or condition that is one too many.
    """
    chains = [0]
    for token in tokens(query):
        word = token.lowered
        if word in OPENING:
            chains.append(0)
        elif word in CLOSING and len(chains) > 1:
            chains.pop()
        elif word in ("and", "or"):
            chains[-1] += 1
        elif word in NEW_CHAIN:
            chains[-1] = 0
        context = place(query, token.start, token.end)
        if len(chains) > MAX_BRACKETS + 1:
            message = f"The query is nested too deeply: more than {MAX_BRACKETS} brackets are open here."
            raise HogQLSyntaxError(message, fix=FLATTEN, context=context)
        if chains[-1] > MAX_CONDITIONS:
            message = f"More than {MAX_CONDITIONS} conditions are joined by AND and OR."
            raise HogQLSyntaxError(message, fix="Write IN (…) with a list of values.", context=context)
