"""Which dimensions a metric can be split by: found in what its events carry, not in a list of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.sources import within
from posthog_mcp.analysis.sources_people import STATUS
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.arguments import breakdown_of
from posthog_mcp.insights.frame import conjunction
from posthog_mcp.insights.question import Breakdown, Question
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json

SAMPLE = 3_000
"""Events that are looked at."""
MOST = 14
FILLED = 0.02
"""Share of events that carry a property, at least."""
MOST_VALUES = 80
"""Distinct values in the sample; above, a property names things rather than kinds of them."""
NOT_A_DIMENSION = re.compile(
    r"^\$(session_id|window_id|insert_id|set|set_once|unset|groups|anon_distinct_id|user_id|device_id|ip|time|sent_at|"
    r"timestamp|pageview_id|event_type|elements|el_text|current_url|raw_user_agent|feature_flag_payloads?|"
    r"active_feature_flags|sdk_debug.*|session_entry_url|prev_pageview.*|group_\d|config_defaults|.*_width|.*_height|"
    r"geoip_(latitude|longitude|postal_code|accuracy_radius|time_zone|.*_name)|exception_(list|values)|is_identified)$"
    r"|^(token|distinct_id|name|email|phone|id|uuid)$|(_|^|\$)(id|uuid|email|phone|token)$"
)
FIRST = (
    "$os", "$device_type", "$browser", "$geoip_country_code", "$app_version", "$lib", "$referring_domain", "utm_source",
    "utm_medium", "utm_campaign", "$pathname", "$lib_version",
)  # fmt: skip
"""What is looked at first where more is there than can be looked at; of the rest, what most events carry."""


async def dimensions_of(case: Case, wanted: Sequence[str]) -> list[Breakdown]:
    """The dimensions that are asked for, or those that the metric's events offer.

    Raises:
        InvalidInput: a dimension that is asked for is none of the project's.
        PostHogMcpError: what the backend says.
    """
    question = case.question
    if question is None:
        return []
    own = [STATUS] if question.kind == "lifecycle" else list(case.subject.dimensions)
    if wanted:
        found = [Breakdown.model_validate(breakdown_of(each)) for each in wanted if each != STATUS.property]
        for each in found:
            case.frame(question, case.current).property(each)
        return [*own, *(each for each in found if each not in own)]
    fixed = constant(question)
    event = [name for name in await sampled(case, question, "properties") if name not in fixed]
    known = case.catalogue.person_properties
    person = [name for name in await sampled(case, question, "person.properties") if name in known]
    room = MOST - min(len(person), MOST // 3)
    rest = [name for name in person if name not in event and not name.startswith("$initial")]
    more = [name for name in person if name not in rest and name not in event]
    chosen = [*(Breakdown(property=name) for name in event[:room])]
    chosen += [Breakdown(property=name, type="person") for name in [*rest, *more]]
    return [*own, *(each for each in chosen if each not in own)][:MOST]


def constant(question: Question) -> set[str]:
    """Properties that a filter fixes, or that are what is measured."""
    filters = [*question.filters, *(each for series in question.series for each in series.filters)]
    return {each.key for each in filters if each.operator == "exact"} | {each.math_property for each in question.series}


async def sampled(case: Case, question: Question, column: str) -> list[str]:
    """Properties that are kinds of things: carried by enough events, of few values, more than one."""
    frame = case.frame(question, case.current)
    conditions = [*frame.events(question.series[0]), within(case)] if question.series else [within(case)]
    rows = f"SELECT {column} AS props FROM events {conjunction(conditions)} LIMIT {SAMPLE}"
    pairs = f"SELECT arrayJoin(JSONExtractKeysAndValuesRaw(props)) AS pair FROM ({rows})"
    texts = f"countIf(startsWith(pair.2, {text_literal('{')}) OR startsWith(pair.2, '[')) AS nested"
    query = (
        f"SELECT pair.1 AS key, count() AS n, uniq(pair.2) AS distinct, {texts}, "
        f"(SELECT count() FROM ({rows})) AS total "
        f"FROM ({pairs}) GROUP BY key ORDER BY n DESC, key LIMIT 300"
    )
    result = await run_hogql(case.project, query, progress=case.progress)
    names = [str(row[0]) for row in result.table.rows if kinds_of_things(row)]
    order = {name: at for at, name in enumerate(FIRST)}
    return sorted(names, key=lambda name: order.get(name, len(order)))


def kinds_of_things(row: Sequence[Json]) -> bool:
    """A property's name, rows, distinct values, nested ones and sample size speak of a dimension."""
    name = str(row[0])
    n, distinct, nested, total = (float(str(each)) for each in row[1:5])
    few = 2 <= distinct <= min(MOST_VALUES, max(3.0, n / 4))
    partly = distinct == 1 and n < total
    return (few or partly) and nested == 0 and n >= FILLED * total and not NOT_A_DIMENSION.search(name)
