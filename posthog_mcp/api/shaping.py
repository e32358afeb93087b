"""An answer of PostHog's API within a size: lists as rows under chosen fields, objects with long members left out.

Whatever is left out is named, with the way to get it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from posthog_mcp.backends.backend import ApiCall
from posthog_mcp.queries.shape import BUDGET, clean, fitting
from posthog_mcp.results import Json

LISTS = ("results", "items")
LONG = 1_500
"""Characters of a member beyond which it is left out of an object that is too big."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """The part of an answer that is shown. `next` are the parameters that give the rest; None: there is none."""

    body: dict[str, Json]
    truncated: bool
    next: dict[str, Json] | None
    left_out: tuple[str, ...] = ()


def shaped(call: ApiCall, found: Json, fields: Sequence[str]) -> Shaped:
    """Cut an answer to size; `fields` chooses members, `*` all of them."""
    if isinstance(found, dict):
        name = next((each for each in LISTS if isinstance(found.get(each), list)), None)
        if name is None:
            return an_object(found, fields)
        others = {key: value for key, value in found.items() if key not in (name, "next", "previous")}
        rows = a_list(call, cast("list[Json]", found[name]), fields)
        following = rows.next or next_of(found.get("next"))
        more = an_object(others, ()).body.get("object", {}) if others else {}
        about: dict[str, Json] = {
            key: value for key, value in cast("dict[str, Json]", more).items() if value is not None
        }
        return Shaped({**about, **rows.body}, following is not None, following, rows.left_out)
    if isinstance(found, list):
        return a_list(call, found, fields)
    return Shaped({"object": clean(found)}, False, None)


def a_list(call: ApiCall, items: list[Json], fields: Sequence[str]) -> Shaped:
    """Items as rows; of what has no members, the items themselves."""
    objects = [each for each in items if isinstance(each, dict)]
    columns = columns_of(call, objects, fields)
    if len(objects) < len(items) or not columns:
        rows = [[each] for each in items]
        columns = ["value"]
    else:
        rows = [[each.get(name) for name in columns] for each in objects]
    shown = fitting(rows)
    body: dict[str, Json] = {
        "columns": cast("list[Json]", columns),
        "rows": cast("list[Json]", shown),
        "row_count": len(items),
        "rows_shown": len(shown),
    }
    unseen = sorted({name for each in objects for name in each} - set(columns))
    following = smaller(call, len(shown)) if len(shown) < len(items) else None
    return Shaped(body, following is not None, following, tuple(unseen))


def columns_of(call: ApiCall, items: Sequence[Mapping[str, Json]], fields: Sequence[str]) -> list[str]:
    there = list(dict.fromkeys(name for each in items for name in each))
    if "*" in fields:
        return there
    wanted = list(fields) or [name for name in call.endpoint.fields if name in there]
    return wanted or there


def smaller(call: ApiCall, shown: int) -> dict[str, Json]:
    """Parameters for what did not fit: the next rows where the list goes by offset, else a smaller page."""
    params: dict[str, Json] = dict(call.params)
    if call.endpoint.shape == "offset":
        return {**params, "offset": int(str(params.get("offset", 0))) + shown}
    return {**params, "limit": max(1, shown)}


def next_of(link: Json) -> dict[str, Json] | None:
    """The parameters of PostHog's own link; its host is not looked at."""
    if not isinstance(link, str):
        return None
    return {
        name: int(value) if value.isdigit() and name != "cursor" else value
        for name, value in parse_qsl(urlsplit(link).query)
    }


def an_object(found: Mapping[str, Json], fields: Sequence[str]) -> Shaped:
    """An object; where it is too big, long members are left out, the longest first."""
    chosen = {name: found.get(name) for name in fields} if fields and "*" not in fields else dict(found)
    body = cast("dict[str, Json]", clean(chosen))
    sizes = {name: len(json.dumps(value, ensure_ascii=False)) for name, value in body.items()}
    left_out: list[str] = []
    for name in sorted(sizes, key=lambda each: -sizes[each]):
        if sum(sizes.values()) <= BUDGET or (sizes[name] <= LONG and len(sizes) < 3):
            break
        text = json.dumps(body[name], ensure_ascii=False)
        room = BUDGET if len(body) == 1 else 200
        body[name] = f"{text[:room]}… ({len(text):,} characters in all)"
        sizes[name] = min(sizes[name], room + 40)
        left_out.append(name)
    return Shaped({"object": body}, bool(left_out), None, tuple(left_out))
