"""`encrypt`: write what is kept over with POSTHOG_MCP_STATE_KEY, once it is set or a new key stands before the old."""

from __future__ import annotations

import argparse
import sys

from posthog_mcp.errors import InvalidInput
from posthog_mcp.runtime import seal_of
from posthog_mcp.settings import Settings
from posthog_mcp.state.resealing import reseal


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Write everything over.

    Raises:
        InvalidInput: there is no key.
    """
    del arguments
    seal = seal_of(settings)
    if not seal:
        fix = "Set POSTHOG_MCP_STATE_KEY, such as `openssl rand -hex 32` gives."
        raise InvalidInput("There is no key to encrypt with.", fix=fix)
    done = reseal(settings.data_dir, settings.state_url, seal)
    sys.stdout.write(f"Encrypted {done.rows} rows and {done.files} files with the first key.\n")
    return 0
