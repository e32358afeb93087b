"""Processes that a test started, told apart from those of the tests beside it."""

from __future__ import annotations

import psutil

WORKER = "posthog_mcp.backends.local.worker"


def workers(part: str) -> list[psutil.Process]:
    """This process's running chDB children of a part: `engine` or `load`. The dead that nobody waited for are none."""
    found: list[psutil.Process] = []
    for process in psutil.Process().children(recursive=True):
        try:
            command = process.cmdline()
        except (psutil.ZombieProcess, psutil.NoSuchProcess):
            continue
        if WORKER in command and part in command:
            found.append(process)
    return found
