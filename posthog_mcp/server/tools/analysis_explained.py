"""Content and text of an explanation: conclusions first, then the segments behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from posthog_mcp.analysis.anomalies import rounded
from posthog_mcp.analysis.explanation import Dimension, Explanation, Window
from posthog_mcp.queries.shape import clean, fenced
from posthog_mcp.results import Json
from posthog_mcp.server.tools.analysis_texts import finished
from posthog_mcp.server.tools.texts import Shown, rows_in_text

DIMENSIONS, SEGMENTS = 4, 6
"""Shown of each; the rest of a dimension's segments is summed in one row, so that the parts still sum to the whole."""
HEADER = ("segment", "before", "after", "contribution", "mix", "rate", "q", "n_before", "n_after", "status")


def explanation_content(found: Explanation) -> Shown:
    """The whole explanation."""
    sure = found.confirmation
    shown = [dimension_json(each) for each in found.dimensions[:DIMENSIONS]]
    content: dict[str, Json] = {
        "established": texts(found.established),
        "likely": texts(found.likely),
        "unknown": texts(found.unknown),
        "change": rounded(found.change),
        "relative": None if found.relative is None else rounded(found.relative),
        "current": window_json(found.current),
        "baseline": window_json(found.baseline),
        "confirmation": {
            "holds": sure.holds,
            "expected": rounded(sure.expected),
            "low": rounded(sure.low),
            "high": rounded(sure.high),
            "p": rounded(sure.p),
            "since": [[each.label, each.first, each.last] for each in sure.shifts],
            "unusual": [each.label for each in sure.anomalies],
        },
        "quality": [[each.code, clean(each.text), each.serious] for each in found.quality],
        "drivers": [
            {
                "where": [list(pair) for pair in each.where],
                "before": rounded(each.before),
                "after": rounded(each.after),
                "effect": rounded(each.effect),
                "share_of_change": rounded(each.share),
                "q": rounded(each.q),
                "n": each.n,
                "same_as": [list(pair) for pair in each.twins],
            }
            for each in found.drivers
        ],
        "steps": [
            [clean(each.step), rounded(each.before), rounded(each.after), each.before_n, each.after_n, rounded(each.q)]
            for each in found.steps
        ],
        "dimensions": cast("Json", shown),
        "also_looked_at": [clean(each.name) for each in found.dimensions[DIMENSIONS:]],
        "happenings": [[each.kind, clean(each.name), each.at, each.days] for each in found.happenings],
        "moved_too": [clean(each.text) for each in found.companions],
        "values": [clean(each.text) for each in found.values],
        "tests": found.tests,
        "segment_query_ids": cast("Json", list(found.queries)),
    }
    if found.split:
        part = found.split
        content["volume_and_rate"] = [
            [part.volume, rounded(part.by_volume), rounded(part.volume_before), rounded(part.volume_after)],
            [part.rate, rounded(part.by_rate), rounded(part.rate_before), rounded(part.rate_after)],
        ]
    lines = [
        *told("Established", found.established),
        *told("Likely", found.likely),
        *told("Cannot be known from this", found.unknown),
        *(dimension_text(each) for each in found.dimensions[:DIMENSIONS]),
    ]
    if content["also_looked_at"]:
        lines.append(f"also looked at: {fenced(', '.join(map(str, cast('list[Json]', content['also_looked_at']))))}")
    if found.steps:
        header = ("step", "before", "after", "n_before", "n_after", "q")
        lines.append(rows_in_text(header, cast("list[list[Json]]", content["steps"])))
    if found.happenings:
        rows = cast("list[list[Json]]", content["happenings"])
        lines.append(f"Around it:\n{rows_in_text(('kind', 'name', 'at', 'days_before_change'), rows)}")
    if found.queries:
        lines.append(f"segments are of query_ids {', '.join(found.queries)} (show_last_script tells each one's HogQL)")
    return finished(content, lines, found.series)


def texts(sentences: Sequence[str]) -> Json:
    return [str(clean(each)) for each in sentences]


def told(title: str, sentences: Sequence[str]) -> list[str]:
    """Sentences under a title, as data: names in them come from events."""
    if not sentences:
        return []
    return [f"{title}:", fenced("\n".join(f"- {clean(each)}" for each in sentences))]


def window_json(window: Window) -> Json:
    return {
        "from": window.first,
        "to": window.last,
        "intervals": window.intervals,
        "value": rounded(window.value),
        "n": window.n,
    }


def segment_rows(dimension: Dimension) -> list[list[Json]]:
    """The strongest segments and the sum of the rest."""
    rows: list[list[Json]] = [
        [
            clean(each.value),
            rounded(each.before),
            rounded(each.after),
            rounded(each.contribution),
            rounded(each.mix),
            rounded(each.rate),
            rounded(each.q),
            each.before_n,
            each.after_n,
            each.status,
        ]
        for each in dimension.segments[:SEGMENTS]
    ]
    rest = dimension.segments[SEGMENTS:]
    if rest:
        parts = [rounded(sum(getattr(each, name) for each in rest)) for name in ("contribution", "mix", "rate")]
        counts = [sum(each.before_n for each in rest), sum(each.after_n for each in rest)]
        rows.append([f"({len(rest)} more)", None, None, *parts, None, *counts, ""])
    return rows


def dimension_json(dimension: Dimension) -> Json:
    return {
        "name": clean(dimension.name),
        "columns": list(HEADER),
        "rows": cast("Json", segment_rows(dimension)),
        "surprise_bits": rounded(dimension.surprise),
    }


def dimension_text(dimension: Dimension) -> str:
    rows = segment_rows(dimension)
    return f"by {clean(dimension.name)} (contributions sum to the change):\n{rows_in_text(HEADER, rows)}"
