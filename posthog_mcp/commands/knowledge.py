"""`knowledge export DIR` and `knowledge import DIR`: the team's definitions and entries as files, for git."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import anyio

from posthog_mcp.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Write or read the files; one line an entry."""
    work = exported if arguments.action == "export" else imported
    names = anyio.run(partial(work, settings, Path(arguments.folder).expanduser()))
    sys.stdout.write("".join(f"{name}\n" for name in names) or "Nothing to move.\n")
    return 0


async def exported(settings: Settings, folder: Path) -> list[str]:
    """Every saved entry as a file."""
    from posthog_mcp.knowledge import definitions
    from posthog_mcp.runtime import open_project

    async with open_project(settings) as project:
        return [str(path) for path in await definitions.export(project, folder)]


async def imported(settings: Settings, folder: Path) -> list[str]:
    """Every file saved as an entry, all or none."""
    from posthog_mcp.knowledge import definitions
    from posthog_mcp.runtime import open_project

    async with open_project(settings) as project:
        return [page.id for page in await definitions.take_in(project, folder)]
