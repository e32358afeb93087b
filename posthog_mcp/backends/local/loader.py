"""Run trusted SQL with full rights in a short-lived chDB process: imports, demo generation, exports.

The process may read and write only the folders given and has no network. Nothing a model wrote comes here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import anyio
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
    """Run the statements in order and return the rows of each. Cancelling kills the process.

    Raises:
        PostHogMcpError: chDB's own complaint about a statement, in words.
        Unavailable: chDB is missing, or its process died.
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
        "statements": list(statements),
        "settings": settings,
        "memory": memory_limit(),
    }
    answers: list[Rows] = []
    try:
        async with await anyio.open_process(
            [sys.executable, "-m", "posthog_mcp.backends.local.worker", "load"],
            stderr=subprocess.DEVNULL,
            env=child_environment(scratch),
            cwd=scratch,
        ) as process:
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                await process.stdin.send(json.dumps(job).encode() + b"\n")
                lines = BufferedByteReceiveStream(process.stdout)
                while len(answers) < len(statements):
                    event = json.loads(await lines.receive_until(b"\n", MAX_ANSWER))
                    if "error" in event:
                        complaint = engine_error(event["error"])
                        raise complaint
                    answers.append(cast("Rows", event["rows"]))
                    if progress:
                        progress(len(answers) / len(statements), label)
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                message = "The loading process ended before its work was done."
                raise Unavailable(message, fix="Check free memory and disk space, then try again.") from None
            finally:
                if process.returncode is None:
                    process.kill()
    finally:
        await anyio.to_thread.run_sync(drop_scratch, scratch, abandon_on_cancel=True)
    return answers
