"""Search summaries by meaning, and all that every theme said of one trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthog_mcp.project import Project
from posthog_mcp.state.trace_themes.summaries import StoredSummary
from posthog_mcp.traces.clusters import text_of
from posthog_mcp.traces.embeddings import embedded

LEAST = 0.05
"""Closeness under which a summary has nothing to do with the question."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A summary and its closeness to the question, 0 to 1."""

    summary: StoredSummary
    score: float


async def search(project: Project, query: str, *, theme_id: str = "", most: int = 10) -> tuple[list[Hit], int]:
    """The closest summaries, best first, and how many were searched.

    Raises:
        PostHogMcpError: the embedder is missing or does not answer.
    """
    project_id = (await project.driver.project()).id
    rows = await project.themes.summaries(project_id, theme_id=theme_id)
    if not rows:
        return [], 0
    vectors, _ = await embedded(project, [*(text_of(each) for each in rows), query])
    scores = (vectors[:-1] @ vectors[-1]).tolist()
    return ranked(rows, scores, most), len(rows)


def ranked(rows: Sequence[StoredSummary], scores: Sequence[float], most: int) -> list[Hit]:
    hits = [Hit(row, round(score, 4)) for row, score in zip(rows, scores, strict=True) if score > LEAST]
    return sorted(hits, key=lambda each: (-each.score, each.summary.at))[:most]


async def of_trace(project: Project, trace_id: str) -> list[StoredSummary]:
    """What each theme said of one trace."""
    return await project.themes.summaries((await project.driver.project()).id, trace_id=trace_id)
