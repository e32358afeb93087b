"""Answers that may be served again: in this process first, then in the cache that replicas share."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from posthog_mcp.project import Project
from posthog_mcp.results import Column, DateRange, Note, ProjectInfo, Table

if TYPE_CHECKING:
    from posthog_mcp.queries.run import QueryResult


async def kept_answer(project: Project, key: Hashable) -> QueryResult | None:
    """A result of this key that is young enough."""
    from posthog_mcp.queries.run import QueryResult

    found = project.cache.get(key)
    if isinstance(found, QueryResult):
        return found
    data = await project.shared.get(key) if project.shared is not None else None
    return result_from(data) if data is not None else None


async def keep_answer(project: Project, key: Hashable, result: QueryResult) -> None:
    """Keep a result for the cache's time."""
    seconds = project.settings.cache_ttl
    project.cache.put(key, result, seconds)
    if project.shared is not None and seconds > 0:
        data = json.dumps(asdict(result), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        await project.shared.put(key, data, seconds)


def result_from(data: bytes) -> QueryResult | None:
    """The result again; None where another version wrote something else."""
    from posthog_mcp.queries.run import QueryResult

    try:
        fields: dict[str, Any] = json.loads(data.decode("utf-8", "surrogatepass"))
        table = fields["table"]
        columns = tuple(Column(**each) for each in table["columns"])
        fields["table"] = Table(columns, table["rows"], tuple(Note(**each) for each in table["notes"]))
        fields["project"], fields["date_range"] = ProjectInfo(**fields["project"]), DateRange(**fields["date_range"])
        fields["warnings"] = tuple(Note(**each) for each in fields["warnings"])
        return QueryResult(**fields)
    except (ValueError, KeyError, TypeError):
        return None
