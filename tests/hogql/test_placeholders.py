"""Values, variables and dashboard filters inside a query."""

from __future__ import annotations

import pytest
from small_project import SmallProject

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.results import Json


async def numbers(project: SmallProject, where: str, **given: dict[str, Json]) -> list[int]:
    rows = await project.rows(f"select toString(uuid) from events e where {where} order by uuid", **given)
    return [int(row[0][-1]) for row in rows]


async def test_values_become_literals_and_lists(project: SmallProject) -> None:
    values: dict[str, Json] = {"name": "signup", "names": ["signup", "purchase"], "n": 3, "none": None, "yes": True}
    assert await numbers(project, "event = {name}", values=values) == [3, 7]
    assert await numbers(project, "event in {names}", values=values) == [3, 4, 5, 7, 8]
    assert await project.rows("select {n} + 1, {none}, {yes}, {names}[1]", values=values) == [[4, None, True, "signup"]]


async def test_variables_are_filled_by_name(project: SmallProject) -> None:
    assert await numbers(project, "event = {variables.wanted}", variables={"wanted": "signup"}) == [3, 7]


async def test_what_has_no_value_is_named(project: SmallProject) -> None:
    with pytest.raises(HogQLResolutionError, match=r"\{other\} has no value"):
        await project.rows("select {name}, {other}", values={"name": 1})
    with pytest.raises(HogQLResolutionError, match=r"\{name\} has no value"):
        await project.rows("select {name}", values={"name": {"an": "object"}})


async def test_filters_are_true_when_unset(project: SmallProject) -> None:
    assert await numbers(project, "{filters} and event = 'signup'") == [3, 7]
    assert await numbers(project, "timestamp > {filters.dateRange.from} and event = 'signup'") == [3, 7]


@pytest.mark.parametrize(
    ("date_range", "expected"),
    [
        ({"date_from": "2024-03-11"}, [4, 5, 6, 7, 8]),
        ({"date_from": "2024-03-10", "date_to": "2024-03-10"}, [1, 2, 3]),
        ({"date_from": "-60d", "date_to": "-59d"}, [4]),
        ({"date_from": "-2mStart", "date_to": "2024-06-01"}, [1, 2, 3, 4]),
        ({"date_from": "yStart"}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"date_from": "all"}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"date_from": "2024-11-03T06:00:00Z"}, [6, 7, 8]),
    ],
)
async def test_date_ranges_are_of_the_projects_zone(
    project: SmallProject, date_range: dict[str, Json], expected: list[int]
) -> None:
    assert await numbers(project, "{filters}", filters={"dateRange": date_range}) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"key": "$browser", "value": ["Chrome", "null"]}, [1, 5]),
        ({"key": "$browser", "value": "Chrome", "operator": "is_not"}, [2, 3, 4, 5, 6, 7, 8]),
        ({"key": "$browser", "value": "CHRO", "operator": "icontains"}, [1]),
        ({"key": "$browser", "operator": "is_not_set"}, [4]),
        ({"key": "price", "value": 5, "operator": "gt"}, [1, 2]),
        ({"key": "email", "value": "old2", "operator": "icontains", "type": "person"}, [3, 4]),
        ({"key": "plan", "value": "gold", "type": "group", "group_type_index": 0}, [1, 2, 8]),
        ({"key": "$session_duration", "value": 100, "operator": "gt", "type": "session"}, [3, 4]),
        ({"value": 1, "type": "cohort"}, [1, 2, 3, 4, 8]),
    ],
)
async def test_property_filters_mean_what_the_dashboard_means(
    project: SmallProject, given: dict[str, Json], expected: list[int]
) -> None:
    assert await numbers(project, "{filters}", filters={"properties": [given]}) == expected


async def test_filters_that_cannot_be_applied_are_announced(project: SmallProject) -> None:
    filters: dict[str, Json] = {"properties": [{"type": "hogql", "key": "1"}], "filterTestAccounts": True}
    checked = await project.check("select 1 from events where {filters}", filters=filters)
    assert [each.message for each in checked.warnings if each.code == "filters"] == [
        "{filters}: a property filter cannot be applied here.",
        "{filters}: test accounts are not filtered out here.",
    ]
