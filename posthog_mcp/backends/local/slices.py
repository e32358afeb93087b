"""How a load is cut into slices of time that fit into memory, and which files each slice has to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

HOUR = 3600


@dataclass(slots=True)
class Look:
    """What a first look at the raw events told.

    `counts` by event, `hours` by the hour's Unix time, `files` by number as (first, last) in microseconds;
    `duplicates` counts rows beyond the first of a uuid; `ids` distinct_ids; `row_bytes` the JSON text of a row.
    """

    counts: dict[str, int]
    hours: dict[int, int]
    files: dict[int, tuple[int, int]]
    duplicates: int
    ids: int
    row_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Slice:
    """Events from `first` up to `last` (Unix seconds), and the files that have any."""

    first: int
    last: int
    files: frozenset[int]


def slices(look: Look, rows: int) -> Iterator[Slice]:
    """Whole hours, as many as hold about `rows` events; an hour with more stays whole."""
    first, taken, last = None, 0, 0
    for hour in sorted(look.hours):
        if first is not None and taken + look.hours[hour] > rows:
            yield slice_of(first, last, look)
            first, taken = None, 0
        first = hour if first is None else first
        taken += look.hours[hour]
        last = hour + HOUR
    if first is not None:
        yield slice_of(first, last, look)


def slice_of(first: int, last: int, look: Look) -> Slice:
    inside = frozenset(
        number
        for number, (begins, ends) in look.files.items()
        if begins < last * 1_000_000 and ends >= first * 1_000_000
    )
    return Slice(first, last, inside)
