"""Every finding has its page in `knowledge/practice/`, and the page's queries prove it on the demo project."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.hogql.lints import LINTS

FOLDER = Path(__file__).parents[2] / "knowledge" / "practice"
FRONT = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
BLOCKS = re.compile(r"## (Triggers|Instead)\n\n```hogql\n(.*?)\n```", re.DOTALL)
FROM_RESOLVER = {"unknown_event", "unknown_property", "text_as_number", "not_aggregated", "refused_by_posthog"}
"""Findings that come with the names, not from a lint."""


def page(path: Path) -> tuple[dict[str, str], str, dict[str, str]]:
    """Front matter, text, and the queries by heading."""
    found = FRONT.match(path.read_text(encoding="utf-8"))
    assert found, path.name
    front = dict(line.split(": ", 1) for line in found[1].splitlines())
    return front, found[2], dict(BLOCKS.findall(found[2]))


PAGES = {
    path.stem: page(path) for path in sorted(FOLDER.glob("*.md")) if "finding:" in path.read_text(encoding="utf-8")
}


@pytest.fixture(scope="module")
async def driver(demo_dir: Path) -> AsyncIterator[LocalDriver]:
    made = LocalDriver(demo_dir)
    yield made
    await made.aclose()


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    lints = {lint.__name__ for lint in LINTS} | FROM_RESOLVER
    assert {front["finding"] for front, _, _ in PAGES.values()} == lints
    assert all(front["id"] == name == front["finding"].replace("_", "-") for name, (front, _, _) in PAGES.items())
    assert all(set(queries) == {"Triggers", "Instead"} for _, _, queries in PAGES.values())


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_shows_what_triggers_and_what_to_write_instead(driver: LocalDriver, name: str) -> None:
    front, _, queries = PAGES[name]
    bad = await driver.checker.check(queries["Triggers"])
    findings = [each for each in (*bad.errors, *bad.warnings) if each.code == front["finding"]]
    assert findings, [each.code for each in (*bad.errors, *bad.warnings)]
    assert all(each.message and each.fix for each in findings)
    good = await driver.checker.check(queries["Instead"])
    assert not good.errors
    assert front["finding"] not in [each.code for each in good.warnings]
    await driver.query({"kind": "HogQLQuery", "query": queries["Instead"]}, QueryOptions(name, timeout_seconds=30))


@pytest.mark.parametrize("name", PAGES)
async def test_an_edit_takes_its_finding_away(driver: LocalDriver, name: str) -> None:
    front, _, queries = PAGES[name]
    bad = await driver.checker.check(queries["Triggers"])
    for each in (*bad.errors, *bad.warnings):
        if each.code == front["finding"] and each.edit:
            mended = await driver.checker.check(each.edit.on(queries["Triggers"]))
            assert not mended.errors, each.edit
            assert front["finding"] not in [other.code for other in mended.warnings]
