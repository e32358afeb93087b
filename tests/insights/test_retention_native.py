"""PostHog's queries for retention, lifecycle and stickiness, and its answers in the shapes of its public tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.kinds import KINDS
from posthog_mcp.results import Json
from tests.insights.return_data import Done, frame_of, project_of, rows_of, visits

VISIT = [{"event": "visit"}]
DAYS = {"date_from": "2026-01-02", "date_to": "2026-01-04"}


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    more: list[Done] = [("cat", "2026-01-03 10:00", "buy", {"os": "mac"}), ("dan", "2026-01-03 10:00", "buy")]
    events = [*visits("ann", "2026-01-02 10:00", "2026-01-03 10:00"), *visits("bob", "2026-01-02 10:00"), *more]
    return await project_of(tmp_path, events)


async def same_both_ways(data: Path, frame: Frame, response: Mapping[str, Json]) -> None:
    kind = KINDS[frame.question.kind]
    own = kind.read(frame, await rows_of(data, kind.hogql(frame)))
    assert kind.read_native(frame, response) == own


def cohorts(*rows: list[float], value: Json = None) -> list[Json]:
    """A retention response: one object a cohort."""
    return [
        {
            "date": f"2026-01-{at + 2:02d}T00:00:00Z",
            "label": f"Day {at}",
            "breakdown_value": value,
            "values": [{"count": count, "label": f"Day {period}"} for period, count in enumerate(row)],
        }
        for at, row in enumerate(rows)
    ]


async def test_retention_reads_the_same_both_ways(data: Path) -> None:
    frame = await frame_of(data, kind="retention", series=VISIT, period="day", periods=2, **DAYS)
    await same_both_ways(data, frame, {"results": cohorts([2.0, 1.0], [1.0, 0], [0.0, 0])})


async def test_retention_with_a_breakdown_reads_the_same_both_ways(data: Path) -> None:
    by: dict[str, Any] = {"series": [{"event": "buy"}], "breakdowns": [{"property": "os"}], "period": "day"}
    frame = await frame_of(data, kind="retention", periods=2, **by, **DAYS)
    groups = [*cohorts([0, 0], [1, 0], [0, 0], value=""), *cohorts([0, 0], [1, 0], [0, 0], value="mac")]
    await same_both_ways(data, frame, {"results": groups})
    few = await frame_of(data, kind="retention", periods=2, breakdown_limit=1, **by, **DAYS)
    rest = cohorts([0, 0], [1, 0], [0, 0], value="$$_posthog_breakdown_other_$$")
    await same_both_ways(data, few, {"results": [*groups[:3], *rest]})


async def test_lifecycle_reads_the_same_both_ways(data: Path) -> None:
    frame = await frame_of(data, kind="lifecycle", series=VISIT, **DAYS)
    numbers = {"new": [2, 0, 0], "returning": [0, 1, 0], "resurrecting": [0, 0, 0], "dormant": [0, -1, -1]}
    days: list[Json] = ["2026-01-02", "2026-01-03", "2026-01-04"]
    lines: list[Json] = [
        {"status": status, "data": list(map(float, row)), "days": days, "label": f"visit - {status}"}
        for status, row in numbers.items()
    ]
    await same_both_ways(data, frame, {"results": lines})


async def test_stickiness_reads_the_same_both_ways(data: Path) -> None:
    frame = await frame_of(data, kind="stickiness", series=[*VISIT, {"event": "buy"}], compare="previous", **DAYS)
    days: list[Json] = [1, 2, 3]
    lines: list[Json] = [
        {"count": sum(row), "data": row, "days": days, "action": {"order": order}, "compare_label": label}  # type: ignore[arg-type]
        for order, label, row in [
            (0, "current", [1, 1, 0]),
            (0, "previous", [0, 0, 0]),
            (1, "current", [2, 0, 0]),
            (1, "previous", [0, 0, 0]),
        ]
    ]
    await same_both_ways(data, frame, {"results": lines})


async def test_retention_asks_posthog_for_whole_periods(data: Path) -> None:
    frame = await frame_of(
        data,
        kind="retention",
        series=[{"event": "visit", "name": "came"}, {"event": "buy", "filters": [{"key": "os", "value": ["mac"]}]}],
        period="week",
        periods=5,
        retention_type="first_time",
        unbounded=True,
        breakdowns=[{"property": "os"}],
        **DAYS,
    )
    assert KINDS["retention"].native(frame) == {
        "kind": "RetentionQuery",
        "dateRange": {"date_from": "2025-12-28 00:00:00", "date_to": "2026-01-04 23:59:59", "explicitDate": True},
        "retentionFilter": {
            "period": "Week",
            "totalIntervals": 5,
            "retentionType": "retention_first_time",
            "retentionReference": "total",
            "cumulative": True,
            "targetEntity": {"id": "visit", "type": "events", "name": "visit", "custom_name": "came"},
            "returningEntity": {
                "id": "buy",
                "type": "events",
                "name": "buy",
                "properties": [{"type": "event", "key": "os", "value": ["mac"], "operator": "exact"}],
            },
        },
        "breakdownFilter": {"breakdowns": [{"property": "os", "type": "event"}], "breakdown_limit": 10},
    }


async def test_lifecycle_and_stickiness_ask_posthog_from_the_start_of_the_first_interval(data: Path) -> None:
    ends = {"date_from": "2025-12-28 00:00:00", "date_to": "2026-01-04 23:59:59", "explicitDate": True}
    node = {"kind": "EventsNode", "event": "visit"}
    frame = await frame_of(data, kind="lifecycle", series=VISIT, interval="week", **DAYS)
    assert KINDS["lifecycle"].native(frame) == {
        "kind": "LifecycleQuery", "dateRange": ends, "interval": "week", "series": [node],
    }  # fmt: skip
    frame = await frame_of(data, kind="stickiness", series=VISIT, interval="week", compare="-1y", **DAYS)
    assert KINDS["stickiness"].native(frame) == {
        "kind": "StickinessQuery",
        "dateRange": ends,
        "interval": "week",
        "series": [node],
        "compareFilter": {"compare": True, "compare_to": "-1y"},
    }


@pytest.mark.parametrize("kind", ["retention", "lifecycle", "stickiness"])
async def test_an_answer_without_results_is_an_answer_of_zeros(data: Path, kind: str) -> None:
    frame = await frame_of(data, kind=kind, series=VISIT, **DAYS)
    answer = KINDS[frame.question.kind].read_native(frame, {"results": []})
    assert not any(cell for row in answer.rows for cell in row[1:])
    assert "obody" in answer.facts[0]
