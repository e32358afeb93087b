"""A query as it is seen from outside: its span, and what it costs the call that asked it."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.trace import Span

from posthog_mcp.backends.backend import QueryAnswer
from posthog_mcp.observing.cost import Cost, spend
from posthog_mcp.observing.spans import fingerprint, span
from posthog_mcp.results import BackendKind, Json


@dataclass(frozen=True, slots=True)
class Asked:
    """A query under way."""

    span: Span
    cost: Cost

    def answered(self, answer: QueryAnswer) -> QueryAnswer:
        """The same answer, with its figures told."""
        self.told(len(answer.table.rows), answer.cached)
        self.cost.rows_read, self.cost.bytes_read = answer.rows_read or 0, answer.bytes_read or 0
        self.span.set_attribute("posthog_mcp.rows_read", self.cost.rows_read)
        return answer

    def told(self, rows: int, cached: bool) -> None:
        """Rows that came back, and whether the backend had them ready."""
        self.span.set_attribute("posthog_mcp.rows", rows)
        self.span.set_attribute("posthog_mcp.cached", cached)


@contextmanager
def watched(backend: BackendKind, body: Mapping[str, Json]) -> Generator[Asked]:
    """Around one query to the backend. The text is told as its SHA-256; a failed query costs its time."""
    about = {"posthog_mcp.backend": backend, "posthog_mcp.query_kind": str(body.get("kind"))[:60]}
    if isinstance(text := body.get("query"), str):
        about["posthog_mcp.query_sha256"] = fingerprint(text)
    cost, begun = Cost(queries=1), time.perf_counter()
    with span("query", about) as found:
        try:
            yield Asked(found, cost)
        finally:
            cost.query_ms = (time.perf_counter() - begun) * 1000
            found.set_attribute("posthog_mcp.elapsed_ms", round(cost.query_ms, 1))
            spend(cost)
