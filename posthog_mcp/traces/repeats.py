"""Long texts that mostly repeat an earlier one: only what differs is written.

Prompts with a changing date, scratch pads that grow by a line, documents read twice. Only beginnings and ends are
compared, so that one look costs no more than reading the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SHORTEST = 600
"""Characters; shorter texts are repeated."""
SHARED = 0.6
"""Of a text that an earlier one must have, at its beginning and end together."""
KEPT = 24
"""Earlier texts that are compared with."""
LINE = 300
"""Characters of a line that are written again so that it can be read whole."""
SMALLEST = 200
"""Characters of a shared beginning or end that are worth a reference."""


@dataclass(slots=True)
class Repeats:
    """Texts seen so far, forwards and backwards, newest first, with the anchor they stand at."""

    seen: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    def shortened(self, text: str, anchor: str) -> str:
        """The text, or its difference from an earlier one."""
        if len(text) < SHORTEST:
            return text
        backwards = text[::-1]
        found = self.nearest(text, backwards)
        self.seen.insert(0, (text, backwards, anchor))
        del self.seen[KEPT:]
        return found or text

    def nearest(self, text: str, backwards: str) -> str:
        best, gain = "", len(text) * SHARED
        for earlier, earlier_backwards, anchor in self.seen:
            if text[:SMALLEST] != earlier[:SMALLEST] and backwards[:SMALLEST] != earlier_backwards[:SMALLEST]:
                continue
            start = whole_lines(text, shared_start(text, earlier))
            end = whole_lines(backwards, shared_start(backwards, earlier_backwards))
            end = min(end, len(text) - start, max(len(earlier) - start, 0))
            end = end if end >= SMALLEST else 0
            if start + end > gain:
                best, gain = difference(text, start, end, anchor), start + end
        return best


def whole_lines(text: str, shared: int) -> int:
    """A shared beginning without the line, or at least the word, that it breaks; nothing where that is too short."""
    if shared < len(text):
        line = text.rfind("\n", 0, shared) + 1
        shared = line if shared - line < LINE else text.rfind(" ", 0, shared) + 1
    return shared if shared >= SMALLEST else 0


def shared_start(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def difference(text: str, start: int, end: int, anchor: str) -> str:
    """What is new, between what is not."""
    middle = text[start : len(text) - end]
    if not middle.strip():
        return f"[the same {len(text):,} characters as in {anchor}]"
    before = f"[first {start:,} characters as in {anchor}]" if start else ""
    after = f"[last {end:,} characters as in {anchor}]" if end else ""
    return "\n".join(filter(None, [before, middle, after]))
