"""A process that delivers to several targets and is killed meanwhile: `python -m tests.reports.dying DATA STATE TARGETS
SETTINGS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio

from posthog_mcp.delivery.channel import Parcel
from posthog_mcp.delivery.outbox import open_outbox
from posthog_mcp.delivery.targets import Target
from tests.reports.conftest import a_message, project_in


async def deliver(data_dir: str, state: str, targets: str, settings: str) -> None:
    async with (
        project_in(Path(data_dir), Path(state), **json.loads(settings)) as project,
        open_outbox(project) as outbox,
        anyio.create_task_group() as tasks,
    ):
        for each in json.loads(targets):
            tasks.start_soon(outbox.deliver, Parcel(a_message(), Target.model_validate(each), "k"))


if __name__ == "__main__":
    anyio.run(deliver, *sys.argv[1:])
