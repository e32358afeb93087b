"""One project and principal as every capability sees it: the driver, what is remembered, and the limits.

The unit of tenancy: nothing is shared between two projects but the process.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from posthog_mcp.backends.backend import Driver
from posthog_mcp.sandbox.sandboxes import Sandboxes
from posthog_mcp.settings import Settings
from posthog_mcp.state.cache import ResultCache
from posthog_mcp.state.flights import Flights
from posthog_mcp.state.history import History
from posthog_mcp.state.stored_results import StoredResults


@dataclass(slots=True)
class Project:
    """Handed to every capability. `settings` carries the limits."""

    driver: Driver
    settings: Settings
    history: History
    stored: StoredResults
    cache: ResultCache[object] = field(default_factory=ResultCache[object])
    """Finished queries; `queries.run` alone reads and writes it."""
    flights: Flights = field(default_factory=Flights)
    """Queries under way, so that equal ones run once."""
    sandboxes: Sandboxes | None = None
    """Where the model's code and generated scripts run; None without an E2B key."""
