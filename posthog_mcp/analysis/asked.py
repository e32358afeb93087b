"""What a `metric` argument means: an insight call, a saved insight, a team definition, HogQL, or a finished query."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.insights import saved as saving
from posthog_mcp.insights.arguments import KNOWN, TAKEN, as_question
from posthog_mcp.insights.from_native import KINDS, question_from
from posthog_mcp.insights.question import Question, question_of
from posthog_mcp.project import Project
from posthog_mcp.results import Json

Metric = str | int | Mapping[str, Any]
Definitions = Callable[[str], Awaitable[Mapping[str, Any] | None]]
"""A team definition's name → its metric (an insight call or `{hogql}`); None where there is none."""

QUERY_ID = re.compile(r"[0-9a-f]{16}")
IGNORED = frozenset({"project_id", "refresh", "chart", "actors", "offset", "name"})
"""Arguments of a run_insight call that do not change what is asked."""
FIX = (
    'Give an insight call ({"kind": "trends", "series": [{"event": "signed_up"}]}), a saved insight\'s id, short_id or '
    'name, a team definition\'s name, {"hogql": "SELECT toStartOfDay(timestamp) AS day, count() ..."}, or a query_id.'
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One of `question`, `hogql` and `query_id` is there."""

    name: str
    question: Question | None = None
    hogql: str = ""
    values: Mapping[str, Json] = field(default_factory=dict[str, Json])
    query_id: str = ""
    url: str | None = None


async def asked_of(project: Project, metric: Metric, definitions: Definitions | None = None) -> Asked:
    """What a metric means in this project.

    Raises:
        InvalidInput: it cannot be read, or is no metric over time.
        NotFound: there is no insight or definition of this name.
    """
    if isinstance(metric, Mapping):
        return await of_object(project, metric, definitions)
    text = str(metric).strip()
    if text.startswith("{"):
        try:
            parsed: object = json.loads(text)
        except ValueError:
            raise InvalidInput("The metric is no JSON object.", fix=FIX) from None
        return await of_object(project, cast("Mapping[str, Any]", parsed), definitions)
    if not text:
        raise InvalidInput("No metric is given.", fix=FIX)
    if re.match(r"(?is)\s*(select|with)\s", text):
        return Asked("HogQL", hogql=text)
    if QUERY_ID.fullmatch(text):
        return Asked(f"query {text}", query_id=text)
    return await of_name(project, text, definitions)


async def of_object(project: Project, metric: Mapping[str, Any], definitions: Definitions | None) -> Asked:
    """An insight call, `{hogql}`, `{query_id}`, or a name in an object.

    Raises:
        InvalidInput: it is none of these.
    """
    name = str(metric.get("name") or "")
    if metric.get("hogql"):
        values = metric.get("values")
        known = cast("dict[str, Json]", values) if isinstance(values, dict) else dict[str, Json]()
        return Asked(name or "HogQL", hogql=str(metric["hogql"]), values=known)
    if metric.get("query_id"):
        return Asked(name or f"query {metric['query_id']}", query_id=str(metric["query_id"]))
    for key in ("insight", "metric", "definition"):
        if metric.get(key):
            return await asked_of(project, cast("Metric", metric[key]), definitions)
    if str(metric.get("kind") or "") in (*KINDS, *saving.WRAPPERS, "HogQLQuery"):
        return of_query(name, saving.query_of({"query": dict(metric), "name": name}))
    if "kind" not in metric and "series" not in metric and "event" not in metric:
        raise InvalidInput(f"The metric has none of kind, hogql, query_id: {sorted(metric)}.", fix=FIX)
    question = question_of(as_question(as_call(metric)))
    return Asked(name or name_of(question), question=question)


def as_call(metric: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of run_insight; options may stand beside the others, and one series without `series`."""
    given = {key: value for key, value in metric.items() if key not in IGNORED}
    options = dict(cast("Mapping[str, Any]", given.pop("options", None) or {}))
    loose = set(Question.model_fields) - TAKEN
    options |= {key: given.pop(key) for key in list(given) if key in loose}
    if "event" in given or "math" in given:
        parts = ("event", "math", "math_property")
        given["series"] = [{key: given.pop(key) for key in parts if key in given}]
    if isinstance(given.get("breakdown"), str):
        given["breakdown"] = [given["breakdown"]]
    unknown = [key for key in given if key not in KNOWN]
    if unknown:
        return given
    return {**given, **({"options": options} if options else {})}


async def of_name(project: Project, text: str, definitions: Definitions | None) -> Asked:
    """A team definition, or a saved insight.

    Raises:
        NotFound: there is neither.
    """
    found = await definitions(text) if definitions and not text.isdigit() else None
    if found is not None:
        asked = await of_object(project, found, None)
        return Asked(text, asked.question, asked.hogql, asked.values, asked.query_id, asked.url)
    try:
        saved = await saving.find(project, "insights", text)
    except NotFound as error:
        raise NotFound(f"There is no insight or team definition {text!r}.", fix=f"{error.fix} {FIX}") from None
    asked = of_query(str(saved.get("name") or text), saving.query_of(saved))
    url = saving.url_of(project, saved, "insights")
    return Asked(asked.name, asked.question, asked.hogql, asked.values, url=url)


def of_query(name: str, query: Mapping[str, Json]) -> Asked:
    """A native query.

    Raises:
        InvalidInput: its kind has no values over time.
    """
    if query.get("kind") == "HogQLQuery":
        values = query.get("values")
        known: Mapping[str, Json] = values if isinstance(values, dict) else {}
        return Asked(name or "HogQL", hogql=str(query.get("query") or ""), values=known)
    question = question_from(query)
    return Asked(name or name_of(question), question=question)


def name_of(question: Question) -> str:
    """A question in a few words."""
    if question.kind == "trends":
        return question.formula or ", ".join(each.label for each in question.series[:3])
    if question.kind == "funnel":
        return f"{question.series[0].label} → {question.series[-1].label}"
    return f"{question.kind} of {question.series[0].label}" if question.series else question.kind
