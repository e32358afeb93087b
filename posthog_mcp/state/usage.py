"""Usage and cost, counted from the audit: calls, errors, times, cache hits, slow queries, and what was spent.

What is counted as cost, `observing.cost` says. Calls that only failed cost their time as well.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from posthog_mcp.results import Json

if TYPE_CHECKING:
    from posthog_mcp.state.audit import Audit

CALLS = ("calls", "errors", "cached", "p50_ms", "p95_ms", "rows", "bytes")
SPENT = ("queries", "query_s", "rows_read", "bytes_read", "sandbox_s", "tokens", "usd")
COLUMNS = (*CALLS, *SPENT)
SLOWEST = 10


def usage(audit: Audit, *, days: int = 30, principal: str | None = None) -> dict[str, Json]:
    """The figures of the last `days`, of everybody or of one principal. Blocks.

    Each list of figures follows `columns` after its name: times of calls in milliseconds, of queries and sandboxes in
    seconds, `rows` and `bytes` given to clients, `rows_read` and `bytes_read` by the backend where it tells, tokens in
    and out together, USD by list prices.
    """
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    records = list(audit.export(since, principal))
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

    def total(name: str) -> float:
        return sum(each[name] for each in records)

    return [
        len(records),
        sum(each["decision"] != "ok" for each in records),
        sum(bool(each["cached"]) for each in records),
        quantile(times, 0.5),
        quantile(times, 0.95),
        total("rows"),
        total("bytes"),
        total("queries"),
        round(total("query_ms") / 1000, 3),
        total("rows_read"),
        total("bytes_read"),
        round(total("sandbox_ms") / 1000, 3),
        total("tokens_in") + total("tokens_out"),
        round(total("usd"), 6),
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
