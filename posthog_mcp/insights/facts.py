"""Numbers and changes in words, for summaries."""

from __future__ import annotations


def shown(value: float) -> str:
    """A number as people read it: 12,345, 0.123, 3.4."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.3g}"


def percent(part: float) -> str:
    """A fraction as percent."""
    return f"{part * 100:.1f} %"


def change(before: float, after: float) -> str:
    """How `after` stands to `before`, ending so that what it is compared with can follow."""
    if before == after:
        return "the same as"
    if before == 0:
        return f"up {shown(after)} from nothing in"
    word = "up" if after > before else "down"
    return f"{word} {percent(abs(after - before) / abs(before))} on"
