"""What reports, alerts and campaigns remember: documents, deliveries, leases.

Decisions.
- One database (the state database), three tables: documents (JSON bodies with a version, changed by compare-and-swap),
  deliveries (one row for each thing that goes to one place, claimed before it is sent), leases (who leads now).
- A delivery is `claimed`, then `sending` just before the first byte leaves, then `sent`, `failed` or `uncertain`. What
  a crash leaves as `claimed` is sent by the next run; what it leaves as `sending` may have arrived, so it is looked up
  at the destination where that can be done, and otherwise told as uncertain instead of sent twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from posthog_mcp.state.desk.deliveries import Deliveries
from posthog_mcp.state.desk.documents import Documents
from posthog_mcp.state.desk.leases import Leases
from posthog_mcp.state.desk.tables import DeskDatabase
from posthog_mcp.state.sealing import PLAIN, Seal


@dataclass(frozen=True, slots=True)
class Desk:
    """The three stores over one database. Nothing is opened before the first use."""

    database: DeskDatabase
    documents: Documents
    deliveries: Deliveries
    leases: Leases

    async def aclose(self) -> None:
        await self.database.aclose()


def open_desk(data_dir: Path, url: str | None = None, seal: Seal = PLAIN) -> Desk:
    """The desk of a data folder, or of a shared state database."""
    database = DeskDatabase(data_dir, url, seal)
    return Desk(database, Documents(database), Deliveries(database), Leases(database))
