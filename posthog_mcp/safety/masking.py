"""Replace personal data by pseudonyms: in one value, in JSON of any shape, and in the rows of a table.

`Masking` is one installation's masking in one mode; `Project.masking` is None where masking is off. It is plain and
blocking: rows of a large result go through it in a thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from posthog_mcp.results import Json, Table, read_json
from posthog_mcp.safety.keys import NUMBERS_TOO, OWN, Keys
from posthog_mcp.safety.lineage import ALLOWED, WHOLE
from posthog_mcp.safety.pseudonyms import PSEUDONYM, Pseudonyms
from posthog_mcp.safety.recognisers import luhn, replaced, whole

PERSONAL = frozenset({"email", "distinct_id", "distinct_ids", "first_name", "last_name", "phone"})
"""A dict with one of these describes a person, so its `name` is a person's."""
MAX_ALLOWED = 50_000
PAIR = re.compile(
    r"""(?P<before>(?<!\w)\\{0,3}["'](?P<key>[\w$ .-]{1,60})\\{0,3}["']\s{0,3}:\s{0,3}\\{0,3}["'])"""
    r"""(?P<value>[^"'\\]{1,400})"""
)
"""A key and its text in JSON that was cut or stands inside another text."""
CARD_DIGITS = range(15, 20)
PLACEHOLDERS = frozenset({"(none)", "(other)", "$$_posthog_breakdown_other_$$", "$$_posthog_breakdown_null_$$"})
"""What stands for no value or for the rest in a breakdown."""


class Masking:
    """`value` for what stands under a key, `rows` for a table with the labels of its columns."""

    def __init__(self, keys: Keys, pseudonyms: Pseudonyms, allowed: set[str] | None = None) -> None:
        self.keys = keys
        self._pseudonyms = pseudonyms
        self._allowed = set[str]() if allowed is None else allowed
        """Values of properties on the allow list that were seen: they stay in texts too."""

    def knowing(self, values: frozenset[str]) -> Masking:
        """The same, for one answer in which these values stay."""
        return Masking(self.keys, self._pseudonyms, {*self._allowed, *values}) if values else self

    def under(self, name: str, value: Json, *, person: bool = False) -> Json:
        """A value that stands under this name."""
        if self.keys.allows(name):
            return self.allow(value)
        return self.value(value, self.keys.label(name, person=person))

    def value(self, value: Json, label: str | None = None, *, person: bool = False) -> Json:
        """A value with this label; without one, what looks personal in it. `person`: it is a bag of properties."""
        if isinstance(value, str):
            return self.text(value, label, person=person)
        if isinstance(value, list):
            return self.items(value, label, person=person)
        if isinstance(value, dict):
            return self.members(value, label, person=person)
        if isinstance(value, bool) or value is None:
            return value
        if label in NUMBERS_TOO or (label is None and isinstance(value, int) and card_number(value)):
            return self._pseudonyms.of(label or "card", str(value))
        return value

    def text(self, text: str, label: str | None = None, *, person: bool = False) -> str:
        """A text: as a whole where it has a label, else the personal parts of it."""
        if not text or text in self._allowed or text in PLACEHOLDERS:
            return text
        inner = as_json(text)
        if inner is not None:
            masked = self.value(inner, label, person=person)
            return text if masked == inner else json.dumps(masked, ensure_ascii=False, separators=(",", ":"))
        if label is None:
            pairs = '"' in text or "'" in text
            return replaced(PAIR.sub(lambda pair: self._pair(pair, person), text) if pairs else text, self._part)
        return self._pseudonyms.of((whole(text) or label) if label == "id" else label, text)

    def _pair(self, pair: re.Match[str], person: bool) -> str:
        label = None if self.keys.allows(pair["key"]) else self.keys.label(pair["key"], person=person)
        value = pair["value"]
        if label is None or not value or value in self._allowed:
            return pair[0]
        return f"{pair['before']}{self._pseudonyms.of(label, value)}"

    def _part(self, label: str, value: str) -> str:
        return value if value in self._allowed else self._pseudonyms.of(label, value)

    def members(self, value: Mapping[str, Json], label: str | None, *, person: bool = False) -> Json:
        described, about = person or not PERSONAL.isdisjoint(value), filtered(value)
        masked: dict[str, Json] = {}
        for name, item in value.items():
            if about and name == "value":
                masked[name] = self.under(about, item, person=value.get("type") == "person")
                continue
            own = label or self.keys.label(name, person=described)
            bag = name in ("properties", "person_properties", "$set", "$set_once")
            plain = self.keys.allows(name) and label is None
            kept = plain or (name in OWN and isinstance(item, str))
            masked[self.text(name)] = self.allow(item) if kept else self.value(item, own, person=bag)
        return masked

    def items(self, value: Sequence[Json], label: str | None, *, person: bool = False) -> Json:
        """A list; of a pair that begins with a personal key, as `JSONExtractKeysAndValues` gives it, the second."""
        if label is None and len(value) == 2 and isinstance(value[0], str) and not PSEUDONYM.fullmatch(value[0]):
            key = self.keys.label(value[0], person=person)
            if key:
                return [value[0], self.value(unquoted(value[1]), key)]
        return [self.value(item, label, person=person) for item in value]

    def allow(self, value: Json) -> Json:
        """Note that these values stay."""
        if isinstance(value, str) and len(self._allowed) < MAX_ALLOWED:
            self._allowed.add(value)
        elif isinstance(value, list):
            for item in value:
                self.allow(item)
        elif isinstance(value, dict):
            for item in value.values():
                self.allow(item)
        return value

    def rows(self, rows: Sequence[Sequence[Json]], labels: Sequence[str | None]) -> list[list[Json]]:
        """Rows whose columns have these labels."""
        return [self.row(row, labels) for row in rows]

    def row(self, row: Sequence[Json], labels: Sequence[str | None]) -> list[Json]:
        """Where properties were unpacked into rows, a key in one cell says what the other cells are."""
        unpacked: str | None = None
        for cell, label in zip(row, labels, strict=True):
            if label == WHOLE and isinstance(cell, str) and unpacked is None:
                unpacked = self.keys.label(cell, person=True) if len(cell) <= 60 else None
        return [self.cell(cell, label, unpacked) for cell, label in zip(row, labels, strict=True)]

    def cell(self, cell: Json, label: str | None, unpacked: str | None) -> Json:
        if label == ALLOWED:
            return self.allow(cell)
        if label != WHOLE:
            return self.value(cell, label)
        if unpacked and not (isinstance(cell, str) and self.keys.label(cell, person=True)):
            return self.value(unquoted(cell), unpacked)
        if self.keys.mode == "strict" and isinstance(cell, str) and as_json(cell) is None and not self._is_key(cell):
            return self.text(cell, "private")
        return self.value(cell, person=True)

    def _is_key(self, text: str) -> bool:
        return text.startswith("$") or self.keys.label(text, person=True) is not None

    def table(self, table: Table, labels: Sequence[str | None]) -> Table:
        """A table whose columns have these labels."""
        return replace(table, rows=self.rows(table.rows, labels))


def filtered(value: Mapping[str, Json]) -> str:
    """The property that a filter of PostHog's shape, {key, value, …}, is on; "" where it is none."""
    key = value.get("key")
    return key if isinstance(key, str) and "value" in value else ""


def as_json(text: str) -> list[Json] | dict[str, Json] | None:
    """The object or list that a text is, if it is one."""
    if text[:1] not in "{[" or text[-1:] not in "}]":
        return None
    try:
        value = read_json(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None


def unquoted(value: Json) -> Json:
    """A raw JSON string without its quotes; lists likewise."""
    if isinstance(value, list):
        return [unquoted(item) for item in value]
    quoted = isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1] if quoted and isinstance(value, str) else value


def card_number(value: int) -> bool:
    text = str(value)
    return len(text) in CARD_DIGITS and luhn(text)
