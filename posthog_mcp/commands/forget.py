"""`forget PERSON…`: remove a person from the embedded project, from what is kept here, and from the audit's texts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import anyio

from posthog_mcp.backends.local.forgetting import forget_people
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.errors import InvalidInput
from posthog_mcp.runtime import seal_of
from posthog_mcp.safety.installation import derived
from posthog_mcp.safety.keys import PHRASES, STRICT
from posthog_mcp.safety.pseudonyms import Pseudonyms
from posthog_mcp.settings import Settings
from posthog_mcp.state.forgetting import OBJECTS, forget
from posthog_mcp.tenants import of_tenant

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
    people = anyio.run(forget_people, Store(settings.data_dir / "local"), names)
    every = [*names, *(each for each in people.ids if len(each) >= SHORTEST and each not in names)]
    words = [*every, *pseudonyms(settings, every)]
    done = forget(settings.data_dir, settings.state_url, words, seal_of(settings))
    publish(settings.data_dir / "local")
    if settings.cache_url:
        from posthog_mcp.state.shared_cache import empty

        empty(settings.cache_url)
    sys.stdout.write(
        f"Removed {done.rows} rows and {done.files} files here; of the embedded project {people.events} events of "
        f"{people.persons} persons. What PostHog holds is PostHog's to delete.\n"
    )
    return 0


def publish(root: Path) -> None:
    """Write the tables of metadata objects anew, without those that went. Blocks."""
    if (root / OBJECTS).exists():
        objects = Objects(root)
        try:
            objects.publish_all()
        finally:
            objects.close()


def pseudonyms(settings: Settings, names: list[str]) -> list[str]:
    """What stands for these names where masking is on or was, for the server and for each of its principals."""
    labels, found = (*PHRASES, *STRICT), list[str]()
    for each in (settings, *(of_tenant(settings, id) for id in tenants(settings))):
        given = Pseudonyms(derived(each, "masking"))
        found += [given.of(label, name) for name in names for label in labels]
    return found


def tenants(settings: Settings) -> list[str]:
    """Ids of the principals that left something on this machine."""
    return sorted(path.name for path in settings.data_dir.glob("tenants/*") if path.is_dir())
