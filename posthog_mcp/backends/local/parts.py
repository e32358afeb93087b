"""Small changes to a snapshot's tables without rewriting big files.

Changed rows go into a table's newest small file (its open part), which is replaced each time; they disappear from the
older files that held them, and only those files are written again. Everything else is linked. A part that has grown
is closed, and many closed parts are joined into one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from posthog_mcp.backends.local.schema import Columns, literal, quoted
from posthog_mcp.backends.local.sources import FILE_SETTINGS, insert, table
from posthog_mcp.backends.local.storage import Snapshot, Writing

OPEN_ROWS = 5_000
MOST_PARTS = 24
JOINED_ROWS = 200_000
"""Parts of this size are left alone."""


@dataclass(frozen=True, slots=True)
class PartTable:
    """A table as the snapshot has it. `rows` by file name; `part` is the first letter of its parts."""

    name: str
    columns: Columns
    rows: Mapping[str, int]
    part: str = "n"

    @property
    def parts(self) -> list[str]:
        return sorted(name for name in self.rows if name.startswith(self.part))


@dataclass(slots=True)
class Changes:
    """What becomes of one table: rows of `hit` files and the open part stay unless `stale`, `added` come on top.

    `stale` and `added` are SQL: a condition on the table's columns, and a SELECT of them. `rename` replaces columns
    by other expressions in the rows that stay.
    """

    table: PartTable
    added: str = ""
    stale: str = "0"
    hit: Collection[str] = ()
    order: str = ""
    rename: Mapping[str, str] = field(default_factory=dict[str, str])


def change(writing: Writing, snapshot: Snapshot, changes: Changes) -> list[str]:
    """Link what stays and return the statements that write the rest."""
    parted = changes.table
    folder = writing.folder(parted.name)
    parts = parted.parts
    small = [name for name in parts if parted.rows[name] < JOINED_ROWS]
    joined = small if len(small) > MOST_PARTS else [name for name in parts[-1:] if parted.rows[name] < OPEN_ROWS]
    replaced = [name for name in changes.hit if name not in joined]
    if not changes.added and not changes.hit:
        writing.keep(parted.name)
        return []
    writing.keep(parted.name, except_files=[*joined, *replaced])
    statements = [
        insert(
            folder / next_revision(name, parted.rows),
            parted.columns,
            remaining(snapshot.path / parted.name / name, changes) + ordered(changes),
            FILE_SETTINGS,
        )
        for name in replaced
    ]
    sources = [remaining(snapshot.path / parted.name / name, changes) for name in joined]
    if changes.added:
        sources.append(f"SELECT {listed(parted.columns)} FROM ({changes.added})")
    if sources:
        path = folder / f"{parted.part}{next_number(parts):06d}.parquet"
        union = f"SELECT * FROM ({' UNION ALL '.join(sources)})"
        statements.append(insert(path, parted.columns, union + ordered(changes), FILE_SETTINGS))
    return statements


def ordered(changes: Changes) -> str:
    return f" ORDER BY {changes.order}" if changes.order else ""


def remaining(path: Path, changes: Changes) -> str:
    columns = changes.table.columns
    kept = ", ".join(
        f"{changes.rename[name]} AS {quoted(name)}" if name in changes.rename else quoted(name) for name, _ in columns
    )
    rows = f"(SELECT * FROM {table(path, columns)} WHERE NOT ({changes.stale}))"
    return f"SELECT {kept} FROM {rows}"


def listed(columns: Columns) -> str:
    return ", ".join(quoted(name) for name, _ in columns)


def next_number(parts: Sequence[str]) -> int:
    return 1 + max((int(name[1:7]) for name in parts), default=0)


def next_revision(name: str, taken: Mapping[str, int]) -> str:
    """A file name that says where its rows come from: `0.parquet` → `0~1.parquet`."""
    bare = name.removesuffix(".parquet")
    stem, _, number = bare.partition("~")
    following = int(number or 0) + 1
    assert f"{stem}~{following}.parquet" not in taken
    return f"{stem}~{following}.parquet"


def any_of(column: str, values: Collection[str], kind: str = "String") -> str:
    """SQL of membership in a list of texts, as `kind`."""
    if not values:
        return "0"
    listed_values = ", ".join(literal(value) for value in sorted(values))
    return f"{column} IN (CAST([{listed_values}], 'Array({kind})'))"
