"""The parser's own process: frames in on stdin, PostHog's JSON tree out on stdout. Run as a file, not as a module.

A frame is a four-byte big-endian length and that many bytes. First answer: `{"parser": name}`, or `{"missing": why}`
and the end. Request: the kind, the seconds of processor time that the parse may take, a newline, the query in UTF-8;
answer: the parser's JSON. Imports nothing of ours, so that it starts at once.

The Rust parser runs here and takes the process with it when its time is up. The C++ one slows down in a process that
has parsed much and can crash, so each parse gets a fresh fork of this process, which itself parses two queries of ours
only: what it has learnt of the grammar then is every fork's, and nearly halves an ordinary parse. It learns after its
first answer, since starting must not wait for it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
import types
from importlib import import_module
from importlib.util import find_spec

MEMORY_BYTES = 4 << 30
"""Address space; an ordinary parse takes a few hundred megabytes of it, nearly all of that unused."""

TYPICAL = (
    "select event, count() as n, uniq(person_id) from events e where event = 'a' and timestamp >= now() - interval 7 "
    "day and properties.x in ('a', 'b') group by event having n > 1 order by n desc limit 10 offset 5",
    "with a as (select person_id, min(timestamp) as t from events where event like '%a' or not x is null group by 1) "
    "select a.t, if(1 = 2, 'x', null), case when a > 1 then 2 else 3 end, arrayMap(x -> x + 1, [1, 2]), "
    "sum(1) over (partition by b order by c desc), quantile(0.5)(x) from a left join events as b "
    "on a.person_id = b.person_id and b.timestamp between '2024-01-01' and toDate('2024-02-01') "
    "union all select distinct * from (select a.b.c, -1.5, (1, 2).1, x::int from events)",
)
"""What queries are made of, for the parser to learn from."""


def main() -> None:
    """Serve until stdin ends."""
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not stand between frames
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        name, forks = load_parser()
    except ImportError as missing:
        write_frame(answers, json.dumps({"missing": str(missing)}))
        return
    write_frame(answers, json.dumps({"parser": name}))
    to_learn = list(TYPICAL) if forks else []
    while True:
        (length,) = struct.unpack(">I", read_exactly(4))
        head, _, query = read_exactly(length).decode().partition("\n")
        kind, _, allowed = head.partition(" ")
        seconds = float(allowed)
        write_frame(answers, parse_in_fork(name, kind, query, seconds) if forks else parse(name, kind, query, seconds))
        while to_learn:
            parse(name, "select", to_learn.pop(), seconds)


def read_exactly(count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        chunk = os.read(0, count - len(data))
        if not chunk:
            os._exit(0)
        data += chunk
    return bytes(data)


def write_frame(to: int, payload: str) -> None:
    encoded = payload.encode()
    view = memoryview(struct.pack(">I", len(encoded)) + encoded)
    while view:
        view = view[os.write(to, view) :]


def load_parser() -> tuple[str, bool]:
    """The parser that is installed, and whether it must run in a fork."""
    if find_spec("hogql_parser_rs"):
        import_module("hogql_parser_rs")
        return "hogql_parser_rs", False
    # The C++ module takes its exceptions from PostHog's server code, by name and only to raise them.
    for name in ("posthog", "posthog.hogql", "posthog.hogql.errors"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["posthog.hogql.errors"].__dict__["__getattr__"] = exception_named
    import_module("hogql_parser")  # before the first fork, so that no fork pays for it
    return "hogql_parser", True


def exception_named(name: str) -> type[Exception]:
    return type(name, (Exception,), {})


def parse(parser: str, kind: str, query: str, seconds: float) -> str:
    """Parse here; SIGPROF ends the process when the time is up."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        answer: str = getattr(import_module(parser), f"parse_{kind}_json")(query)
    except BaseException as raised:  # a Rust panic is no Exception
        answer = error("Crash" if isinstance(raised, MemoryError) else "SyntaxError", str(raised))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return answer


def parse_in_fork(parser: str, kind: str, query: str, seconds: float) -> str:
    """Parse in a fork; one that dies leaves an error that says how."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            write_frame(writing, parse(parser, kind, query, seconds))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as source:
        answer = source.read()[4:].decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return error("Timeout" if os.WTERMSIG(status) == signal.SIGPROF else "Crash", "")
    return answer or error("Crash", "")


def error(kind: str, message: str) -> str:
    start = {"offset": 0}
    return json.dumps({"error": True, "type": kind, "message": message, "start": start, "end": start})


if __name__ == "__main__":
    main()
