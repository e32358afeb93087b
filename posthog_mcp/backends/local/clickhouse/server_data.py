"""What a driver needs of a server: its data as a snapshot, its engine, and the rows of this side."""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
from pydantic import SecretStr

from posthog_mcp.backends.local.clickhouse.address import Address, read_address
from posthog_mcp.backends.local.clickhouse.engine import ServerEngine
from posthog_mcp.backends.local.clickhouse.inline import Inline, server_profile
from posthog_mcp.backends.local.clickhouse.people import KeptCohorts
from posthog_mcp.backends.local.clickhouse.server import Server
from posthog_mcp.backends.local.cohorts import Cohorts
from posthog_mcp.backends.local.manifest import Manifest
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.project_tables import publish_project
from posthog_mcp.backends.local.storage import Snapshot
from posthog_mcp.hogql.profile import Profile

logger = logging.getLogger(__name__)


class ServerData:
    """One server and the metadata objects beside it. Nothing is opened before the first call."""

    def __init__(self, url: SecretStr, root: Path, objects: Objects) -> None:
        self.server = Server(read_address(url.get_secret_value()))
        self._root = root
        self._objects = objects
        self._snapshot: Snapshot | None = None
        self._looked = False

    @property
    def address(self) -> Address:
        return self.server.address

    async def snapshot(self) -> Snapshot:
        """The data that the server holds now; its path has no files."""
        manifest = await self.server.manifest()
        if self._snapshot is None or self._snapshot.manifest is not manifest:
            self._snapshot = Snapshot(manifest.id, self._root / "clickhouse", manifest)
        await self._look_at_grants()
        return self._snapshot

    async def _look_at_grants(self) -> None:
        """Say once that the user may do more than it should."""
        if self._looked:
            return
        self._looked = True
        more = await self.server.more_than_reading()
        if more:
            logger.warning("the ClickHouse user may do more than SELECT: %s", "; ".join(more[:3]))

    async def ready(self) -> None:
        """Ask the server itself.

        Raises:
            PostHogMcpError: it does not answer, or holds no project.
        """
        await self.snapshot()
        await self.server.rows("SELECT 1")

    def profile(self, manifest: Manifest) -> Profile:
        return server_profile(manifest, self.address.database)

    def engine(self, cohorts: Cohorts) -> ServerEngine:
        async def inline() -> Inline:
            await anyio.to_thread.run_sync(self._publish, (await self.snapshot()).manifest)
            people = cohorts.people() if isinstance(cohorts, KeptCohorts) else {}
            return Inline(self._objects.folder, people)

        return ServerEngine(self.server, inline)

    def _publish(self, manifest: Manifest) -> None:
        if not self._objects.is_published():
            self._objects.publish_all()
        publish_project(self._objects.folder, manifest)
