"""Usage, counted from the audit: calls, errors, times, cache hits and slow queries, by tool and by person."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from posthog_mcp.results import Json

if TYPE_CHECKING:
    from posthog_mcp.state.audit import Audit

COLUMNS = ("calls", "errors", "cached", "p50_ms", "p95_ms", "rows", "bytes")
SLOWEST = 10


def usage(audit: Audit, *, days: int = 30, principal: str | None = None) -> dict[str, Json]:
    """The figures of the last `days`, of everybody or of one principal. Blocks."""
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    records = [
        each for each in audit.export() if each["at"] >= since and (principal is None or each["principal"] == principal)
    ]
    return {
        "since": since,
        "columns": ["name", *COLUMNS],
        "total": figures(records),
        "tools": grouped(records, "action"),
        "people": grouped([{**each, "person": each["who"] or each["principal"]} for each in records], "person"),
        "slowest": slowest(records),
    }


def figures(records: Sequence[Mapping[str, Any]]) -> list[Json]:
    times = sorted(float(each["elapsed_ms"]) for each in records)
    return [
        len(records),
        sum(each["decision"] != "ok" for each in records),
        sum(bool(each["cached"]) for each in records),
        quantile(times, 0.5),
        quantile(times, 0.95),
        sum(each["rows"] for each in records),
        sum(each["bytes"] for each in records),
    ]


def quantile(times: Sequence[float], share: float) -> float:
    """The nearest-rank quantile; 0 of nothing."""
    return times[math.ceil(len(times) * share) - 1] if times else 0.0


def grouped(records: Iterable[Mapping[str, Any]], name: str) -> list[Json]:
    """Figures a value of one field, most calls first."""
    groups: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for each in records:
        groups[str(each[name])].append(each)
    ordered = sorted(groups.items(), key=lambda pair: -len(pair[1]))
    return [[value, *figures(found)] for value, found in ordered]


def slowest(records: Sequence[Mapping[str, Any]]) -> list[Json]:
    """The queries that took longest: milliseconds, time, query_id, HogQL."""
    queries = [each for each in records if each["hogql"] and not each["cached"]]
    chosen = sorted(queries, key=lambda each: -each["elapsed_ms"])[:SLOWEST]
    return [[each["elapsed_ms"], each["at"], each["query_id"], each["hogql"]] for each in chosen]
