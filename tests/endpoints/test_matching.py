"""Paths as people write them lead to one endpoint, or to words that say the true way; what is sent is escaped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthog_mcp.endpoints.matching import filled, match
from posthog_mcp.endpoints.table import Endpoint, table
from posthog_mcp.errors import InvalidInput, NotFound, PostHogMcpError


@pytest.mark.parametrize(
    "path",
    ["insights/7", "insights/7/", "P/insights/7/", "/api/projects/3/insights/7/", "api/environments/3/insights/7/"],
)
def test_spellings_of_one_path(path: str) -> None:
    found = match("GET", path)
    assert (found.endpoint.short, dict(found.values)) == ("P/insights/{id}/", {"id": "7"})
    assert found.project == ("3" if "3" in path else None)


def test_a_path_of_an_organization_names_it() -> None:
    found = match("GET", "/api/organizations/0a-1/members/")
    assert (found.endpoint.short, found.organization) == ("O/members/", "0a-1")


def test_a_word_of_the_api_is_never_an_id() -> None:
    assert match("GET", "insights/trending/").endpoint.short == "P/insights/trending/"
    assert match("GET", "insights/trend/").endpoint.short == "P/insights/{id}/"


@pytest.mark.parametrize(
    ("method", "path", "kind", "says", "fix"),
    [
        ("GET", "sessions/", NotFound, "no list of sessions", "execute_hogql"),
        ("DELETE", "events/123/", NotFound, "cannot be deleted", "deleting a person"),
        ("POST", "batch/", NotFound, "not sent through", "batch"),
        ("GET", "teams/", NotFound, "environment of the project", "GET P/"),
        ("GET", "early_access_features/", NotFound, "singular", "early_access_feature/"),
        ("DELETE", "insights/7/", InvalidInput, "by marking", '{"deleted": true}'),
        ("POST", "heatmaps/", InvalidInput, "no POST", "GET"),
        ("GET", "insihgts/", NotFound, "no endpoint", "P/insights/"),
        ("GET", "https://evil.example/api/projects/1/insights/", InvalidInput, "Only a path", "insights/"),
        ("GET", "//evil.example/x/", InvalidInput, "Only a path", "insights/"),
        ("GET", "insights/?limit=3", InvalidInput, "Only a path", "params"),
        ("GET", "insights/../../../admin/", InvalidInput, "walks up", "search_api"),
        ("GET", "insights/%2e%2e/", InvalidInput, "walks up", "search_api"),
    ],
)
def test_what_is_no_endpoint_is_told_with_the_way(
    method: str, path: str, kind: type[PostHogMcpError], says: str, fix: str
) -> None:
    with pytest.raises(kind, match=says) as raised:
        match(method, path)  # type: ignore[arg-type]
    assert fix in raised.value.fix


ids = st.text(min_size=1, max_size=60)


@given(value=ids)
def test_no_id_leaves_its_place_in_a_path(value: str) -> None:
    """What is filled in comes back from the path as it was, and the path keeps its shape."""
    endpoint = next(each for each in table().endpoints if each.short == "P/endpoints/{name}/run/")
    try:
        path = filled(endpoint, {"name": value}, "1", "o")
    except (InvalidInput, UnicodeEncodeError):
        return
    assert path.count("/") == endpoint.path.count("/")
    assert path.isascii()
    assert not set(path) & set(" ?#\\\r\n")


@pytest.mark.parametrize("value", ["", ".", "..", "x" * 401])
def test_ids_that_cannot_stand_in_a_path_are_refused(value: str) -> None:
    endpoint: Endpoint = match("GET", "insights/1/").endpoint
    with pytest.raises(InvalidInput, match="missing"):
        filled(endpoint, {"id": value}, "1", "o")
