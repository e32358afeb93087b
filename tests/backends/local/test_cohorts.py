"""Cohorts are worked out and can be asked about; conditions that cannot be are said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store


@pytest.fixture(scope="module")
async def driver(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalDriver]:
    folder: Path = tmp_path_factory.mktemp("cohorts")
    store = Store(folder / "local")
    await generate_demo(store, Objects(store.root), seed=3, events=4_000, end=datetime(2026, 11, 1, tzinfo=UTC))
    made = LocalDriver(folder)
    yield made
    await made.aclose()


async def one(driver: LocalDriver, query: str) -> Any:
    return (await driver.query({"kind": "HogQLQuery", "query": query}, QueryOptions("c"))).table.rows[0][0]


async def test_a_property_cohort_holds_those_people(driver: LocalDriver) -> None:
    expected = await one(driver, "SELECT count() FROM persons WHERE properties.signup_channel = 'paid_social'")
    assert expected > 0
    assert await one(driver, "SELECT count() FROM persons WHERE id IN COHORT 'Came from paid social'") == expected
    assert await one(driver, "SELECT count FROM system.cohorts WHERE name = 'Came from paid social'") == expected


async def test_a_new_cohort_counts_at_once(driver: LocalDriver) -> None:
    query = "SELECT DISTINCT person_id FROM events WHERE event = 'payment_succeeded'"
    made = await driver.create("cohorts", {"name": "Paid", "query": {"kind": "HogQLQuery", "query": query}})
    expected = await one(driver, "SELECT uniqExact(person_id) FROM events WHERE event = 'payment_succeeded'")
    assert (
        await one(driver, f"SELECT uniqExact(person_id) FROM events WHERE person_id IN COHORT {made['id']}") == expected
    )
