"""Spans: what is missing, whole and without overlap, in pieces of a week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from posthog_mcp.sync.spans import LONGEST, Span, cut, merged, missing

ZERO = datetime(2026, 1, 1, tzinfo=UTC)


def span(start: int, end: int) -> Span:
    return Span(ZERO + timedelta(hours=start), ZERO + timedelta(hours=end))


spans = st.builds(lambda start, length: span(start, start + length), st.integers(0, 500), st.integers(1, 300))


def hours(found: list[Span]) -> list[int]:
    """Every hour that the spans have, as often as they have it."""
    return [
        hour
        for each in found
        for hour in range(int((each.start - ZERO) / timedelta(hours=1)), int((each.end - ZERO) / timedelta(hours=1)))
    ]


@given(wanted=spans, there=st.lists(spans, max_size=6))
def test_missing_and_there_are_the_whole_without_overlap(wanted: Span, there: list[Span]) -> None:
    gaps = hours(missing(wanted, there))
    assert len(gaps) == len(set(gaps))
    assert set(gaps) == set(hours([wanted])) - set(hours(there))


@given(there=st.lists(spans, max_size=6))
def test_merged_spans_are_the_same_time(there: list[Span]) -> None:
    found = merged(there)
    assert set(hours(found)) == set(hours(there))
    assert all(one.end < two.start for one, two in pairwise(found))


@given(there=st.lists(spans, max_size=4))
def test_pieces_are_short_and_the_same_time(there: list[Span]) -> None:
    pieces = cut(there)
    assert all(piece.end - piece.start <= LONGEST for piece in pieces)
    assert hours(pieces) == hours(there)
