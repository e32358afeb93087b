"""The figures of a set of questions, through `plan` as the tool calls it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from posthog_mcp.knowledge.planning import plan
from posthog_mcp.project import Project
from tests.knowledge.retrieval import Asked


@dataclass
class Figures:
    """Shares of 1; `refused` of the off-topic questions, `wrongly_refused` of the others."""

    count: int = 0
    first: float = 0
    first_three: float = 0
    refused: float = 0
    wrongly_refused: float = 0
    confidence: float = 0
    """The mean that was claimed for the first intent."""
    milliseconds: float = 0
    misses: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.count} questions: top-1 {self.first:.1%}, top-3 {self.first_three:.1%}, off topic refused "
            f"{self.refused:.1%}, others refused {self.wrongly_refused:.1%}, claimed {self.confidence:.1%}, median "
            f"{self.milliseconds:.1f} ms"
        )


async def measured(project: Project, asked: Sequence[Asked]) -> Figures:
    figures = Figures(len(asked))
    first: list[bool] = []
    third: list[bool] = []
    refused: dict[bool, list[bool]] = {True: [], False: []}
    claimed: list[float] = []
    times: list[float] = []
    for each in asked:
        begun = time.perf_counter()
        found = await plan(project, each.question)
        times.append(1000 * (time.perf_counter() - begun))
        top = [guess.intent for guess in found.understood.guesses[:3]]
        first.append(top[0] in each.intents)
        third.append(bool(set(top) & each.intents))
        refused["off_topic" in each.intents].append(top[0] == "off_topic")
        claimed.append(found.intents[0].confidence)
        if not first[-1]:
            figures.misses.append(f"{each.question} → {[(guess.intent, guess.confidence) for guess in found.intents]}")
    figures.first, figures.first_three = statistics.fmean(first), statistics.fmean(third)
    figures.refused, figures.wrongly_refused = statistics.fmean(refused[True]), statistics.fmean(refused[False])
    figures.confidence, figures.milliseconds = statistics.fmean(claimed), statistics.median(times)
    return figures
