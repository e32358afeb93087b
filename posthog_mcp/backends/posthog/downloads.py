"""PostHog's file downloads: start a run, look at it, fetch its files, cancel it.

Source: PostHog's `products/batch_exports/backend/api/file_download.py` (paths, bodies, statuses, the redirect to a
signed address).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import anyio

from posthog_mcp.backends.posthog.errors import lost
from posthog_mcp.backends.posthog.project_api import ProjectApi
from posthog_mcp.backends.posthog.transport import without_headers
from posthog_mcp.errors import PostHogMcpError, Unavailable
from posthog_mcp.results import Json

PATH = "file_download_batch_exports/"
WAITING = frozenset({"Starting", "Running"})
SILENCE_SECONDS = 60.0
TRIES = 3
CHUNK = 1 << 20
Watch = Callable[[int, int | None], None]
"""Bytes so far, and in all where the host tells."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run stands: `files` are ids once it is completed; `failed` says why it ended without."""

    waiting: bool
    files: tuple[str, ...] = ()
    failed: str = ""


class FileDownloads:
    """The file downloads of one project."""

    def __init__(self, api: ProjectApi) -> None:
        self._api = api

    async def start(self, model: str, start: datetime, end: datetime) -> str:
        """Start a run of Parquet files and return its id.

        Raises:
            PostHogMcpError: what PostHog said; RateLimited where too many runs are under way.
        """
        body: dict[str, Json] = {
            "model": model,
            "file": {"format": "Parquet", "compression": "zstd", "max_size_mb": 500},
            "data_interval_start": start.isoformat(),
            "data_interval_end": end.isoformat(),
        }
        _, made = await self._api.request("POST", PATH, body=body)
        return str(made["id"])

    async def look(self, run_id: str) -> Run:
        """Where a run stands."""
        _, found = await self._api.request("GET", f"{PATH}{run_id}/")
        status = str(found.get("status"))
        if status == "Completed":
            return Run(False, tuple(str(each) for each in cast("Sequence[Json]", found.get("files") or ())))
        if status in WAITING:
            return Run(True)
        return Run(False, failed=f"{status}: {found.get('error') or 'PostHog gives no reason'}")

    async def cancel(self, run_id: str) -> None:
        """Stop a run; one that ended already is no matter."""
        try:
            await self._api.request("POST", f"{PATH}{run_id}/cancel/")
        except PostHogMcpError:
            return

    async def save(self, run_id: str, file_id: str, path: Path, watch: Watch | None = None) -> None:
        """Fetch a file. It appears under its name only when it is whole; each try asks for a new address.

        Raises:
            Unavailable: it cannot be fetched, or is not the whole Parquet file that was promised.
            PostHogMcpError: what PostHog said.
        """
        partial = path.with_name(f".{path.name}.part")
        for left in reversed(range(TRIES)):
            address = await self._api.location(f"{PATH}{run_id}/download/{file_id}/")
            try:
                await fetch(address, partial, watch)
                await anyio.to_thread.run_sync(require_parquet, partial)
                await anyio.Path(partial).replace(path)
            except Unavailable:
                if left == 0:
                    raise
            else:
                return
            finally:
                await anyio.Path(partial).unlink(missing_ok=True)


async def fetch(address: str, path: Path, watch: Watch | None) -> None:
    """Stream an address into a file, without any key.

    Raises:
        Unavailable: refused, silent, or cut off.
    """
    import httpx

    without_headers()
    host = httpx.URL(address).host
    try:
        async with (
            httpx.AsyncClient(timeout=SILENCE_SECONDS, follow_redirects=False) as http,
            http.stream("GET", address) as response,
            await anyio.open_file(path, "wb") as file,
        ):
            if response.status_code != 200:
                text = f"{host} refused the file with status {response.status_code}."
                raise Unavailable(text, fix="Run `posthog-mcp local sync` again.")
            told = response.headers.get("content-length", "")
            size, taken = int(told) if told.isdigit() else None, 0
            async for chunk in response.aiter_raw(CHUNK):
                await file.write(chunk)
                taken += len(chunk)
                if watch:
                    watch(taken, size)
    except httpx.HTTPError as error:
        raise lost(error, host)[0] from None
    except OSError as error:
        fix = "Free some space, then run `posthog-mcp local sync` again: it goes on where it was."
        raise Unavailable(f"{path.parent} cannot be written ({error.strerror}).", fix=fix) from None


def require_parquet(path: Path) -> None:
    """Look at both ends of the file.

    Raises:
        Unavailable: it is no Parquet file, or only its beginning.
    """
    with path.open("rb") as file:
        head = file.read(4)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        footer, tail = int.from_bytes(file.read(4), "little"), file.read(4)
    if head != b"PAR1" or tail != b"PAR1" or footer + 12 > size:
        raise Unavailable("A downloaded file is not whole Parquet.", fix="Run `posthog-mcp local sync` again.")
