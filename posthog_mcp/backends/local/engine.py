"""The supervised engine: SELECTs on one snapshot, answered by a locked-down chDB process (`worker.py`).

`Engine` starts the process at the first query, sends each query down a free lane, kills a query when its caller is
cancelled or its time is up, and replaces the process when it dies or the data moves on to a new snapshot.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process, SocketStream

from posthog_mcp.backends.local.cells import read_table
from posthog_mcp.backends.local.processes import (
    child_environment,
    drop_scratch,
    engine_error,
    memory_limit,
    new_scratch,
    require_chdb,
)
from posthog_mcp.errors import InvalidInput, QueryTimeout, Unavailable
from posthog_mcp.results import Json, Table

LANES = 3
"""Queries that run at once in one process."""
KILL_SECONDS = 3.0
START_SECONDS = 30.0
MAX_RESULT_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table for the worker to create: ClickHouse columns over files. `format` is Parquet or JSONEachRow."""

    path: str
    columns: list[tuple[str, str]]
    format: str = "Parquet"


@dataclass(frozen=True, slots=True)
class Layout:
    """What one engine process opens. A different `key` means different data."""

    key: str
    timezone: str
    tables: Mapping[str, TableSource]
    views: Mapping[str, str]
    reads: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """Rows with what they cost; `elapsed_ms` is wall time around the engine."""

    table: Table
    elapsed_ms: float
    rows_read: int
    bytes_read: int


class Worker:
    """One chDB process: a control lane and some query lanes."""

    def __init__(self, layout: Layout, process: Process, scratch: Path, control: SocketStream) -> None:
        self.layout = layout
        self.process = process
        self.scratch = scratch
        self.control = control
        self.control_lock = anyio.Lock()
        self.lanes: list[SocketStream] = []
        self.free = anyio.Semaphore(LANES)
        self.retired = False
        self.busy = 0

    @contextlib.asynccontextmanager
    async def lane(self) -> AsyncGenerator[SocketStream]:
        """A free lane; one whose answer was never read is not given back.

        Raises:
            EndOfStream: every lane was lost with its process.
        """
        async with self.free:
            if not self.lanes:
                raise anyio.EndOfStream
            lane = self.lanes.pop()
            self.busy += 1
            try:
                yield lane
                self.lanes.append(lane)
            finally:
                self.busy -= 1

    async def kill_query(self, marker: str) -> None:
        async with self.control_lock:
            await send_frame(self.control, {"kill": marker})
            await receive_frame(self.control)

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
            for stream in (self.control, *self.lanes):
                await stream.aclose()
            await self.process.aclose()
            await anyio.to_thread.run_sync(drop_scratch, self.scratch)


class Engine:
    """Answers SELECTs for one data folder. `layout` is asked before each query and must be cheap."""

    def __init__(self, layout: Callable[[], Layout], memory: int | None = None) -> None:
        self._layout = layout
        self._memory = memory or memory_limit()
        self._worker: Worker | None = None
        self._retired: list[Worker] = []
        self._starting = anyio.Lock()

    async def run(
        self, sql: str, parameters: Mapping[str, str], *, timeout_seconds: float, timezone: str
    ) -> EngineAnswer:
        """Run one SELECT whose `{name:Type}` parameters are bound. Cancelling stops it in the engine first.

        Raises:
            InvalidInput: the SQL held more than one statement.
            QueryTimeout: after `timeout_seconds` of wall time.
            Unavailable: the process died; the next call starts a new one.
            PostHogMcpError: chDB's own complaint, in words.
        """
        worker = await self._running()
        started = time.perf_counter()
        marker = uuid.uuid4().hex
        bound: dict[str, Json] = {name: escaped(value) for name, value in parameters.items()}
        request: dict[str, Json] = {"marker": marker, "sql": sql, "parameters": bound}
        try:
            with anyio.fail_after(timeout_seconds):
                status, payload = await self._ask(worker, marker, request)
        except TimeoutError:
            too_long = overran(timeout_seconds)
            raise too_long from None
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._forget(worker)
            message = "The engine process ended while the query ran; nothing was lost."
            raise Unavailable(message, fix="Run the query again, over a shorter range if it was large.") from None
        finally:
            await self._sweep()
        if status == b"E":
            complaint = engine_error(payload.decode("utf-8", "replace"))
            raise complaint
        try:
            table = await anyio.to_thread.run_sync(read_table, payload, timezone)
        except ValueError:
            # More than one document: chDB ran several statements, and this connection would answer late from now on.
            await self._forget(worker)
            raise InvalidInput("The engine takes one statement a query.", fix="Send one SELECT.") from None
        rows_read, bytes_read = statistics(payload)
        return EngineAnswer(table, (time.perf_counter() - started) * 1000, rows_read, bytes_read)

    async def _ask(self, worker: Worker, marker: str, request: dict[str, Json]) -> tuple[bytes, bytes]:
        async with worker.lane() as lane:
            answered = False
            try:
                await send_frame(lane, request)
                answer = await receive_frame(lane)
                answered = True
                return answer
            finally:
                if not answered:
                    await self._stop(worker, lane, marker)

    async def _stop(self, worker: Worker, lane: SocketStream, marker: str) -> None:
        """Kill a query and take its leftover answer off the lane; failing that, kill the process."""
        with anyio.move_on_after(KILL_SECONDS, shield=True) as scope:
            try:
                await worker.kill_query(marker)
                await receive_frame(lane)
                worker.lanes.append(lane)
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                await self._forget(worker)
        if scope.cancelled_caught:
            await self._forget(worker)

    async def _running(self) -> Worker:
        layout = await anyio.to_thread.run_sync(self._layout)
        async with self._starting:
            worker = self._worker
            if worker and worker.layout.key == layout.key and worker.process.returncode is None:
                return worker
            if worker:
                self._retired.append(worker)
                self._worker = None
            self._worker = await start_worker(layout, self._memory)
            return self._worker

    async def _forget(self, worker: Worker) -> None:
        if self._worker is worker:
            self._worker = None
        await worker.aclose()

    async def _sweep(self) -> None:
        """Close workers of older snapshots once their last query has ended."""
        idle = [worker for worker in self._retired if worker.busy == 0]
        for worker in idle:
            self._retired.remove(worker)
            await worker.aclose()

    async def aclose(self) -> None:
        """End every process; safe to call twice."""
        workers = [*self._retired, *([self._worker] if self._worker else [])]
        self._worker, self._retired = None, []
        for worker in workers:
            await worker.aclose()


async def start_worker(layout: Layout, memory: int) -> Worker:
    """Start a process on a layout and wait until it is locked down.

    Raises:
        Unavailable: chDB is missing, or the process did not come up.
        PostHogMcpError: chDB's complaint about the data.
    """
    require_chdb()
    scratch = await anyio.to_thread.run_sync(new_scratch)
    with socket_pairs(LANES + 1) as (ours, theirs):
        process = await anyio.open_process(
            [sys.executable, "-m", "posthog_mcp.backends.local.worker", "engine", *(str(s.fileno()) for s in theirs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=child_environment(scratch),
            cwd=scratch,
            pass_fds=[s.fileno() for s in theirs],
            start_new_session=True,
        )
        streams = [await SocketStream.from_socket(end) for end in ours]
    worker = Worker(layout, process, scratch, streams[0])
    worker.lanes = streams[1:]
    try:
        with anyio.fail_after(START_SECONDS):
            await send_frame(worker.control, job(layout, scratch, memory))
            status, payload = await receive_frame(worker.control)
    except (TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError):
        await worker.aclose()
        message = "The engine process did not start."
        raise Unavailable(message, fix="Run `posthog-mcp doctor`; check free memory and disk space.") from None
    except BaseException:
        await worker.aclose()
        raise
    if status == b"E":
        await worker.aclose()
        complaint = engine_error(payload.decode("utf-8", "replace"))
        raise complaint
    return worker


@contextlib.contextmanager
def socket_pairs(count: int) -> Generator[tuple[list[socket.socket], list[socket.socket]]]:
    """Connected pairs; the child's ends are closed here on leaving, ours belong to the streams."""
    pairs = [socket.socketpair() for _ in range(count)]
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    for end in ours:
        end.setblocking(False)
    try:
        yield ours, theirs
    finally:
        for end in theirs:
            end.close()


def job(layout: Layout, scratch: Path, memory: int) -> dict[str, Json]:
    """What the worker needs to know to come up. Settings are fixed for its life: readonly=1 forbids any change."""
    settings: dict[str, Json] = {
        "readonly": "1",
        "max_execution_time": "600",
        "max_memory_usage": str(memory),
        "max_bytes_before_external_group_by": str(memory // 2),
        "max_bytes_before_external_sort": str(memory // 2),
        **answer_settings(layout.timezone),
    }
    tables: dict[str, Json] = {
        name: {"path": source.path, "format": source.format, "columns": [list(column) for column in source.columns]}
        for name, source in layout.tables.items()
    }
    return {
        "scratch": str(scratch),
        "reads": [str(path) for path in layout.reads],
        "tables": tables,
        "views": dict(layout.views),
        "settings": settings,
        "memory": memory,
    }


def answer_settings(timezone: str) -> dict[str, Json]:
    """What every answer rests on, wherever it is worked out: zone, NULLs in IN, and how JSON shows numbers."""
    return {
        "session_timezone": timezone,
        "max_result_bytes": str(MAX_RESULT_BYTES),
        "transform_null_in": "1",
        "output_format_json_quote_64bit_integers": "0",
        "output_format_json_quote_denormals": "1",
        "output_format_json_quote_decimals": "1",
        "output_format_json_validate_utf8": "1",
    }


def overran(timeout_seconds: float) -> QueryTimeout:
    message = f"The query ran longer than {timeout_seconds:g} s and was stopped."
    return QueryTimeout(message, fix="Shorten the time range, filter by event, or raise POSTHOG_MCP_QUERY_TIMEOUT.")


def escaped(value: str) -> str:
    """ClickHouse reads parameter values in its tab-separated escaping."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def statistics(payload: bytes) -> tuple[int, int]:
    """`rows_read` and `bytes_read` from the tail of a JSONCompact answer, without parsing its rows again."""
    tail = payload[-200:]
    at = tail.rfind(b'"statistics":')
    if at < 0:
        return 0, 0
    numbers = json.loads(tail[at + len(b'"statistics":') :].rstrip().removesuffix(b"}"))
    return int(numbers["rows_read"]), int(numbers["bytes_read"])


async def send_frame(lane: SocketStream, message: dict[str, Json]) -> None:
    data = json.dumps(message).encode()
    await lane.send(struct.pack(">I", len(data)) + data)


async def receive_frame(lane: SocketStream) -> tuple[bytes, bytes]:
    (length,) = struct.unpack(">I", await receive(lane, 4))
    frame = await receive(lane, length)
    return frame[:1], frame[1:]


async def receive(lane: SocketStream, count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = await lane.receive(min(count, 1 << 20))
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
