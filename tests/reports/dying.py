"""A process that delivers and is killed while it does: `python -m tests.reports.dying DATA_DIR STATE TARGET SETTINGS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio

from posthog_mcp.delivery.channel import Parcel
from posthog_mcp.delivery.outbox import open_outbox
from posthog_mcp.delivery.targets import Target
from tests.reports.conftest import a_message, project_in


async def deliver(data_dir: str, state: str, target: str, settings: str) -> None:
    async with (
        project_in(Path(data_dir), Path(state), **json.loads(settings)) as project,
        open_outbox(project) as outbox,
    ):
        await outbox.deliver(Parcel(a_message(), Target.model_validate(json.loads(target)), "k"))


if __name__ == "__main__":
    anyio.run(deliver, *sys.argv[1:])
