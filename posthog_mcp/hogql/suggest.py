"""The nearest valid names to a wrong one, for error messages.

Case, `_`, `$`, `.` and spaces do not count. A project may have 5,000 names and a query twenty wrong ones, so the
costly comparison is kept for the few names that share most letter pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from heapq import nlargest
from operator import add

ENOUGH = 0.6
"""The least likeness worth showing: 1 is the same name, in 0..1 as difflib counts."""
SHARED_PARTS = 0.4
"""The share of letter pairs (of letters, in short names) from which a full comparison may reach that."""
COMPARED = 60
"""Names that are compared in full."""
IGNORED = str.maketrans("", "", "_$.- /:'\"`")


@lru_cache(maxsize=20_000)
def simplified(name: str) -> str:
    return name.lower().translate(IGNORED)


def nearest(name: str, candidates: Iterable[str], count: int = 3) -> list[str]:
    """Up to `count` candidates, best first: the same letters, then beginnings and parts, then small slips."""
    wanted = simplified(name)[:100]
    if not wanted:
        return []
    size = 2 if len(wanted) >= 8 else 1
    parts, slack = parts_of(wanted, size), max(2, len(wanted) // 3)
    scored: list[tuple[float, str]] = []
    alike: list[tuple[float, str, str]] = []
    for candidate in candidates:
        plain = simplified(candidate)
        score = part_score(wanted, plain)
        if score >= ENOUGH:
            scored.append((score, candidate))
        elif abs(len(plain) - len(wanted)) <= slack:
            own = parts_of(plain, size)
            shared = 2 * len(own & parts) / (len(own) + len(parts))
            if shared >= SHARED_PARTS:
                alike.append((shared, plain, candidate))
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    for _, plain, candidate in nlargest(COMPARED, alike):
        matcher.set_seq1(plain)
        scored.append((matcher.ratio(), candidate))
    best = sorted((-score, len(candidate), candidate) for score, candidate in scored if score >= ENOUGH)
    return [candidate for _, _, candidate in best[:count]]


def parts_of(plain: str, size: int) -> frozenset[str]:
    """Its letters, or pairs of neighbouring ones."""
    return frozenset(plain) if size == 1 else frozenset(map(add, plain, plain[1:]))


def part_score(wanted: str, plain: str) -> float:
    """How near two names are of which one holds the other; 0 when neither does."""
    if plain == wanted:
        return 2.0
    shorter, longer = sorted((wanted, plain), key=len)
    if len(shorter) < 3 or shorter not in longer:
        return 0.0
    likeness = len(shorter) / len(longer)
    if plain.startswith(wanted):
        return 0.7 + 0.3 * likeness
    return 0.3 + 0.7 * likeness
