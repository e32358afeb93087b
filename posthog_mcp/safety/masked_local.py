"""The embedded project with its answers masked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from posthog_mcp.backends.backend import QueryAnswer, QueryOptions
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.results import Json
from posthog_mcp.safety.answers import masked_answer, masked_values
from posthog_mcp.safety.masking import Masking


class MaskedLocalDriver(LocalDriver):
    """Metadata objects stay as they are, because they are computed with; the server's edge masks what is shown."""

    def __init__(self, data_dir: Path, masking: Masking, clickhouse: SecretStr | None = None) -> None:
        super().__init__(data_dir, clickhouse=clickhouse)
        self.masking = masking

    async def query(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        return await masked_answer(self.masking, self.checker, body, await self.unmasked(body, options))

    async def unmasked(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        """What `query` says before it is masked; see `Masked`."""
        return await super().query(body, options)

    async def property_values(self, scope: str, name: str, limit: int = 20) -> list[tuple[str, int]]:
        return masked_values(self.masking, scope, name, await super().property_values(scope, name, limit))
