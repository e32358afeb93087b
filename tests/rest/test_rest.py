"""PostHog's REST shapes over the embedded project, through a real socket and PostHog's own Python client."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]


def hogql(api: httpx.Client, query: str, **more: Any) -> httpx.Response:
    return api.post("/api/projects/1/query/", json={"query": {"kind": "HogQLQuery", "query": query}, **more})


def test_a_query_answers_in_posthogs_shape(api: httpx.Client) -> None:
    body = hogql(api, "SELECT event, count() FROM events GROUP BY event ORDER BY event").json()
    assert body["columns"] == ["event", "count()"]
    assert body["types"] == [["event", "String"], ["count()", "UInt64"]]
    assert (body["limit"], body["hasMore"], body["offset"]) == (100, False, 0)
    assert body["hogql"].endswith("LIMIT 100")


def test_the_default_limit_of_100_is_told(api: httpx.Client) -> None:
    body = hogql(api, "SELECT uuid FROM events").json()
    assert (len(body["results"]), body["hasMore"]) == (100, True)


def test_an_async_query_is_polled_until_done(api: httpx.Client) -> None:
    response = hogql(api, "SELECT count() FROM events", refresh="async")
    assert response.status_code == 202
    job = response.json()["query_status"]
    for _ in range(100):
        polled = api.get(f"/api/projects/1/query/{job['id']}/")
        if polled.status_code == 200:
            break
        time.sleep(0.05)
    status = polled.json()["query_status"]
    assert status["complete"] is True
    assert status["results"]["results"][0][0] > 2000
    assert api.delete(f"/api/projects/1/query/{job['id']}/").status_code == 204
    assert api.get(f"/api/projects/1/query/{job['id']}/").status_code == 404


def test_metadata_checks_without_running(api: httpx.Client) -> None:
    query = {"kind": "HogQLMetadata", "language": "hogQL", "query": "SELECT evnt FROM events"}
    body = api.post("/api/projects/1/query/", json={"query": query}).json()
    assert body["isValid"] is False
    assert (body["errors"][0]["start"], body["errors"][0]["end"]) == (7, 11)


def test_the_schema_names_tables_and_fields(api: httpx.Client) -> None:
    body = api.post("/api/environments/1/query/", json={"query": {"kind": "DatabaseSchemaQuery"}}).json()
    assert body["tables"]["events"]["fields"]["timestamp"]["type"] == "datetime"
    assert body["tables"]["events"]["fields"]["person"]["type"] == "lazy_table"


@pytest.mark.parametrize(
    ("query", "code"), [("SELECT 1 +", "hogql_syntax_error"), ("SELECT nosuch FROM events", "hogql_query_error")]
)
def test_errors_have_posthogs_body(api: httpx.Client, query: str, code: str) -> None:
    response = hogql(api, query)
    assert response.status_code == 400
    body = response.json()
    assert (body["type"], body["code"]) == ("validation_error", code)
    assert set(body) == {"type", "code", "detail", "attr"}


def test_keys_and_projects_are_checked(api: httpx.Client) -> None:
    assert api.get("/api/users/@me/", headers={"Authorization": ""}).json()["code"] == "not_authenticated"
    wrong = api.get("/api/users/@me/", headers={"Authorization": "Bearer phx_other"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "authentication_failed")
    assert api.get("/api/projects/7/insights/").status_code == 404
    assert api.get("/api/projects/1/nosuch/").json()["code"] == "not_found"


def test_lists_page_with_next_and_previous(api: httpx.Client) -> None:
    first = api.get("/api/projects/1/insights/", params={"limit": 3}).json()
    assert (first["count"], len(first["results"]), first["previous"]) == (8, 3, None)
    second = api.get(first["next"]).json()
    assert second["previous"]
    assert {item["id"] for item in first["results"]}.isdisjoint(item["id"] for item in second["results"])


def test_metadata_objects_are_created_changed_and_deleted(api: httpx.Client) -> None:
    flag = api.post("/api/projects/1/feature_flags/", json={"key": "beta"})
    assert flag.status_code == 201
    path = f"/api/projects/1/feature_flags/{flag.json()['id']}/"
    assert api.patch(path, json={"active": False}).json()["active"] is False
    refused = api.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    assert api.patch(path, json={"deleted": True}).status_code == 200
    assert api.post("/api/projects/1/feature_flags/", json={}).json()["attr"] == "key"
    assert ["beta"] not in hogql(api, "SELECT key FROM system.feature_flags WHERE NOT deleted").json()["results"]


def test_posthogs_python_client_captures(api: httpx.Client) -> None:
    import posthog

    client = posthog.Posthog("phc_local", host=str(api.base_url), sync_mode=True)
    client.capture("bought", distinct_id="ada", properties={"price": 12.5, "$set": {"tier": "gold"}})
    client.shutdown()
    query = "SELECT event, distinct_id, toFloat(properties.price) FROM events WHERE event = 'bought'"
    assert hogql(api, query).json()["results"] == [["bought", "ada", 12.5]]


def test_compressed_batches_are_stored_once(api: httpx.Client) -> None:
    event = {
        "event": "zipped",
        "distinct_id": "ben",
        "uuid": "0192f3a0-0000-7000-8000-000000000001",
        "timestamp": "2026-10-30T10:00:00Z",
        "properties": {"n": 1},
    }
    body = gzip.compress(json.dumps({"api_key": "phc_local", "batch": [event]}).encode())
    for _ in range(2):
        response = api.post("/batch/", content=body, headers={"content-encoding": "gzip"})
        assert response.json() == {"status": 1}
    assert hogql(api, "SELECT count() FROM events WHERE event = 'zipped'").json()["results"] == [[1]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 401),
        (b"not json", 400),
        (b'{"api_key": "phc_wrong", "event": "x", "distinct_id": "y"}', 401),
        (b"\x1f\x8bdamaged", 400),
    ],
)
def test_bad_captures_are_refused(api: httpx.Client, body: bytes, status: int) -> None:
    assert api.post("/capture/", content=body).status_code == status
