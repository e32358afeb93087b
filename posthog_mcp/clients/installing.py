"""Put our entry into a client's file: the new text, a copy of the old one, and one atomic write."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from posthog_mcp.clients.jsonc import with_item, with_member
from posthog_mcp.clients.known import INPUT, Client, Server, Wanted
from posthog_mcp.errors import InvalidInput, Unavailable


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done; `backup` is None where there was nothing to keep, `changed` False where it stood there already."""

    path: Path
    backup: Path | None
    changed: bool


def install(client: Client, path: Path, name: str, wanted: Wanted) -> Installed:
    """Write the entry into this file.

    Raises:
        InvalidInput: the file is not what it should be; it is left as it is.
        Unavailable: it cannot be read or written.
    """
    target = path.resolve()
    try:
        old = target.read_text(encoding="utf-8") if target.exists() else None
        new = edited(client, target, old or "", name, wanted)
        if new == old:
            return Installed(path, None, changed=False)
        backup = kept(target) if old is not None else None
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(target, new)
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text in UTF-8.", fix="Mend or move the file.") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.", fix="Run with --print and paste.") from None
    return Installed(path, backup, changed=True)


def edited(client: Client, path: Path, text: str, name: str, wanted: Wanted) -> str:
    """The file's text with our entry.

    Raises:
        InvalidInput: the text is not JSON or TOML, or holds something else where servers stand; with the place.
    """
    entry = client.entry(wanted)
    try:
        if path.suffix == ".toml":
            return with_table(text, client.servers[0], name, entry)
        text = with_input(text) if client.inputs and "${input:" in json.dumps(entry) else text
        return with_member(text, (*client.servers, name), entry)
    except InvalidInput as error:
        fix = "Mend that place and run this again; nothing was changed."
        raise InvalidInput(f"{path}: {error.message}", fix=fix) from None


def with_input(text: str) -> str:
    """VS Code's file with the question for the key among its `inputs`."""
    return with_item(text, "inputs", INPUT, json.dumps(INPUT["id"]))


def with_table(text: str, servers: str, name: str, entry: Server) -> str:
    """A TOML file with `[servers.name]`.

    Raises:
        InvalidInput: it is not TOML, with line and column, or holds something else under that name.
    """
    import tomlkit
    from tomlkit.exceptions import ParseError, TOMLKitError

    try:
        document = tomlkit.parse(text)
        if servers not in document:
            document[servers] = tomlkit.table(is_super_table=True)
        if not isinstance(document[servers], dict):
            raise InvalidInput(f"{servers} is not a table.")
        table = tomlkit.table()
        for key, value in entry.items():
            table[key] = value
        document[servers][name] = table  # pyright: ignore[reportIndexIssue]
        return tomlkit.dumps(document)
    except ParseError as error:
        raise InvalidInput(f"It is not TOML at line {error.line}, column {error.col}.") from None
    except TOMLKitError as error:
        raise InvalidInput(f"It is not TOML: {error}.") from None


def kept(path: Path) -> Path:
    """A copy beside the file, under a name that is free."""
    number, backup = 1, path.with_name(f"{path.name}.bak")
    while backup.exists():
        number, backup = number + 1, path.with_name(f"{path.name}.bak{number + 1}")
    shutil.copy2(path, backup)
    return backup


def replace(path: Path, text: str) -> None:
    """Write a file in one step, with the rights that it had; a new one may hold a key and is the user's alone."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8", newline="") as file:
        file.write(text)
    new.replace(path)


def printed(client: Client, path: Path, name: str, wanted: Wanted) -> str:
    """What an empty file would hold."""
    return edited(client, path, "", name, wanted)
