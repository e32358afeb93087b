"""What can be asked: one insight as a person or a model writes it, validated."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.words import InsightKind, Interval

Math = Literal[
    "total",
    "dau",
    "weekly_active",
    "monthly_active",
    "unique_session",
    "unique_group",
    "first_time_for_user",
    "sum",
    "avg",
    "median",
    "min",
    "max",
    "p75",
    "p90",
    "p95",
    "p99",
    "avg_count_per_actor",
    "min_count_per_actor",
    "max_count_per_actor",
    "median_count_per_actor",
    "p75_count_per_actor",
    "p90_count_per_actor",
    "p95_count_per_actor",
    "p99_count_per_actor",
    "hogql",
]
PROPERTY_MATHS = frozenset({"sum", "avg", "median", "min", "max", "p75", "p90", "p95", "p99"})
Source = Literal["event", "person", "session", "group", "cohort", "hogql"]
Unit = Literal["second", "minute", "hour", "day", "week", "month"]
MAX_SERIES = 20


class Part(BaseModel):
    """Refuses what it does not know: a misspelt field would ask another question."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Filter(Part):
    """One condition. `type` hogql: `key` is an expression; cohort: `value` is its id."""

    key: str = ""
    value: JsonValue = None
    operator: str = "exact"
    type: Source = "event"
    group_type_index: int | None = None


class Series(Part):
    """What is counted: an event (empty: every event) or an action (id or name), and how."""

    event: str = ""
    action: int | str | None = None
    math: Math = "total"
    math_property: str = ""
    math_property_type: Literal["event", "person"] = "event"
    math_group_type_index: int | None = None
    math_hogql: str = ""
    name: str = ""
    filters: list[Filter] = []
    optional: bool = False
    """A funnel step that may be left out."""

    @model_validator(mode="after")
    def complete(self) -> Series:
        """A math that needs a property has one.

        Raises:
            ValueError: it has none.
        """
        if self.math in PROPERTY_MATHS and not self.math_property:
            raise ValueError(f"math {self.math} needs math_property, such as amount")
        if self.math == "unique_group" and self.math_group_type_index is None:
            raise ValueError("math unique_group needs math_group_type_index")
        if self.math == "hogql" and not self.math_hogql:
            raise ValueError("math hogql needs math_hogql, such as count() / uniq(person_id)")
        return self

    @property
    def label(self) -> str:
        """Its name in the answer."""
        if self.name:
            return self.name
        what = str(self.action) if self.action is not None else self.event or "all events"
        if self.math == "total":
            return what
        if self.math == "hogql":
            return f"{what}: {self.math_hogql}"
        of = f" of {self.math_property}" if self.math_property else ""
        return f"{what} ({MATH_WORDS.get(self.math, self.math.replace('_', ' '))}{of})"


MATH_WORDS = {"dau": "people", "weekly_active": "weekly active people", "monthly_active": "monthly active people"}


class Breakdown(Part):
    """Split by a property (cohort: `property` is its id or `all`; hogql: an expression)."""

    property: str
    type: Source = "event"
    group_type_index: int | None = None


class Exclusion(Part):
    """An event that must not happen between two steps of a funnel (1-based)."""

    event: str
    from_step: int = 1
    to_step: int = 2


class Question(Part):
    """One insight. Fields of other kinds are ignored by each kind."""

    kind: InsightKind
    series: Annotated[list[Series], Field(max_length=MAX_SERIES)] = []
    breakdowns: Annotated[list[Breakdown], Field(max_length=3)] = []
    breakdown_limit: Annotated[int, Field(ge=1, le=100)] = 10
    interval: Interval = "day"
    date_from: str = ""
    date_to: str = ""
    compare: str = ""
    """`previous`, or how far back, such as -1y."""
    filters: list[Filter] = []
    filter_test_accounts: bool = False
    sampling: Annotated[float, Field(gt=0, le=1)] = 1.0

    formula: str = ""
    """Trends: arithmetic of the series A, B, …; several, separated by `;`."""
    smoothing: Annotated[int, Field(ge=1, le=90)] = 1
    """Trends: intervals of a trailing moving average."""
    cumulative: bool = False
    aggregate: bool = False
    """Trends: one value for the whole range instead of one an interval."""

    funnel_window: Annotated[int, Field(ge=1, le=1000)] = 14
    funnel_window_unit: Unit = "day"
    funnel_order: Literal["ordered", "strict", "unordered"] = "ordered"
    funnel_view: Literal["steps", "time_to_convert", "trend"] = "steps"
    exclusions: list[Exclusion] = []

    period: Interval = "week"
    """Retention and lifecycle."""
    periods: Annotated[int, Field(ge=2, le=60)] = 8
    retention_type: Literal["recurring", "first_time"] = "recurring"
    unbounded: bool = False
    """Retention: counted in a period if they came back then or later."""

    start: str = ""
    end: str = ""
    """Paths: only from, only up to this step."""
    exclude: list[str] = []
    path_events: list[Literal["$pageview", "$screen", "custom_event"]] = ["$pageview"]
    step_limit: Annotated[int, Field(ge=2, le=20)] = 5
    edge_limit: Annotated[int, Field(ge=1, le=200)] = 50
    path_groups: list[str] = []
    """Paths: patterns with `*` that stand for all steps that match."""

    @model_validator(mode="after")
    def complete(self) -> Question:
        """What no single field can tell.

        Raises:
            ValueError: too few or too many series for the kind.
        """
        least = {"trends": 1, "funnel": 2, "retention": 1, "lifecycle": 1, "stickiness": 1}.get(self.kind, 0)
        most = {"retention": 2, "lifecycle": 1, "paths": 0, "web": 0}.get(self.kind, MAX_SERIES)
        if not least <= len(self.series) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ValueError(f"{self.kind} takes {wanted} series, not {len(self.series)}")
        return self


def question_of(given: dict[str, Any]) -> Question:
    """A question from arguments.

    Raises:
        InvalidInput: naming each wrong field and what it takes.
    """
    try:
        return Question.model_validate(given)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg'].removeprefix('Value error, ')}".removeprefix(
                ": "
            )
            for each in error.errors()
        ]
        raise InvalidInput("; ".join(problems[:6]) + ".", fix="Correct these and call again.") from None
