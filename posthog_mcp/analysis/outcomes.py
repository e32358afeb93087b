"""HogQL for what each group did: one row a group with people, those who did it, sums and squares; a person is in one
group.

Groups come from a flag or experiment (its exposures; who saw two variants is left out, as PostHog does), or from a
property (the last value of a person in the range). Only what happens after the exposure counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from posthog_mcp.backends.backend import ListOptions
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.insights.arguments import breakdown_of
from posthog_mcp.insights.frame import NONE, Frame, conjunction, time_literal
from posthog_mcp.insights.funnel_query import people
from posthog_mcp.insights.question import Breakdown, Series
from posthog_mcp.project import Project

MOST_GROUPS = 20
DAYS = {"hour": 1, "day": 1, "week": 7, "month": 30}
SUMS = "count() AS n, countIf(did > 0) AS came, sum(did) AS total, sum(did * did) AS squares"


@dataclass(frozen=True, slots=True)
class Groups:
    """What people are divided by. A flag has `flag` and the shares it was planned with; a property `dimension`."""

    name: str
    flag: str = ""
    planned: tuple[tuple[str, float], ...] = ()
    dimension: Breakdown | None = None
    started: str = ""


async def groups_of(project: Project, text: str) -> Groups:
    """`experiment:<name, id or flag key>`, `flag:<key>`, or a property as a breakdown has it.

    Raises:
        InvalidInput: nothing is named.
        NotFound: there is no such experiment or flag.
    """
    kind, colon, name = text.partition(":")
    if colon and kind == "experiment":
        page = await project.driver.list("experiments", ListOptions(limit=200))
        for each in page.items:
            if name in (str(each.get("id")), each.get("name"), each.get("feature_flag_key")):
                parameters = each.get("parameters")
                variants = parameters.get("feature_flag_variants") if isinstance(parameters, dict) else None
                key = str(each.get("feature_flag_key") or "")
                return Groups(text, key, planned_of(variants), started=str(each.get("start_date") or ""))
        names = [str(each.get("name") or "") for each in page.items]
        near = ", ".join(nearest(name, names) or names[:5])
        raise NotFound(f"There is no experiment {name!r}.", fix=f"Known: {near}." if near else "There are none.")
    if colon and kind == "flag":
        return await flag_of(project, text, name)
    if not text.strip():
        raise InvalidInput("No groups are given.", fix="Give split: experiment:<name>, flag:<key>, or a property.")
    return Groups(text, dimension=Breakdown.model_validate(breakdown_of(text)))


async def flag_of(project: Project, text: str, key: str) -> Groups:
    """A flag by its key.

    Raises:
        NotFound: there is none.
    """
    page = await project.driver.list("feature_flags", ListOptions(limit=200))
    for each in page.items:
        if each.get("key") == key:
            filters = each.get("filters")
            multivariate = filters.get("multivariate") if isinstance(filters, dict) else None
            variants = multivariate.get("variants") if isinstance(multivariate, dict) else None
            return Groups(text, key, planned_of(variants))
    near = ", ".join(nearest(key, [str(each.get("key") or "") for each in page.items]))
    raise NotFound(f"There is no flag {key!r}.", fix=f"Nearest: {near}." if near else "List them.")


def planned_of(variants: object) -> tuple[tuple[str, float], ...]:
    """The variants' planned shares."""
    if not isinstance(variants, list):
        return ()
    found: list[tuple[str, float]] = []
    for each in variants:  # pyright: ignore[reportUnknownVariableType]
        if isinstance(each, dict):
            key, share = each.get("key"), each.get("rollout_percentage")  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
            found.append((str(key), float(str(share or 0))))  # pyright: ignore[reportUnknownArgumentType]
    return tuple(found)


def outcome_query(frame: Frame, groups: Groups) -> str:
    """The rows of every group: its value, people, those who did it, sum, sum of squares, first and last exposure day.

    Raises:
        InvalidInput: the metric has no outcome a person.
    """
    question = frame.question
    if question.kind == "funnel":
        return funnel_query(frame, groups)
    if question.kind == "retention":
        persons = per_person(frame, groups, "1")
    elif question.kind == "trends" and len(question.series) == 1 and not question.formula:
        persons = per_person(frame, groups, measured(question.series[0]))
    else:
        text = "Groups are compared by what each person did: one series of trends, a funnel, or retention."
        raise InvalidInput(text, fix="Give such a metric, for example a funnel from exposure to the goal.")
    return f"SELECT variant, {SUMS} FROM ({persons}) GROUP BY variant ORDER BY n DESC LIMIT {MOST_GROUPS}"


def measured(series: Series) -> str:
    """What one event adds to its person's outcome."""
    if series.math in ("sum", "avg", "max", "min", "median") and series.math_property:
        prefix = "person.properties" if series.math_property_type == "person" else "properties"
        return f"ifNull(toFloat({prefix}.{identifier(series.math_property)}), 0)"
    return "1"


def per_person(frame: Frame, groups: Groups, amount: str) -> str:
    """One row a person: variant and `did`."""
    question = frame.question
    met = f"({' AND '.join(frame.events(question.series[-1])) or 'true'})"
    within = frame.within(frame.span, whole=False)
    if question.kind == "retention":
        target = f"({' AND '.join(frame.events(question.series[0])) or 'true'})"
        return came_back(frame, groups, target, met)
    if groups.flag:
        exposed = f"(event = '$feature_flag_called' AND properties.$feature_flag = {text_literal(groups.flag)})"
        response = "ifNull(toString(properties.$feature_flag_response), '')"
        inner = (
            f"SELECT person_id, minIf(timestamp, {exposed}) AS since, "
            f"argMinIf({response}, timestamp, {exposed}) AS variant, "
            f"uniqIf({response}, {exposed}) AS seen, groupArrayIf(tuple(timestamp, {amount}), {met}) AS all_of "
            f"FROM events {conjunction([within, f'({exposed} OR {met})'])} "
            f"GROUP BY person_id HAVING countIf({exposed}) > 0"
        )
        did = "arraySum(arrayMap(x -> x.2, arrayFilter(x -> x.1 >= since, all_of))) AS did"
        return f"SELECT person_id, variant, {did} FROM ({inner}) WHERE seen = 1 AND variant != ''"
    inner = (
        f"SELECT person_id, {value_of(frame, groups)} AS variant, sumIf({amount}, {met}) AS did "
        f"FROM events {conjunction([within])} GROUP BY person_id"
    )
    return f"SELECT person_id, variant, did FROM ({inner}) WHERE variant != {text_literal(NONE)}"


def value_of(frame: Frame, groups: Groups) -> str:
    """A person's last value of the property that divides them."""
    assert groups.dimension is not None
    value = frame.value(groups.dimension)
    none = text_literal(NONE)
    return f"ifNull(nullIf(argMaxIf({value}, timestamp, {value} != {none}), ''), {none})"


def came_back(frame: Frame, groups: Groups, target: str, met: str) -> str:
    """Who did the target and was watched through the period after; `did`: came back in it (unbounded: or later)."""
    days = DAYS[frame.question.period]
    latest = time_literal(frame.span.end - timedelta(days=2 * days))
    value = value_of(frame, groups) if groups.dimension else flag_value(groups)
    inner = (
        f"SELECT person_id, {value} AS variant, minIf(timestamp, {target}) AS since, countIf({target}) AS targets, "
        f"groupArrayIf(timestamp, {met}) AS times FROM events "
        f"{conjunction([frame.within(frame.span, whole=False)])} GROUP BY person_id"
    )
    until = "" if frame.question.unbounded else f" AND x < since + toIntervalDay({2 * days})"
    did = f"if(arrayExists(x -> x >= since + toIntervalDay({days}){until}, times), 1, 0) AS did"
    kept = f"targets > 0 AND since <= {latest} AND variant NOT IN ({text_literal(NONE)}, '')"
    return f"SELECT person_id, variant, {did} FROM ({inner}) WHERE {kept}"


def flag_value(groups: Groups) -> str:
    response = "ifNull(toString(properties.$feature_flag_response), '')"
    exposed = f"event = '$feature_flag_called' AND properties.$feature_flag = {text_literal(groups.flag)}"
    return f"argMinIf({response}, timestamp, {exposed})"


def funnel_query(frame: Frame, groups: Groups) -> str:
    """People who entered the funnel, by the group they entered with."""
    dimension = groups.dimension or Breakdown(property=f"$feature/{groups.flag}")
    plain = {"breakdowns": [dimension], "funnel_view": "steps", "breakdown_limit": MOST_GROUPS}
    framed = Frame(frame.question.model_copy(update=plain), frame.project, frame.catalogue, frame.span, frame.now)
    last = len(frame.question.series) - 1
    inner = f"SELECT breakdown AS variant, if(bitTest(reached, {last}), 1, 0) AS did FROM ({people(framed)})"
    return (
        f"SELECT variant, {SUMS} FROM ({inner}) WHERE variant != {text_literal(NONE)} GROUP BY variant "
        f"ORDER BY n DESC LIMIT {MOST_GROUPS}"
    )
