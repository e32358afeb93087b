"""The composition root: settings → backend, stores, project. The only room that chooses a backend.

Opening starts nothing and imports no engine: worker processes, databases and HTTP clients begin with the first call
that needs them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio

from posthog_mcp.backends.backend import Driver
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.project import Project
from posthog_mcp.safety.installation import derived, open_masking
from posthog_mcp.safety.masking import Masking
from posthog_mcp.safety.principals import LOCAL, Principal
from posthog_mcp.sandbox.sandboxes import open_sandboxes
from posthog_mcp.settings import Settings
from posthog_mcp.state.audit import Audit
from posthog_mcp.state.cache import STAMP, ResultCache
from posthog_mcp.state.confirmations import Confirmations
from posthog_mcp.state.definitions import Definitions
from posthog_mcp.state.desk import open_desk
from posthog_mcp.state.flights import Flights
from posthog_mcp.state.history import History
from posthog_mcp.state.sealing import Seal
from posthog_mcp.state.shared_cache import Shared
from posthog_mcp.state.stored_results import StoredResults
from posthog_mcp.state.text_cache import text_cache
from posthog_mcp.state.trace_themes.store import ThemeStore

logger = logging.getLogger(__name__)
DAY = 86_400.0


def choose_driver(settings: Settings, masking: Masking | None = None) -> Driver:
    """The embedded project, or PostHog where a key is set."""
    if masking is not None:
        return masked_driver(settings, masking)
    if settings.uses_posthog:
        from posthog_mcp.backends.posthog.driver import PostHogDriver

        return PostHogDriver(settings)
    from posthog_mcp.backends.local.driver import LocalDriver

    return LocalDriver(settings.data_dir, clickhouse=settings.clickhouse_url)


def masked_driver(settings: Settings, masking: Masking) -> Driver:
    """The same, with every answer masked."""
    if settings.uses_posthog:
        from posthog_mcp.safety.masked_posthog import MaskedPostHogDriver

        return MaskedPostHogDriver(settings, masking)
    from posthog_mcp.safety.masked_local import MaskedLocalDriver

    return MaskedLocalDriver(settings.data_dir, masking, settings.clickhouse_url)


class Siblings:
    """Other projects of the first one's key: each with its own cache and catalogue, over the same connections."""

    def __init__(self, first: Project) -> None:
        self._first = first
        self._opened: dict[int, Project] = {}

    def open(self, project_id: int) -> Project:
        """The project of this id; whether the key sees it, its first request tells."""
        from posthog_mcp.backends.posthog.driver import PostHogDriver
        from posthog_mcp.safety.masked_posthog import MaskedPostHogDriver

        if project_id not in self._opened:
            settings, masking = self._first.settings.model_copy(update={"project_id": project_id}), self._first.masking
            assert isinstance(self._first.driver, PostHogDriver)
            client = self._first.driver.client
            plain = masking is None
            driver = PostHogDriver(settings, client=client) if plain else MaskedPostHogDriver(settings, masking, client)
            self._opened[project_id] = replace(
                self._first,
                driver=driver,
                settings=settings,
                cache=cache_of(settings),
                flights=Flights(),
            )
        return self._opened[project_id]

    async def aclose(self) -> None:
        for each in self._opened.values():
            await each.driver.aclose()


async def keep_retention(settings: Settings, audit: Audit | None) -> None:
    """Drop what is older than POSTHOG_MCP_RETENTION_DAYS, once a day for as long as this runs."""
    from posthog_mcp.state.forgetting import drop_older

    while settings.retention_days:
        try:
            await anyio.to_thread.run_sync(drop_older, settings.data_dir, settings.state_url, settings.retention_days)
            if audit is not None:
                before = datetime.now(UTC) - timedelta(days=settings.retention_days)
                await anyio.to_thread.run_sync(audit.prune, before.isoformat(timespec="milliseconds"))
        except PostHogMcpError as error:
            logger.warning("what is too old could not be dropped: %s", error.message)
        await anyio.sleep(DAY)


def cache_of(settings: Settings) -> ResultCache[object]:
    """An empty cache, which `forget` empties again."""
    return ResultCache[object](stamp=settings.data_dir / STAMP)


def seal_of(settings: Settings) -> Seal:
    """What encrypts the state of these settings."""
    return Seal(settings.state_keys)


def open_audit(settings: Settings) -> Audit | None:
    """The audit of the installation; None where it is off. Nothing is opened yet."""
    if settings.audit == "off":
        return None
    return Audit(settings.data_dir, settings.state_url, derived(settings, "audit"), seal_of(settings))


@contextlib.asynccontextmanager
async def open_project(
    settings: Settings, *, driver: Driver | None = None, principal: Principal = LOCAL
) -> AsyncGenerator[Project]:
    """A project for the life of a server or a command; leaving stops queries, workers and connections.

    `driver`: another project's, which stays its own to close.
    """
    lent = driver
    where = settings.data_dir, settings.state_url, seal_of(settings)
    history = History(*where)
    masking = open_masking(settings)
    shared = Shared(settings.cache_url) if settings.cache_url else None
    own = None if shared is None else (shared, f"{principal.id} {settings.mask}")
    stored = StoredResults(
        settings.data_dir / ("results" if masking is None else f"results-{settings.mask}"), own, where[2]
    )
    secret = derived(settings, "confirmations") if settings.secret else None
    confirmations = Confirmations(settings.data_dir / "confirmations", secret=secret, shared=shared)
    driver, sandboxes = driver or choose_driver(settings, masking), open_sandboxes(settings)
    themes, texts = ThemeStore(*where), text_cache(settings.cache_url)
    desk = open_desk(*where)
    definitions = Definitions(*where)
    project = Project(
        driver,
        settings,
        history,
        stored,
        confirmations,
        themes,
        desk,
        definitions,
        texts=texts,
        sandboxes=sandboxes,
        principal=principal,
        masking=masking,
    )
    project.cache, project.shared = cache_of(settings), shared
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
            if project.shared is not None:
                await project.shared.aclose()
            if lent is None:
                await project.driver.aclose()
            await desk.aclose()
            await definitions.aclose()
            await history.aclose()
            await themes.aclose()
