"""Every template gives the numbers that follow from its world, with every set of params, and says what it was proven with."""

from __future__ import annotations

from typing import Any

import pytest

from posthog_mcp.knowledge.entries import entries, entry_of
from posthog_mcp.knowledge.filling import fill
from posthog_mcp.knowledge.models import Template
from posthog_mcp.knowledge.running import checked
from tests.knowledge.asking import ask
from tests.knowledge.templates.conftest import Opened
from tests.knowledge.templates.proof import END, Proof
from tests.knowledge.templates.proofs import PROOFS

CASES = [
    pytest.param(template, proof, id=f"{template}-{number}")
    for template, proofs in PROOFS.items()
    for number, proof in enumerate(proofs)
]
TEMPLATES = [page.id for page in entries() if isinstance(page, Template)]
ALLOWED = {
    "mrr-growth": {"long_time_range"},
    "top-pages": {"unknown_event", "unknown_property"},
    "accounts-adoption": {"unknown_event"},
}
"""Months have to be whole and need the month before; screens and one feature are not in every project."""


def comparable(row: tuple[Any, ...]) -> list[Any]:
    """A row whose numbers may differ in their last digits."""
    return [
        pytest.approx(value, rel=1e-3, abs=1e-6)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else value
        for value in row
    ]


@pytest.mark.parametrize(("template", "proof"), CASES)
async def test_the_numbers_follow_from_what_happened(opened: Opened, template: str, proof: Proof) -> None:
    rows = await ask(await opened(proof.world), template, at=END, **proof.params)

    found = [tuple(row[name] for name in proof.names) for row in rows]
    if proof.head:
        found = found[: len(proof.rows)]
    wanted = list(proof.rows)
    if proof.unordered:
        found, wanted = sorted(found, key=str), sorted(wanted, key=str)
    assert [list(row) for row in found] == [comparable(row) for row in wanted]


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_proven_with_two_sets_of_params_that_it_names(template: str) -> None:
    proofs = PROOFS.get(template, [])
    named = [dict(each.params) for each in entry_of(template, Template).proof]

    assert len(proofs) >= 2, f"{template}: write two proofs in tests/knowledge/templates/proofs_*.py"
    assert named == [each.params for each in proofs], "the front matter's `proof` is that of the tests"
    assert len({str(each.params) for each in proofs}) == len(proofs), "the sets differ"
    assert any(each.rows for each in proofs), "a proof has numbers"


def test_nothing_is_proven_that_does_not_exist() -> None:
    assert set(PROOFS) == set(TEMPLATES)


@pytest.mark.parametrize("template", [each for each in TEMPLATES if entry_of(each, Template).query])
async def test_the_hogql_of_a_template_has_no_lint(opened: Opened, template: str) -> None:
    proof = PROOFS[template][0]
    ready = await checked(await opened(proof.world), fill(entry_of(template, Template), proof.params))

    allowed = ALLOWED.get(template, set[str]())
    assert [each.message for each in ready.warnings if each.code not in allowed] == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_asked_for_in_many_words_and_tells_how_to_read_it(template: str) -> None:
    page = entry_of(template, Template)

    assert len(set(page.questions)) >= 6
    assert page.intents
    assert page.otherwise
    assert "## Reading" in page.body
    assert "## Pitfalls" in page.body
    assert all(param.description for param in page.params.values())
