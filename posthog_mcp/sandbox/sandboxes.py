"""The sandboxes of one principal, one a purpose; made when first needed, all killed by `aclose`."""

from __future__ import annotations

import anyio

from posthog_mcp.sandbox.access import access
from posthog_mcp.sandbox.ledger import Ledger
from posthog_mcp.sandbox.warm import WarmSandbox
from posthog_mcp.settings import Settings

SCRIPTS_AT_ONCE = 3
"""PostHog runs three queries of a project at once."""


class Sandboxes:
    """Where the model's code (`analysis`) and our generated scripts (`scripts`) run."""

    def __init__(self, settings: Settings, analysis: WarmSandbox, scripts: WarmSandbox) -> None:
        self.settings = settings
        self.analysis = analysis
        self.scripts = scripts
        self.lacks_httpx = False
        """The template has no httpx: learnt from a script that failed."""

    async def aclose(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.analysis.aclose)
            tasks.start_soon(self.scripts.aclose)


def open_sandboxes(settings: Settings) -> Sandboxes | None:
    """The sandboxes of these settings; None without an E2B key. Nothing is made yet."""
    key = settings.e2b_api_key
    if key is None:
        return None
    ledger = Ledger(settings.data_dir / "sandboxes")
    analysis = WarmSandbox(access(settings, key, "analysis"), ledger, width=1)
    return Sandboxes(settings, analysis, WarmSandbox(access(settings, key, "scripts"), ledger, SCRIPTS_AT_ONCE))
