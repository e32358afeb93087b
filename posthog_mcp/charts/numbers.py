"""Values in words, by unit."""

from __future__ import annotations

import math

from posthog_mcp.charts.chart import Unit
from posthog_mcp.results import Json

STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def number(value: Json) -> float | None:
    """A cell as a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def written(value: Json, unit: Unit = "none", currency: str = "") -> str:
    """A value as people read it: 1,234, 12.3 %, 3 min 20 s, 1.2 MB, 12.50 EUR; `–` for none."""
    found = number(value)
    if found is None:
        return "–" if value is None else str(value)
    if unit == "percent":
        return f"{plain(found * 100)} %"
    if unit in ("seconds", "milliseconds"):
        return duration(found if unit == "seconds" else found / 1000)
    if unit == "bytes":
        return size(found)
    if unit == "currency":
        return f"{found:,.2f} {currency}".strip()
    return plain(found)


def plain(value: float) -> str:
    """Thousands separated; decimals only where they tell something."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return f"{value:.3g}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".") or f"{value:.2g}"


def short(value: float) -> str:
    """For axes and bars: 1.2k, 3.4M."""
    for least, letter in STEPS:
        if abs(value) >= least:
            return f"{value / least:.3g}{letter}"
    return plain(value)


def duration(seconds: float) -> str:
    """The two greatest units: 3 min 20 s."""
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    if left < 1:
        return f"{sign}{left * 1000:.0f} ms"
    if left < MINUTE:
        return f"{sign}{plain(round(left, 1))} s"
    for greater, lesser, names in ((DAY, HOUR, ("d", "h")), (HOUR, MINUTE, ("h", "min")), (MINUTE, 1.0, ("min", "s"))):
        if left >= greater:
            whole, rest = divmod(left, greater)
            part = f" {rest / lesser:.0f} {names[1]}" if rest >= lesser / 2 else ""
            return f"{sign}{whole:,.0f} {names[0]}{part}"
    return f"{sign}{left:.0f} s"


def size(amount: float) -> str:
    """Powers of a thousand."""
    left = amount
    for name in BYTES:
        if abs(left) < 1000 or name == BYTES[-1]:
            return f"{plain(round(left, 1))} {name}"
        left /= 1000
    return f"{amount} B"
