"""Standard input and output as a transport that no line can break.

The SDK's own reads lines without a limit, drops what is no message without a word, and hangs where an answer cannot be
written as UTF-8. Here a line has the limit of an HTTP body, every line that is no message gets a JSON-RPC error, and
every answer can be written. While it serves, file 0 is the null device and file 1 is standard error, so that neither
child processes nor stray prints touch the wire.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.mcpserver import MCPServer
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, jsonrpc_message_adapter
from pydantic import ValidationError
from pydantic_core import from_json


class NoMessage(Exception):
    """A line that is no message; `answer` says so to the client."""

    def __init__(self, code: int, why: str, request_id: int | str | None = None) -> None:
        super().__init__(why)
        self.answer = JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=why))


async def serve_lines(server: MCPServer[Any], longest: int) -> None:
    """Serve until the input ends. A line of more than `longest` bytes is refused, and not kept."""
    lowlevel = server._lowlevel_server  # pyright: ignore[reportPrivateUsage]  # as the SDK's own transports do
    to_server, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    with wire() as (source, target):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take, source, longest, to_server, outgoing.clone())
            tasks.start_soon(give, target, from_server)
            await lowlevel.run(incoming, outgoing, lowlevel.create_initialization_options())


async def take(
    source: BinaryIO,
    longest: int,
    to_server: MemoryObjectSendStream[SessionMessage | Exception],
    answers: MemoryObjectSendStream[SessionMessage],
) -> None:
    """Hand messages to the server, and answer lines that are none."""
    async with to_server, answers:
        try:
            async for line in lines(source, longest):
                try:
                    await to_server.send(SessionMessage(message_of(line, longest)))
                except NoMessage as refusal:
                    await answers.send(SessionMessage(refusal.answer))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # the server ended first


async def lines(source: BinaryIO, longest: int) -> AsyncGenerator[bytes | None, None]:
    """Lines that hold something; None for one that is too long, as soon as it is."""
    while line := await anyio.to_thread.run_sync(source.readline, longest + 1):
        if len(line) <= longest:
            if line.strip():
                yield line
            continue
        yield None
        while line and not line.endswith(b"\n"):
            line = await anyio.to_thread.run_sync(source.readline, longest + 1)


def message_of(line: bytes | None, longest: int) -> JSONRPCMessage:
    """The message that a line is.

    Raises:
        NoMessage: it is none.
    """
    if line is None:
        raise NoMessage(INVALID_REQUEST, f"A line has more than {longest:,} bytes (POSTHOG_MCP_MAX_BODY).")
    try:
        found: object = from_json(line)
    except ValueError as error:
        raise NoMessage(PARSE_ERROR, f"A line is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise NoMessage(INVALID_REQUEST, "A line is no JSON object; batches are not taken.")
    fields = cast("dict[str, object]", found)
    number = fields.get("id")
    named = isinstance(number, str | int) and not isinstance(number, bool)
    if "method" in fields and "id" in fields and not named:
        raise NoMessage(INVALID_REQUEST, "A request's id is neither a text nor a whole number.")
    try:
        return jsonrpc_message_adapter.validate_python(fields, by_name=False)
    except ValidationError:
        why = 'A line is no JSON-RPC 2.0 message: it needs "jsonrpc": "2.0", a method, and params that are an object.'
        raise NoMessage(INVALID_REQUEST, why, cast("int | str", number) if named else None) from None


async def give(target: BinaryIO, answers: MemoryObjectReceiveStream[SessionMessage]) -> None:
    """Write answers, a line each."""

    def write(text: str) -> None:
        target.write(text.encode("utf-8", "replace") + b"\n")
        target.flush()

    async with answers:
        async for each in answers:
            fields = each.message.model_dump(mode="json", by_alias=True, exclude_unset=True)
            await anyio.to_thread.run_sync(write, json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


@contextmanager
def wire() -> Generator[tuple[BinaryIO, BinaryIO], None, None]:
    """The process's input and output, which nobody else reaches meanwhile."""
    sys.stdout.flush()
    private = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    try:
        # Not closed here: a thread may still wait for input, and the number must not go to another file under it.
        yield os.fdopen(private[0], "rb", closefd=False), os.fdopen(private[1], "wb", closefd=False)
    finally:
        for number, kept in enumerate(private):
            os.dup2(kept, number)
