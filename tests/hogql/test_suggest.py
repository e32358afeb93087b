"""Suggestions for names that nearly exist."""

from __future__ import annotations

import time

import pytest

from posthog_mcp.hogql.suggest import nearest

NAMES = [
    "$browser", "$browser_version", "$current_url", "$session_id", "plan", "plan_price", "signed_up", "uploaded_file",
    "$pageview", "$pageleave", "checkout completed", "revenue", "timestamp", "distinct_id",
]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("browser", "$browser"),
        ("Browser_Version", "$browser_version"),
        ("pageview", "$pageview"),
        ("page_view", "$pageview"),
        ("current_ulr", "$current_url"),
        ("currentUrl", "$current_url"),
        ("signedup", "signed_up"),
        ("sign_up", "signed_up"),
        ("checkout_complete", "checkout completed"),
        ("uploadedfiles", "uploaded_file"),
        ("planprice", "plan_price"),
        ("timestmap", "timestamp"),
        ("reveneu", "revenue"),
        ("distinctId", "distinct_id"),
    ],
)
def test_slips_lead_to_the_name_that_was_meant(written: str, meant: str) -> None:
    assert nearest(written, NAMES)[0] == meant


@pytest.mark.parametrize("written", ["", "$", "zzz", "x", "completely different", "_" * 5_000, "a" * 5_000])
def test_nothing_is_suggested_for_nothing_like_it(written: str) -> None:
    assert nearest(written, NAMES) == []


def test_no_more_than_asked_for_are_suggested_best_first() -> None:
    assert nearest("plan", [f"plan_{i}" for i in range(9)] + ["plan"], 2) == ["plan", "plan_0"]


def test_five_thousand_names_take_milliseconds() -> None:
    names = [f"property_{i}_{'abcdefgh'[i % 8]}_total" for i in range(5_000)]
    nearest("warm", names)
    before = time.perf_counter()
    assert nearest("proprety_777_b_total", names)[0] == "property_777_b_total"
    assert time.perf_counter() - before < 0.25
