"""Pseudonyms: `email_4f2a…`, the same for the same value, and no way back without the installation's key."""

from __future__ import annotations

import hashlib
import hmac
import re

PSEUDONYM = re.compile(r"(?:email|phone|ip|card|iban|token|name|private|id|geo)_[0-9a-f]{12}")
SPACES = re.compile(r"\s+")


class Pseudonyms:
    """HMAC-SHA-256 of the label and the normalised value, cut to 48 bits."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, label: str, value: str) -> str:
        """The pseudonym; a pseudonym is its own."""
        if PSEUDONYM.fullmatch(value):
            return value
        message = f"{label}\0{normal(label, value)}".encode("utf-8", "surrogatepass")
        return f"{label}_{hmac.new(self._key, message, hashlib.sha256).hexdigest()[:12]}"


def normal(label: str, value: str) -> str:
    """One spelling of a value: joins must not break on capitals, blanks or hyphens."""
    if label in ("phone", "card", "iban"):
        return re.sub(r"[^0-9A-Za-z+]", "", value).upper()
    text = SPACES.sub(" ", value.strip()).casefold()
    return text.replace("%40", "@") if label == "email" else text
