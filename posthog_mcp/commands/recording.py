"""Work that is started outside MCP is on record too: who ran which command, how long it took, how it ended.

Only commands that read the project's data, send something, or change what is kept; `call` and `demo` go through the
server, which records for itself. Codes, names of people and paths in the arguments are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
import time
from collections.abc import Generator
from datetime import UTC, datetime

from posthog_mcp.errors import PostHogMcpError, Unavailable
from posthog_mcp.runtime import open_audit
from posthog_mcp.safety.installation import open_masking
from posthog_mcp.safety.principals import principal_id
from posthog_mcp.settings import Settings
from posthog_mcp.state.audit import Record

RECORDED = frozenset({"report", "alerts", "approve", "themes", "schedule", "forget", "sync"})
"""Modules of commands."""
SHOWN = ("kind", "action", "theme", "name", "dashboard", "send", "dry_run", "later", "once")
"""Arguments that say what a command did."""


@contextlib.contextmanager
def recorded(settings: Settings, action: str) -> Generator[None]:
    """Put what happens inside on record, however it ends.

    Raises:
        Unavailable: the audit is required and cannot be written.
        PostHogMcpError: what happened inside.
    """
    begun, decision = time.perf_counter(), "error"
    try:
        yield
        decision = "ok"
    except PostHogMcpError as error:
        decision = error.code
        raise
    finally:
        write(settings, action, decision, (time.perf_counter() - begun) * 1000)


def write(settings: Settings, action: str, decision: str, elapsed_ms: float) -> None:
    """One record, written at once.

    Raises:
        Unavailable: the audit is required and cannot be written.
    """
    audit = open_audit(settings)
    if audit is None:
        return
    masking, user = open_masking(settings), user_name()
    shown = action if masking is None else masking.text(action)
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    principal, project_id = principal_id("user", user), settings.project_id or 0
    audit.add(Record(at, principal, shown[:200], project_id, "", "", 0, 0, elapsed_ms, False, decision, f"user {user}"))
    try:
        audit.flush()
    except Unavailable as error:
        if settings.audit == "required":
            raise
        sys.stderr.write(f"{error.message}\n")


def user_name() -> str:
    """The operating system's name of who runs this; a container may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def action_of(arguments: argparse.Namespace) -> str:
    """`command report weekly send=slack`."""
    given = vars(arguments)
    words = [f"{name}={text(given[name])}" for name in SHOWN if given.get(name)]
    return " ".join(["command", str(arguments.module), *words])


def text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
