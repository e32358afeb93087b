"""Bands of retention against independent formulas, in the answer of run_insight."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from mcp import Client
from mcp.types import TextContent
from scipy import stats

from posthog_mcp.analysis.curves import curves_of
from posthog_mcp.analysis.stats.survival import pooled
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.insights.made import Did, project_of

SUNDAY = datetime(2026, 9, 6, 12, tzinfo=UTC)
BACK = (20, 10, 30)
"""Of 40 people a cohort, those who come back a week later."""


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder, done = tmp_path_factory.mktemp("bands"), list[Did]()
    for week, back in enumerate(BACK):
        for number in range(40):
            at = SUNDAY + timedelta(weeks=week)
            done.append(Did(f"{week}-{number}", "joined", at.isoformat()))
            done += [Did(f"{week}-{number}", "came", (at + timedelta(weeks=1)).isoformat())] if number < back else []
    async with project_of(folder, done):
        pass
    async with Client(build_server(Settings.load(data_dir=folder / "data", backend="local"))) as connected:
        yield connected


async def test_the_answer_has_each_cell_and_the_curve_with_bands(client: Client) -> None:
    arguments = {
        "kind": "retention", "series": [{"event": "joined"}, {"event": "came"}], "date_from": "2026-09-06",
        "date_to": "2026-10-03", "options": {"period": "week", "periods": 3},
    }  # fmt: skip
    result = await client.call_tool("run_insight", arguments)
    assert result.structured_content is not None
    bands = result.structured_content["bands"]
    [first] = [row for row in bands["cohorts"] if row[0] == "2026-09-06"]
    exact = stats.binomtest(20, 40).proportion_ci(method="wilson")
    assert first[1] == [50.0, pytest.approx(100 * exact.low, abs=0.05), pytest.approx(100 * exact.high, abs=0.05)]
    [curve] = [row for row in bands["all_cohorts"] if row[0] == 1]
    assert (curve[1], curve[4]) == (50.0, 120)
    alone = stats.binomtest(60, 120).proportion_ci(method="wilson")
    assert curve[2] < 100 * alone.low
    assert curve[3] > 100 * alone.high
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    assert f"50 ({first[1][1]:g}-{first[1][2]:g})" in text
    assert max(len(text), len(json.dumps(result.structured_content))) < 10_000


def test_equal_cohorts_pool_to_wilson_and_scattered_ones_to_the_people_they_leave() -> None:
    alone = stats.binomtest(60, 120).proportion_ci(method="wilson")
    even = pooled(1, [20, 20, 20], [40, 40, 40])
    assert (even.low, even.high) == (pytest.approx(alone.low), pytest.approx(alone.high))
    scattered = pooled(1, list(BACK), [40, 40, 40])
    between = np.var([each / 40 for each in BACK], ddof=1) / 3
    left = 0.25 / between
    centre, z = 0.5, stats.norm.ppf(0.975)
    reach = z * np.sqrt(0.25 / left + z**2 / 4 / left**2) / (1 + z**2 / left)
    assert (scattered.low, scattered.high) == (pytest.approx(centre - reach), pytest.approx(centre + reach))


def test_bands_hold_the_truth_as_often_as_they_say() -> None:
    """Cohorts whose own shares scatter about 30 %; a band that took people for independent would hold it less."""
    rng, held, runs = np.random.default_rng(11), 0, 400
    for _ in range(runs):
        own = rng.beta(15, 35, 12)
        back = rng.binomial(300, own)
        point = pooled(1, [float(each) for each in back], [300.0] * 12)
        held += point.low <= 0.3 <= point.high
    assert 0.9 <= held / runs <= 0.98


def test_periods_that_are_not_over_count_in_no_curve() -> None:
    rows = [["all", 80, 40, 20, None, None], ["of", 80, 40, 40, None, None],
            ["2026-09-06", 40, 40, 20, 3, 2], ["2026-09-13", 40, 40, 5, None, 1]]  # fmt: skip
    found = curves_of(rows, broken=False)
    assert [(each.period, each.share, each.n) for each in found.overall[""]] == [(0, 1.0, 80), (1, 0.5, 40)]
