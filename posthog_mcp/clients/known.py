"""The clients: where their servers stand, and the shape of an entry.

Sources: the documentation of each client as of November 2026; the forms of Claude Code and Codex were written by their
own commands (`claude mcp add`, `codex mcp add`) and compared.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from platformdirs import user_config_path

from posthog_mcp.results import Json

KEY = "POSTHOG_API_KEY"
Server = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How our server is reached: a command with its environment, or an address with the key and headers to send."""

    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    url: str = ""
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Client:
    """One client. `servers` is the path of members that holds the entries; TOML files have tables of that name."""

    title: str
    user_file: Callable[[], Path]
    project_file: str | None
    servers: tuple[str, ...]
    entry: Callable[[Wanted], Server]
    inputs: bool = False
    """It asks for secrets itself."""
    link: Callable[[str, Server], str] | None = None
    after: str = "Restart it."


def local(wanted: Wanted) -> Server:
    env: dict[str, Json] = dict(wanted.env)
    return {"command": wanted.command[0], "args": [*wanted.command[1:]], **({"env": env} if env else {})}


def sent(wanted: Wanted, key: str = "") -> Server:
    """The headers of each request; `key` stands for the key itself."""
    login = {"Authorization": f"Bearer {key or wanted.key}"} if wanted.key else {}
    headers: dict[str, Json] = {**login, **wanted.headers}
    return {"headers": headers} if headers else {}


def plain_entry(wanted: Wanted) -> Server:
    return {"url": wanted.url, **sent(wanted)} if wanted.url else local(wanted)


def desktop_entry(wanted: Wanted) -> Server:
    """Its file starts programs only: an address goes through mcp-remote.

    The key stands in `env`: a command's arguments show in every list of processes, and on Windows break at blanks.
    """
    if not wanted.url:
        return local(wanted)
    given = {**({"Authorization": "${POSTHOG_LOGIN}"} if wanted.key else {}), **wanted.headers}
    headers = [part for name, text in given.items() for part in ("--header", f"{name}:{text}")]
    env: Server = {"env": {"POSTHOG_LOGIN": f"Bearer {wanted.key}"}} if wanted.key else {}
    return {"command": "npx", "args": ["-y", "mcp-remote", wanted.url, *headers], **env}


def typed_entry(wanted: Wanted) -> Server:
    return {"type": "http", "url": wanted.url, **sent(wanted)} if wanted.url else {"type": "stdio", **local(wanted)}


def vscode_entry(wanted: Wanted) -> Server:
    """The key is asked for and kept by VS Code."""
    if wanted.url:
        return {"type": "http", "url": wanted.url, **sent(wanted, "${input:posthog-key}")}
    env: dict[str, Json] = {name: "${input:posthog-key}" if name == KEY else text for name, text in wanted.env.items()}
    return {"type": "stdio", **local(wanted), **({"env": env} if env else {})}


def windsurf_entry(wanted: Wanted) -> Server:
    return {"serverUrl": wanted.url, **sent(wanted)} if wanted.url else local(wanted)


def codex_entry(wanted: Wanted) -> Server:
    """It takes the key from its own environment."""
    if not wanted.url:
        return local(wanted)
    headers: Server = {"http_headers": dict(wanted.headers)} if wanted.headers else {}
    return {"url": wanted.url, **({"bearer_token_env_var": KEY} if wanted.key else {}), **headers}


def cursor_link(name: str, entry: Server) -> str:
    config = base64.b64encode(json.dumps(entry).encode()).decode()
    return f"cursor://anysphere.cursor-deeplink/mcp/install?name={quote(name)}&config={quote(config)}"


def vscode_link(name: str, entry: Server) -> str:
    return f"vscode:mcp/install?{quote(json.dumps({'name': name, **entry}))}"


def config(app: str, *parts: str) -> Path:
    """A file of an app in the platform's folder for settings."""
    return user_config_path(app, appauthor=False, roaming=True).joinpath(*parts)


INPUT: Server = {
    "type": "promptString",
    "id": "posthog-key",
    "description": "PostHog personal API key (phx_...)",
    "password": True,
}
CLIENTS: Mapping[str, Client] = {
    "claude-desktop": Client(
        "Claude Desktop", lambda: config("Claude", "claude_desktop_config.json"), None, ("mcpServers",), desktop_entry
    ),
    "claude-code": Client(
        "Claude Code",
        lambda: Path.home() / ".claude.json",
        ".mcp.json",
        ("mcpServers",),
        typed_entry,
        after="Start a new session, and check it with /mcp.",
    ),
    "cursor": Client(
        "Cursor",
        lambda: Path.home() / ".cursor" / "mcp.json",
        ".cursor/mcp.json",
        ("mcpServers",),
        plain_entry,
        link=cursor_link,
        after="Turn it on under Settings, MCP.",
    ),
    "vscode": Client(
        "VS Code",
        lambda: config("Code", "User", "mcp.json"),
        ".vscode/mcp.json",
        ("servers",),
        vscode_entry,
        inputs=True,
        link=vscode_link,
        after="Start it from the file's own line, or with MCP: List Servers.",
    ),
    "windsurf": Client(
        "Windsurf",
        lambda: Path.home() / ".codeium" / "windsurf" / "mcp_config.json",
        None,
        ("mcpServers",),
        windsurf_entry,
        after="Refresh the list of plugins.",
    ),
    "codex": Client(
        "Codex", lambda: Path.home() / ".codex" / "config.toml", ".codex/config.toml", ("mcp_servers",), codex_entry
    ),
}
