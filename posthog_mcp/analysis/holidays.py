"""Days on which a metric is known to be otherwise: dates as given, and a country's public holidays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from posthog_mcp.errors import InvalidInput, Unavailable

COUNTRY = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
FIX = "Give dates (2026-12-25), or a country of ISO 3166, with or without its part: DE, US-CA."
GIVEN = "known day"


def known_days_of(given: Sequence[str], labels: Iterable[str]) -> dict[str, str]:
    """Day → what it is, for the days that are given and the holidays of the countries among them in the years of the
    labels.

    Raises:
        InvalidInput: neither a date nor a country that has holidays.
        Unavailable: a country is given and the package of holidays is not installed.
    """
    found: dict[str, str] = {}
    years = sorted({int(each[:4]) for each in labels})
    for each in given:
        country = COUNTRY.fullmatch(each.strip().upper())
        if country:
            found |= holidays_of(each, country[1], country[2], years)
        else:
            found[day_of(each)] = GIVEN
    return found


def day_of(text: str) -> str:
    """A date; a time behind it says nothing.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return date.fromisoformat(text.strip()[:10]).isoformat()
    except ValueError:
        raise InvalidInput(f"The known day {text!r} cannot be read.", fix=FIX) from None


def holidays_of(text: str, country: str, part: str | None, years: Sequence[int]) -> Mapping[str, str]:
    """A country's public holidays, in English where the package has that.

    Raises:
        InvalidInput: there is no such country or part.
        Unavailable: the package is not installed.
    """
    try:
        from holidays import country_holidays
    except ImportError:
        fix = 'Run: pip install "posthog-mcp[holidays]"; or give the dates.'
        raise Unavailable("The holidays of countries are not installed.", fix=fix) from None
    try:
        found = country_holidays(country, subdiv=part, years=years, language="en_US")
    except NotImplementedError:
        raise InvalidInput(f"There are no holidays of {text!r}.", fix=FIX) from None
    return {day.isoformat(): f"{name} ({text.strip().upper()})" for day, name in sorted(found.items())}
