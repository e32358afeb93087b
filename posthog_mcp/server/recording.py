"""What the audit keeps of a call, read from its result as it went over the wire; and the figures of /metrics."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from opentelemetry import trace

from posthog_mcp.observing.cost import Cost
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.safety.masking import Masking
from posthog_mcp.server.edge import Wire, arguments_of
from posthog_mcp.state.audit import Record

CODE = re.compile(r"\[([a-z_]{3,40})\]")
BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)
"""Upper ends in seconds of the histogram of call times."""


@dataclass(slots=True)
class Figures:
    """Counted since the process started."""

    times: Counter[tuple[str, float]] = field(default_factory=Counter[tuple[str, float]])
    """(tool, bucket) → calls that took at most so long."""
    sums: Counter[str] = field(default_factory=Counter[str])
    """Milliseconds by tool."""
    cached: Counter[str] = field(default_factory=Counter[str])
    at_work: int = 0

    def took(self, tool: str, milliseconds: float) -> None:
        self.sums[tool] += round(milliseconds)
        for bucket in BUCKETS:
            if milliseconds <= bucket * 1000:
                self.times[tool, bucket] += 1


def record_of(project: Project, method: str, params: object, result: Wire, elapsed_ms: float, cost: Cost) -> Record:
    """The record of a finished call."""
    content = result.get("structuredContent")
    found = content if isinstance(content, dict) else {}
    info = found.get("project")
    hogql, rows = found.get("hogql"), found.get("row_count")
    if not isinstance(hogql, str):
        asked = arguments_of(params)
        hogql = asked.get("query") if isinstance(asked, dict) else None
    return Record(
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        principal=project.principal.id,
        action=action_of(method, params, project.masking),
        project_id=number(info.get("id") if isinstance(info, dict) else project.settings.project_id),
        query_id=str(found.get("query_id") or "")[:64],
        hogql=shown(project, hogql) if isinstance(hogql, str) else "",
        rows=number(rows),
        bytes=size(result),
        elapsed_ms=elapsed_ms,
        cached=found.get("cached") is True,
        decision=decision(result),
        who=project.principal.who,
        cost=cost,
    )


def shown(project: Project, hogql: str) -> str:
    """The query's text, masked as the rows are."""
    return hogql if project.masking is None else project.masking.text(hogql)


def number(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def action_of(method: str, params: object, masking: Masking | None = None) -> str:
    """`execute_hogql`, `resources/read posthog://…`; masked before it is cut, as half an address is no address."""
    given = cast("dict[str, Json]", params) if isinstance(params, dict) else {}
    if method == "tools/call":
        name, inner = given.get("name"), given.get("arguments")
        action = str(inner.get("name") if name == "use_tool" and isinstance(inner, dict) else name)
    else:
        action = f"{method} {given.get('uri') or given.get('name') or ''}".strip()
    return (action if masking is None else masking.text(action))[:200]


def decision(result: Wire) -> str:
    """ok, or the code with which the answer begins."""
    if not result.get("isError"):
        return "ok"
    found = CODE.match(first_text(result))
    return found[1] if found else "error"


def first_text(result: Wire) -> str:
    content = result.get("content")
    block = content[0] if isinstance(content, list) and content else None
    return str(block.get("text") or "") if isinstance(block, dict) else ""


def size(result: Wire) -> int:
    """Bytes of the answer's JSON."""
    return len(json.dumps(result, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace"))


def tell_span(project: Project, method: str, record: Record, known: Container[str]) -> None:
    """Put figures and codes of a call into the span that the SDK opened for it; a name that is no tool's stays out."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    tool = record.action if record.action in known else "unknown"
    span.update_name(f"{method} {tool}" if method == "tools/call" else method)
    if method == "tools/call":
        span.set_attribute("gen_ai.tool.name", tool)
    about = {
        "project_id": record.project_id,
        "backend": project.driver.kind,
        "principal": record.principal,
        "outcome": record.decision,
        "rows": record.rows,
        "bytes": record.bytes,
        "cached": record.cached,
    }
    span.set_attributes({f"posthog_mcp.{name}": value for name, value in about.items()})
