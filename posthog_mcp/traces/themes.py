"""Themes: a question that is asked of many traces. The model, the five built-in ones, and what is valid.

A theme says which traces (filters, sample, dates), what to look for (prompt), the answer's own fields, and how answers
are clustered. Its filters only narrow: whether a trace is relevant is the reader's judgement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.project import Project
from posthog_mcp.results import Json

MOST_FILTERS = 20
MOST_PROMPT = 6_000
MOST_ANSWER_FIELDS = 8
LINE_NUMBERS = re.compile(r"\bline (?:numbers?|refs?|references?)\b|\bL\d{2,4}\b", re.IGNORECASE)
SCHEDULE = re.compile(r"(hourly|daily|weekly|[1-9]\d{0,2}[hd])?")
FIELD_TYPES = ("string", "number", "integer", "boolean", "array")

Filter = Annotated[str, Field(min_length=1, max_length=2_000)]
Filters = Annotated[tuple[Filter, ...], Field(max_length=MOST_FILTERS)]


class Clustering(BaseModel):
    """How a theme's summaries are grouped. `k` 0: chosen; `min_users`: smaller groups are withheld."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: Literal["kmeans", "hdbscan", "dbscan"] = "kmeans"
    k: Annotated[int, Field(ge=0, le=500)] = 0
    min_size: Annotated[int, Field(ge=2, le=10_000)] = 3
    min_users: Annotated[int, Field(ge=1, le=1_000)] = 1


class AnalysisTheme(BaseModel):
    """One theme. Filters are HogQL over the events of a trace; dates as insights take them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80)]
    description: Annotated[str, Field(max_length=500)] = ""
    base_filters: Filters = ()
    """All hold for a trace that is looked at."""
    theme_filters: Filters = ()
    """One that holds makes a trace likely; likely ones are read first."""
    quiet_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the traces that no theme filter marks, read after the likely ones. Without theme filters: all."""
    sample_rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    prompt: Annotated[str, Field(min_length=20, max_length=MOST_PROMPT)]
    date_from: str = "-7d"
    date_to: str = ""
    schedule: str = ""
    """hourly, daily, weekly, or such as 6h and 2d; empty: only when asked."""
    trace_tokens: Annotated[int, Field(ge=300, le=100_000)] = 6_000
    """Most tokens of one trace's text."""
    answer_fields: dict[str, dict[str, JsonValue]] = Field(default_factory=dict[str, dict[str, JsonValue]])
    """More fields of an answer: name → JSON Schema of its value."""
    clustering: Clustering = Clustering()

    @property
    def id(self) -> str:
        return theme_id(self.name)

    @field_validator("name")
    @classmethod
    def readable_name(cls, value: str) -> str:
        """A name whose id says something.

        Raises:
            ValueError: it has neither letters nor digits.
        """
        if not theme_id(value):
            raise ValueError("letters or digits are needed")
        return value.strip()

    @field_validator("prompt")
    @classmethod
    def fits_the_text(cls, value: str) -> str:
        """The text of a trace has anchors (m12), not line numbers: a prompt that asks for those gets invented ones.

        Raises:
            ValueError: it asks for them.
        """
        found = LINE_NUMBERS.search(value)
        if found:
            raise ValueError(f"the text of a trace has anchors such as m12, no lines: remove {found[0]!r}")
        return value.strip()

    @field_validator("schedule")
    @classmethod
    def known_schedule(cls, value: str) -> str:
        """Checked here, read in `schedules.py`.

        Raises:
            ValueError: it is none.
        """
        if not SCHEDULE.fullmatch(value.strip()):
            raise ValueError("hourly, daily, weekly, or such as 6h or 2d is needed")
        return value.strip()

    @field_validator("answer_fields")
    @classmethod
    def known_fields(cls, value: dict[str, dict[str, JsonValue]]) -> dict[str, dict[str, JsonValue]]:
        """Simple values of the person's own, beside the fields that every answer has.

        Raises:
            ValueError: there are too many, or one is wrong.
        """
        if len(value) > MOST_ANSWER_FIELDS:
            raise ValueError(f"at most {MOST_ANSWER_FIELDS} fields")
        for name, schema in value.items():
            check_field(name, schema)
        return value


ANSWER_FIELDS = ("trace_id", "theme_relevant", "title", "summary", "evidence", "severity", "first_failure")


def check_field(name: str, schema: Mapping[str, JsonValue]) -> None:
    """One field of an answer.

    Raises:
        ValueError: its name is taken or no name, or its schema is none.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if name in ANSWER_FIELDS or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(f"{name!r}: a new name in small letters, digits and _ is needed")
    if schema.get("type") not in FIELD_TYPES:
        raise ValueError(f"{name}.type: one of {', '.join(FIELD_TYPES)} is needed")
    if "$ref" in str(schema):
        raise ValueError(f"{name}: $ref is not taken")
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        raise ValueError(f"{name}: {error.message}") from None


def theme_id(name: str) -> str:
    """`Refund complaints` → `refund_complaints`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:80]


def theme_of(fields: Mapping[str, Json]) -> AnalysisTheme:
    """A theme of these fields.

    Raises:
        InvalidInput: naming each wrong field and what it takes.
    """
    try:
        return AnalysisTheme.model_validate(dict(fields))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors()
        )
        known = ", ".join(AnalysisTheme.model_fields)
        raise InvalidInput(f"The theme is wrong: {problems}.", fix=f"Correct it. A theme has: {known}.") from None


def as_json(theme: AnalysisTheme) -> dict[str, Json]:
    return cast("dict[str, Json]", theme.model_dump(mode="json"))


@cache
def built_in() -> Mapping[str, AnalysisTheme]:
    """The five that every project has, by id."""
    import yaml

    text = files("posthog_mcp.traces").joinpath("builtin_themes.yaml").read_text(encoding="utf-8")
    return {each.id: each for each in map(theme_of, yaml.safe_load(text))}


def read_theme_file(text: str) -> list[AnalysisTheme]:
    """Themes of a YAML or JSON file: one object, or a list.

    Raises:
        InvalidInput: it is neither, or a theme is wrong.
    """
    import yaml

    try:
        found = cast("object", yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InvalidInput(f"The theme file is no YAML: {error}", fix="Correct it.") from None
    items = cast("list[object]", found) if isinstance(found, list) else [found]
    if not items or not all(isinstance(each, dict) for each in items):
        raise InvalidInput("A theme file holds one theme, or a list of them.", fix="Begin it with `name: …`.")
    return [theme_of(cast("dict[str, Json]", each)) for each in items]


async def all_themes(project: Project) -> dict[str, AnalysisTheme]:
    """Built-in and saved ones by id."""
    saved = await project.themes.themes((await project.driver.project()).id)
    return {**built_in(), **{name: theme_of(body) for name, body in saved.items()}}


async def find_theme(project: Project, name: str) -> AnalysisTheme:
    """A theme by name or id.

    Raises:
        NotFound: there is none.
    """
    themes = await all_themes(project)
    found = themes.get(theme_id(name))
    if found is None:
        near = ", ".join(nearest(theme_id(name), themes) or list(themes))
        raise NotFound(f"There is no theme {name!r}.", fix=f"Nearest: {near}. Make one with save_theme.")
    return found
