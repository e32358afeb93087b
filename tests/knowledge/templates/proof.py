"""One proof: whom a template is asked of, with which params, and the rows that must come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

END = datetime(2026, 11, 1, tzinfo=UTC)
"""The present moment of every proof."""


@dataclass(frozen=True)
class Proof:
    """`columns` are those that are compared, parted by blanks, or by | where a name holds a blank.

    `rows` are all the rows in their order; with `head` the first ones, with `unordered` all in any order (ties).
    """

    world: str
    params: dict[str, Any]
    columns: str
    rows: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    head: bool = False
    unordered: bool = False

    @property
    def names(self) -> list[str]:
        """The columns."""
        return self.columns.split("|" if "|" in self.columns else None)
