"""The table is whole and consistent: every family of the API, every kind that can be discovered, no slip of the pen."""

from __future__ import annotations

from typing import get_args

import pytest

from posthog_mcp.backends.backend import Resource
from posthog_mcp.backends.posthog.kinds import KINDS as QUERY_KINDS
from posthog_mcp.discovery.kinds import SOURCES
from posthog_mcp.endpoints.table import PLACEHOLDER, Endpoint, families, table

EVERY_FAMILY = """query events event_definitions property_definitions persons groups cohorts actions insights dashboards
annotations feature_flags experiments surveys early_access_feature session_recordings error_tracking notebooks alerts
subscriptions exports batch_exports hog_functions integrations warehouse_tables warehouse_saved_queries endpoints
llm_analytics logs activity_log organizations members roles projects users web_analytics heatmaps""".split()  # noqa: SIM905


def test_every_family_is_there() -> None:
    assert set(EVERY_FAMILY) <= set(families())


@pytest.mark.parametrize("endpoint", table().endpoints, ids=lambda each: f"{each.method} {each.short}")
def test_an_entry_is_complete(endpoint: Endpoint) -> None:
    assert endpoint.path.startswith("/api/")
    assert endpoint.path.endswith("/")
    assert endpoint.does
    assert endpoint.scope.count(":") == len(endpoint.scope.split()) > 0
    assert endpoint.source.startswith(("openapi-", "posthog-"))
    assert set(endpoint.required) <= set(endpoint.writes)
    assert not (endpoint.method == "GET" and endpoint.writes)
    assert not (endpoint.shape in ("offset", "cursor", "page", "list") and not endpoint.fields)
    assert endpoint.shape != "object" or endpoint.method != "GET" or endpoint.fields or endpoint.empty is not None


def test_no_endpoint_stands_there_twice() -> None:
    named = [(each.method, PLACEHOLDER.sub("{}", each.path)) for each in table().endpoints]
    assert len(named) == len(set(named))


def test_what_does_not_exist_is_not_there_too() -> None:
    there = {(each.method, PLACEHOLDER.sub("{}", each.path)) for each in table().endpoints}
    assert not there & {(each.method, PLACEHOLDER.sub("{}", each.path)) for each in table().absent}
    assert all(each.says and each.instead for each in table().absent)


@pytest.mark.parametrize("resource", [each for each in get_args(Resource) if each != "users"])
def test_every_resource_of_a_driver_has_its_list(resource: str) -> None:
    assert table().of_kind(resource) is not None


def test_every_discoverable_kind_shows_fields_that_posthog_gives() -> None:
    for kind, source in SOURCES.items():
        endpoint = table().of_kind(source.resource)
        assert endpoint is not None
        assert set(source.filters) <= set(endpoint.query), kind


def test_account_changes_are_marked() -> None:
    touching = ("members", "invites", "roles", "project_secret_api_keys")
    for each in table().endpoints:
        if each.changes and (each.family in touching or each.path.startswith("/api/organizations/")):
            assert each.admin, each.path
    assert not any(each.admin for each in table().endpoints if each.family in ("insights", "feature_flags"))


def test_queries_of_any_kind_that_runs_code_or_writes_are_not_known() -> None:
    assert not QUERY_KINDS & {"HogQuery", "HogQLAutocomplete", "VectorSearchQuery", "SuggestedQuestionsQuery"}
