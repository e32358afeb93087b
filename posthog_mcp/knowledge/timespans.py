"""The time that a question names: "last 90 days", "letzte Woche", "since October" as days back or a date."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date

from posthog_mcp.knowledge.words import folded

DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
UNITS = {
    "hour": "hours? stunden? heures? horas?",
    "day": "days? d tage?n? jours? dias?",
    "week": "weeks? w wochen? semaines? semanas?",
    "month": "months? mo monate?n?s? mois mes meses",
    "quarter": "quarters? quartale? trimestres?",
    "year": "years? jahre?n? ans annees? anos?",
}
UNIT = "|".join(f"(?P<{unit}>\\b(?:{'|'.join(words.split())})\\b)" for unit, words in UNITS.items())
BACK = (
    r"(?:last|past|previous|prior|recent|this|current|within|over|in the|during the"
    r"|letzte[nrms]?|vergangene[nrms]?|diese[nrms]?"
    r"|derni[a-z]+|ce(?:tte)?|ultim[a-z]+|pasad[a-z]+|passad[a-z]+|est[ea]|ess[ea])"
)
COUNTED = re.compile(rf"(?P<count>\d{{1,4}})[ -]?(?:(?:derni|ultim|letzt|last|past)[a-z]* )?(?:{UNIT})")
NAMED = re.compile(rf"\b{BACK} (?:{UNIT})|(?:{UNIT.replace('?P<', '?P<r_')}) (?:derni[a-z]+|pasad[a-z]+|passad[a-z]+)")
TODAY = re.compile(r"\b(?:today|heute|aujourd'hui|hoy|hoje)\b")
YESTERDAY = re.compile(r"\b(?:yesterday|gestern|hier|ayer|ontem)\b")
ISO = re.compile(r"\b(20\d\d-\d\d-\d\d)\b")
MONTHS = {
    1: "jan(?:uary|uar|eiro)?|janvier|enero", 2: "feb(?:ruary|ruar|rero)?|fevrier|fevereiro",
    3: "march|marz|mars|marzo|marco", 4: "apr(?:il)?|avril|abril", 5: "(?<=in )may|mai|mayo|maio",
    6: "june?|juni|juin|junio|junho",
    7: "july?|juli|juillet|julio|julho", 8: "aug(?:ust)?|aout|agosto", 9: "sept?(?:ember|embre|iembre)?|setembro",
    10: "oct(?:ober|obre|ubre)?|oktober|outubro", 11: "nov(?:ember|embre|iembre|embro)?",
    12: "dec(?:ember|embre)?|dezember|diciembre|dezembro",
}  # fmt: skip
MONTH = re.compile("|".join(f"(?P<m{number}>\\b(?:{names})\\b)" for number, names in MONTHS.items()))


@dataclass(frozen=True, slots=True)
class Timespan:
    """`days` back from today; `date_from`, and `date_to` where the question ends it earlier, as ISO dates."""

    days: int
    text: str
    date_from: str = ""
    date_to: str = ""
    unit: str = "day"


def timespan_in(question: str, today: date) -> Timespan | None:
    """The first time that the question names; None where it names none."""
    text = folded(question)
    dates = sorted(ISO.findall(text))
    if dates:
        return since(dates, today)
    for pattern in (COUNTED, NAMED):
        found = pattern.search(text)
        if found:
            return counted(found)
    if YESTERDAY.search(text):
        return Timespan(1, "yesterday", "-1d", "-1d")
    if TODAY.search(text):
        return Timespan(1, "today", "-0d")
    month = MONTH.search(text)
    return of_month(month, today) if month else None


def counted(found: re.Match[str]) -> Timespan:
    """So many units; "last week" is one."""
    groups = {name.removeprefix("r_"): value for name, value in found.groupdict().items() if value}
    count = int(groups.pop("count", "1") or 1)
    unit = next(name for name in DAYS if name in groups)
    days = max(1, min(3650, math.ceil(count * DAYS[unit])))
    return Timespan(days, found[0], f"-{days}d", unit=unit)


def since(dates: list[str], today: date) -> Timespan | None:
    """From the first of the dates, up to the last where there are two."""
    try:
        first = date.fromisoformat(dates[0])
    except ValueError:
        return None
    days = max(1, (today - first).days)
    return Timespan(days, dates[0], dates[0], dates[-1] if len(dates) > 1 else "")


def of_month(found: re.Match[str], today: date) -> Timespan:
    """The newest month of this name that has begun, from its first to its last day."""
    number = next(int(name[1:]) for name, value in found.groupdict().items() if value)
    year = today.year if number <= today.month else today.year - 1
    first = date(year, number, 1)
    after = date(year + number // 12, number % 12 + 1, 1)
    last = date.fromordinal(after.toordinal() - 1)
    return Timespan(max(1, (today - first).days), found[0], first.isoformat(), last.isoformat(), "month")
