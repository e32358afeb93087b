"""How many rows and bytes a query will read, from the project's event volumes: known before anything runs.

Rows of a table with a time field: its volume, the share of the events that are asked for, and the share of days. Bytes:
those rows times the width of the columns that are read, measured on the embedded engine (compressed Parquet, demo
project; `python -m tests.benchmarks estimating` prints how estimates compare with what was read).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from posthog_mcp.hogql.lint_subject import Subject, column_of, filters_of, text_of
from posthog_mcp.hogql.resolver_scopes import ColumnTarget, TableSource
from posthog_mcp.hogql.timerange import Bounds
from posthog_mcp.hogql.tree_expressions import Array, CompareOperation, Field, Tuple
from posthog_mcp.hogql.tree_queries import JoinExpr
from posthog_mcp.results import Json

VOLUME_DAYS = 30
"""Days that an event's volume in the catalogue counts."""
WIDTHS: Mapping[str, float] = {
    "uuid": 16,
    "event": 0.1,
    "timestamp": 6.5,
    "created_at": 6.5,
    "distinct_id": 5.3,
    "person_id": 4,
    "id": 16,
    "session_id": 16,
    "$session_id": 15.7,
    "$window_id": 10.3,
    "properties": 36.5,
    "person_properties": 10.7,
    "elements_chain": 5,
}
"""Compressed bytes a row; JSON columns whole, although single properties may have columns of their own."""
OTHER_WIDTH = 4.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """`at_least`: some read has no lower time bound and the project's age is unknown, or a table's size is."""

    rows: int
    bytes: int
    at_least: bool
    basis: str

    def as_json(self) -> dict[str, Json]:
        return {"rows": self.rows, "bytes": self.bytes, "at_least": self.at_least, "basis": self.basis}


def estimate(subject: Subject) -> Estimate | None:
    """What a resolved query reads; None when no table's size is known."""
    bounds = {id(scan.source): scan.bounds for scan in subject.scans}
    rows = size = 0.0
    open_ended = False
    known = False
    for join in (node for node in subject.nodes if isinstance(node, JoinExpr)):
        waiting = [join.source] if isinstance(join.source, TableSource) else []
        while waiting:
            source = waiting.pop()
            waiting += source.lazy.values()
            read = rows_of(subject, join, source, bounds.get(id(source)))
            open_ended = open_ended or read is None or read[1]
            if read is not None:
                known = True
                rows += read[0]
                size += read[0] * sum(WIDTHS.get(name, OTHER_WIDTH) for name in source.columns)
    if not known:
        return None
    basis = "event volumes of the last 30 days" if subject.catalogue.history is None else "the project's row counts"
    return Estimate(round(rows), round(size), open_ended, f"{basis}; bytes as the embedded engine stores them")


def rows_of(subject: Subject, join: JoinExpr, source: TableSource, bounds: Bounds | None) -> tuple[float, bool] | None:
    """Rows read of one table and whether it may be more; None where nothing is known."""
    catalogue, name = subject.catalogue, source.table.name
    total = catalogue.row_counts.get(name)
    if bounds is None:
        return (float(total), False) if total is not None else None
    share = event_share(subject, join, source)
    if total is not None and catalogue.history:
        recent = sum(catalogue.events.values()) / max(catalogue.row_counts.get("events", 0), 1)
        return total * share * days_share(bounds, catalogue.history, min(recent, 1.0)), False
    if name != "events" or not catalogue.events:
        return None
    days = days_of(bounds, subject.now)
    daily = sum(catalogue.events.values()) / VOLUME_DAYS
    return daily * share * (days if days is not None else VOLUME_DAYS), days is None


def event_share(subject: Subject, join: JoinExpr, source: TableSource) -> float:
    """The asked events' part of all events, by volume."""
    names = asked_events(subject, join, source)
    volumes = subject.catalogue.events
    everything = sum(volumes.values())
    if names is None or source.table.name != "events" or not everything:
        return 1.0
    return sum(volumes.get(name, 0) for name in names) / everything


def asked_events(subject: Subject, join: JoinExpr, source: TableSource) -> set[str] | None:
    """The events that conditions limit a read to; None when they do not."""
    select = subject.owners.get(id(join))
    for part in filters_of(select) if select else []:
        if not isinstance(part, CompareOperation) or column_of(part.left) != ("events", "event"):
            continue
        target = part.left.target if isinstance(part.left, Field) else None
        if isinstance(target, ColumnTarget) and target.source is not source:
            continue
        values = part.right.exprs if isinstance(part.right, (Tuple, Array)) else [part.right]
        names = [text_of(each) for each in values]
        if part.op in ("==", "in") and all(name is not None for name in names):
            return {name for name in names if name is not None}
    return None


def days_share(bounds: Bounds, history: tuple[datetime, datetime], recent: float) -> float:
    """The part of all rows between two bounds, when `recent` of them fall into the last 30 days."""
    first, last = history
    low, high = max(bounds.low or first, first), min(bounds.high or last, last)
    turn = max(first, last - timedelta(days=VOLUME_DAYS))
    new = overlap(low, high, turn, last) * recent
    return min(1.0, new + overlap(low, high, first, turn) * (1 - recent))


def overlap(low: datetime, high: datetime, start: datetime, end: datetime) -> float:
    """The part of start to end that lies between low and high."""
    whole = (end - start).total_seconds()
    return max(0.0, (min(high, end) - max(low, start)).total_seconds()) / whole if whole > 0 else 0.0


def days_of(bounds: Bounds, now: datetime) -> float | None:
    """Days between two bounds; None without a lower one."""
    return max(0.0, ((bounds.high or now) - bounds.low) / timedelta(days=1)) if bounds.low else None
