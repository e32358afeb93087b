"""Projects of principals: each with its own key, cache, history, results, sandboxes, confirmations and definitions.

What a room keeps lies under its settings' data folder and state database, and both are the principal's own here: a
folder below `tenants/`, and in PostgreSQL a schema. So no room has to know of principals, and none can mix them up.
The engine of the embedded project is shared: its data is everybody's.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import quote

import anyio
from pydantic import SecretStr

from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.safety.installation import derived
from posthog_mcp.safety.principals import Access, Principal, narrowed
from posthog_mcp.settings import Settings

MAX_OPEN = 200
"""Principals with open connections; who was idle longest goes first."""


@dataclass(slots=True)
class Tenant:
    """An open project and how many calls are at it."""

    project: Project
    closing: contextlib.AsyncExitStack
    calls: int = 0
    opened: anyio.Event = field(default_factory=anyio.Event)


class Tenants:
    """The open projects of one server, by what their requests came with."""

    def __init__(self, base: Project) -> None:
        self._base = base
        self._open: OrderedDict[tuple[object, ...], Tenant] = OrderedDict()
        self._opening = anyio.Lock()

    @contextlib.asynccontextmanager
    async def using(self, access: Access) -> AsyncGenerator[Project]:
        """The project of an access for the length of a call."""
        tenant = await self._tenant(access)
        tenant.calls += 1
        try:
            yield tenant.project
        finally:
            tenant.calls -= 1

    async def _tenant(self, access: Access) -> Tenant:
        key = (access.principal.id, access.principal.role, access.principal.projects, access.project_id, access.region)
        async with self._opening:
            found = self._open.get(key)
            if found is None:
                found = self._open[key] = await self._opened(access)
            self._open.move_to_end(key)
            await self._close_idle()
        return found

    async def _opened(self, access: Access) -> Tenant:
        settings = tenant_settings(self._base.settings, access)
        await anyio.to_thread.run_sync(prepare, settings, access.principal)
        shared = None if settings.uses_posthog else self._base.driver
        closing = contextlib.AsyncExitStack()
        project = await closing.enter_async_context(open_project(settings, driver=shared, principal=access.principal))
        return Tenant(project, closing)

    async def _close_idle(self) -> None:
        idle = [key for key, tenant in self._open.items() if tenant.calls == 0]
        for key in idle[: max(0, len(self._open) - MAX_OPEN)]:
            await self._open.pop(key).closing.aclose()

    async def aclose(self) -> None:
        """Close every project."""
        while self._open:
            await self._open.popitem()[1].closing.aclose()


def tenant_settings(base: Settings, access: Access) -> Settings:
    """The settings of a principal: its own places, its role's limits, its own key where it brings one."""
    principal = access.principal
    changes: dict[str, object] = {
        **narrowed(base, principal.role),
        "data_dir": base.data_dir / "tenants" / principal.id,
        "state_url": own_state(base.state_url, principal),
        "secret": tenant_secret(base, principal.id),
    }
    if access.key is not None:
        changes |= {"api_key": access.key, "backend": "posthog", "project_id": access.project_id}
    elif access.project_id is not None and base.uses_posthog:
        changes["project_id"] = access.project_id
    if access.region is not None:
        changes["region"] = access.region
    return base.model_copy(update=changes)


def tenant_secret(base: Settings, principal_id: str) -> SecretStr:
    """The secret from which everything of one principal is derived."""
    return SecretStr(derived(base, f"tenant {principal_id}").hex())


def of_tenant(base: Settings, principal_id: str) -> Settings:
    """Settings with the secret of this principal, as far as its pseudonyms need them."""
    return base.model_copy(update={"secret": tenant_secret(base, principal_id)})


def own_state(url: str | None, principal: Principal) -> str | None:
    """A schema of the principal's own in PostgreSQL; a file in its own folder otherwise."""
    if url is None or url.startswith("sqlite"):
        return None
    option = quote(f"-csearch_path={schema(principal)}", safe="")
    return f"{url}{'&' if '?' in url else '?'}options={option}"


def schema(principal: Principal) -> str:
    return f"posthog_mcp_{principal.id}"


def prepare(settings: Settings, principal: Principal) -> None:
    """Make the schema, where there is none yet. Blocks."""
    if settings.state_url is None:
        return
    from posthog_mcp.state.database import create_schema

    create_schema(settings.data_dir, settings.state_url, schema(principal))
