"""Text made fit to print: bytes in any disguise are named with their type and size, hidden characters taken out.

What counts as bytes: data URIs, base64 and hex of 200 characters and more, and text that is mostly unreadable.
"""

from __future__ import annotations

import re

from posthog_mcp.queries.shape import HIDDEN
from posthog_mcp.results import LONE

SHORTEST = 200
"""Characters; shorter tokens are ids, hashes and signatures of URLs, which people search for."""
DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[\w.+-]+)*;base64,([A-Za-z0-9+/_-]*+={0,2})")
WORD = r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{200,}+={0,2}"
LINES = r"(?:^[ \t]*[A-Za-z0-9+/]{60,76}\r?\n){4,}[ \t]*[A-Za-z0-9+/]*={0,2}"
RUN = re.compile(f"{WORD}|{LINES}", re.MULTILINE)
BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
ENCODING = bytes(ord("x") if byte in BASE64 else ord(" ") for byte in range(256))
LONG_RUN = b"x" * 60
"""What a text without bytes in it does not have; finding that out is cheap."""
ESCAPED = re.compile(r"(?:\\x[0-9a-fA-F]{2}){20,}")
MAGIC = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp or audio/wav"),
    ("JVBERi0", "application/pdf"),
    ("UEsDB", "zip"),
    ("H4sI", "gzip"),
    ("SUQz", "audio/mpeg"),
    ("T2dnUw", "audio/ogg"),
    ("AAAAI", "video/mp4"),
    ("AAAAG", "video/mp4"),
)
"""First characters of base64, and what it then is."""


def printable(text: str) -> str:
    """The text with bytes named, no lone surrogates, no control or invisible characters."""
    if not text.isascii():
        text = LONE.sub("\ufffd", text)
        if len(text) >= SHORTEST and text.count("\ufffd") > len(text) * 0.2:
            return f"[unreadable bytes, {len(text):,} characters]"
    if len(text) >= SHORTEST:
        text = without_bytes(text)
    return HIDDEN.sub("", text)


def one_line(name: str) -> str:
    """A name fit to stand in a line of structure, which it cannot break out of."""
    return " ".join(printable(name[:2_000]).split())[:200]


def without_bytes(text: str) -> str:
    """The text with data URIs, base64, hex and escaped bytes named."""
    if "base64," in text:
        text = DATA_URI.sub(lambda found: named(found[2], found[1] or ""), text)
    if LONG_RUN in text.encode("ascii", "replace").translate(ENCODING):
        text = RUN.sub(lambda found: named(found[0]) if is_encoded(found[0]) else found[0], text)
    return ESCAPED.sub(lambda found: f"[bytes, {size(len(found[0]) // 4)}]", text) if "\\x" in text else text


def is_encoded(run: str) -> bool:
    """Whether a long word is base64 or hex: its characters are spread as bytes spread them."""
    if any(run.startswith(prefix) for prefix, _ in MAGIC):
        return True
    sample = run[:2_000]
    if is_hex(sample):
        return len({*sample}) >= 8
    digits, upper = sum(map(str.isdigit, sample)), sum(map(str.isupper, sample))
    lower = len(sample) - digits - upper - sum(map(sample.count, "+/_-= \t\r\n"))
    return min(upper, lower) >= len(sample) * 0.2 and digits >= len(sample) * 0.05 and len({*sample}) >= 32


def is_hex(text: str) -> bool:
    return not text.lower().strip("0123456789abcdef")


def named(encoded: str, kind: str = "") -> str:
    """`[image/png, 12.3 kB]` in place of the bytes."""
    if not kind and is_hex(encoded):
        return f"[hex, {size(len(encoded) // 2)}]"
    found = kind or next((kind for prefix, kind in MAGIC if encoded.startswith(prefix)), "base64")
    return f"[{found}, {size(len(encoded) * 3 // 4)}]"


def ciphertext(value: str, what: str) -> str:
    """What stands for text that only the provider can read."""
    return f"[encrypted {what}, {size(len(value) * 3 // 4)}]"


def size(count: int) -> str:
    """Bytes for people, decimal."""
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1_000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
