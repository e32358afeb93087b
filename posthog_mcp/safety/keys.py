"""Personal data by the name it stands under: `email`, `firstName`, `$ip`, `phone_number`, …

A name is split into words (`firstName`, `$first_name` and `First name` are one). The bare word `name` says little:
events, insights and tools have one too, so it counts only where a person is described.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Mode = Literal["off", "pii", "strict"]
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

PHRASES: dict[str, tuple[str, ...]] = {
    "email": ("email", "e mail", "mail address"),
    "phone": ("phone", "telephone", "mobile number", "msisdn", "fax", "whatsapp"),
    "ip": ("ip", "ip address", "ipaddress", "remote addr", "client ip"),
    "card": ("card number", "credit card", "creditcard", "cardnumber", "cvv"),
    "iban": ("iban", "bank account", "account number", "sort code"),
    "token": ("token", "password", "passwd", "secret", "api key", "apikey", "access key", "private key",
              "authorization", "cookie", "csrf", "otp"),
    "name": ("first name", "last name", "full name", "given name", "family name", "middle name", "sur name", "surname",
             "maiden name", "nick name", "nickname", "user name", "username", "display name", "customer name",
             "contact name", "firstname", "lastname", "fullname", "displayname", "realname", "real name"),
    "private": ("ssn", "social security", "passport", "tax id", "national id", "birthday", "birth date", "birthdate",
                "date of birth", "dob", "street", "street address", "postal address", "home address", "address line",
                "shipping address", "billing address"),
}  # fmt: skip
STRICT: dict[str, tuple[str, ...]] = {
    "id": ("distinct id", "distinct ids", "user id", "device id", "anon distinct id", "alias"),
    "geo": ("geoip city name", "geoip latitude", "geoip longitude", "geoip postal code", "postal code", "zip code",
            "latitude", "longitude"),
}  # fmt: skip
NUMBERS_TOO = frozenset({"phone", "card", "iban", "private", "id", "geo"})
"""Labels whose numbers are personal as well."""
OWN = frozenset({"confirm_token", "cursor", "query_id", "run_id", "script_id", "data_note", "uri", "code"})
"""Keys of our own answers, whose values a client has to give back unchanged."""
COUNTS = frozenset({"count", "counts", "sent", "opened", "verified", "domain", "type", "provider", "tokens", "status"})
"""Last words that make a number or a class of what came before."""


@dataclass(frozen=True)
class Keys:
    """Which names are personal, in a mode, with the installation's own lists (they win)."""

    mode: Mode
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()

    def label(self, name: str, *, person: bool = False) -> str | None:
        """The label of a value under this name. `person`: the name stands in a person's properties."""
        plain = name.casefold()
        if plain in self.deny:
            return usual_label(name, strict=True) or "private"
        if plain in self.allow or plain in OWN:
            return None
        if person and plain.lstrip("$") == "name":
            return "name"
        return usual_label(name, strict=self.mode == "strict")

    def allows(self, name: str) -> bool:
        """Whether values under this name stay, whatever they look like."""
        return name.casefold() in self.allow and name.casefold() not in self.deny


@lru_cache(maxsize=4096)
def usual_label(name: str, *, strict: bool) -> str | None:
    words = [word.lower() for word in WORD.findall(name[:200])]
    if not words or words[-1] in COUNTS:
        return None
    joined = f" {' '.join(words)} "
    tables: Iterable[dict[str, tuple[str, ...]]] = (STRICT, PHRASES) if strict else (PHRASES,)
    for table in tables:
        for label, phrases in table.items():
            if any(f" {phrase} " in joined for phrase in phrases):
                return label
    return None
