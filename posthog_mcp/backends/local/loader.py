"""Run trusted SQL with full rights in a short-lived chDB process: imports, demo generation, exports.

The process may read and write only the folders given and has no network. Nothing a model wrote comes here.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from posthog_mcp.backends.local.processes import (
    child_environment,
    drop_scratch,
    engine_error,
    memory_limit,
    new_scratch,
    require_chdb,
)
from posthog_mcp.errors import Unavailable
from posthog_mcp.results import Json

Rows = list[list[Json]]
LoadProgress = Callable[[float, str], None]
MAX_ANSWER = 256 << 20


class Loader:
    """A running chDB process with full rights on its folders. What it creates in memory lasts until a complaint."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin = process.stdin
        self._lines = BufferedByteReceiveStream(process.stdout)

    async def start(self, job: Mapping[str, object]) -> None:
        """Tell the process its folders and settings."""
        await self._stdin.send(json.dumps(job).encode() + b"\n")

    async def run(
        self, statements: Sequence[str], *, progress: LoadProgress | None = None, label: str = "loading"
    ) -> list[Rows]:
        """Run the statements in order and return the rows of each; the first complaint ends them.

        Raises:
            PostHogMcpError: chDB's own complaint about a statement, in words.
            Unavailable: the process died.
        """
        answers: list[Rows] = []
        try:
            await self._stdin.send(json.dumps(list(statements)).encode() + b"\n")
            while len(answers) < len(statements):
                event = json.loads(await self._lines.receive_until(b"\n", MAX_ANSWER))
                if "error" in event:
                    complaint = engine_error(event["error"])
                    raise complaint
                answers.append(cast("Rows", event["rows"]))
                if progress:
                    progress(len(answers) / len(statements), label)
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
            message = "The loading process ended before its work was done."
            raise Unavailable(message, fix="Check free memory and disk space, then try again.") from None
        return answers


@contextlib.asynccontextmanager
async def open_loader(
    *, reads: Sequence[Path] = (), writes: Sequence[Path] = (), timezone: str = "UTC", threads: int | None = None
) -> AsyncGenerator[Loader]:
    """A loader for these folders; leaving kills its process, whatever it is doing.

    Raises:
        Unavailable: chDB is missing.
    """
    require_chdb()
    scratch = new_scratch()
    settings = {
        "session_timezone": timezone,
        "max_memory_usage": str(memory_limit()),
        "max_bytes_before_external_group_by": str(memory_limit() // 3),
        "max_bytes_before_external_sort": str(memory_limit() // 4),
        "output_format_json_quote_64bit_integers": "0",
        "output_format_parquet_compression_method": "zstd",
        "engine_file_truncate_on_insert": "1",
        "date_time_input_format": "best_effort",
    } | ({"max_threads": str(threads), "max_insert_threads": str(threads)} if threads else {})
    job = {
        "scratch": str(scratch),
        "reads": [str(path) for path in reads],
        "writes": [str(path) for path in writes],
        "settings": settings,
        "memory": memory_limit(),
    }
    try:
        async with await anyio.open_process(
            [sys.executable, "-m", "posthog_mcp.backends.local.worker", "load"],
            stderr=subprocess.DEVNULL,
            env=child_environment(scratch),
            cwd=scratch,
        ) as process:
            try:
                loader = Loader(process)
                await loader.start(job)
                yield loader
            finally:
                if process.returncode is None:
                    process.kill()
    finally:
        await anyio.to_thread.run_sync(drop_scratch, scratch, abandon_on_cancel=True)


async def load(
    statements: Sequence[str],
    *,
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
    timezone: str = "UTC",
    threads: int | None = None,
    progress: LoadProgress | None = None,
    label: str = "loading",
) -> list[Rows]:
    """Run the statements in a process of their own and return the rows of each. Cancelling kills the process.

    Raises:
        PostHogMcpError: chDB's own complaint about a statement, in words.
        Unavailable: chDB is missing, or its process died.
    """
    async with open_loader(reads=reads, writes=writes, timezone=timezone, threads=threads) as loader:
        return await loader.run(statements, progress=progress, label=label)
