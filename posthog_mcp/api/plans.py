"""What a call would change, before it changes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from posthog_mcp.backends.backend import ApiCall
from posthog_mcp.endpoints.table import Endpoint, table
from posthog_mcp.errors import Forbidden, InvalidInput, WriteDisabled
from posthog_mcp.project import Project
from posthog_mcp.results import Json, ProjectInfo
from posthog_mcp.settings import Settings

NAMES = ("name", "key", "title", "content", "label", "short_id")
"""Fields that say which object it is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A change: the call, the object as it is (None for a new one), and fields with their value before and after."""

    call: ApiCall
    project: ProjectInfo
    before: Mapping[str, Json] | None
    changes: tuple[tuple[str, Json, Json], ...]

    @property
    def digest(self) -> str:
        """Changes with anything that this plan is about, the fields as they are included."""
        call = self.call
        parts: list[Json] = [
            self.project.host,
            self.project.id,
            call.endpoint.method,
            call.endpoint.path,
            call.organization,
            dict(call.values),
            {name: str(value) for name, value in call.params.items()},
            dict(call.body or {}),
            [[name, before] for name, before, _ in self.changes],
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def object(self) -> str:
        """Which object it is about, in words."""
        found = self.before or {}
        names = [f"{name} {json.dumps(found[name], ensure_ascii=False)}" for name in NAMES if found.get(name)]
        ids = ", ".join(f"{name} {value}" for name, value in self.call.values.items())
        return " ".join([ids, f"({', '.join(names[:2])})" if names else ""]).strip()


def allowed(endpoint: Endpoint, settings: Settings) -> None:
    """Whether these settings allow the change.

    Raises:
        Forbidden: it changes the account.
        WriteDisabled: writes are off.
    """
    if endpoint.admin and not settings.allow_admin:
        raise Forbidden(
            f"{endpoint.method} {endpoint.short} changes the account ({endpoint.admin}).",
            fix="Do it in PostHog, or start the server with POSTHOG_MCP_ALLOW_ADMIN=true.",
        )
    if not settings.allow_writes:
        raise WriteDisabled(
            f"{endpoint.method} {endpoint.short} changes something, and writes are off.",
            fix="Start the server with --allow-writes or POSTHOG_MCP_ALLOW_WRITES=true.",
        )


async def planned(project: Project, call: ApiCall) -> Plan:
    """What the call would change.

    Raises:
        NotFound: the object is not there.
        InvalidInput: every field has its value already.
    """
    before = await present(project, call)
    body = call.body or {}
    if call.endpoint.role == "update" and before is not None:
        changes = tuple((name, before.get(name), value) for name, value in body.items() if before.get(name) != value)
        if not changes:
            raise InvalidInput("Nothing would change: every field has this value already.", fix="Change another field.")
    else:
        changes = tuple((name, None, value) for name, value in body.items())
    return Plan(call, await project.driver.project(), before, changes)


async def present(project: Project, call: ApiCall) -> Mapping[str, Json] | None:
    """The object that the path names, as it is; None where it names none or PostHog shows none."""
    item = item_of(call.endpoint)
    if item is None:
        return None
    reading = ApiCall(item, {name: call.values[name] for name in item.parameters}, organization=call.organization)
    _, found = await project.driver.call(reading)
    return found if isinstance(found, dict) else None


def item_of(endpoint: Endpoint) -> Endpoint | None:
    """The GET of the object that a change is about: its own path, or the one that it begins with."""
    reads = {each.path: each for each in table().endpoints if each.method == "GET" and each.shape == "object"}
    parts = endpoint.path.strip("/").split("/")
    for end in range(len(parts), 3, -1):
        found = reads.get(f"/{'/'.join(parts[:end])}/")
        if found is not None and parts[end - 1].startswith("{"):
            return found
    return reads.get(endpoint.path)
