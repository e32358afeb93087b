"""Shared fixtures: the async backend; bigger parts live beside the tests that use them."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store

LONG = (
    "analysis/test_drivers.py",
    "analysis/test_series_methods.py",
    "audience/test_schedule.py",
    "audience/test_stats.py",
    "backends/local/test_behavioural_cohorts.py",
    "backends/posthog/test_load.py",
    "cli/test_doctor_posthog.py",
    "hogql/test_coverage.py",
    "hogql/test_fuzz.py",
    "hogql/test_text.py",
    "insights/test_funnel_reference.py",
    "insights/test_funnel_steps.py",
    "insights/test_funnel_views.py",
    "insights/test_lifecycle.py",
    "insights/test_over_http.py",
    "insights/test_retention.py",
    "insights/test_retention_native.py",
    "insights/test_retention_reference.py",
    "insights/test_stickiness.py",
    "journeys/test_totals.py",
    "knowledge/test_definitions.py",
    "knowledge/workflows/test_conversion.py",
    "knowledge/workflows/test_every_step.py",
    "knowledge/workflows/test_money_and_web.py",
    "knowledge/workflows/test_other_endings.py",
    "knowledge/workflows/test_people.py",
    "knowledge/workflows/test_quality.py",
    "reports/test_alert_checks.py",
    "reports/test_tools.py",
    "sandbox/test_alone.py",
    "sandbox/test_scripts.py",
    "sandbox/test_warm.py",
    "sync/test_sync.py",
    "themes/test_models.py",
    "themes/test_runs.py",
)
"""Files that take long for what they cover; they run with --long, which a CI job of its own gives."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests and fixtures on asyncio, the loop the MCP SDK runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
async def demo_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a small demo project: seed 7, 20,000 events, 180 days up to 2026-11-01. Read it only."""
    data_dir = tmp_path_factory.mktemp("demo")
    store = Store(data_dir / "local")
    await generate_demo(store, Objects(store.root), seed=7, events=20_000, end=datetime(2026, 11, 1, tzinfo=UTC))
    return data_dir


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="rewrite the tool snapshots")
    parser.addoption("--long", action="store_true", help="also run the long tests, which a CI job of its own runs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests, and second parameter sets and worlds, to the long run; all run where they are named."""
    if config.getoption("--long") or any(".py" in str(each) for each in config.args):
        return
    here = Path(__file__).parent
    long = {
        each
        for each in items
        if each.path.relative_to(here).as_posix() in LONG
        or (each.path.name in ("test_entries.py", "test_numbers.py") and each.name.endswith("-1]"))
        or (each.path.parent.name == "patterns" and "[UTC" in each.name)
    }
    config.hook.pytest_deselected(items=[each for each in items if each in long])
    items[:] = [each for each in items if each not in long]


def pytest_collection_finish() -> None:
    """Take the thousands of collected tests out of what each garbage collection walks: a twentieth of the run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
