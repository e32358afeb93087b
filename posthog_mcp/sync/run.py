"""The sync itself: plan the pieces, work on them, import, remember."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from posthog_mcp.backends.local.importing import ImportReport, import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.backends.posthog.downloads import FileDownloads
from posthog_mcp.backends.posthog.project_api import ProjectApi
from posthog_mcp.errors import NotFound, RateLimited, Unavailable
from posthog_mcp.results import ProjectInfo
from posthog_mcp.sync.spans import Span, cut, missing
from posthog_mcp.sync.state import MODELS, Piece, State, read, write

Progress = Callable[[float, str], None]
LATE = timedelta(hours=1)
"""The last hour of an earlier sync is asked for again: what was sent then may have been taken in a little later."""
DOWNLOADING = 0.7
"""The share of the whole that downloading is, for the progress bar."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between looks at a run, and after PostHog says that too many are under way."""

    first: float = 2.0
    longest: float = 30.0
    growth: float = 1.5
    busy: float = 30.0
    patience: float = 3600.0
    """A run that is not ready after so long is given up."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did. `report` is None where nothing was missing."""

    project: ProjectInfo
    span: Span
    pieces: int
    files: int
    report: ImportReport | None


@dataclass(slots=True)
class Work:
    """One sync under way."""

    downloads: FileDownloads
    folder: Path
    state: State
    progress: Progress
    pauses: Pauses
    finished: int = field(default=0, init=False)

    async def save(self) -> None:
        """Remember the state.

        Raises:
            Unavailable: the folder cannot be written.
        """
        try:
            await anyio.to_thread.run_sync(write, self.folder, self.state)
        except OSError as error:
            fix = "Free some space, or set POSTHOG_MCP_DATA_DIR to another disk."
            raise Unavailable(f"{self.folder} cannot be written ({error.strerror}).", fix=fix) from None

    def tell(self, part: float, message: str) -> None:
        self.progress(DOWNLOADING * (self.finished + part) / max(1, len(self.state.pieces)), message)

    async def piece(self, piece: Piece) -> None:
        """Bring one piece's files to disk.

        Raises:
            PostHogMcpError: PostHog refuses, or the run failed.
        """
        for file_id in await self.ready(piece):
            path = self.folder / piece.file(file_id)
            if file_id not in piece.saved or not path.exists():

                def watch(taken: int, size: int | None) -> None:
                    told = f"{taken / 1e6:.0f} MB" + (f" of {size / 1e6:.0f} MB" if size else "")
                    self.tell(0.5 + 0.5 * (taken / size if size else 0), f"downloading {piece.label}: {told}")

                assert piece.run_id is not None
                await self.downloads.save(piece.run_id, file_id, path, watch)
                piece.saved = [*piece.saved, file_id]
                await self.save()
        self.finished += 1

    async def ready(self, piece: Piece) -> list[str]:
        """The ids of a piece's files, once PostHog has written them; a run of an earlier sync is taken up again.

        Raises:
            Unavailable: the run failed or takes for ever.
        """
        if piece.files is not None and all((self.folder / piece.file(each)).exists() for each in piece.files):
            return piece.files
        if piece.run_id is not None:
            try:
                return await self.followed(piece)
            except NotFound:
                piece.run_id = None
        piece.files, piece.saved = None, []
        piece.run_id = await self.started(piece)
        await self.save()
        return await self.followed(piece)

    async def started(self, piece: Piece) -> str:
        """Start a run, waiting while PostHog has too many.

        Raises:
            RateLimited: it still has too many after all patience.
        """
        self.tell(0, f"asking for {piece.label}")
        with anyio.move_on_after(self.pauses.patience):
            while True:
                try:
                    return await self.downloads.start(piece.model, piece.start, piece.end)
                except RateLimited:
                    self.tell(0, f"waiting: PostHog has too many downloads under way ({piece.label})")
                    await anyio.sleep(self.pauses.busy)
        raise RateLimited("PostHog has too many file downloads under way.", fix="Run `posthog-mcp local sync` later.")

    async def followed(self, piece: Piece) -> list[str]:
        """Wait for a run. One that is given up by us is cancelled on PostHog.

        Raises:
            Unavailable: it failed, or is not ready after all patience.
        """
        assert piece.run_id is not None
        pause, deadline = self.pauses.first, anyio.current_time() + self.pauses.patience
        while True:
            run = await self.downloads.look(piece.run_id)
            if not run.waiting:
                break
            if anyio.current_time() > deadline:
                await self.downloads.cancel(piece.run_id)
                piece.run_id = None
                text = f"PostHog is not ready with {piece.label} after {self.pauses.patience:.0f} s."
                raise Unavailable(text, fix="Run `posthog-mcp local sync` again later.")
            self.tell(0.25, f"PostHog writes {piece.label}")
            await anyio.sleep(pause)
            pause = min(pause * self.pauses.growth, self.pauses.longest)
        if run.failed:
            piece.run_id = None
            await self.save()
            text = f"PostHog's download of {piece.label} ended as {run.failed}."
            raise Unavailable(text, fix="Run `posthog-mcp local sync` again; what is there already is kept.")
        piece.files = list(run.files)
        await self.save()
        return piece.files


async def sync(
    api: ProjectApi, data_dir: Path, *, days: int, progress: Progress, pauses: Pauses | None = None
) -> Synced:
    """Bring the last `days` days into the embedded project, as far as they are not there.

    Raises:
        InvalidInput: the sync's state is damaged.
        PostHogMcpError: PostHog or the import fails; what was downloaded is kept for the next time.
    """
    project = await api.info()
    folder = data_dir / "sync" / f"{safe(project.host)}-{project.id}"
    state = await anyio.to_thread.run_sync(read, folder, project.host, project.id)
    now = datetime.now(UTC).replace(microsecond=0)
    wanted = Span((now - timedelta(days=days)).replace(hour=0, minute=0, second=0), now)
    plan(state, wanted)
    work = Work(FileDownloads(api), folder, state, progress, pauses or Pauses())
    for piece in state.pieces:
        await work.piece(piece)
    files = [folder / piece.file(each) for piece in state.pieces for each in piece.files or ()]
    report = None
    if files:
        settings = ProjectSettings(
            name=project.name, timezone=project.timezone, week_start_day=1 if project.week_start_day else 0
        )
        report = await import_exports(
            Store(data_dir / "local"),
            files,
            project=settings,
            progress=lambda done, message: progress(DOWNLOADING + (1 - DOWNLOADING) * done, message),
        )
    count = len(state.pieces)
    state.finish()
    await work.save()
    await anyio.to_thread.run_sync(clear, folder)
    return Synced(project, wanted, count, len(files), report)


def plan(state: State, wanted: Span) -> None:
    """Add pieces for what is wanted and neither imported nor planned."""
    for model in MODELS:
        planned = [each.span for each in state.pieces if each.model == model]
        there = [Span(each.start, each.end - LATE) for each in state.imported(model)]
        gaps = missing(wanted, [*there, *planned])
        state.pieces += [Piece(model=model, start=each.start, end=each.end) for each in cut(gaps)]


def safe(host: str) -> str:
    """A host as part of a folder's name."""
    return "".join(each if each.isalnum() or each in ".-" else "_" for each in host)


def clear(folder: Path) -> None:
    """Remove files that are imported."""
    for path in (*folder.glob("*.parquet"), *folder.glob(".*.part")):
        path.unlink(missing_ok=True)
