"""Changes of the embedded API that are more than setting fields: what each sets on the object that its path names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import cast

from posthog_mcp.backends.backend import ApiCall, Driver, Resource
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

Change = Callable[[Driver, ApiCall], Awaitable[Json]]
Rule = Callable[[Mapping[str, Json], ApiCall], dict[str, Json]]
"""The object as it is, and the call, to the fields to set."""


def changing(resource: Resource, rule: Rule) -> Change:
    async def change(driver: Driver, call: ApiCall) -> Json:
        found = await driver.get(resource, call.values["id"])
        return cast("Json", await driver.update(resource, call.values["id"], rule(found, call)))

    return change


def setting(**fields: Json) -> Rule:
    """Always the same fields."""

    def rule(found: Mapping[str, Json], call: ApiCall) -> dict[str, Json]:
        del found, call
        return fields

    return rule


def now() -> str:
    return datetime.now(UTC).isoformat()


def launch(found: Mapping[str, Json], call: ApiCall) -> dict[str, Json]:
    """A draft begins.

    Raises:
        InvalidInput: it has begun already.
    """
    del call
    if found.get("start_date"):
        raise InvalidInput("Experiment has already been launched.", fix="Reset it first, or leave it running.")
    return {"start_date": now()}


def end(found: Mapping[str, Json], call: ApiCall) -> dict[str, Json]:
    """A running experiment ends.

    Raises:
        InvalidInput: it does not run.
    """
    if not found.get("start_date") or found.get("end_date"):
        raise InvalidInput("Experiment is not running.", fix="Launch it first.")
    told = {name: value for name, value in (call.body or {}).items() if name in ("conclusion", "conclusion_comment")}
    return {"end_date": now(), **told}


CHANGES: Mapping[str, Change] = {
    "POST P/experiments/{id}/launch/": changing("experiments", launch),
    "POST P/experiments/{id}/end/": changing("experiments", end),
    "POST P/experiments/{id}/reset/": changing("experiments", setting(start_date=None, end_date=None)),
    "POST P/experiments/{id}/archive/": changing("experiments", setting(archived=True)),
    "POST P/experiments/{id}/unarchive/": changing("experiments", setting(archived=False)),
    "POST P/batch_exports/{id}/pause/": changing("batch_exports", setting(paused=True)),
    "POST P/batch_exports/{id}/unpause/": changing("batch_exports", setting(paused=False)),
}
