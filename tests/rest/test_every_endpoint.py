"""The embedded API serves every GET of the endpoint table in PostHog's shape, and every change of what it keeps."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from posthog_mcp.backends.local.object_kinds import KINDS
from posthog_mcp.endpoints.matching import filled
from posthog_mcp.endpoints.table import Endpoint, table

READS = [each for each in table().endpoints if each.method == "GET"]
NEW: dict[str, dict[str, Any]] = {
    "annotations": {"content": "Released", "date_marker": "2026-10-01T00:00:00Z"},
    "feature_flags": {"key": "new-flag"},
    "notebooks": {"title": "New"},
    "subscriptions": {"title": "New", "target_type": "email", "target_value": "a@b.example", "frequency": "daily"},
    "integrations": {"kind": "slack"},
    "experiments": {"name": "New", "feature_flag_key": "new-flag"},
}
"""Bodies of the kinds that want more than a name."""
WEEK = {"data_interval_start": "2026-10-01T00:00:00Z", "data_interval_end": "2026-10-07T00:00:00Z"}


@pytest.fixture(scope="module")
def ids(api: httpx.Client) -> dict[str, str]:
    """A real id of every kind that the embedded project has."""
    found: dict[str, str] = {}
    for kind in KINDS:
        endpoint = table().of_kind(kind)
        assert endpoint is not None
        listed = api.get(filled(endpoint, {}, "1", "@current")).json()["results"]
        if listed:
            found[kind] = str(listed[0]["id"])
    for kind in ("persons", "session_recordings", "event_definitions", "property_definitions"):
        found[kind] = api.get(f"/api/projects/1/{kind}/?limit=1").json()["results"][0]["id"]
    events = api.get("/api/projects/1/events/?limit=1&after=2026-01-01").json()["results"]
    found["events"] = events[0]["id"]
    run = api.post("/api/projects/1/file_download_batch_exports/", json={"model": "events", "file": {}, **WEEK})
    assert run.status_code == 202
    return found | {"file_download_batch_exports": run.json()["id"]}


def parameters(endpoint: Endpoint, ids: dict[str, str]) -> dict[str, str]:
    known = {
        "key": "$channel_type" if endpoint.family == "sessions" else "$browser",
        "name": "$pageview",
        "group_type_index": "0",
        "group_key": "x",
        "id": "1",
        "timestamp": "2026-10-01",
        "person_id": ids["persons"],
    }
    return {name: known[name] for name in endpoint.needs}


def family_of(endpoint: Endpoint) -> str:
    return endpoint.short.removeprefix("P/").partition("/{")[0].replace("/", "_")


@pytest.mark.parametrize("endpoint", READS, ids=lambda each: each.short)
def test_a_get_has_its_shape(api: httpx.Client, ids: dict[str, str], endpoint: Endpoint) -> None:
    kept = ids.get(family_of(endpoint))
    values = dict.fromkeys(endpoint.parameters, kept or "1") | {"part": "0"}
    response = api.get(filled(endpoint, values, "1", "@current"), params=parameters(endpoint, ids))
    if response.status_code == 404:
        assert response.json()["code"] == "not_found"
        nothing_there = kept is None or len(endpoint.parameters) > 1
        assert nothing_there or endpoint.short.startswith("P/groups/find"), response.text
        return
    if endpoint.shape == "file":
        assert response.status_code == 302
        return
    assert response.status_code == 200, response.text
    body = response.json()
    if endpoint.shape == "list":
        assert isinstance(body, list)
    elif endpoint.shape == "object":
        assert isinstance(body, dict)
    else:
        counted = ["count"] if endpoint.shape in ("offset", "page") and "count" in body else []
        assert {*counted, "next", "results"} <= body.keys()
        assert isinstance(body["results"], list)


def test_most_of_them_answer_with_something_that_is_there(api: httpx.Client, ids: dict[str, str]) -> None:
    """The embedded project has objects of most kinds, so the shapes above are not all of emptiness."""
    full = 0
    for endpoint in READS:
        if endpoint.role == "list" and not endpoint.needs:
            body = api.get(filled(endpoint, {}, "1", "@current")).json()
            full += bool(body if isinstance(body, list) else body["results"])
    assert full >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_a_kept_kind_is_created_read_changed_and_deleted(api: httpx.Client, kind: str) -> None:
    create, get, update = (table().of_kind(kind, role) for role in ("create", "get", "update"))
    if create is None:
        assert kind in ("error_tracking_issues", "integrations"), kind
        return
    assert get is not None
    assert update is not None
    made = api.post(filled(create, {}, "1", ""), json=NEW.get(kind, {"name": "New", "type": "popover"}))
    if kind == "hog_functions":
        made = api.post(filled(create, {}, "1", ""), json={"name": "New", "type": "destination"})
    assert made.status_code == 201, made.text
    path = filled(get, {get.parameters[0]: str(made.json()[get.parameters[0]])}, "1", "")
    assert api.get(path).json()["id"] == made.json()["id"]
    shown = "title" if kind in ("notebooks", "subscriptions") else "content" if kind == "annotations" else "name"
    assert api.patch(path, json={shown: "Changed"}).json()[shown] == "Changed"
    before = api.get(filled(create, {}, "1", ""), params={"limit": 1000}).json()["count"]
    if table().of_kind(kind, "delete"):
        assert api.delete(path).status_code == 204
    else:
        assert api.patch(path, json={"deleted": True}).status_code == 200
    assert api.get(path).status_code == 404
    assert api.get(filled(create, {}, "1", ""), params={"limit": 1000}).json()["count"] == before - 1
    changes = api.get(f"{path}activity/")
    assert changes.status_code == 404 or kind == "persons"


def test_an_experiment_is_launched_and_ended(api: httpx.Client) -> None:
    made = api.post("/api/projects/1/experiments/", json={"name": "Steps", "feature_flag_key": "steps"}).json()
    path = f"/api/projects/1/experiments/{made['id']}"
    running = api.get("/api/projects/1/experiments/stats/").json()["active_experiments"]
    assert api.post(f"{path}/end/").json()["attr"] is None
    assert api.post(f"{path}/launch/").json()["start_date"]
    assert api.post(f"{path}/launch/").status_code == 400
    assert api.get("/api/projects/1/experiments/stats/").json()["active_experiments"] == running + 1
    assert api.post(f"{path}/end/", json={"conclusion": "won"}).json()["conclusion"] == "won"
    assert api.get(f"{path}/activity/").status_code == 404


def test_people_of_a_cohort_page_by_page(api: httpx.Client) -> None:
    cohort = next(each for each in api.get("/api/projects/1/cohorts/").json()["results"] if each["count"])
    seen: list[str] = []
    url = f"/api/projects/1/cohorts/{cohort['id']}/persons/?limit={max(1, cohort['count'] // 3)}"
    while url:
        page = api.get(url).json()
        seen += [each["id"] for each in page["results"]]
        url = page["next"]
    assert len(seen) == len(set(seen)) == cohort["count"]
    held = api.get("/api/projects/1/persons/cohorts/", params={"person_id": seen[0]}).json()["results"]
    assert cohort["id"] in [each["id"] for each in held]


def test_pages_of_every_kind_of_paging_meet(api: httpx.Client) -> None:
    for path in (
        "event_definitions/",
        "activity_log/",
        "persons/",
        "groups/?group_type_index=0",
        "events/?after=2026-10-01",
    ):
        separator = "&" if "?" in path else "?"
        first = api.get(f"/api/projects/1/{path}{separator}limit=2").json()
        second = api.get(first["next"]).json()
        pages = [[str(each) for each in page["results"]] for page in (first, second)]
        assert len(pages[0]) == len(pages[1]) == 2
        assert not set(pages[0]) & set(pages[1]), path


def test_events_list_has_the_days_asked_for(api: httpx.Client) -> None:
    params = {"after": "2026-10-01", "before": "2026-10-02", "event": "$pageview", "limit": "100"}
    found = api.get("/api/projects/1/events/", params=params).json()["results"]
    query = (
        "SELECT count() FROM events WHERE event = '$pageview' AND timestamp > '2026-10-01' AND timestamp < '2026-10-02'"
    )
    body = {"query": {"kind": "HogQLQuery", "query": query}}
    assert len(found) == api.post("/api/projects/1/query/", json=body).json()["results"][0][0]
    assert {each["event"] for each in found} == {"$pageview"}
