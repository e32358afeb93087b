"""Plans over the demo project, through the tools, as a model sees them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.knowledge.retrieval import questions


@pytest.fixture(scope="module")
async def client(demo_dir: Path) -> AsyncIterator[Client]:
    async with Client(build_server(Settings.load(data_dir=demo_dir, backend="local"))) as connected:
        yield connected


async def asked(client: Client, question: str) -> dict[str, Any]:
    result = await client.call_tool("plan_question", {"question": question})
    assert not result.is_error
    return result.structured_content or {}


def template(plan: dict[str, Any], entry: str) -> dict[str, Any]:
    (found,) = [each for each in plan["templates"] if each["id"] == entry]
    return found


async def test_a_plan_is_filled_with_the_names_and_time_of_the_question_and_runs(client: Client) -> None:
    plan = await asked(client, "conversion rate from signup to purchase over the last 90 days")
    first = plan["templates"][0]
    assert plan["intents"][0]["intent"] == "where_funnel"
    assert first["params"]["steps"][0] == "signed_up"
    assert "payment_succeeded" in first["hogql"] or "checkout_completed" in first["hogql"]
    assert first["params"]["days"] == 90
    rows = await client.call_tool(plan["next"]["tool"], plan["next"]["arguments"])
    assert not rows.is_error


async def test_why_brings_the_workflow_in_order(client: Client) -> None:
    plan = await asked(client, "why are sales dropping?")
    assert plan["intents"][0]["intent"] == "why"
    assert plan["workflow"]["id"] == "why-did-it-drop"
    assert [each["id"] for each in plan["workflow"]["steps"]][:2] == ["confirm", "volume"]


@pytest.mark.parametrize(
    ("question", "event"),
    [
        ("wie viele Anmeldungen gab es letzte Woche", "signed_up"),
        ("combien d'inscriptions par jour", "signed_up"),
        ("cuántos registros hubo ayer", "signed_up"),
        ("how many signed_up events", "signed_up"),
        ("hw many sign ups per day", "signed_up"),
        ("number of created projects per week", "created_project"),
    ],
)
async def test_words_of_five_languages_and_slips_find_the_projects_events(
    client: Client, question: str, event: str
) -> None:
    plan = await asked(client, question)
    assert event in json.dumps([each["params"] for each in plan["templates"]])


async def test_by_a_word_is_the_projects_property(client: Client) -> None:
    plan = await asked(client, "signups by country")
    assert "country" in json.dumps([each["params"].get("by") for each in plan["templates"]])


@pytest.mark.parametrize("question", ["what's the weather in berlin", "write me a haiku about winter"])
async def test_what_is_not_about_the_project_is_refused_without_queries(client: Client, question: str) -> None:
    plan = await asked(client, question)
    assert plan["intents"][0]["intent"] == "off_topic"
    assert plan["fits"] is False
    assert plan["templates"] == []
    assert plan["workflow"] is None


async def test_a_vague_question_is_asked_back_with_choices(client: Client) -> None:
    plan = await asked(client, "show me something interesting about it")
    assert plan["intents"][0]["intent"] == "ambiguous"
    (ask,) = plan["clarify"]
    assert len(ask["options"]) >= 3


async def test_a_clear_question_is_not_asked_back(client: Client) -> None:
    for question in ("how many users signed up last week", "day 7 retention", "llm cost per model"):
        assert (await asked(client, question))["clarify"] == [], question


async def test_why_without_a_number_asks_which(client: Client) -> None:
    plan = await asked(client, "why did it go down?")
    assert plan["clarify"][0]["question"] == "Which number?"
    assert "signed_up" in plan["clarify"][0]["options"] or len(plan["clarify"][0]["options"]) >= 3


async def test_a_question_about_the_tool_names_pages_to_read(client: Client) -> None:
    plan = await asked(client, "how do I list feature flags over the api")
    assert "api-feature-flags" in [each["id"] for each in plan["read"]]


@pytest.mark.parametrize("question", ["", " ", "?", "🦔", "a" * 50_000, "'; DROP TABLE events; --", "SELECT 1", "\x00"])
async def test_any_text_gets_a_plan_or_a_plain_error(client: Client, question: str) -> None:
    result = await client.call_tool("plan_question", {"question": question})
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert not result.is_error or content.text.startswith("[invalid_input]")


async def test_every_plan_stays_small_and_text_says_what_the_content_says(client: Client) -> None:
    for each in questions()[::7]:
        result = await client.call_tool("plan_question", {"question": each.question})
        (text,) = result.content
        assert isinstance(text, TextContent)
        content = result.structured_content or {}
        assert len(json.dumps(content, ensure_ascii=False)) < 10_000, each.question
        assert len(text.text) < 10_000, each.question
        assert all(found["id"] in text.text for found in content["templates"])
        assert content["intents"][0]["intent"] in text.text


async def test_the_guide_is_one_page_and_names_every_intent(client: Client) -> None:
    (page,) = (await client.read_resource("posthog://guide/intent-to-query")).contents
    text = page.text  # pyright: ignore[reportAttributeAccessIssue]
    assert len(text) / 4 < 3_000, "tokens, at four characters each"
    assert all(f"| {each.split(',')[0]} |" in text for each in ("how_many", "why", "off_topic", "data_quality"))


async def test_every_workflow_is_a_prompt_filled_with_the_projects_names(client: Client) -> None:
    prompts = (await client.list_prompts()).prompts
    assert {"why-did-it-drop", "weekly-report", "analyse-traces"} <= {each.name for each in prompts}
    found = await client.get_prompt("why-did-it-drop", {"segment": "$browser"})
    text = found.messages[0].content.text  # pyright: ignore[reportAttributeAccessIssue]
    assert "properties.$browser" in text
    assert "checkout_completed" in text


async def test_filling_and_reading_name_the_nearest_entry(client: Client) -> None:
    for tool in ("fill_template", "read_knowledge"):
        result = await client.call_tool(tool, {"id": "popular-feature"})
        assert "popular-features" in result.content[0].text  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_filled_template_is_checked_and_ready(client: Client) -> None:
    filled = (
        await client.call_tool("fill_template", {"id": "popular-features", "params": {"days": 60}})
    ).structured_content
    assert filled
    assert filled["params"]["days"] == 60
    rows = await client.call_tool(filled["next"]["tool"], filled["next"]["arguments"])
    assert not rows.is_error


async def test_entries_complete_from_the_library(client: Client) -> None:
    from mcp.types import ResourceTemplateReference

    ref = ResourceTemplateReference(type="ref/resource", uri="posthog://knowledge/{entry}")
    found = await client.complete(ref, {"name": "entry", "value": "cohort-"})
    assert "cohort-retention" in found.completion.values
