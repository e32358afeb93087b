"""Values go into HogQL as what they are, whatever they hold."""

from __future__ import annotations

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.knowledge.entries import parse
from posthog_mcp.knowledge.filling import fill
from posthog_mcp.knowledge.models import Template
from posthog_mcp.knowledge.running import rows_of
from posthog_mcp.project import Project

TEXT = """---
id: made
kind: template
title: Made
params:
  event: {type: event, default: "$pageview"}
  steps: {type: events, default: [a, b]}
  by: {type: property, default: plan, of: person}
  days: {type: integer, default: 30, min: 1, max: 365}
  unit: {type: choice, default: week, choices: {week: toStartOfWeek, month: toStartOfMonth}}
  since: {type: date, default: "-30d"}
  metric: {type: metric, default: count()}
  note: {type: string, optional: true}
proof: [{}, {}]
---
## Query
```hogql
SELECT {{metric}}, {{by}}, {{by.name}}, {{unit}}(timestamp) FROM events WHERE event = {{event}} AND event IN {{steps}}
AND windowFunnel(9)(timestamp, {{steps.conditions}}) AND timestamp > {{since}} AND timestamp > now() - INTERVAL {{days}} DAY{{note}}
```
"""


def made(**params: object) -> str:
    page = parse(TEXT, "made.md")
    assert isinstance(page, Template)
    return fill(page, params, {"Net sales": "sum(toFloat(properties.net))"}).hogql  # pyright: ignore[reportArgumentType]


def test_defaults_stand_where_nothing_is_given() -> None:
    query = made()
    assert "event = '$pageview' AND event IN ('a', 'b')" in query
    assert "person.properties.plan, 'plan', toStartOfWeek(timestamp)" in query
    assert "timestamp > toStartOfDay(now() - INTERVAL 30 DAY)" in query


def test_each_type_is_written_as_what_it_is() -> None:
    query = made(
        by="session:$channel_type", unit="month", since="2026-01-31", days="7", metric="Net sales", steps="x, y"
    )
    assert "SELECT (sum(toFloat(properties.net))), session.$channel_type, '$channel_type', toStartOfMonth" in query
    assert "event IN ('x', 'y')" in query
    assert "(timestamp, event = 'x', event = 'y')" in query
    assert "toDateTime('2026-01-31 00:00:00')" in query
    assert "INTERVAL 7 DAY" in query


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("days", 0, "1 to 365"),
        ("days", 366, "1 to 365"),
        ("days", 2.5, "whole number"),
        ("days", "many", "number"),
        ("days", True, "whole number"),
        ("unit", "year", "week, month"),
        ("since", "soon", "date"),
        ("steps", [], "list of events"),
        ("steps", [1], "list of events"),
        ("event", 5, "text"),
        ("evnt", "x", "Parameters: event"),
    ],
)
def test_a_value_that_does_not_fit_says_what_does(name: str, value: object, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(**{name: value})
    assert says in caught.value.as_text()


NASTY = ["it's", "a\\b", "a\\'b", "line\nbreak", "tab\t", "{x}", "{{event}}", "' OR 1=1 --", "é 🦔", "%s", "`", '"']


@pytest.mark.parametrize("name", NASTY)
async def test_an_event_of_any_name_stays_one_literal(demo: Project, name: str) -> None:
    page = parse(ONE, "one.md")
    assert isinstance(page, Template)
    assert await rows_of(demo, fill(page, {"event": name})) == [{"name": name}]


ONE = "---\nid: one\nkind: template\ntitle: One\nparams: {event: {type: event}}\nproof: [{}, {}]\n---\n## Query\n```hogql\nSELECT {{event}} AS name\n```\n"
