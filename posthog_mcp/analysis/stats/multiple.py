"""Several tests at once: which findings hold when so many were looked at.

Source: Benjamini and Hochberg, Controlling the False Discovery Rate, JRSS B 57 (1995). Holm, A Simple Sequentially
Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6 (1979).
"""

from __future__ import annotations

from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The adjusted p-values, in the order given: those at most q are findings with false-discovery rate q."""
    count = len(p_values)
    order = sorted(range(count), key=lambda at: p_values[at], reverse=True)
    found, least = [1.0] * count, 1.0
    for rank, at in enumerate(order):
        least = min(least, p_values[at] * count / (count - rank))
        found[at] = least
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """The adjusted p-values, in the order given, that keep the chance of any false finding."""
    count = len(p_values)
    found, most = [1.0] * count, 0.0
    for rank, at in enumerate(sorted(range(count), key=lambda at: p_values[at])):
        most = max(most, min(1.0, p_values[at] * (count - rank)))
        found[at] = most
    return found
