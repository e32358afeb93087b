"""Whole answers, masked: structured content by keys and column names, and a text that says the same.

What structured content shows under a personal key, the text shows too, only laid out: every value that was replaced
in the one is replaced in the other, and then whatever still looks personal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from posthog_mcp.results import Json
from posthog_mcp.safety.keys import OWN
from posthog_mcp.safety.masking import Masking, filtered
from posthog_mcp.safety.recognisers import found

HEADERS = ("columns", "fields")
BODIES = ("rows", "items", "queries", "fields")
SHOWN_PART = 190
"""Texts show the first 200 characters of a long cell."""
PEOPLE = frozenset({"email", "distinct_id", "distinct_ids", "first_name", "last_name"})


def masked_document(masking: Masking, value: Json) -> Json:
    """Structured content of any tool."""
    if isinstance(value, list):
        return [masked_document(masking, item) for item in value]
    if not isinstance(value, dict):
        return masking.value(value)
    if filtered(value):
        return masking.value(value)
    header = next((names for each in HEADERS if (names := column_names(value.get(each)))), None)
    described = not PEOPLE.isdisjoint(value)
    return {
        masking.text(name): masked_member(masking, name, item, header, described=described)
        for name, item in value.items()
    }


def masked_member(masking: Masking, name: str, item: Json, header: Sequence[str] | None, *, described: bool) -> Json:
    """What stands under this name beside a header of columns, or in the description of a person."""
    if name in OWN:
        return item
    if header and name in BODIES and is_table(item, len(header)):
        return masked_rows(masking, header, cast("list[list[Json]]", item))
    if isinstance(item, dict | list) and not masking.keys.label(name) and not masking.keys.allows(name):
        return masking.under(name, item, person=True) if person(item) else masked_document(masking, item)
    return masking.under(name, item, person=described)


def person(item: Json) -> bool:
    return isinstance(item, dict) and not PEOPLE.isdisjoint(item)


def column_names(value: Json) -> list[str] | None:
    """Names of a list of columns, as texts, objects or pairs with their types; None where it is none."""
    if not isinstance(value, list) or not value:
        return None
    names = [each.get("name") if isinstance(each, dict) else first(each) for each in value]
    return [str(each) for each in names] if all(isinstance(each, str) for each in names) else None


def first(column: Json) -> Json:
    """The name in [name, type]."""
    return column[0] if isinstance(column, list) and len(column) == 2 else column


def is_table(value: Json, width: int) -> bool:
    return isinstance(value, list) and all(isinstance(row, list) and len(row) == width for row in value)


def masked_rows(masking: Masking, header: Sequence[str], rows: Sequence[Sequence[Json]]) -> Json:
    """Rows by the names of their columns, which may be dotted paths."""
    people = not PEOPLE.isdisjoint(header)
    names = [name.rpartition(".")[2] for name in header]
    bags = [name in ("properties", "person_properties") for name in names]
    return [
        [
            masking.value(cell, person=True) if bag else masking.under(name, cell, person=people)
            for name, bag, cell in zip(names, bags, row, strict=True)
        ]
        for row in rows
    ]


def differences(before: Json, after: Json) -> Iterator[tuple[str, str]]:
    """(was, is) of every text or number that was replaced; of keys too, where no two became one."""
    if isinstance(before, list) and isinstance(after, list):
        for old, new in zip(before, after, strict=True):
            yield from differences(old, new)
    elif isinstance(before, dict) and isinstance(after, dict):
        if len(before) == len(after):
            for old, new in zip(before.items(), after.items(), strict=True):
                yield from differences(list(old), list(new))
    elif before != after and isinstance(after, str):
        yield (before if isinstance(before, str) else json.dumps(before)), after


def masked_text(masking: Masking, text: str, changes: Mapping[str, str]) -> str:
    """The text with every one of these changes, and then what looks personal."""
    for old, new in sorted(changes.items(), key=lambda pair: -len(pair[0])):
        for spelling in {old, json.dumps(old)[1:-1], json.dumps(old, ensure_ascii=False)[1:-1], old[:SHOWN_PART]}:
            if len(spelling) > 1 and spelling in text:
                text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", new.replace("\\", r"\\"), text)
    return masking.text(text)


def known(arguments: Json) -> frozenset[str]:
    """Personal data that the caller gave: it may stand in the arguments of `next`."""
    texts = {value for _, value in found(json.dumps(arguments, ensure_ascii=False))}
    return frozenset({*texts, *sought(arguments)})


def sought(arguments: Json) -> Iterator[str]:
    """Texts that filters among the arguments look for."""
    if isinstance(arguments, dict):
        wanted = arguments.get("value") if filtered(arguments) else None
        yield from (each for each in (wanted if isinstance(wanted, list) else [wanted]) if isinstance(each, str))
    if isinstance(arguments, dict | list):
        for each in arguments.values() if isinstance(arguments, dict) else arguments:
            yield from sought(each)
