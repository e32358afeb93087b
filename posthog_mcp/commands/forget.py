"""`forget PERSON…`: remove a person from history, results, exports, caches, summaries and the audit's texts."""

from __future__ import annotations

import argparse
import sys

from posthog_mcp.errors import InvalidInput
from posthog_mcp.runtime import seal_of
from posthog_mcp.safety.installation import open_masking
from posthog_mcp.safety.keys import PHRASES, STRICT
from posthog_mcp.settings import Settings
from posthog_mcp.state.forgetting import forget

SHORTEST = 4


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Forget, and say how much went.

    Raises:
        InvalidInput: a name is so short that it would match others.
    """
    names: list[str] = arguments.person
    for name in names:
        if len(name.strip()) < SHORTEST:
            raise InvalidInput(f"{name!r} would match other people too.", fix="Give an e-mail or a whole distinct_id.")
    done = forget(settings.data_dir, settings.state_url, [*names, *pseudonyms(settings, names)], seal_of(settings))
    if settings.cache_url:
        from posthog_mcp.state.shared_cache import empty

        empty(settings.cache_url)
    sys.stdout.write(
        f"Removed {done.rows} rows and {done.files} files. The events themselves are PostHog's to delete.\n"
    )
    return 0


def pseudonyms(settings: Settings, names: list[str]) -> list[str]:
    """What stands for these names where masking is on."""
    masking = open_masking(settings)
    if masking is None:
        return []
    return [str(masking.value(name, label)) for name in names for label in (*PHRASES, *STRICT)]
