"""Funnels in a report: each step of the period against the same step of the period before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from posthog_mcp.analysis.asked import Asked
from posthog_mcp.analysis.stats.proportions import two_proportions
from posthog_mcp.delivery.message import quoted
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.question import Question
from posthog_mcp.insights.run import Insight, run_insight
from posthog_mcp.project import Project
from posthog_mcp.reports.findings import Examined, Finding, Period, Trend

LEAST = 30


@dataclass(frozen=True, slots=True)
class Reached:
    """How many came to each step, in order."""

    names: tuple[str, ...]
    people: tuple[float, ...]

    def rate(self, step: int) -> float:
        return self.people[step] / self.people[step - 1] if self.people[step - 1] else 0.0

    @property
    def whole(self) -> float:
        return self.people[-1] / self.people[0] if self.people[0] else 0.0


async def examine_funnel(
    project: Project, asked: Asked, question: Question, period: Period, dashboard: str
) -> Examined:
    """The funnel of both periods, each with entries and conversions inside it, so that they compare.

    Raises:
        PostHogMcpError: it does not run.
    """
    plain = question.model_copy(update={"breakdowns": [], "compare": "", "funnel_view": "steps"})
    now = await run_insight(project, ranged(plain, period.start, period.end))
    before = await run_insight(project, ranged(plain, period.before, period.before_end))
    name, after, earlier = quoted(asked.name, 80), reached(now), reached(before)
    if not after.people or not after.people[0]:
        return Examined(notes=(f"Nobody entered **{name}** in {period.words}.",))
    trend = Trend(name, dashboard, trend_text(after, earlier), chart=replace(now.answer.chart, title=name))
    trend = replace(trend, query_id=now.query_id, hogql=now.hogql)
    findings = [found for step in range(1, len(after.people)) if (found := changed(name, step, after, earlier))]
    sources = (now.query_id, now.hogql, asked.url, (before.query_id, before.hogql))
    told = [
        replace(each, dashboard=dashboard, query_id=sources[0], hogql=sources[1], url=sources[2], compared=sources[3])
        for each in findings
    ]
    return Examined((trend,), tuple(told), tests=len(after.people) - 1)


def ranged(question: Question, start: datetime, end: datetime) -> Question:
    """From one midnight up to the last second before another."""
    last = end - timedelta(seconds=1)
    return question.model_copy(
        update={"date_from": f"{start:%Y-%m-%dT%H:%M:%S}", "date_to": f"{last:%Y-%m-%dT%H:%M:%S}"}
    )


def reached(found: Insight) -> Reached:
    """The steps of an answer."""
    columns = [each.name for each in found.answer.columns]
    name, people = columns.index("name"), columns.index("people")
    rows = found.answer.rows
    return Reached(tuple(str(row[name]) for row in rows), tuple(float(str(row[people] or 0)) for row in rows))


def trend_text(after: Reached, earlier: Reached) -> str:
    steps = " → ".join(f"{quoted(name, 40)} {shown(n)}" for name, n in zip(after.names, after.people, strict=True))
    before = f", {percent(earlier.whole)} before" if earlier.people and earlier.people[0] else ""
    return f"{percent(after.whole)} came to the end{before}: {steps}"


def changed(name: str, step: int, after: Reached, earlier: Reached) -> Finding | None:
    """A step that converts otherwise than before."""
    if len(earlier.people) != len(after.people) or min(after.people[step - 1], earlier.people[step - 1]) < LEAST:
        return None
    came, n = (earlier.people[step], after.people[step]), (earlier.people[step - 1], after.people[step - 1])
    test = two_proportions(came, n)
    if test.p > 0.05:
        return None
    word = "rose" if test.difference > 0 else "fell"
    text = (
        f"**{name}**: the step to {quoted(after.names[step], 60)} {word} from {percent(earlier.rate(step))} of "
        f"{shown(n[0])} to {percent(after.rate(step))} of {shown(n[1])} "
        f"(difference {test.low * 100:+.1f} to {test.high * 100:+.1f} points)."
    )
    about = (("before", earlier.rate(step)), ("after", after.rate(step)), ("n", n[1]))
    return Finding("funnel", name, text, 60 + min(abs(test.difference) * 100, 30), test.p, about=about)
