"""The Driver contract: what a PostHog project can be asked, wherever it lives.

Two implementations (`local/driver.py`, `posthog/driver.py`), one contract suite
(`tests/backends/`). What a driver cannot do is missing from `capabilities`, never a 404.
Shapes are PostHog's own, so that the REST facade over the local driver is thin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from posthog_mcp.endpoints.table import Endpoint
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checker
from posthog_mcp.results import BackendKind, Json, ProjectInfo, Table

Resource = Literal[
    "event_definitions",
    "property_definitions",
    "insights",
    "dashboards",
    "cohorts",
    "actions",
    "annotations",
    "feature_flags",
    "experiments",
    "surveys",
    "session_recordings",
    "early_access_feature",
    "error_tracking_issues",
    "notebooks",
    "alerts",
    "subscriptions",
    "batch_exports",
    "integrations",
    "hog_functions",
    "warehouse_tables",
    "groups_types",
    "persons",
    "groups",
    "members",
    "projects",
    "organizations",
    "activity_log",
    "users",
]
"""A resource's name is its `kind` in the endpoint table, mostly its path segment in PostHog's REST API."""

Capability = Literal[
    "hogql",
    "hogql_metadata",
    "database_schema",
    "capture",
    "write_objects",
    "cancel",
]

Progress = Callable[[float, str], None]
"""Called from the event loop with a fraction in 0..1 and a short message."""


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """How one query runs. `query_id` names it for cancelling; `timeout_seconds` is wall time."""

    query_id: str
    timeout_seconds: float = 30.0
    max_rows: int = 50_000
    refresh: bool = False
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """A finished HogQL query.

    `hogql` is the text that ran; `sql` the ClickHouse SQL where the backend tells it.
    `rows_read` and `bytes_read` are None where unknown.
    """

    table: Table
    hogql: str
    sql: str | None = None
    elapsed_ms: float = 0.0
    rows_read: int | None = None
    bytes_read: int | None = None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. `next` is an opaque cursor or None; `count` None where not told."""

    items: list[dict[str, Json]]
    next: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ListOptions:
    """`filters` are PostHog's query-string filters for that resource."""

    search: str | None = None
    limit: int = 100
    cursor: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of PostHog's REST API by the endpoint table. `values` fill the path's own placeholders.

    `organization` is the one that the path names; None: the project's.
    """

    endpoint: Endpoint
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    params: Mapping[str, str | int] = field(default_factory=dict[str, "str | int"])
    body: Mapping[str, Json] | None = None
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class ServerFinding:
    """What a host's own check says of a place of the query: offsets, and the text that mends it, where told."""

    message: str
    start: int | None = None
    end: int | None = None
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class ServerFindings:
    """A host's own check of a query (PostHog's HogQLMetadata). Notices say what names mean."""

    errors: tuple[ServerFinding, ...] = ()
    warnings: tuple[ServerFinding, ...] = ()
    notices: tuple[ServerFinding, ...] = ()


@runtime_checkable
class ServerChecks(Protocol):
    """A driver whose host checks queries itself."""

    async def metadata(self, query: str) -> ServerFindings:
        """Ask the host; nothing runs.

        Raises:
            PostHogMcpError: the host does not answer, or has no such check.
        """
        ...


@runtime_checkable
class TypedQueries(Protocol):
    """A driver whose host runs queries of other kinds than HogQL."""

    async def typed_query(self, query: Mapping[str, Json], options: QueryOptions) -> dict[str, Json]:
        """The response body of an allowed kind.

        Raises:
            PostHogMcpError: the kind is not allowed, HogQL in it does not check, or what the host said.
        """
        ...


@runtime_checkable
class Captures(Protocol):
    """A driver that can store events of ours in its project."""

    async def capture_events(self, events: Sequence[Mapping[str, Json]]) -> int:
        """Send events (`event`, `distinct_id`, `timestamp`, `uuid`, `properties`); how many were stored or accepted.

        Raises:
            PostHogMcpError: the project's token is not to be had, or what the host says.
        """
        ...


class Driver(Protocol):
    """A PostHog project. Methods raise only the `posthog_mcp.errors` family.

    Cancelling the task that awaits `query` stops the query on the backend before the
    cancellation leaves this method.
    """

    kind: BackendKind
    capabilities: frozenset[Capability]
    progress: Progress | None
    """Told of long preparations (the first demo generation); set by whoever waits."""

    @property
    def checker(self) -> Checker:
        """Parses and resolves against this project's catalogue; caches by text and catalogue version."""
        ...

    async def project(self) -> ProjectInfo: ...

    async def catalogue(self) -> Catalogue:
        """Tables, events, properties and metadata names; cached, refreshed when the data changes."""
        ...

    async def query(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        """Run a `HogQLQuery` body ({"kind": "HogQLQuery", "query", "values"?, "filters"?, "variables"?}).

        Raises:
            HogQLSyntaxError, HogQLResolutionError, QueryTimeout, InvalidInput, Unavailable, …
        """
        ...

    async def property_values(self, scope: str, name: str, limit: int = 20) -> list[tuple[str, int]]:
        """Most frequent values with counts. `scope`: event, person, session, or group_N."""
        ...

    async def list(self, resource: Resource, options: ListOptions) -> Page: ...

    async def get(self, resource: Resource, object_id: str) -> dict[str, Json]: ...

    async def create(self, resource: Resource, body: Mapping[str, Json]) -> dict[str, Json]: ...

    async def update(self, resource: Resource, object_id: str, body: Mapping[str, Json]) -> dict[str, Json]: ...

    async def delete(self, resource: Resource, object_id: str) -> None:
        """Soft delete, as PostHog does: the object is marked `deleted`."""
        ...

    async def call(self, call: ApiCall) -> tuple[int, Json]:
        """Status and JSON body of any endpoint of the table. Whether it may change something is the caller's to ask."""
        ...

    async def ready(self) -> None:
        """Return when the backend answers; raise `Unavailable` (or `Forbidden`) saying why not."""
        ...

    async def aclose(self) -> None:
        """Stop running queries and worker processes; safe to call twice."""
        ...
