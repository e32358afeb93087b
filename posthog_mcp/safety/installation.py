"""The installation's secret, from which every key of ours is derived, and the masking that the settings ask for.

POSTHOG_MCP_SECRET where it is set, as it must be where several processes on several machines share one address;
otherwise 32 random bytes in the data folder, made by whoever comes first and readable by this user only.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from posthog_mcp.safety.keys import Keys
from posthog_mcp.safety.masking import Masking
from posthog_mcp.safety.pseudonyms import Pseudonyms
from posthog_mcp.settings import Settings

FILE = "secret.key"
BYTES = 32


def derived(settings: Settings, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose."""
    given = settings.secret
    secret = given.get_secret_value().encode() if given else kept(settings.data_dir)
    return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()


def kept(folder: Path) -> bytes:
    """The secret of a data folder; where it cannot be written, one that lives as long as the process."""
    path = folder / FILE
    try:
        return read(path) or made(path)
    except OSError:
        return LOST


LOST = secrets.token_bytes(BYTES)


def read(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return b""
    return found if len(found) == BYTES else b""


def made(path: Path) -> bytes:
    """Write a new secret, or take the one that another process wrote meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"{FILE}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(BYTES))
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
    return path.read_bytes()


def open_masking(settings: Settings) -> Masking | None:
    """The masking of these settings; None for `off`."""
    if settings.mask == "off":
        return None
    keys = Keys(settings.mask, lowered(settings.mask_allow), lowered(settings.mask_deny))
    return Masking(keys, Pseudonyms(derived(settings, "masking")))


def lowered(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
