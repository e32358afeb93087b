"""Which traces a theme has done, and which are handed out: leases that come back when their time is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from posthog_mcp.state.trace_themes.database import Tables, upsert

if TYPE_CHECKING:
    from sqlalchemy import Connection

MarkState = Literal["leased", "done", "dead"]
"""Handed out; summarised or judged not relevant; given up after repeated failures."""
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Mark:
    """One trace of a theme. `fingerprint` is that of its events when it was handed out."""

    trace_id: str
    fingerprint: str
    state: MarkState
    batch_id: str
    lease_until: float
    attempts: int
    about: str
    """Leased: what is known of the trace, as JSON text; dead: why."""


def marks_of(
    connection: Connection, tables: Tables, project_id: int, theme_id: str, trace_ids: Sequence[str]
) -> dict[str, Mark]:
    """The marks that these traces have."""
    marks = tables.marks.c
    found: dict[str, Mark] = {}
    for start in range(0, len(trace_ids), CHUNK):
        chosen = tables.marks.select().where(
            marks.project_id == project_id,
            marks.theme_id == theme_id,
            marks.trace_id.in_(trace_ids[start : start + CHUNK]),
        )
        found.update((each.trace_id, each) for each in map(mark, connection.execute(chosen).mappings()))
    return found


def batch_marks(connection: Connection, tables: Tables, project_id: int, theme_id: str, batch_id: str) -> list[Mark]:
    """What was handed out as one batch, answered or not."""
    marks = tables.marks.c
    chosen = tables.marks.select().where(
        marks.project_id == project_id, marks.theme_id == theme_id, marks.batch_id == batch_id
    )
    return [mark(row) for row in connection.execute(chosen).mappings()]


def lease(
    connection: Connection,
    tables: Tables,
    project_id: int,
    theme_id: str,
    wanted: Mapping[str, tuple[str, str]],
    batch_id: str,
    now: float,
    until: float,
) -> set[str]:
    """Take the traces that nobody holds and that are not done as they are; which ones were got.

    `wanted`: trace id → (fingerprint, about).
    """
    import sqlalchemy as sa

    held = tables.marks.c
    free = sa.or_(
        sa.and_(held.state == "leased", held.lease_until < now),
        sa.and_(held.state != "leased", held.fingerprint != sa.literal_column("excluded.fingerprint")),
    )
    rows = [
        {
            "project_id": project_id,
            "theme_id": theme_id,
            "trace_id": trace_id,
            "fingerprint": fingerprint,
            "state": "leased",
            "batch_id": batch_id,
            "lease_until": until,
            "about": about,
        }
        for trace_id, (fingerprint, about) in wanted.items()
    ]
    upsert(connection, tables.marks, rows, free)
    return {each.trace_id for each in batch_marks(connection, tables, project_id, theme_id, batch_id)}


def settle(
    connection: Connection, tables: Tables, project_id: int, theme_id: str, trace_ids: Sequence[str], batch_id: str
) -> None:
    """Mark leased traces as done."""
    held = tables.marks.c
    connection.execute(
        tables.marks.update()
        .where(
            held.project_id == project_id,
            held.theme_id == theme_id,
            held.batch_id == batch_id,
            held.trace_id.in_(trace_ids),
        )
        .values(state="done", lease_until=0.0, about="")
    )


def release(
    connection: Connection, tables: Tables, project_id: int, theme_id: str, batch_id: str, trace_ids: Sequence[str]
) -> None:
    """Return leases that were not used."""
    held = tables.marks.c
    own = (held.project_id == project_id, held.theme_id == theme_id, held.batch_id == batch_id)
    connection.execute(tables.marks.delete().where(*own, held.state == "leased", held.trace_id.in_(trace_ids)))


def give_back(
    connection: Connection,
    tables: Tables,
    project_id: int,
    theme_id: str,
    batch_id: str,
    trace_id: str,
    why: str,
    most_attempts: int,
) -> bool:
    """Return one lease after a failure; True where that was the last attempt and the trace is a dead letter now."""
    held = tables.marks.c
    own = (held.project_id == project_id, held.theme_id == theme_id, held.trace_id == trace_id)
    row = connection.execute(tables.marks.select().where(*own, held.batch_id == batch_id)).mappings().first()
    attempts = mark(row).attempts + 1 if row else 1
    dead = attempts >= most_attempts
    state = {"state": "dead", "about": why[:500]} if dead else {"lease_until": 0.0}
    connection.execute(tables.marks.update().where(*own).values(attempts=attempts, **state))
    return dead


def dead_letters(connection: Connection, tables: Tables, project_id: int, theme_id: str) -> list[Mark]:
    """The traces that were given up."""
    held = tables.marks.c
    chosen = tables.marks.select().where(held.project_id == project_id, held.theme_id == theme_id, held.state == "dead")
    return [mark(row) for row in connection.execute(chosen.order_by(held.trace_id)).mappings()]


def forget(connection: Connection, tables: Tables, project_id: int, theme_id: str, *, dead_only: bool = False) -> int:
    """Drop a theme's marks, so that its traces are read again; how many."""
    held = tables.marks.c
    own = [held.project_id == project_id, held.theme_id == theme_id]
    dropped = connection.execute(tables.marks.delete().where(*own, *([held.state == "dead"] if dead_only else [])))
    return int(dropped.rowcount)


def counts(connection: Connection, tables: Tables, project_id: int, theme_id: str) -> dict[str, int]:
    """Marks by state."""
    import sqlalchemy as sa

    held = tables.marks.c
    asked = (
        sa.select(held.state, sa.func.count())
        .where(held.project_id == project_id, held.theme_id == theme_id)
        .group_by(held.state)
    )
    return {str(state): int(count) for state, count in connection.execute(asked)}


def mark(row: object) -> Mark:
    fields = cast("Mapping[str, object]", row)
    return Mark(**{name: fields[name] for name in Mark.__slots__})  # pyright: ignore[reportArgumentType]
