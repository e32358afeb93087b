"""The data folder: immutable Parquet snapshots, one pointer, one writer at a time, any number of readers.

    current.json            {"format": 1, "snapshot": "s000002"}, replaced atomically
    lock                    held (flock) by the one writer, with its process id inside
    snapshots/s000002/      manifest.json and one folder of Parquet a table; never changed once it is named
    objects.sqlite, system/ metadata objects (`objects.py`)

A writer builds the next snapshot beside the others and then moves the pointer: a crash, a full disk or a kill leaves
the old one. Superseded snapshots stay ten minutes for readers that are still on them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Collection, Generator
from dataclasses import dataclass
from pathlib import Path

import anyio
from pydantic import ValidationError

from posthog_mcp.backends.local.manifest import FORMAT, Manifest, catalogue_for, profile_for
from posthog_mcp.errors import InvalidInput, PostHogMcpError, Unavailable

__all__ = ["Manifest", "Snapshot", "Store", "Writing", "catalogue_for", "profile_for"]

KEEP_SECONDS = 600
LOCK_SECONDS = 60.0
FULL_BYTES = 8 << 20
STAGING = ".staging-"
RESET = "Run `posthog-mcp local reset` and load the data again, or point POSTHOG_MCP_DATA_DIR at another folder."


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One immutable state of the data."""

    name: str
    path: Path
    manifest: Manifest

    def files(self, table: str) -> list[Path]:
        """The table's Parquet files, in name order; there is always one."""
        return sorted((self.path / table).glob("*.parquet"))


class Writing:
    """A snapshot in the making: fill `path/<table>/*.parquet`, then `commit`. `scratch` is thrown away at the end."""

    def __init__(self, store: Store, path: Path, previous: Snapshot | None) -> None:
        self._store = store
        self.path = path
        self.scratch = path / ".scratch"
        self.previous = previous
        self.committed = False

    def folder(self, table: str) -> Path:
        """The table's folder, created."""
        path = self.path / table
        path.mkdir(exist_ok=True)
        return path

    def keep(self, table: str, *, except_files: Collection[str] = ()) -> None:
        """Take a table's files over from the snapshot before: hard links, or copies where there are none."""
        folder = self.folder(table)
        for source in self.previous.files(table) if self.previous else []:
            if source.name in except_files:
                continue
            try:
                os.link(source, folder / source.name)
            except OSError:
                shutil.copyfile(source, folder / source.name)

    async def commit(self, manifest: Manifest) -> Snapshot:
        """Flush the files to disk and make this the current snapshot."""
        with folder_errors(self._store.root):
            return await anyio.to_thread.run_sync(self._commit, manifest)

    def _commit(self, manifest: Manifest) -> Snapshot:
        shutil.rmtree(self.scratch, ignore_errors=True)
        for table in manifest.tables:
            for file in self.folder(table).iterdir():
                if file.stat().st_nlink == 1:
                    sync(file)
            sync(self.path / table)
        write_atomically(self.path / "manifest.json", manifest.model_dump_json())
        name = self._store.next_name()
        final = self.path.with_name(name)
        self.path.rename(final)
        sync(final.parent)
        write_atomically(self._store.root / "current.json", json.dumps({"format": FORMAT, "snapshot": name}))
        self.committed = True
        if self.previous:
            with contextlib.suppress(OSError):
                os.utime(self.previous.path)
        return Snapshot(name, final, manifest)


class Store:
    """One data folder. Constructing touches nothing; reading is one `stat` when nothing changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: tuple[tuple[int, int], Snapshot] | None = None

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    def known(self) -> Snapshot | None:
        """The snapshot that was read last, where it is still the current one; one `stat`."""
        try:
            stat = (self.root / "current.json").stat()
        except OSError:
            return None
        return self._seen[1] if self._seen and self._seen[0] == (stat.st_mtime_ns, stat.st_ino) else None

    def current(self) -> Snapshot | None:
        """The current snapshot, or None in an empty folder.

        Raises:
            InvalidInput: another version of posthog-mcp wrote the folder, or its files are damaged.
            Unavailable: the folder cannot be read.
        """
        pointer = self.root / "current.json"
        try:
            stat = pointer.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            failed = folder_error(error, self.root)
            raise failed from None
        mark = (stat.st_mtime_ns, stat.st_ino)
        if self._seen is None or self._seen[0] != mark:
            self._seen = (mark, self._read(pointer))
        return self._seen[1]

    def _read(self, pointer: Path) -> Snapshot:
        try:
            named = read_json(pointer)
            check_format(named, self.root)
            name = str(named["snapshot"])
            path = self.snapshots / name
            found = read_json(path / "manifest.json")
            check_format(found, self.root)
            return Snapshot(name, path, Manifest.model_validate(found))
        except FileNotFoundError as error:
            message = f"The data folder {self.root} is damaged: {Path(error.filename).parent.name} is gone."
            raise InvalidInput(message, fix=RESET) from None
        except (ValueError, KeyError, ValidationError):
            message = f"The data folder {self.root} is damaged: current.json or its manifest cannot be read."
            raise InvalidInput(message, fix=RESET) from None
        except OSError as error:
            raise folder_error(error, self.root) from None

    @contextlib.asynccontextmanager
    async def begin(self, *, wait_seconds: float = LOCK_SECONDS) -> AsyncGenerator[Writing]:
        """Hold the writer's lock and a staging folder; what is not committed by the end is removed.

        Raises:
            InvalidInput: the folder is another version's, or damaged.
            Unavailable: another process keeps writing for `wait_seconds`, or the folder is read-only or full.
        """
        async with self.locked(wait_seconds):
            with folder_errors(self.root):
                previous = self.current()
                path = await anyio.to_thread.run_sync(self._prepare, previous)
                writing = Writing(self, path, previous)
                try:
                    with full_disk(self.root):
                        yield writing
                finally:
                    if not writing.committed:
                        with anyio.CancelScope(shield=True):
                            await anyio.to_thread.run_sync(remove, path)

    @contextlib.asynccontextmanager
    async def locked(self, wait_seconds: float = LOCK_SECONDS) -> AsyncGenerator[None]:
        """Hold the writer's lock.

        Raises:
            Unavailable: another process keeps it, the folder cannot be written, or the platform has no flock.
        """
        try:
            import fcntl
        except ImportError:
            raise Unavailable("This platform cannot lock the data folder.", fix="Use Linux, macOS or WSL.") from None
        with folder_errors(self.root):
            self.snapshots.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            deadline = time.monotonic() + wait_seconds
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        refused = locked_by(descriptor, self.root)
                        raise refused from None
                    await anyio.sleep(0.05)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    async def reset(self) -> None:
        """Remove all event data, snapshots and pointer; metadata objects are `objects.py`'s.

        Raises:
            Unavailable: another process is writing, or the folder cannot be changed.
        """
        async with self.locked():
            with folder_errors(self.root):
                (self.root / "current.json").unlink(missing_ok=True)
                await anyio.to_thread.run_sync(remove, self.snapshots)
                self._seen = None

    def next_name(self) -> str:
        taken = [int(path.name[1:]) for path in self.snapshots.glob("s[0-9]*") if path.name[1:].isdigit()]
        return f"s{max(taken, default=0) + 1:06d}"

    def _prepare(self, current: Snapshot | None) -> Path:
        """Sweep, then create a staging folder. Under the lock any other staging belongs to a crash."""
        for path in self.snapshots.iterdir():
            superseded = current is not None and path.name != current.name
            if path.name.startswith(STAGING) or (superseded and time.time() - path.stat().st_mtime > KEEP_SECONDS):
                remove(path)
        path = self.snapshots / f"{STAGING}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        (path / ".scratch").mkdir(parents=True)
        return path


def read_json(path: Path) -> dict[str, object]:
    """A JSON object from a file.

    Raises:
        ValueError: it is not one.
    """
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(path.name)
    return {str(key): value for key, value in found.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def check_format(found: dict[str, object], root: Path) -> None:
    """Refuse another version's layout; the files are left as they are.

    Raises:
        InvalidInput: the folder is older or newer than this program.
        ValueError: there is no version in it.
    """
    version = found.get("format")
    if not isinstance(version, int):
        raise ValueError("format")
    if version > FORMAT:
        message = f"The data folder {root} was written by a newer posthog-mcp (layout {version}, this is {FORMAT})."
        raise InvalidInput(message, fix="Upgrade posthog-mcp, or point POSTHOG_MCP_DATA_DIR at another folder.")
    if version < FORMAT:
        message = f"The data folder {root} was written by an older posthog-mcp (layout {version}, this is {FORMAT})."
        raise InvalidInput(message, fix=RESET)


def write_atomically(path: Path, text: str) -> None:
    """Write beside, flush to disk, rename over. Threads and processes may do so at once: the last one stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Flush a file or a folder's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def full_disk(root: Path) -> Generator[None]:
    """chDB does not always say why a write failed; too little room says it.

    Raises:
        Unavailable: the disk is full.
        PostHogMcpError: what chDB said, when there is room.
    """
    try:
        yield
    except PostHogMcpError as error:
        if "clickhouse_error" not in error.context or shutil.disk_usage(root).free > FULL_BYTES:
            raise
        failed = folder_error(OSError(errno.ENOSPC, error.message), root)
        raise failed from None


def remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def locked_by(descriptor: int, root: Path) -> Unavailable:
    holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
    message = f"Another process (id {holder}) is writing to the data folder {root}."
    return Unavailable(message, fix="Wait until its import has ended, or stop that process, then try again.")


@contextlib.contextmanager
def folder_errors(root: Path) -> Generator[None]:
    """Say what a failed read or write of the data folder means.

    Raises:
        Unavailable: the folder is read-only, full, or not reachable.
    """
    try:
        yield
    except OSError as error:
        failed = folder_error(error, root)
        raise failed from None


def folder_error(error: OSError, root: Path) -> Unavailable:
    """An operating-system error about the data folder in words; nothing that was there is lost."""
    move = "set POSTHOG_MCP_DATA_DIR to a folder that can be written"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            message, fix = f"The disk of the data folder {root} is full.", f"Free some space, or {move}."
        case errno.EROFS | errno.EACCES | errno.EPERM:
            message, fix = f"The data folder {root} is read-only or not yours.", f"Change its permissions, or {move}."
        case _:
            why = error.strerror or str(error)
            message, fix = f"The data folder {root} cannot be used: {why}.", f"Check that path, or {move}."
    return Unavailable(f"{message} What was there before is unchanged.", fix=fix)
