"""HogQL for what each group did: one row a group with people, those who did it, sums and squares; a person is in one
group.

Groups come from a flag or experiment (its exposures; who saw two variants is left out, as PostHog does), or from a
property (the last value of a person in the range). Only what happens after the exposure counts, and a funnel of an
experiment begins with it: the rate is of all who were exposed.
"""

from __future__ import annotations

from datetime import timedelta

from posthog_mcp.analysis.experiments import CALLED, Groups, groups_of_experiment, part, planned_of
from posthog_mcp.backends.backend import ListOptions
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.insights.arguments import breakdown_of
from posthog_mcp.insights.frame import NONE, Frame, conjunction, time_literal
from posthog_mcp.insights.funnel_query import people
from posthog_mcp.insights.question import Breakdown, Filter, Series
from posthog_mcp.project import Project

MOST_GROUPS = 20
DAYS = {"hour": 1, "day": 1, "week": 7, "month": 30}
SUMS = "count() AS n, countIf(did > 0) AS came, sum(did) AS total, sum(did * did) AS squares"
RATIO_SUMS = "sum(per) AS of_total, sum(per * per) AS of_squares, sum(did * per) AS products"
PACE = "dateDiff('second', min(since), max(since)) / 86400 AS days"
"""Days from the first exposure to the last."""
TOGETHER = {
    "total": "arraySum(values)",
    "sum": "arraySum(values)",
    "avg_count_per_actor": "arraySum(values)",
    "avg": "if(empty(values), 0, arrayAvg(values))",
    "min": "if(empty(values), 0, arrayMin(values))",
    "max": "if(empty(values), 0, arrayMax(values))",
    "median": "if(empty(values), 0, arraySort(values)[intDiv(length(values) + 1, 2)])",
    "dau": "if(empty(values), 0, 1)",
    "first_time_for_user": "if(empty(values), 0, 1)",
    "unique_session": "length(arrayDistinct(values))",
}
"""A person's outcome from those of their events."""


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
                return groups_of_experiment(text, each)
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
            return Groups(text, key, planned_of(part(part(each, "filters"), "multivariate").get("variants")))
    near = ", ".join(nearest(key, [str(each.get("key") or "") for each in page.items]))
    raise NotFound(f"There is no flag {key!r}.", fix=f"Nearest: {near}." if near else "List them.")


def outcome_query(frame: Frame, groups: Groups, window: int = 0) -> str:
    """The rows of every group: its value, people, those who did it, sum, sum of squares; of a flag the days of its
    exposures; of a ratio the sums of what is below it. `window`: seconds after the last exposure in which it counts.

    Raises:
        InvalidInput: the metric has no outcome a person.
    """
    question = frame.question
    if question.kind == "funnel":
        return funnel_query(frame, groups)
    sums = f"{SUMS}, {PACE}" if groups.flag else f"{SUMS}, 0 AS days"
    if question.kind == "retention":
        persons = came_back(frame, groups)
    elif question.kind == "trends" and len(question.series) == 1 and not question.formula:
        persons = per_person(frame, groups, window)
    elif question.kind == "trends" and len(question.series) == 2 and question.formula.replace(" ", "") == "A/B":
        persons, sums = per_person(frame, groups, window), f"{sums}, {RATIO_SUMS}"
    else:
        text = (
            "Groups are compared by what each person did: one series of trends, a ratio A / B, a funnel, or retention."
        )
        raise InvalidInput(text, fix="Give such a metric, for example a funnel from exposure to the goal.")
    return f"SELECT variant, {sums} FROM ({persons}) GROUP BY variant ORDER BY n DESC LIMIT {MOST_GROUPS}"


def amount(series: Series) -> str:
    """What one event adds to its person's outcome.

    Raises:
        InvalidInput: its math says nothing of a person.
    """
    if series.math not in TOGETHER:
        text = f"math {series.math} is no outcome of one person."
        raise InvalidInput(text, fix=f"Use one of: {', '.join(TOGETHER)}.")
    if series.math == "unique_session":
        return "ifNull(toString($session_id), '')"
    if series.math_property:
        prefix = "person.properties" if series.math_property_type == "person" else "properties"
        return f"ifNull(toFloat({prefix}.{identifier(series.math_property)}), 0)"
    return "1"


def exposure(frame: Frame, groups: Groups) -> tuple[str, str]:
    """Which events expose, and the variant of one."""
    plain = "properties.$feature_flag_response" if groups.event == CALLED else f"properties.{feature(groups)}"
    response = f"ifNull(toString({plain}), '')"
    conditions = [f"event = {text_literal(groups.event)}"]
    if groups.event == CALLED:
        conditions.append(f"properties.$feature_flag = {text_literal(groups.flag)}")
    conditions += [frame.filter(each) for each in groups.conditions]
    names = [name for name, _ in groups.planned] + ([groups.holdout] if groups.holdout else [])
    listed = ", ".join(text_literal(name) for name in names)
    conditions.append(f"{response} IN ({listed})" if groups.planned else f"{response} != ''")
    return f"({' AND '.join(conditions)})", response


def feature(groups: Groups) -> str:
    return identifier(f"$feature/{groups.flag}")


def per_person(frame: Frame, groups: Groups, window: int) -> str:
    """One row a person: variant, `did`, and `per` where it is a ratio."""
    series = frame.question.series
    inner = [
        f"groupArrayIf(tuple(timestamp, {amount(each)}), {met(frame, each)}) AS all{at}"
        for at, each in enumerate(series)
    ]
    source, after = exposed_people(frame, groups, inner, [met(frame, each) for each in series])
    until = f" AND x.1 < until + toIntervalSecond({window})" if window and groups.flag else ""
    kept = f"x -> x.1 >= since{until}" if groups.flag else "x -> true"
    lists = [f"arrayMap(x -> x.2, arrayFilter({kept}, all{at})) AS values{at}" for at in range(len(series))]
    source = f"SELECT person_id, variant, since, {', '.join(lists)} FROM ({source}) WHERE {after}"
    found = [
        f"{TOGETHER[each.math].replace('values', f'values{at}')} AS {name}"
        for at, (each, name) in enumerate(zip(series, ("did", "per"), strict=False))
    ]
    return f"SELECT person_id, variant, since, {', '.join(found)} FROM ({source})"


def met(frame: Frame, series: Series) -> str:
    return f"({' AND '.join(frame.events(series)) or 'true'})"


def exposed_people(frame: Frame, groups: Groups, columns: list[str], wanted: list[str]) -> tuple[str, str]:
    """A SELECT of people with `variant`, `since` and `until` (first and last exposure) and the columns given, and the
    condition that they are in a group. `wanted`: the events that the columns are of."""
    within = frame.within(frame.span, whole=False)
    if not groups.flag:
        value = value_of(frame, groups)
        found = f"SELECT person_id, {value} AS variant, min(timestamp) AS since, {', '.join(columns)} FROM events "
        return f"{found}{conjunction([within])} GROUP BY person_id", f"variant NOT IN ({text_literal(NONE)}, '')"
    exposed, response = exposure(frame, groups)
    seen = "" if groups.first_seen else " AND seen = 1"
    either = f"({' OR '.join([exposed, *wanted])})"
    found = (
        f"SELECT person_id, minIf(timestamp, {exposed}) AS since, maxIf(timestamp, {exposed}) AS until, "
        f"argMinIf({response}, timestamp, {exposed}) AS variant, uniqExactIf({response}, {exposed}) AS seen, "
        f"{', '.join(columns)} FROM events {conjunction([within, either])} "
        f"GROUP BY person_id HAVING countIf({exposed}) > 0"
    )
    return found, f"variant != ''{seen}"


def value_of(frame: Frame, groups: Groups) -> str:
    """A person's last value of the property that divides them."""
    assert groups.dimension is not None
    value = frame.value(groups.dimension)
    none = text_literal(NONE)
    return f"ifNull(nullIf(argMaxIf({value}, timestamp, {value} != {none}), ''), {none})"


def came_back(frame: Frame, groups: Groups) -> str:
    """Who did the target (after the exposure, of a flag) and was watched through the period after; `did`: came back in
    it (unbounded: or later)."""
    target, again = met(frame, frame.question.series[0]), met(frame, frame.question.series[-1])
    days = DAYS[frame.question.period]
    latest = time_literal(frame.span.end - timedelta(days=2 * days))
    columns = [f"groupArrayIf(timestamp, {target}) AS starts", f"groupArrayIf(timestamp, {again}) AS times"]
    source, after = exposed_people(frame, groups, columns, [target, again])
    own = "arrayFilter(x -> x >= since, starts)" if groups.flag else "starts"
    source = f"SELECT person_id, variant, since, times, {own} AS begun FROM ({source}) WHERE {after}"
    source = f"SELECT person_id, variant, since, times, arrayMin(begun) AS first FROM ({source}) WHERE notEmpty(begun)"
    until = "" if frame.question.unbounded else f" AND x < first + toIntervalDay({2 * days})"
    did = f"if(arrayExists(x -> x >= first + toIntervalDay({days}){until}, times), 1, 0) AS did"
    return f"SELECT person_id, variant, since, {did} FROM ({source}) WHERE first <= {latest}"


def funnel_query(frame: Frame, groups: Groups) -> str:
    """People who entered the funnel, by the group they entered with; of a flag all who were exposed.

    Raises:
        InvalidInput: the steps after an exposure are in no order.
    """
    question = frame.question
    changes: dict[str, object] = {"funnel_view": "steps", "breakdown_limit": MOST_GROUPS}
    if groups.flag:
        if question.funnel_order != "ordered":
            text = f"A funnel whose order is {question.funnel_order} cannot begin with the exposure."
            raise InvalidInput(text, fix="Use an ordered funnel.")
        changes |= from_exposure(frame, groups)
    else:
        changes["breakdowns"] = [groups.dimension]
    framed = Frame(question.model_copy(update=changes), frame.project, frame.catalogue, frame.span, frame.now)
    last = len(framed.question.series) - 1
    inner = f"SELECT breakdown AS variant, if(bitTest(reached, {last}), 1, 0) AS did FROM ({people(framed)})"
    return (
        f"SELECT variant, {SUMS}, 0 AS days FROM ({inner}) WHERE variant != {text_literal(NONE)} GROUP BY variant "
        f"ORDER BY n DESC LIMIT {MOST_GROUPS}"
    )


def from_exposure(frame: Frame, groups: Groups) -> dict[str, object]:
    """What makes a funnel begin with the exposure; its filters are of its own steps."""
    question = frame.question
    exposed, response = exposure(frame, groups)
    first = Series(event=groups.event, filters=[Filter(type="hogql", key=exposed)])
    steps = [each.model_copy(update={"filters": [*each.filters, *question.filters]}) for each in question.series]
    later = [
        each.model_copy(update={"from_step": each.from_step + 1, "to_step": each.to_step + 1})
        for each in question.exclusions
    ]
    return {
        "series": [first, *steps],
        "exclusions": later,
        "breakdowns": [Breakdown(property=f"if({exposed}, {response}, '')", type="hogql")],
        "filters": [] if groups.first_seen else [Filter(type="hogql", key=one_variant(frame, exposed, response))],
    }


def one_variant(frame: Frame, exposed: str, response: str) -> str:
    """The condition that a person saw no second variant."""
    within = frame.within(frame.span, whole=False)
    several = f"SELECT person_id FROM events WHERE {within} AND {exposed} GROUP BY person_id"
    return f"person_id NOT IN ({several} HAVING uniqExact({response}) > 1)"
