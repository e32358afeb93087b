"""Run async work from a test that is no coroutine: in a thread of its own, since a fixture's loop may live in this one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import anyio

T = TypeVar("T")


def apart(work: Callable[[], T]) -> T:
    """What a function gives that starts a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def run(work: Callable[[], Awaitable[T]]) -> T:
    """What the work gives."""
    return apart(partial(anyio.run, work))
