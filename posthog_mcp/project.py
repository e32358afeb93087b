"""One project and principal as every capability sees it: the driver, what is remembered, and the limits.

The unit of tenancy: nothing is shared between two projects but the process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from posthog_mcp.backends.backend import Driver
from posthog_mcp.errors import Forbidden, NotFound
from posthog_mcp.safety.masking import Masking
from posthog_mcp.safety.principals import LOCAL, Principal
from posthog_mcp.sandbox.sandboxes import Sandboxes
from posthog_mcp.settings import Settings
from posthog_mcp.state.cache import ResultCache
from posthog_mcp.state.confirmations import Confirmations
from posthog_mcp.state.definitions import Definitions
from posthog_mcp.state.desk import Desk
from posthog_mcp.state.flights import Flights
from posthog_mcp.state.history import History
from posthog_mcp.state.shared_cache import Shared
from posthog_mcp.state.stored_results import StoredResults
from posthog_mcp.state.text_cache import TextCache
from posthog_mcp.state.trace_themes.store import ThemeStore


@dataclass(slots=True)
class Project:
    """Handed to every capability. `settings` carries the limits."""

    driver: Driver
    settings: Settings
    history: History
    stored: StoredResults
    confirmations: Confirmations
    """Plans of changes that wait to be confirmed."""
    themes: ThemeStore
    """Themes of LLM traces and what they made."""
    desk: Desk
    """What reports, alerts and campaigns remember."""
    definitions: Definitions
    """What the team has written down; `knowledge` reads and writes it."""
    cache: ResultCache[object] = field(default_factory=ResultCache[object])
    """Finished queries; `queries.run` alone reads and writes it."""
    shared: Shared | None = None
    """What replicas share; None without POSTHOG_MCP_CACHE_URL."""
    texts: TextCache = field(default_factory=TextCache)
    """Traces written out."""
    flights: Flights = field(default_factory=Flights)
    """Queries under way, so that equal ones run once."""
    sandboxes: Sandboxes | None = None
    """Where the model's code and generated scripts run; None without an E2B key."""
    principal: Principal = LOCAL
    masking: Masking | None = None
    """What replaces personal data; None where POSTHOG_MCP_MASK is off."""
    other: Callable[[int], Project] | None = None
    """Another project of the same key, by id; set where there can be others."""

    @property
    def scope(self) -> tuple[str, ...]:
        """What a kept result depends on besides its query: host and project, the key (hashed), masking, principal."""
        settings = self.settings
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        whose = f"{settings.host}/{settings.project_id}" if settings.uses_posthog else "embedded"
        return whose, hashlib.sha256(key.encode()).hexdigest(), settings.mask, self.principal.id

    async def select(self, project_id: int) -> Project:
        """This project, or another that the same key sees.

        Raises:
            Forbidden: the principal may not use it.
            NotFound: there is none of this id.
            PostHogMcpError: what PostHog said.
        """
        if project_id and not self.principal.may_use(project_id):
            raise Forbidden(
                f"You may not use project {project_id} here.", fix="Ask the server's admin, or leave project_id out."
            )
        if project_id == 0 or project_id == (await self.driver.project()).id:
            return self
        if self.other is None:
            known = (await self.driver.project()).id
            raise NotFound(f"There is no project {project_id} here.", fix=f"The only one is {known}.")
        found = self.other(project_id)
        await found.driver.project()
        return found
