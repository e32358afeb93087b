"""A chart's title as a finding: the first fact, where it speaks of everything that is drawn."""

from __future__ import annotations

from dataclasses import replace

from posthog_mcp.charts.chart import Chart
from posthog_mcp.charts.look import TITLE
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.question import Question

WHOLE = frozenset({"funnel", "retention", "lifecycle", "stickiness", "trends"})
"""Kinds whose first fact is about the whole chart, as long as it shows one thing."""


def headlined(question: Question, answer: Answer) -> Answer:
    """The answer, its chart's title the first fact and the old title, if that says more, in the footnote."""
    chart = answer.chart
    if chart.type == "number" or not answer.facts or not speaks_of_all(question):
        return answer
    finding = answer.facts[0].rstrip(".")
    subject = "" if chart.title in finding or question.kind == "funnel" else f"{chart.title} – "
    title = f"{subject}{finding}"
    if len(title) > TITLE:
        return answer
    return replace(answer, chart=replace(chart, title=title, footnote=noted(chart)))


def noted(chart: Chart) -> str:
    """The footnote, with what the chart is of."""
    return " · ".join(filter(None, (chart.title, chart.footnote)))


def speaks_of_all(question: Question) -> bool:
    one = question.kind == "funnel" or len(question.series) == 1
    return question.kind in WHOLE and one and not question.breakdowns and not question.formula
