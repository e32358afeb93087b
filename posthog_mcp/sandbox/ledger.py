"""Which sandboxes live, as files that survive a crash: the next process kills what a dead one left.

One empty file a sandbox, named `<sandbox id>.<process id>`. Nothing secret is in it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import anyio

from posthog_mcp.sandbox.access import Access

OLDEST_SECONDS = 2 * 3600.0
"""After this, E2B's own timer has ended any sandbox of ours."""
BEGUN = time.time()


class Ledger:
    """The sandboxes of one data folder. A disk that refuses costs the record, never the work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def add(self, sandbox_id: str) -> None:
        with contextlib.suppress(OSError):
            await anyio.Path(self._folder).mkdir(parents=True, exist_ok=True)
            await anyio.Path(self._path(sandbox_id)).touch()

    async def remove(self, sandbox_id: str) -> None:
        with contextlib.suppress(OSError):
            await anyio.Path(self._path(sandbox_id)).unlink(missing_ok=True)

    async def clear(self, access: Access) -> None:
        """Kill the sandboxes of processes that are no more."""
        from e2b import AsyncSandbox

        for path in self._left():
            with contextlib.suppress(Exception):
                await AsyncSandbox.kill(path.stem, **access.account)
            with contextlib.suppress(OSError):
                await anyio.Path(path).unlink(missing_ok=True)

    def _path(self, sandbox_id: str) -> Path:
        return self._folder / f"{sandbox_id}.{os.getpid()}"

    def _left(self) -> list[Path]:
        try:
            files = list(self._folder.iterdir())
        except OSError:
            return []
        return [path for path in files if path.suffix[1:].isdecimal() and is_left(path)]


def is_left(path: Path) -> bool:
    """Whether the process that made it has ended, or it is older than any sandbox lives.

    In a container every server has the same process id: what was there before this one began is an earlier one's.
    """
    try:
        made, process = path.stat().st_mtime, int(path.suffix[1:])
        if time.time() - made > OLDEST_SECONDS:
            return True
        if process == os.getpid():
            return made < BEGUN
        if sys.platform == "win32":  # there a signal 0 would end the process
            return False
        os.kill(process, 0)
    except (FileNotFoundError, PermissionError):
        return False
    except (OSError, OverflowError):
        return True
    return False
