"""The retrieval set: questions with the intents that answer them, halved by a fixed rule (CRC-32 of the text, odd: dev).

Only the dev half is looked at while words and examples are chosen; the figures are of the held-out half.
`python -m tests.knowledge.retrieval` prints both; `--dev` also prints every miss of the dev half, never of the other.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "questions.txt"


@dataclass(frozen=True)
class Asked:
    """A question; `intents`: any of them is right."""

    question: str
    intents: frozenset[str]

    @property
    def held_out(self) -> bool:
        return zlib.crc32(self.question.encode()) % 2 == 0


def questions() -> list[Asked]:
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    parts = [line.split("|", 1) for line in lines]
    return [Asked(text.strip(), frozenset(each.strip() for each in intents.split(","))) for intents, text in parts]
