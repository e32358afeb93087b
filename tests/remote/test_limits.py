"""The rate limit's window slides: the promise to a waiting caller holds, and no border of time doubles the rate."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthog_mcp.server.limits import Limits, Rate
from posthog_mcp.state.shared_cache import Shared, empty
from tests.remote.test_shared import listens


@dataclass
class Clock:
    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


async def asked(limits: Limits, times: int, name: str = "ada") -> list[int]:
    return [await limits.wait_for(name) for _ in range(times)]


@pytest.mark.parametrize("start", [0.0, 30.0, 59.9, 60.0])
async def test_a_burst_around_the_full_minute_gets_the_rate_once(start: float) -> None:
    clock = Clock(1_800_000_000.0 + start)
    limits = Limits([Rate(30, 60)], None, clock)
    waits: list[int] = []
    for _ in range(40):
        waits += await asked(limits, 1)
        clock.time += 0.01

    assert waits[:30] == [0] * 30
    assert all(wait > 0 for wait in waits[31:])


@given(
    count=st.integers(1, 50),
    seconds=st.sampled_from([1, 60, 3600]),
    pauses=st.lists(st.floats(0, 5000), min_size=1, max_size=60),
)
async def test_who_waits_as_long_as_told_gets_in(count: int, seconds: int, pauses: list[float]) -> None:
    clock = Clock()
    limits = Limits([Rate(count, seconds)], None, clock)
    for pause in pauses:
        clock.time += pause
        for wait in await asked(limits, count + 2):
            if wait:
                clock.time += wait
                assert await limits.wait_for("ada") == 0
                break


@given(st.lists(st.floats(0, 20), min_size=30, max_size=200))
async def test_no_minute_holds_twice_the_rate(pauses: list[float]) -> None:
    """Weighing takes the last window as evenly filled, which is not exact; fixed windows would let twice as many in."""
    clock = Clock()
    limits = Limits([Rate(10, 60)], None, clock)
    came: list[float] = []
    for pause in pauses:
        clock.time += pause
        if await limits.wait_for("ada") == 0:
            came.append(clock.time)

    assert max((sum(each <= other < each + 60 for other in came) for each in came), default=0) < 20


async def test_what_was_refused_is_not_counted() -> None:
    clock = Clock()
    limits = Limits([Rate(100, 60), Rate(3, 3600)], None, clock)
    first = await asked(limits, 500)
    clock.time += first[-1]

    assert first[:3] == [0, 0, 0]
    assert 0 < first[-1] <= 2 * 3600
    in_time, too_early = await asked(limits, 2)
    assert in_time == 0
    assert abs(too_early - 1200) <= 2


async def test_names_are_counted_apart_and_forgotten() -> None:
    limits = Limits([Rate(1, 60)], None, Clock())
    first = [await limits.wait_for(f"name {number}") for number in range(45_000)]

    assert set(first) == {0}
    assert len(limits._counted) <= 20_001  # pyright: ignore[reportPrivateUsage]


@pytest.mark.skipif(not listens(6379), reason="no Redis at 127.0.0.1:6379")
async def test_two_replicas_count_together_in_redis() -> None:
    url = "redis://127.0.0.1:6379/14"
    empty(url)
    name, clock = uuid.uuid4().hex, Clock(1_800_000_059.5)
    one, two = (Limits([Rate(4, 60)], Shared(url), clock) for _ in range(2))
    first = await asked(one, 3, name)
    clock.time += 1

    assert first == [0, 0, 0]
    assert await two.wait_for(name) == 0
    assert await two.wait_for(name) > 0
    assert await one.wait_for(name) > 0
    clock.time += 62
    assert await one.wait_for(name) == 0
