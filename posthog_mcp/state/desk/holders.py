"""Who claims and leads: a process, told apart from every other, and whether it is known to have ended."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
from pathlib import Path


def machine() -> str:
    """Where process ids mean the same: this boot and process namespace on Linux, the computer's name elsewhere.
    Containers may share a name and each have a process 1."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        place = f"{platform.node()} {boot} {os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        place = platform.node()
    return hashlib.sha256(place.encode()).hexdigest()[:16]


MACHINE = machine()
HOLDER = f"{MACHINE}:{os.getpid()}:{secrets.token_hex(4)}"
"""This process, of this life: a process id comes again after a restart."""


def died(holder: str) -> bool:
    """Whether a process of this machine is known to have ended; of others nothing is known."""
    place, _, rest = holder.partition(":")
    number, _, _ = rest.partition(":")
    if place != MACHINE or not number.isdigit() or os.name == "nt":
        return False
    if int(number) == os.getpid():
        return holder != HOLDER
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
