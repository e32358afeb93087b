"""Counts before and after by the values of several dimensions at once, and sums over any part of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is counted before and after; for shares also of how many."""

    before: float = 0.0
    after: float = 0.0
    before_of: float = 0.0
    after_of: float = 0.0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.before + other.before,
            self.after + other.after,
            self.before_of + other.before_of,
            self.after_of + other.after_of,
        )

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.before - other.before,
            self.after - other.after,
            self.before_of - other.before_of,
            self.after_of - other.after_of,
        )

    @property
    def rate_before(self) -> float:
        return self.before / self.before_of if self.before_of else 0.0

    @property
    def rate_after(self) -> float:
        return self.after / self.after_of if self.after_of else 0.0


@dataclass(frozen=True, slots=True)
class Cube:
    """Cells by their values, in the order of `dimensions`; their sum is the whole.

    `shares`: the metric is before/before_of and after/after_of, else the counts themselves. `scale` is how much longer
    the time after is than the time before. `unit` is how many counts come together (several events of one person): one
    of them is an observation. `drift` is how much the logarithm of a segment's part moves without any cause (standard
    deviation), known from an earlier time.
    """

    dimensions: tuple[str, ...]
    cells: Sequence[tuple[Values, Amounts]]
    shares: bool = False
    scale: float = 1.0
    unit: float = 1.0
    drift: float = 0.0
    variance: float = 0.0
    """Means instead of shares: the variance of a single row's number; 0 for shares and counts."""

    @property
    def whole(self) -> Amounts:
        return total(self.cells)

    def along(self, *places: int) -> dict[Values, Amounts]:
        """Sums by the values of some dimensions, the biggest first."""
        sums: dict[Values, list[float]] = {}
        for values, each in self.cells:
            kept = sums.setdefault(tuple(values[at] for at in places), [0.0, 0.0, 0.0, 0.0])
            kept[0] += each.before
            kept[1] += each.after
            kept[2] += each.before_of
            kept[3] += each.after_of
        found = {key: Amounts(*each) for key, each in sums.items()}
        size = size_of(self.shares)
        return dict(sorted(found.items(), key=lambda pair: (-size(pair[1]), pair[0])))

    def without(self, where: Sequence[tuple[int, str]]) -> Cube:
        """The cells that do not have all of these values."""
        kept = [(values, each) for values, each in self.cells if not all(values[at] == value for at, value in where)]
        return replace(self, cells=kept)


def total(cells: Sequence[tuple[Values, Amounts]]) -> Amounts:
    before = sum(each.before for _, each in cells)
    after = sum(each.after for _, each in cells)
    return Amounts(before, after, sum(each.before_of for _, each in cells), sum(each.after_of for _, each in cells))


def size_of(shares: bool) -> Callable[[Amounts], float]:
    """How many observations stand behind amounts."""
    return (lambda each: each.before_of + each.after_of) if shares else (lambda each: each.before + each.after)
