"""Segments of a change on a small project whose every part is known by construction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from posthog_mcp.analysis.explain import explain_change
from posthog_mcp.analysis.explanation import Dimension, Explanation
from posthog_mcp.analysis.stats.quantile_parts import Below, quantile_parts
from posthog_mcp.project import Project
from tests.insights.made import Did, project_of

FIRST = date(2026, 9, 6)
"""A Sunday; eight weeks follow, the last of which is the one that changed."""
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
WEEK = {"date_from": "2026-10-25", "date_to": "2026-10-31"}


def amounts(plan: str, late: bool) -> list[int]:
    """A day's orders: plan `old` has more and dearer ones in the last week, plan `big` stays as it is."""
    if plan == "big":
        return list(range(100, 110))
    return [2 * each for each in range(10, 35)] if late else list(range(10, 30))


def happened() -> Iterator[Did]:
    for day in range(56):
        at = f"{FIRST + timedelta(days=day)} 20:00"
        late = day >= 49
        for plan in ("old", "big"):
            for number, amount in enumerate(amounts(plan, late)):
                yield Did(f"{plan}{number}", "order", at, {"plan": plan, "amount": amount})
        for who in range(10):
            yield Did(f"regular{who}", "visit", at)
        for who in range(3 if late else 0):
            yield Did(f"once{day}-{who}", "visit", at)
    for week in range(8):
        yield from cohort(week)


def cohort(week: int) -> Iterator[Did]:
    """40 people a channel; 20 of each come back a week later, of the paid ones 4 from the fifth cohort on."""
    for channel in ("organic", "paid"):
        for number in range(40):
            who, start = f"{channel}{week}-{number}", FIRST + timedelta(days=7 * week + 3)
            yield Did(who, "joined", f"{start} 09:00", {"channel": channel})
            if number < (4 if channel == "paid" and week >= 4 else 20) and week < 7:
                yield Did(who, "came", f"{start + timedelta(days=7)} 09:00")


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    async with project_of(tmp_path_factory.mktemp("split"), list(happened())) as opened:
        yield opened


async def explained(project: Project, metric: Any, **given: Any) -> Explanation:
    asked: dict[str, Any] = {**WEEK, **given}
    return await explain_change(project, metric, now=NOW, **asked)


def parts(found: Explanation, name: str) -> dict[str, float]:
    """The contributions of one dimension, after checking that every dimension's sum to the change."""
    for each in found.dimensions:
        assert total(each) == pytest.approx(found.change, abs=1e-6), each.name
    [dimension] = [each for each in found.dimensions if each.name == name]
    return {each.value: each.contribution for each in dimension.segments}


def total(dimension: Dimension) -> float:
    return sum(each.contribution for each in dimension.segments)


async def test_a_median_splits_into_parts_that_sum_to_its_change(project: Project) -> None:
    metric = {"kind": "trends", "series": [{"event": "order", "math": "median", "math_property": "amount"}]}
    found = await explained(project, metric, dimensions=["plan"])
    before = sorted(7 * [*amounts("old", False), *amounts("big", False)])
    after = sorted(7 * [*amounts("old", True), *amounts("big", True)])
    assert (found.baseline.value, found.current.value) == (before[len(before) // 2], after[len(after) // 2])
    told = parts(found, "plan")
    assert told["old"] > 0
    [dimension] = found.dimensions
    own = {each.value: (each.before, each.after) for each in dimension.segments}
    assert own["big"] == (105, 105)
    assert own["old"] == (20, 44)
    rates = {each.value: each.rate for each in dimension.segments}
    assert rates["big"] == pytest.approx(0, abs=1e-9)
    assert rates["old"] > found.change


def test_quantile_parts_are_the_aumann_shapley_values() -> None:
    """Against a numeric derivative along the straight way, with samples as distributions."""
    rng, level = np.random.default_rng(5), 0.75
    sides = {
        "a": (rng.normal(10, 2, 4000), rng.normal(13, 2, 6000)),
        "b": (rng.normal(15, 3, 3000), rng.normal(15, 3, 2500)),
    }
    grid = np.linspace(0, 30, 60_001)

    def below(name: str, side: int) -> Any:
        values, every = sides[name][side], sum(len(each[side]) for each in sides.values())
        return (np.searchsorted(np.sort(values), grid, side="right") - level * len(values)) / every

    pulls = {name: (below(name, 0), below(name, 1)) for name in sides}

    def quantile(mixed: dict[str, float]) -> float:
        whole = sum((1 - t) * pulls[name][0] + t * pulls[name][1] for name, t in mixed.items())
        return float(grid[np.argmax(whole >= 0)])

    steps, width = 40, 0.08
    slopes = dict.fromkeys(sides, 0.0)
    for t in (np.arange(steps) + 0.5) / steps:
        for name in sides:
            up, down = ({**dict.fromkeys(sides, t), name: t + s * width / 2} for s in (1, -1))
            slopes[name] += (quantile(up) - quantile(down)) / width / steps
    ends = quantile(dict.fromkeys(sides, 0.0)), quantile(dict.fromkeys(sides, 1.0))
    cuts = ends[0] + (ends[1] - ends[0]) * (np.arange(16) + 0.5) / 16
    cells = {
        name: Below(len(one), len(two), [float((one <= x).sum()) for x in cuts], [float((two <= x).sum()) for x in cuts])
        for name, (one, two) in sides.items()
    }  # fmt: skip
    found = quantile_parts(cells, level, ends)
    assert sum(each.whole for each in found.values()) == pytest.approx(ends[1] - ends[0])
    for name in sides:
        assert found[name].whole == pytest.approx(slopes[name], abs=0.05 * abs(ends[1] - ends[0]))


async def test_retention_splits_by_what_the_cohorts_people_are(project: Project) -> None:
    """Half of the people fell from 50 % to 10 %: all of the change of -20 points is theirs, as a rate."""
    metric = {"kind": "retention", "series": [{"event": "joined"}, {"event": "came"}], "options": {"period": "week"}}
    found = await explained(
        project, metric, date_from="2026-10-04", date_to="2026-10-17", baseline="2026-09-20..2026-10-03"
    )
    assert (found.baseline.value, found.current.value) == (pytest.approx(0.5), pytest.approx(0.3))
    assert (found.baseline.n, found.current.n) == (160, 160)
    assert parts(found, "channel") == {"paid": pytest.approx(-0.2), "organic": pytest.approx(0)}
    assert found.drivers[0].where == (("channel", "paid"),)


async def test_a_lifecycle_splits_by_status(project: Project) -> None:
    found = await explained(project, {"kind": "lifecycle", "series": [{"event": "visit"}]})
    assert (found.baseline.value, found.current.value) == (10, 13)
    assert parts(found, "status") == {"new": pytest.approx(3), "returning": pytest.approx(0)}
    assert found.dimensions[0].name == "status"


BY_PLAN = "SELECT toStartOfDay(timestamp) AS day, properties.plan, {0} AS n FROM events WHERE event = 'order' GROUP BY day, properties.plan LIMIT 5000"


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ({"kind": "trends", "series": [{"event": "order"}], "breakdown": ["plan"]}, "plan"),
        ({"hogql": BY_PLAN.format("count()")}, "plan"),
        ({"hogql": "SELECT toStartOfDay(timestamp) AS day, count() AS n FROM events WHERE event = 'order' AND timestamp > '2026-10-01' GROUP BY day LIMIT 500"}, "plan"),
        ({"hogql": "SELECT toStartOfDay(e.timestamp) AS day, e.properties.plan AS kind, count() AS n FROM events AS e WHERE e.event = 'order' GROUP BY day, kind LIMIT 5000"}, "kind"),
    ],
)  # fmt: skip
async def test_the_same_count_splits_the_same_however_it_is_said(project: Project, metric: Any, name: str) -> None:
    found = await explained(project, metric)
    assert (found.baseline.value, found.current.value) == (210, 245)
    assert parts(found, name) == {"old": pytest.approx(35), "big": pytest.approx(0)}


async def test_a_querys_people_in_two_groups_count_once(project: Project) -> None:
    """Sums over plans of `uniq` would count nobody twice here, yet the whole is asked of all plans together."""
    found = await explained(project, {"hogql": BY_PLAN.format("uniq(person_id)")})
    assert (found.baseline.value, found.current.value) == (30, 35)
    assert parts(found, "plan") == {"old": pytest.approx(5), "big": pytest.approx(0)}


async def test_sums_of_series_and_counts_a_person_are_split(project: Project) -> None:
    both = {"kind": "trends", "series": [{"event": "order"}, {"event": "visit"}], "formula": "A + B"}
    found = await explained(project, both, dimensions=["plan"])
    assert parts(found, "plan") == {"old": pytest.approx(5), "(none)": pytest.approx(3), "big": pytest.approx(0)}
    each = {"kind": "trends", "series": [{"event": "order", "math": "p90_count_per_actor"}]}
    assert (await explained(project, each)).current.value == 1


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ({"kind": "trends", "series": [{"event": "order", "math": "max", "math_property": "amount"}]}, "one single event"),
        ({"hogql": "SELECT day, count() AS n FROM (SELECT toStartOfDay(timestamp) AS day FROM events) GROUP BY day LIMIT 500"}, "properties.$os AS os"),
        ({"kind": "trends", "series": [{"event": "order"}, {"event": "visit"}], "formula": "A * B"}, "A / B and A + B"),
    ],
)  # fmt: skip
async def test_what_cannot_be_split_says_why_and_what_to_ask(project: Project, metric: Any, says: str) -> None:
    found = await explained(project, metric)
    assert not found.dimensions
    assert any(says in each for each in found.unknown)


async def test_of_several_series_the_first_is_explained_and_said_so(project: Project) -> None:
    found = await explained(project, {"kind": "trends", "series": [{"event": "order"}, {"event": "visit"}]})
    assert found.series.name == "order"
    assert any(each.code == "one_of_several" and "visit" in each.fix for each in found.notes)
