"""The parser's own process: frames in on stdin, PostHog's JSON tree out on stdout.

A frame is a four-byte big-endian length and that many bytes. Request: `kind`, a newline, the query in UTF-8.
Answer: the parser's JSON. The Rust parser runs here; the C++ one slows down in a process that has parsed before
and can crash, so each parse gets a fresh fork of this process, which itself never parses.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import types
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

LAST_RESORT_SECONDS = 5
"""The kernel ends a parse at this age even when the server that should have killed it is gone."""

Parse = Callable[[str, bytes], bytes]


def read_exactly(count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = os.read(0, count - len(data))
        if not chunk:
            os._exit(0)
        data += chunk
    return data


def write_frame(payload: bytes) -> None:
    view = memoryview(struct.pack(">I", len(payload)) + payload)
    while view:
        view = view[os.write(1, view) :]


def parse_in_process(kind: str, query: bytes) -> bytes:
    parser = import_module("hogql_parser_rs")
    signal.setitimer(signal.ITIMER_REAL, LAST_RESORT_SECONDS)
    answer: str = getattr(parser, f"parse_{kind}_json")(query.decode())
    signal.setitimer(signal.ITIMER_REAL, 0)
    return answer.encode()


def parse_in_fork(kind: str, query: bytes) -> bytes:
    """Fork, parse in the child, and return its answer; a child that dies leaves an error."""
    parser = import_module("hogql_parser")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_REAL, LAST_RESORT_SECONDS)
        answer = getattr(parser, f"parse_{kind}_json")(query.decode()).encode()
        with os.fdopen(writing, "wb") as out:
            out.write(answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as source:
        answer = source.read()
    os.waitpid(child, 0)
    return answer or b'{"error": true, "type": "Crash", "message": "the parser crashed"}'


def load_parser() -> Parse:
    if find_spec("hogql_parser_rs"):
        return parse_in_process
    # The C++ module imports posthog.hogql.errors by name and never reads it.
    for name in ("posthog", "posthog.hogql", "posthog.hogql.errors"):
        sys.modules[name] = types.ModuleType(name)
    import_module("hogql_parser")  # before the first fork, so that no fork pays for it
    return parse_in_fork


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parse = load_parser()
    while True:
        (length,) = struct.unpack(">I", read_exactly(4))
        kind, _, query = read_exactly(length).partition(b"\n")
        write_frame(parse(kind.decode(), query))


if __name__ == "__main__":
    main()
