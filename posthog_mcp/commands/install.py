"""`install CLIENT`: put this server into an MCP client's settings, or print what to put there."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from posthog_mcp.clients.installing import install, printed
from posthog_mcp.clients.known import CLIENTS, KEY, Client, Wanted
from posthog_mcp.errors import InvalidInput
from posthog_mcp.settings import Settings

UVX = ("uvx", "--from", "posthog-mcp[local]", "posthog-mcp")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Write, print, or give the link."""
    client = CLIENTS[arguments.client]
    path, wanted = place(client, arguments.scope), reached(settings, arguments)
    if arguments.link:
        sys.stdout.write(link(client, arguments.name, wanted) + "\n")
        return 0
    if arguments.print:
        sys.stderr.write(f"{client.title} reads {path}:\n")
        sys.stdout.write(printed(client, path, arguments.name, wanted).strip() + "\n")
        return 0
    done = install(client, path, arguments.name, wanted)
    if not done.changed:
        sys.stdout.write(f"{done.path} has it already.\n")
        return 0
    copy = f" (the file as it was: {done.backup})" if done.backup else ""
    sys.stdout.write(f"Wrote {arguments.name!r} to {done.path}{copy}. {client.after}\n")
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    if key and arguments.scope == "project" and key in done.path.read_text(encoding="utf-8"):
        sys.stdout.write("Your key stands in it: keep the file out of version control.\n")
    return 0


def place(client: Client, scope: str) -> Path:
    """The file.

    Raises:
        InvalidInput: the client has no settings of a project.
    """
    if scope == "user":
        return client.user_file()
    if client.project_file is None:
        raise InvalidInput(f"{client.title} has no settings of a project.", fix="Leave --scope project out.")
    return Path.cwd() / client.project_file


def reached(settings: Settings, arguments: argparse.Namespace) -> Wanted:
    """How the client shall start or find the server: with the key and project of these settings."""
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    if arguments.url:
        return Wanted(url=arguments.url, key=key, headers=headers(settings))
    env = {KEY: key} if key else {}
    if settings.project_id is not None:
        env["POSTHOG_PROJECT_ID"] = str(settings.project_id)
    if settings.base_url:
        env["POSTHOG_BASE_URL"] = settings.base_url
    elif settings.region != "us":
        env["POSTHOG_REGION"] = settings.region
    python = arguments.using == "python" or (arguments.using == "auto" and shutil.which("uvx") is None)
    return Wanted(command=(sys.executable, "-m", "posthog_mcp") if python else UVX, env=env)


def headers(settings: Settings) -> dict[str, str]:
    """What tells a server for a team the project and region of a key."""
    project = {"X-PostHog-Project-Id": str(settings.project_id)} if settings.project_id is not None else {}
    elsewhere = settings.region != "us" and not settings.base_url
    return {**project, **({"X-PostHog-Region": settings.region} if elsewhere else {})}


def link(client: Client, name: str, wanted: Wanted) -> str:
    """A link that installs with one click.

    Raises:
        InvalidInput: the client knows none.
    """
    if client.link is None:
        can = ", ".join(each for each, one in CLIENTS.items() if one.link)
        raise InvalidInput(f"{client.title} has no such link.", fix=f"These have: {can}.")
    bare = replace(wanted, key="", env={name: text for name, text in wanted.env.items() if name != KEY})
    return client.link(name, client.entry(bare))
