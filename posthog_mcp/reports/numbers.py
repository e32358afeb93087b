"""Whether the numbers of a text are those of the facts: value with unit and direction, dates as dates, words too.

Strict on purpose: a text that says a right number in another way is refused, and the built-in writer's stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = rf"({'|'.join(MONTHS)})[a-z]*\.?"
DAY = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
SPOKEN = re.compile(
    rf"(?i)\b(?:(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {MONTH}|{MONTH} (\d{{1,2}})(?:st|nd|rd|th)?)\b(?:,? (\d{{4}}))?"
)
CLOCK = re.compile(r"(?<![\d:])(\d{1,2}:\d{2})(?![\d:])")
UP = r"up|rose|rises?|rising|grew|grows?|gained|increased?|climbed|higher|gain|jumped|above"
DOWN = r"down|fell|falls?|dropped|drops?|declined?|decreased?|lost|shrank|lower|loss|below"
GAP = r"(?:[ \u00a0]+(?:by|of|about|roughly|a|an|to|from))*"
UNIT = r"%|percentage points?|percent\b|per cent\b|points?\b|times\b|-?fold\b|million\b|thousand\b|billion\b"
NUMBER = re.compile(
    rf"(?i)(?:\b(?P<up>{UP})\b|\b(?P<down>{DOWN})\b)?(?P<gap>{GAP})[ \u00a0]*"
    rf"(?<![\w.,])(?P<sign>[-+−]?)(?P<value>\d[\d,]*(?:\.\d+)?)(?P<unit>[ \u00a0]?(?:{UNIT})|\w+)?"
)
UNITS = {
    "percent": "%",
    "per cent": "%",
    "point": "points",
    "percentage point": "points",
    "percentage points": "points",
}
SMALL = {
    name: str(at)
    for at, name in (
        (0, "zero"), (2, "two"), (3, "three"), (4, "four"), (5, "five"), (6, "six"), (7, "seven"), (8, "eight"),
        (9, "nine"), (10, "ten"), (11, "eleven"), (12, "twelve"), (13, "thirteen"), (14, "fourteen"), (15, "fifteen"),
        (16, "sixteen"), (17, "seventeen"), (18, "eighteen"), (19, "nineteen"), (20, "twenty"),
    )
}  # fmt: skip
"""Without `one`, which is mostly no number."""
WORDS = re.compile(
    rf"(?i)\b(?:{'|'.join(SMALL)}|thirty|forty|fifty|sixty|seventy|eighty|ninety|dozens?|hundreds?|thousands?|millions?|"
    r"billions?|half|halved?|halves|halving|thirds?|quarters?|fifths?|tenths?|double[ds]?|doubling|tripled?|triples|"
    r"tripling|quadrupled?|twice|thrice|\w+fold)\b"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is said. `sign` is -1 or 1 where the text says a direction, else 0."""

    value: str
    unit: str
    sign: int
    spelt: str


def unknown_numbers(text: str, material: str) -> list[str]:
    """What a text says in numbers that the material does not: values with another unit or direction, dates, times of
    the day, and words such as `doubled`."""
    known = list(numbers(without_dates(material)))
    days, clocks = {"-".join(found) for found in DAY.findall(material)}, set(CLOCK.findall(material))
    wrong = [day for found in DAY.findall(text) if (day := "-".join(found)) not in days]
    wrong += [spoken[0] for spoken in SPOKEN.finditer(text) if not any(fits(spoken, day) for day in days)]
    wrong += [clock for clock in CLOCK.findall(text) if clock not in clocks]
    wrong += [each.spelt for each in numbers(without_dates(text)) if not told(each, known)]
    values, words = {each.value for each in known}, set(WORDS.findall(material.lower()))
    said = [each.lower() for each in WORDS.findall(text)]
    return wrong + [each for each in said if each not in words and SMALL.get(each, "") not in values]


def without_dates(text: str) -> str:
    for pattern in (DAY, SPOKEN, CLOCK):
        text = pattern.sub(" ", text)
    return text


def fits(spoken: re.Match[str], day: str) -> bool:
    """Whether `26 October` is this day."""
    number, month, month_first, number_last, year = spoken.groups()
    wanted = f"{MONTHS.index((month or month_first).lower()) + 1:02}-{int(number or number_last):02}"
    return day[5:] == wanted and (year is None or day[:4] == year)


def numbers(text: str) -> Iterator[Number]:
    """Numbers in one spelling: without separators and trailing zeros of decimals."""
    for found in NUMBER.finditer(text):
        plain = found["value"].rstrip(",").replace(",", "")
        value = plain.rstrip("0").rstrip(".") if "." in plain else plain
        unit = (found["unit"] or "").strip().lower()
        to = re.search(r"\b(?:to|from)\b", found["gap"].lower()) is not None
        sign = {"-": -1, "−": -1, "+": 1}.get(found["sign"], 0)
        if not sign and not to:
            sign = 1 if found["up"] else -1 if found["down"] else 0
        spelt = f"{found['sign']}{plain}{f' {unit}' if unit else ''}"
        yield Number(value, UNITS.get(unit, unit), sign, spelt)


def told(number: Number, known: list[Number]) -> bool:
    """Whether the facts say this value with this unit, and not only in the other direction."""
    same = [each for each in known if (each.value, each.unit) == (number.value, number.unit)]
    return any(not number.sign or each.sign in (0, number.sign) for each in same)
