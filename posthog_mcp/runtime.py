"""The composition root: settings → backend, stores, project. The only room that chooses a backend.

Opening starts nothing and imports no engine: worker processes, databases and HTTP clients begin with the first call
that needs them.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio

from posthog_mcp.backends.backend import Driver
from posthog_mcp.project import Project
from posthog_mcp.sandbox.sandboxes import open_sandboxes
from posthog_mcp.settings import Settings
from posthog_mcp.state.cache import ResultCache
from posthog_mcp.state.confirmations import Confirmations
from posthog_mcp.state.definitions import Definitions
from posthog_mcp.state.flights import Flights
from posthog_mcp.state.history import History
from posthog_mcp.state.stored_results import StoredResults


def choose_driver(settings: Settings) -> Driver:
    """The embedded project, or PostHog where a key is set."""
    if settings.uses_posthog:
        from posthog_mcp.backends.posthog.driver import PostHogDriver

        return PostHogDriver(settings)
    from posthog_mcp.backends.local.driver import LocalDriver

    return LocalDriver(settings.data_dir)


class Siblings:
    """Other projects of the first one's key: each with its own cache and catalogue, over the same connections."""

    def __init__(self, first: Project) -> None:
        self._first = first
        self._opened: dict[int, Project] = {}

    def open(self, project_id: int) -> Project:
        """The project of this id; whether the key sees it, its first request tells."""
        from posthog_mcp.backends.posthog.driver import PostHogDriver

        if project_id not in self._opened:
            settings = self._first.settings.model_copy(update={"project_id": project_id})
            assert isinstance(self._first.driver, PostHogDriver)
            driver = PostHogDriver(settings, client=self._first.driver.client)
            self._opened[project_id] = replace(
                self._first, driver=driver, settings=settings, cache=ResultCache[object](), flights=Flights()
            )
        return self._opened[project_id]

    async def aclose(self) -> None:
        for each in self._opened.values():
            await each.driver.aclose()


@contextlib.asynccontextmanager
async def open_project(settings: Settings) -> AsyncGenerator[Project]:
    """A project for the life of a server or a command; leaving stops queries, workers and connections."""
    history = History(settings.data_dir, settings.state_url)
    stored = StoredResults(settings.data_dir / "results")
    confirmations = Confirmations(settings.data_dir / "confirmations")
    driver, sandboxes = choose_driver(settings), open_sandboxes(settings)
    definitions = Definitions(settings.data_dir, settings.state_url)
    project = Project(driver, settings, history, stored, confirmations, definitions, sandboxes=sandboxes)
    siblings = Siblings(project)
    if settings.uses_posthog:
        project.other = siblings.open
    try:
        yield project
    finally:
        with anyio.CancelScope(shield=True):
            await siblings.aclose()
            if project.sandboxes is not None:
                await project.sandboxes.aclose()
            await project.driver.aclose()
            await definitions.aclose()
            await history.aclose()
