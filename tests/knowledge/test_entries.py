"""Every entry is read by its model, leads somewhere, and holds no HogQL that no test has run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.knowledge.entries import entries, parse, paths
from posthog_mcp.knowledge.filling import fill, fill_steps
from posthog_mcp.knowledge.library import shipped
from posthog_mcp.knowledge.models import INTENTS, Page, Template, Workflow
from posthog_mcp.knowledge.running import rows_of
from posthog_mcp.project import Project
from posthog_mcp.server.app import TOOLSETS
from tests.knowledge.retrieval import questions

TESTS = Path(__file__).parent
PLURAL = {"template": "templates", "workflow": "workflows", "pattern": "patterns"}
TEMPLATES = [page for page in entries() if isinstance(page, Template)]
WORKFLOWS = [page for page in entries() if isinstance(page, Workflow)]
PROOFS = [
    pytest.param(page, proof.params, id=f"{page.id}-{at}") for page in TEMPLATES for at, proof in enumerate(page.proof)
]


def unproven(pages: Iterable[Page], tested: str) -> list[str]:
    """Entries with a query whose id no test names."""
    holding = [page for page in pages if page.blocks or isinstance(page, Template | Workflow)]
    return [page.id for page in holding if not page.finding and not re.search(rf"[\"']{page.id}[\"']", tested)]


def text_of_tests() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py"))


def test_no_entry_holds_hogql_that_no_test_has_run() -> None:
    assert unproven(entries(), text_of_tests()) == []


def test_the_lint_sees_an_entry_that_nobody_tests() -> None:
    page = parse("---\nid: new\nkind: pattern\ntitle: New\n---\n```hogql\nSELECT 1\n```\n", "new.md")
    assert unproven([page], 'ask("old")') == ["new"]
    assert unproven([page], 'ask("new")') == []


def test_entries_lie_in_the_folder_of_their_kind() -> None:
    for page in entries():
        assert paths()[page.id].parent.name == PLURAL.get(page.kind, page.kind), page.id


def test_ids_are_unique_among_files_and_api_families() -> None:
    ids = [page.id for page in shipped().pages]
    assert len(set(ids)) == len(ids)


def test_every_follow_up_and_step_leads_to_an_entry_or_a_tool() -> None:
    known = {page.id for page in entries()}
    tools = {tool.name for tools in TOOLSETS.values() for tool in tools}
    for page in entries():
        assert set(page.followups) <= known, (page.id, set(page.followups) - known)
    for page in WORKFLOWS:
        templates = {step.template for step in page.steps if step.template}
        assert templates <= known, (page.id, templates - known)
        assert {step.tool for step in page.steps if step.tool} <= tools, page.id


def test_every_intent_has_a_page_with_many_questions_and_what_to_ask_back() -> None:
    pages = {page.intents[0]: page for page in entries() if "intent" in page.tags}
    assert set(pages) == set(INTENTS)
    assert all(len(page.questions) >= 20 and "**Ask back.**" in page.body for page in pages.values())


def test_templates_say_how_people_ask_how_to_read_and_what_goes_wrong() -> None:
    for page in TEMPLATES:
        assert len(page.questions) >= 6, page.id
        assert "## Reading" in page.body, page.id
        assert "## Pitfalls" in page.body, page.id
        assert page.intents, page.id


def test_the_knowledge_is_as_wide_as_promised() -> None:
    assert len(TEMPLATES) >= 60
    assert len(WORKFLOWS) >= 20


@pytest.mark.parametrize(("page", "params"), PROOFS)
async def test_a_template_runs_with_each_of_its_parameter_sets(
    demo: Project, page: Template, params: dict[str, object]
) -> None:
    filled = fill(page, params)  # pyright: ignore[reportArgumentType]
    await rows_of(demo, filled)
    assert "{{" not in filled.hogql + str(filled.insight)


@pytest.mark.parametrize("page", WORKFLOWS, ids=lambda page: page.id)
def test_a_workflow_fills_from_its_defaults_and_what_must_be_given(page: Workflow) -> None:
    open_ones = {name: "x" for name, each in page.params.items() if each.default is None and not each.optional}
    _, steps = fill_steps(page, open_ones)
    assert len(steps) == len(page.steps)
    assert "{{" not in str(steps)


def test_the_retrieval_set_is_not_what_the_guide_was_learnt_from() -> None:
    learnt = {text.lower() for page in entries() if "intent" in page.tags for text in page.questions}
    assert not learnt & {each.question.lower() for each in questions()}


BROKEN = {
    "no front matter": "hello",
    "no YAML": "---\nid: x: y\n---\n",
    "another id": "---\nid: other\nkind: guide\ntitle: T\n---\n",
    "an unknown field": "---\nid: broken\nkind: guide\ntitle: T\nquestion: [a]\n---\n",
    "an unknown intent": "---\nid: broken\nkind: guide\ntitle: T\nintents: [sales]\n---\n",
    "a pattern without HogQL": "---\nid: broken\nkind: pattern\ntitle: T\n---\nText\n",
    "a placeholder that is no parameter": "---\nid: broken\nkind: template\ntitle: T\nproof: [{}, {}]\n---\n## Query\n```hogql\nSELECT {{x}}\n```\n",
    "one parameter set": "---\nid: broken\nkind: template\ntitle: T\nproof: [{}]\n---\n## Query\n```hogql\nSELECT 1\n```\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_entry_names_its_file(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"broken\.md"):
        parse(text, "broken.md")


def test_a_workflow_that_leads_nowhere_is_refused() -> None:
    steps = "[{id: a, why: w, tool: t, outcomes: [{if: x, means: y, next: lost}]}, {id: b, why: w, tool: t, outcomes: [{if: x, means: y, next: stop}]}]"
    with pytest.raises(InvalidInput, match="lost"):
        parse(f"---\nid: broken\nkind: workflow\ntitle: T\nsteps: {steps}\n---\n", "broken.md")
