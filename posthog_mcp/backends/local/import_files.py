"""Which files a load has, and what is in them: found by name, told apart by content.

PostHog's names lie (`x.parquet.zst` is plain Parquet with compression inside), so Parquet is known by its first and
last bytes. JSON lines are known by their suffix and may be compressed. A file that cannot be read is set aside with
the reason; it never stops the others.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from posthog_mcp.errors import InvalidInput

Model = Literal["events", "persons", "sessions"]

MAGIC = b"PAR1"
COMPRESSIONS = {".gz": "gzip", ".br": "br", ".zst": "zstd", ".lz4": "lz4", ".sz": "snappy", ".xz": "xz", ".bz2": "bz2"}
LINES = (".jsonl", ".ndjson")
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One file to load. `compression` is ClickHouse's name of what wraps JSON lines; Parquet is never wrapped."""

    path: Path
    format: Literal["parquet", "lines"]
    compression: str = "none"


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that was left out, and why."""

    file: str
    reason: str


def find_files(paths: Sequence[Path | str]) -> tuple[list[ExportFile], list[Failed]]:
    """Files of exports below the given files, folders and globs, in name order, and those that cannot be read.

    Raises:
        InvalidInput: a path does not exist, is no export, or there is nothing to load.
    """
    found: list[ExportFile] = []
    failed: list[Failed] = []
    for path in sorted({path for given in paths for path in expand(str(given))}):
        named = known_by_name(path)
        if named is None:
            continue
        reason = unreadable(named)
        if reason:
            failed.append(Failed(str(path), reason))
        else:
            found.append(named)
    if not found and not failed:
        given = ", ".join(str(path) for path in paths)
        message = f"There are no batch-export files in {given}."
        raise InvalidInput(message, fix="Give .parquet or .jsonl files (also compressed), or a folder that has them.")
    return found, failed


def expand(given: str) -> Iterator[Path]:
    """The files that one argument names.

    Raises:
        InvalidInput: it names nothing, or a file that is no export.
    """
    path = Path(given).expanduser()
    if path.is_dir():
        yield from (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    elif path.is_file():
        if known_by_name(path) is None and not path.name.endswith(MANIFEST):
            message = f"{path} is neither Parquet nor JSON lines."
            raise InvalidInput(message, fix="Batch exports end in .parquet or .jsonl, perhaps with .gz, .br or .zst.")
        yield path
    else:
        names = glob.glob(str(path), recursive=True)
        if not names:
            raise InvalidInput(f"There is no file {path}.", fix="Check the path; quote globs so that they reach us.")
        yield from (Path(name) for name in names if Path(name).is_file())


def known_by_name(path: Path) -> ExportFile | None:
    """What the name says; None for what is no export (manifests, hidden and other files)."""
    name = path.name.lower()
    if name.startswith((".", "_")) or name.endswith(MANIFEST):
        return None
    bare, suffix = os.path.splitext(name)
    wrapped = suffix in COMPRESSIONS
    kind = os.path.splitext(bare)[1] if wrapped else suffix
    if kind == ".parquet":
        return ExportFile(path, "parquet")
    if kind in LINES:
        return ExportFile(path, "lines", COMPRESSIONS[suffix] if wrapped else "none")
    return None


def unreadable(file: ExportFile) -> str:
    """Why a file cannot be loaded, as far as its first and last bytes tell; '' when it can."""
    try:
        with file.path.open("rb") as stream:
            head = stream.read(4)
            size = stream.seek(0, os.SEEK_END)
            if not size:
                return "the file is empty"
            if file.format == "lines":
                return ""
            if head != MAGIC or size < 12:
                return "it is not Parquet"
            stream.seek(size - 8)
            footer, tail = int.from_bytes(stream.read(4), "little"), stream.read(4)
            return (
                "" if tail == MAGIC and footer + 12 <= size else "the Parquet file is cut off (its footer is missing)"
            )
    except OSError as error:
        return error.strerror or str(error)


def model_of(columns: Sequence[str]) -> Model | None:
    """The export model that has these columns."""
    names = {column.removeprefix("$") for column in columns}
    if {"event", "distinct_id", "timestamp"} <= names:
        return "events"
    if {"session_id", "start_timestamp"} <= names:
        return "sessions"
    if {"distinct_id", "person_id"} <= names:
        return "persons"
    return None
