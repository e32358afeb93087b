"""A funnel's transitions: which step broke."""

from __future__ import annotations

from itertools import pairwise

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.explanation import StepChange
from posthog_mcp.analysis.stats.multiple import benjamini_hochberg
from posthog_mcp.analysis.stats.proportions import two_proportions
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.funnel_query import mandatory, people
from posthog_mcp.insights.funnel_table import step_names
from posthog_mcp.insights.question import Question
from posthog_mcp.queries.run import run as run_hogql

BROKEN = 0.05


async def steps_of(case: Case, question: Question) -> list[StepChange]:
    """Every transition's share before and now, those of optional steps left out."""
    plain = question.model_copy(update={"funnel_view": "steps"})
    frames = [case.frame(plain, stretch) for stretch in (case.baseline, case.current)]
    places = mandatory(question)
    before, after = [await reached(case, frame, len(question.series)) for frame in frames]
    names = step_names(frames[0])
    made: list[tuple[str, tuple[float, float], tuple[float, float]]] = []
    for start, end in pairwise(places):
        made.append((f"{names[start]} → {names[end]}", (before[end], after[end]), (before[start], after[start])))
    tests = [two_proportions(came, n) for _, came, n in made]
    adjusted = benjamini_hochberg([each.p for each in tests])
    return [
        StepChange(
            step=name,
            before=came[0] / n[0] if n[0] else 0.0,
            after=came[1] / n[1] if n[1] else 0.0,
            before_n=n[0],
            after_n=n[1],
            low=tested.low,
            high=tested.high,
            q=q,
        )
        for (name, came, n), tested, q in zip(made, tests, adjusted, strict=True)
    ]


async def reached(case: Case, frame: Frame, count: int) -> list[float]:
    """People at each step."""
    counts = ", ".join(f"countIf(bitTest(reached, {at})) AS n{at}" for at in range(count))
    query = f"SELECT {counts} FROM ({people(frame)}) LIMIT 1"
    result = await run_hogql(case.project, query, progress=case.progress)
    return [float(str(cell or 0)) for cell in result.table.rows[0]] if result.table.rows else [0.0] * count


def broken(steps: list[StepChange]) -> StepChange | None:
    """The transition that changed most, in standard errors, of those that hold."""
    held = [each for each in steps if each.q <= BROKEN]
    return max(held, key=lambda each: abs(each.after - each.before) / max(each.high - each.low, 1e-9), default=None)


def broken_at(question: Question, steps: list[StepChange]) -> int | None:
    """The number (from 0) of the step that the broken transition leads to, where there are several."""
    found = broken(steps)
    places = mandatory(question)
    if found is None or len(places) < 3:
        return None
    return places[steps.index(found) + 1]
