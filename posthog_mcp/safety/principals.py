"""Who asks, and what their role lets them do. A role narrows what the server's settings allow; it never widens it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from posthog_mcp.settings import TOOLSETS, Settings

Role = Literal["viewer", "analyst", "editor", "admin"]
VIEWER = ("discover", "insights", "knowledge")
ANALYST = ("discover", "query", "insights", "analysis", "knowledge", "traces", "api")
ROLE_TOOLSETS: Mapping[Role, tuple[str, ...]] = {
    "viewer": VIEWER,
    "analyst": ANALYST,
    "editor": TOOLSETS,
    "admin": TOOLSETS,
}
"""viewer: what is there and saved questions; analyst: any question; editor: also changes; admin: also the account."""
WRITERS: tuple[Role, ...] = ("editor", "admin")


@dataclass(frozen=True, slots=True)
class Principal:
    """One person or key. `id` is a pseudonym that is safe in paths, logs and metrics; `who` is for people's eyes."""

    id: str
    who: str = ""
    role: Role = "admin"
    projects: tuple[int, ...] | None = None
    """Projects that they may use, their usual one first; None: every project of the key."""

    def may_use(self, project_id: int) -> bool:
        return self.projects is None or project_id in self.projects


LOCAL = Principal("local", "this machine")
"""Whoever started the process: stdio, the command line, and HTTP without credentials."""


@dataclass(frozen=True, slots=True)
class Access:
    """What one request came with: its principal, and the key, project and region where it brings its own."""

    principal: Principal
    key: SecretStr | None = None
    project_id: int | None = None
    region: Literal["us", "eu"] | None = None


def principal_id(kind: str, secret: str) -> str:
    """A pseudonym of a key or a subject: 64 bits of its SHA-256."""
    return hashlib.sha256(f"posthog-mcp {kind}\n{secret}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def narrowed(settings: Settings, role: Role) -> dict[str, object]:
    """The settings that a role changes."""
    return {
        "toolsets": tuple(name for name in settings.toolsets if name in ROLE_TOOLSETS[role]),
        "allow_writes": settings.allow_writes and role in WRITERS,
        "allow_admin": settings.allow_admin and role == "admin",
    }
