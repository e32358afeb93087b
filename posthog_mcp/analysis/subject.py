"""What an explanation is about: one line, and the dimensions that its metric already names.

A breakdown, or a text column of a query, is no line of its own here but a way to split the whole. Of several series
the first is explained. A lifecycle is the people who are active: new, returning and resurrecting ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from posthog_mcp.analysis.asked import Asked
from posthog_mcp.analysis.likeness import question_like
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.insights.question import Breakdown, Question
from posthog_mcp.project import Project
from posthog_mcp.queries.check import check
from posthog_mcp.results import Note

ADDS = frozenset({"total", "sum"})
ACTIVE = 3
"""Lines of a lifecycle that are active people; the fourth are those who are not."""


@dataclass(frozen=True, slots=True)
class Subject:
    """`like` is the insight that a query asks; `dimensions` are those the metric names itself."""

    asked: Asked
    like: Question | None = None
    dimensions: tuple[Breakdown, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def regrouped(self) -> bool:
        """The query's own rows do not sum: people in two groups, means."""
        return self.like is not None and bool(self.dimensions) and self.like.series[0].math not in ADDS


async def subject_of(project: Project, asked: Asked) -> Subject:
    """A metric as one line.

    Raises:
        PostHogMcpError: what the backend says.
    """
    question = asked.question
    if question is not None:
        return of_question(asked, question)
    if asked.values or not asked.hogql:
        return Subject(asked)
    try:
        found = question_like((await check(project, asked.hogql)).tree)
    except PostHogMcpError:
        found = None
    return Subject(asked) if found is None else Subject(asked, found[0], tuple(found[1]))


def of_question(asked: Asked, question: Question) -> Subject:
    """An insight without its breakdown, of its first series."""
    kept, changes, notes = tuple(question.breakdowns), dict[str, object](), list[Note]()
    if kept:
        changes["breakdowns"] = []
    if question.kind == "trends" and len(question.series) > 1 and not question.formula:
        first, *others = question.series
        changes["series"] = [first]
        told = ", ".join(each.label for each in others[:5])
        notes.append(Note("one_of_several", f"Only {first.label} is explained.", f"Ask alone for {told}."))
    named = replace(asked, question=question.model_copy(update=changes)) if changes else asked
    if "series" in changes and asked.name.startswith(question.series[0].label):
        named = replace(named, name=question.series[0].label)
    return Subject(named, None, tuple(each for each in kept if each.type != "cohort"), tuple(notes))


def whole_line(subject: Subject, lines: Sequence[MetricSeries]) -> tuple[MetricSeries, tuple[Note, ...]]:
    """The line that is explained, and what is left out of it."""
    question = subject.asked.question
    if question is not None and question.kind == "lifecycle":
        active = [each for each in lines if not each.name.endswith("dormant")][:ACTIVE]
        return summed(f"{subject.asked.name} · active people", active), ()
    if question is not None or len(lines) == 1:
        return lines[0], ()
    measure = lines[0].measure
    own = [each for each in lines if each.measure == measure]
    notes = () if len(own) == len(lines) else (Note("one_of_several", f"Only the column {measure} is explained."),)
    if not all(each.adds for each in own):
        text = "Its lines are no counts, so they do not sum; only the biggest is explained."
        return own[0], (*notes, Note("one_of_several", text))
    return summed(subject.asked.name, own), notes


def summed(name: str, lines: Sequence[MetricSeries]) -> MetricSeries:
    """Lines of the same intervals as one."""
    values = tuple(sum(column) for column in zip(*(each.values for each in lines), strict=True))
    return replace(lines[0], name=name, values=values, parts=())
