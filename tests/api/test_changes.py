"""Changes: off by default, shown before they are made, made once, and only what was named."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from posthog_mcp.server.app import build_server
from tests.api.calls import confirmed, ok, refused
from tests.api.conftest import SettingsOf

CHANGES: list[dict[str, Any]] = [
    {"method": "POST", "path": "annotations/", "body": {"content": "x"}},
    {"method": "PATCH", "path": "insights/1/", "body": {"name": "x"}},
    {"method": "DELETE", "path": "surveys/1/"},
    {"method": "POST", "path": "experiments/1/launch/"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_writes_are_off_by_default(reader: Client, change: dict[str, Any]) -> None:
    text = await refused(reader, **change)
    assert text.startswith("[write_disabled]")
    assert "POSTHOG_MCP_ALLOW_WRITES" in text


ACCOUNT: list[dict[str, Any]] = [
    {"method": "POST", "path": "O/invites/", "body": {"target_email": "a@b.example"}},
    {"method": "DELETE", "path": "O/members/1/"},
    {"method": "POST", "path": "project_secret_api_keys/", "body": {"label": "x"}},
    {"method": "PATCH", "path": "/api/projects/1/", "body": {"name": "x"}},
]


@pytest.mark.parametrize("change", ACCOUNT, ids=str)
async def test_the_account_is_not_changed_even_with_writes(writer: Client, change: dict[str, Any]) -> None:
    text = await refused(writer, **change)
    assert text.startswith("[forbidden]")
    assert "POSTHOG_MCP_ALLOW_ADMIN" in text


async def test_billing_is_never_reached(writer: Client) -> None:
    assert "not reachable" in await refused(writer, "/api/billing/")


async def test_a_new_object_is_shown_first_and_made_then(writer: Client) -> None:
    body = {"content": "Release 7", "date_marker": "2026-10-05T00:00:00Z"}
    before = (await ok(writer, "annotations/"))["count"]
    plan = await ok(writer, "annotations/", method="POST", body=body)
    assert plan["changed"] is False
    assert plan["changes"][0] == {"field": "content", "before": None, "after": "Release 7"}
    assert (await ok(writer, "annotations/"))["count"] == before

    done = await ok(writer, "annotations/", method="POST", body=body, confirm_token=plan["confirm_token"])
    assert (done["changed"], done["status"], done["object"]["content"]) == (True, 201, "Release 7")
    assert (await ok(writer, "annotations/"))["count"] == before + 1

    again = await refused(writer, "annotations/", method="POST", body=body, confirm_token=plan["confirm_token"])
    assert "used already" in again
    assert (await ok(writer, "annotations/"))["count"] == before + 1


async def test_a_change_shows_what_was_and_what_will_be(writer: Client) -> None:
    made = await confirmed(writer, "annotations/", method="POST", body={"content": "Old"})
    path = f"annotations/{made['object']['id']}/"
    plan = await ok(writer, path, method="PATCH", body={"content": "New", "scope": "project"})
    assert plan["changes"] == [{"field": "content", "before": "Old", "after": "New"}]
    assert '"Old" -> "New"' in plan["text"]
    done = await ok(
        writer, path, method="PATCH", body={"content": "New", "scope": "project"}, confirm_token=plan["confirm_token"]
    )
    assert done["object"]["content"] == "New"
    assert "Nothing would change" in await refused(writer, path, method="PATCH", body={"content": "New"})


async def test_a_token_is_for_one_plan_only(writer: Client) -> None:
    made = await confirmed(writer, "annotations/", method="POST", body={"content": "One"})
    path = f"annotations/{made['object']['id']}/"
    token = (await ok(writer, path, method="PATCH", body={"content": "Two"}))["confirm_token"]
    other = await refused(writer, path, method="PATCH", body={"content": "Three"}, confirm_token=token)
    assert "not for this" in other
    await confirmed(writer, path, method="PATCH", body={"content": "Four"})
    stale = await refused(writer, path, method="PATCH", body={"content": "Two"}, confirm_token=token)
    assert "the object changed since" in stale
    assert "not for this" in await refused(writer, path, method="PATCH", body={"content": "Two"}, confirm_token="x.y")


async def test_deleting_names_the_object(writer: Client) -> None:
    made = await confirmed(writer, "surveys/", method="POST", body={"name": "Gone soon", "type": "popover"})
    path = f"surveys/{made['object']['id']}/"
    plan = await ok(writer, path, method="DELETE")
    assert "Gone soon" in plan["object"]
    done = await ok(writer, path, method="DELETE", confirm_token=plan["confirm_token"])
    assert done["status"] == 204
    assert "[not_found]" in await refused(writer, path)
    assert "[not_found]" in await refused(writer, path, method="DELETE")


async def test_what_a_tool_cannot_undo_is_not_offered(writer: Client) -> None:
    assert "PATCH it" in await refused(writer, "insights/1/", method="DELETE")
    assert "cannot be undone" in await refused(writer, "persons/1/", method="DELETE")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"nmae": "x"}, "Did you mean name"),
        ({"name": "x", "query": {"kind": "HogQuery", "code": "return 1"}}, "HogQuery are not sent"),
        (
            {
                "name": "x",
                "query": {
                    "kind": "DataVisualizationNode",
                    "source": {"kind": "HogQLQuery", "query": "SELECT evnt FROM events"},
                },
            },
            "evnt",
        ),
        ({"name": "x", "filters": {"bytecode": ["_H", 1]}}, "never sent"),
        (
            {
                "name": "x",
                "query": {
                    "kind": "TrendsQuery",
                    "series": [],
                    "breakdownFilter": {"breakdown_type": "hogql", "breakdown": "nope(1)"},
                },
            },
            "nope",
        ),
    ],
    ids=str,
)
async def test_bodies_are_checked(writer: Client, body: dict[str, Any], says: str) -> None:
    path = "insights/"
    if "filters" in body:
        path = "dashboards/"
    assert says in await refused(writer, path, method="POST", body=body)


async def test_a_required_field_is_named(writer: Client) -> None:
    assert "needs the field `content`" in await refused(
        writer, "annotations/", method="POST", body={"scope": "project"}
    )


async def test_the_person_is_asked_where_the_client_can(settings_of: SettingsOf) -> None:
    asked: list[str] = []

    def answering(action: str) -> Any:
        async def answer(context: Any, params: ElicitRequestParams) -> ElicitResult:
            asked.append(params.message)
            return ElicitResult(action=action, content={"confirm": True} if action == "accept" else None)  # type: ignore[arg-type]

        return answer

    for action in ("accept", "decline"):
        server = build_server(settings_of(allow_writes=True))
        async with Client(server, mode="legacy", elicitation_callback=answering(action)) as client:
            body = {"content": f"Asked and {action} {settings_of().backend}"}
            if action == "accept":
                assert (await ok(client, "annotations/", method="POST", body=body))["changed"] is True
            else:
                assert "declined" in await refused(client, "annotations/", method="POST", body=body)
            found = await ok(client, "annotations/", params={"search": body["content"]})
            assert found["row_count"] == (action == "accept")
    assert "Asked and accept" in asked[0]
