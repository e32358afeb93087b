"""A PostHog project with its answers masked."""

from __future__ import annotations

from collections.abc import Mapping

from posthog_mcp.backends.backend import QueryAnswer, QueryOptions
from posthog_mcp.backends.posthog.client import Body, Client
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.backends.posthog.jobs import Refresh
from posthog_mcp.results import Json
from posthog_mcp.safety.answers import masked_answer, masked_results, masked_values
from posthog_mcp.safety.masking import Masking
from posthog_mcp.settings import Settings


class MaskedPostHogDriver(PostHogDriver):
    """Metadata objects stay as they are, because they are computed with; the server's edge masks what is shown."""

    def __init__(self, settings: Settings, masking: Masking, client: Client | None = None) -> None:
        super().__init__(settings, client=client)
        self.masking = masking

    async def query(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        return await masked_answer(self.masking, self.checker, body, await self.unmasked(body, options))

    async def unmasked(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        """What `query` says before it is masked; see `Masked`."""
        return await super().query(body, options)

    async def property_values(self, scope: str, name: str, limit: int = 20) -> list[tuple[str, int]]:
        return masked_values(self.masking, scope, name, await super().property_values(scope, name, limit))

    async def typed_query(
        self,
        query: Mapping[str, Json],
        options: QueryOptions,
        refresh: Refresh | None = None,
        variables: Mapping[str, Json] | None = None,
    ) -> Body:
        return masked_results(self.masking, query, await super().typed_query(query, options, refresh, variables))
