"""Copies of a project that may be in use."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def copied(folder: Path, to: Path) -> Path:
    """A copy of a data folder.

    SQLite copies its own files: a process that opens and closes one in any other way lets go of the locks that its
    connections hold, and two writers at once then damage it (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    shutil.copytree(folder, to, symlinks=True, ignore=shutil.ignore_patterns("*.sqlite*"), dirs_exist_ok=True)
    for each in folder.rglob("*.sqlite"):
        target = to / each.relative_to(folder)
        with closing(sqlite3.connect(each)) as source, closing(sqlite3.connect(target)) as made:
            source.backup(made)
    return to
