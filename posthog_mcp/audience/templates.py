"""Texts with variables: `{{name}}` is a person's property, `{{name | there}}` has a word for those who have none.

What people wrote about themselves is untrusted: it becomes one line without marks, links, tags and mentions; inside a
link it is percent-encoded and can never choose the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from posthog_mcp.delivery.message import quoted

VARIABLE = re.compile(r"\{\{\s*([\w.$-]+)\s*(?:\|\s*([^{}]*?))?\s*\}\}")
LINK = re.compile(r"https?://(?:\{\{[^{}]*\}\}|[^\s<>()\"'{}])+")
HOST = re.compile(r"https?://[^/?#\s]*\{\{")
MOST_OF_A_VALUE = 200


@dataclass(frozen=True, slots=True)
class Gap:
    """A variable without a word of its own for people who lack it: how many do."""

    name: str
    people: int


def check_template(text: str) -> None:
    """Refuse a text whose variables would be sent as they stand, or choose where a link leads.

    Raises:
        ValueError: what is wrong, in words.
    """
    rest = VARIABLE.sub("", text)
    if "{{" in rest or "}}" in rest:
        at = rest.find("{{") if "{{" in rest else rest.find("}}")
        near = rest[max(at - 10, 0) : at + 20]
        raise ValueError(f"a variable near {near!r} cannot be read; write {{{{name}}}} or {{{{name | there}}}}")
    if HOST.search(text):
        raise ValueError("a variable in the host of a link would let people choose where it leads")


def filled(template: str, properties: Mapping[str, str]) -> str:
    """The text for one person."""
    parts: list[str] = []
    last = 0
    for link in LINK.finditer(template):
        parts += [worded(template[last : link.start()], properties), encoded(link[0], properties)]
        last = link.end()
    return "".join([*parts, worded(template[last:], properties)])


def worded(text: str, properties: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda found: value_of(found, properties), text)


def encoded(link: str, properties: Mapping[str, str]) -> str:
    return VARIABLE.sub(
        lambda found: quote(properties.get(found[1], "")[:MOST_OF_A_VALUE] or found[2] or "", safe=""), link
    )


def value_of(found: re.Match[str], properties: Mapping[str, str]) -> str:
    return quoted(properties.get(found[1], ""), MOST_OF_A_VALUE) or found[2] or ""


def variables_of(texts: Iterable[str]) -> list[str]:
    """Properties that the texts use."""
    return list(dict.fromkeys(name for text in texts for name, _ in VARIABLE.findall(text)))


def gaps(texts: Sequence[str], people: Sequence[Mapping[str, str]]) -> list[Gap]:
    """Variables without a word after the bar that some of the people lack, the most missed first."""
    bare = dict.fromkeys(name for text in texts for name, other in VARIABLE.findall(text) if not other)
    found = [Gap(name, sum(not each.get(name, "").strip() for each in people)) for name in bare]
    return sorted((each for each in found if each.people), key=lambda each: -each.people)


def tagged(text: str, link: str) -> str:
    """Links with the campaign in their query, so that what follows a click can be counted."""

    def one(found: re.Match[str]) -> str:
        bare = found[0].rstrip(".,;:!?")
        address, hash_sign, fragment = bare.partition("#")
        more = f"{address}{'&' if '?' in address else '?'}{link}{hash_sign}{fragment}"
        return more + found[0][len(bare) :]

    return LINK.sub(one, text)
