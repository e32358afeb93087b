"""The composition root: settings → backend, stores, project. The only room that chooses a backend.

Opening starts nothing and imports no engine: worker processes, databases and HTTP clients begin with the first call
that needs them.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import anyio

from posthog_mcp.backends.backend import Driver
from posthog_mcp.project import Project
from posthog_mcp.sandbox.sandboxes import open_sandboxes
from posthog_mcp.settings import Settings
from posthog_mcp.state.history import History
from posthog_mcp.state.stored_results import StoredResults


def choose_driver(settings: Settings) -> Driver:
    """The embedded project, or PostHog where a key is set."""
    if settings.uses_posthog:
        from posthog_mcp.backends.posthog.driver import PostHogDriver

        return PostHogDriver(settings)
    from posthog_mcp.backends.local.driver import LocalDriver

    return LocalDriver(settings.data_dir)


@contextlib.asynccontextmanager
async def open_project(settings: Settings) -> AsyncGenerator[Project]:
    """A project for the life of a server or a command; leaving stops queries, workers and connections."""
    history = History(settings.data_dir, settings.state_url)
    stored = StoredResults(settings.data_dir / "results")
    project = Project(choose_driver(settings), settings, history, stored, sandboxes=open_sandboxes(settings))
    try:
        yield project
    finally:
        with anyio.CancelScope(shield=True):
            if project.sandboxes is not None:
                await project.sandboxes.aclose()
            await project.driver.aclose()
            await history.aclose()
