"""The demo's questions beyond queries: how to ask, an insight with its chart, why something changed, LLM traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

from rich.console import RenderableType
from rich.text import Text

from posthog_mcp.commands.demo_step import Step
from posthog_mcp.commands.show import Structured, bar, new_table, number, records
from posthog_mcp.results import Json

CHECKOUT_FUNNEL: dict[str, Json] = {"kind": "funnel", "series": ["checkout_started", "checkout_completed"]}
BROKEN: dict[str, Json] = {"date_from": "-40d", "date_to": "-35d"}
"""Around the days of the release that broke the payment sheet, counted from the end of the data."""


def listed(value: object) -> list[str]:
    return [str(each) for each in cast("Sequence[object]", value)] if isinstance(value, list) else []


def plan(result: Structured) -> RenderableType:
    """The steps of the workflow that a question asks for."""
    workflow = cast("dict[str, Json]", result["workflow"])
    table = new_table(["why", "with"], [False, False])
    for step in cast("list[dict[str, str]]", workflow["steps"])[:6]:
        table.add_row(Text(step["why"].partition(". ")[0][:54]), Text(step["tool"]))
    return table


def plan_stands_out(result: Structured) -> str:
    workflow = cast("dict[str, Json]", result["workflow"])
    steps = cast("list[Json]", workflow["steps"])
    return f"{workflow['title']} {len(steps)} steps, every query checked, in the project's own names."


def funnel(result: Structured) -> RenderableType:
    """People who finished, of those who began, by segment."""
    table = new_table(["", "began", "finished", "share", ""], [False, True, True, True, False])
    rows = records(result)
    for first, last in zip(rows[::2], rows[1::2], strict=True):
        share = number(last["conversion_from_start"])
        name, began, finished = (str(each) for each in (first["$os"], first["people"], last["people"]))
        table.add_row(Text(name), began, finished, f"{100 * share:.0f} %", Text(bar(share, 1.0)))
    return table


def funnel_stands_out(result: Structured) -> str:
    return listed(result["summary"])[0]


def causes(result: Structured) -> RenderableType:
    """What is established and what is likely."""
    lines = [*listed(result["established"])[:2], *listed(result["likely"])[:4]]
    return Text("\n").join(Text(f"- {line}") for line in lines)


def causes_stand_out(result: Structured) -> str:
    drivers = cast("list[dict[str, Json]]", result["drivers"])
    if not drivers:
        return "No segment holds the change: it is everywhere, or chance."
    where = " and ".join(f"{name} {value}" for name, value in cast("list[list[str]]", drivers[0]["where"]))
    before, after = (f"{100 * number(drivers[0][when]):.0f} %" for when in ("before", "after"))
    return f"It sits in {where}: {before} before, {after} then."


def findings(result: Structured) -> RenderableType:
    """What went wrong in traces, and how often."""
    at = listed(result["columns"]).index("title")
    table = new_table(["what went wrong", "times"], [False, True])
    titles = Counter(str(row[at]) for row in cast("list[list[Json]]", result["findings"]))
    for title, times in titles.most_common(6):
        table.add_row(Text(title[:66]), str(times))
    return table


def findings_stand_out(result: Structured) -> str:
    return f"{number(result['relevant']):.0f} of {number(result['read']):.0f} conversations read went wrong."


ANSWERS = (
    Step("How would I find out why sales drop?", "plan_question", {"question": "why are sales dropping?"}, plan,
         plan_stands_out),
    Step("How many finish the checkout, by system?", "run_insight",
         {**CHECKOUT_FUNNEL, "breakdown": ["$os"], "date_from": "-60d", "chart": True},
         funnel, funnel_stands_out),
    Step("Why did it drop five weeks ago?", "explain_change", {"metric": CHECKOUT_FUNNEL, **BROKEN}, causes,
         causes_stand_out),
    Step("What goes wrong in the assistant's conversations?", "run_theme",
         {"theme": "error_analysis", "limit": 300, "date_from": "-30d", "rewind": True}, findings, findings_stand_out),
)  # fmt: skip
