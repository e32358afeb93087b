"""The front matter of an entry: what each kind holds, checked when it is read.

A wrong or misspelt field is an error that names the file, since a silently dropped question would never be found. The
format is described for authors in `knowledge/README.md`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

Intent = Literal[
    "how_many",
    "who",
    "why",
    "when",
    "where_funnel",
    "what_drives",
    "which_feature",
    "retention",
    "paths",
    "activation",
    "churn",
    "revenue",
    "experiment",
    "time_to_value",
    "stickiness",
    "lifecycle",
    "web",
    "errors",
    "recordings",
    "traces",
    "report_alert",
    "compare",
    "data_quality",
    "docs_help",
    "ambiguous",
    "off_topic",
]
INTENTS: tuple[Intent, ...] = get_args(Intent)
EntryKind = Literal["guide", "template", "workflow", "pattern", "api", "practice", "definition"]
ParamType = Literal[
    "event",
    "events",
    "property",
    "integer",
    "number",
    "string",
    "date",
    "choice",
    "cohort",
    "metric",
    "insight",
]
PropertyOf = Literal["event", "person", "session"]
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
BLOCK = re.compile(r"```hogql\n(.*?)\n```", re.DOTALL)
QUERY = re.compile(r"^## Query\n+```hogql\n(.*?)\n```", re.DOTALL | re.MULTILINE)
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)(?:\.(\w+))?\s*\}\}")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Param(Strict):
    """A parameter of a template. Without a default it must be given, or found in the question."""

    type: ParamType
    description: str = ""
    default: JsonValue = None
    find: str = ""
    """How to find it in a project's schema, in words."""
    like: tuple[str, ...] = ()
    """Names that other projects give it, best first; the plan takes the first that exists."""
    of: PropertyOf = "event"
    min: float | None = None
    max: float | None = None
    choices: dict[str, str] | list[str] = []
    """The allowed values; with a mapping, each value stands for a piece of HogQL."""
    optional: bool = False
    """May be left out; its placeholder is then an empty text."""


class Need(Strict):
    """What the project must have: an event, or a property (of events unless `of` says else)."""

    event: str = ""
    property: str = ""
    of: PropertyOf = "event"
    otherwise: str = ""


class Proof(Strict):
    """One set of parameters that the tests run. The asserted numbers stand in the tests."""

    params: dict[str, JsonValue] = {}
    project: str = "demo"
    expect: JsonValue = None


class Page(Strict):
    """What every entry has; `body` is the Markdown after the front matter, `source` the file's name."""

    id: str
    kind: EntryKind
    title: str
    intents: tuple[Intent, ...] = ()
    questions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    finding: str = ""
    """Practice: the code of the finding of validate_hogql that the page explains."""
    followups: tuple[str, ...] = ()
    body: str = ""
    source: str = ""

    @model_validator(mode="after")
    def named(self) -> Page:
        """An id that can stand in an address.

        Raises:
            ValueError: it cannot.
        """
        if not ID.match(self.id):
            raise ValueError(f"id {self.id!r}: lower-case words joined by dashes are needed")
        return self

    @property
    def blocks(self) -> list[str]:
        """Every HogQL block of the text."""
        return BLOCK.findall(self.body)


class Template(Page):
    """A question with parameters: an insight call, or one HogQL query under `## Query`."""

    params: dict[str, Param] = {}
    needs: tuple[Need, ...] = ()
    otherwise: str = ""
    insight: dict[str, JsonValue] | None = None
    proof: Annotated[tuple[Proof, ...], Field(min_length=2)]

    @property
    def query(self) -> str:
        """The HogQL with its placeholders; empty where the template is an insight call."""
        found = QUERY.search(self.body)
        return found[1] if found else ""

    @property
    def placeholders(self) -> set[str]:
        text = self.query or repr(self.insight)
        return {found[1] for found in PLACEHOLDER.finditer(text)}

    @model_validator(mode="after")
    def one_query(self) -> Template:
        """One way to run it, and placeholders that are its parameters.

        Raises:
            ValueError: two ways, none, or names that do not fit.
        """
        if bool(self.query) == (self.insight is not None):
            raise ValueError("either `insight`, or a ```hogql block right under `## Query`")
        names = self.placeholders
        if names != set(self.params):
            odd = ", ".join(sorted(names ^ set(self.params)))
            raise ValueError(f"params and {{{{placeholders}}}} differ: {odd}")
        return self


class Outcome(Strict):
    """What a step may show, what it means, and where to go: a step's id, or `stop`."""

    when: Annotated[str, Field(alias="if")]
    means: str
    next: str


class Step(Strict):
    """One step: a tool with its arguments, or a template; values may hold `{{param}}` of the workflow."""

    id: str
    why: str
    tool: str = ""
    template: str = ""
    arguments: dict[str, Any] = {}
    """Of the tool; with `template`, the template's params."""
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def runnable(self) -> Step:
        """There is something to run.

        Raises:
            ValueError: there is none.
        """
        if not self.tool and not self.template:
            raise ValueError(f"step {self.id!r} has neither tool nor template")
        return self


class Workflow(Page):
    """An investigation from question to decision; the first step is where it begins."""

    params: dict[str, Param] = {}
    needs: tuple[Need, ...] = ()
    otherwise: str = ""
    steps: Annotated[tuple[Step, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def connected(self) -> Workflow:
        """Every outcome leads to a step or to the end, and every step is led to.

        Raises:
            ValueError: one does not.
        """
        ids = [step.id for step in self.steps]
        led = {outcome.next for step in self.steps for outcome in step.outcomes}
        lost = led - {*ids, "stop"}
        if lost or len(set(ids)) != len(ids):
            raise ValueError(f"outcomes lead to no step: {', '.join(sorted(lost))}; steps: {', '.join(ids)}")
        if "stop" not in led:
            raise ValueError("no outcome says stop")
        unreached = set(ids[1:]) - led
        if unreached:
            raise ValueError(f"no outcome leads to: {', '.join(sorted(unreached))}")
        return self


class Pattern(Page):
    """A piece of advanced HogQL; its blocks are proven by the tests."""

    @model_validator(mode="after")
    def has_query(self) -> Pattern:
        """There is HogQL in it.

        Raises:
            ValueError: there is none.
        """
        if not self.blocks:
            raise ValueError("a pattern has at least one ```hogql block")
        return self


class Definition(Page):
    """A word of the team: what it means in events, or as a formula over them."""

    name: str
    defines: Literal["event", "metric"]
    events: tuple[str, ...] = ()
    """Event: any of these; metric: only these are counted, empty for all."""
    hogql: str = ""
    """Event: a condition beside its events; metric: a formula, such as uniq(person_id)."""
    description: str = ""

    @model_validator(mode="after")
    def says_something(self) -> Definition:
        """A metric has a formula, an event has events or a condition.

        Raises:
            ValueError: it has not.
        """
        if self.defines == "metric" and not self.hogql:
            raise ValueError("a metric needs hogql: a formula such as uniq(person_id)")
        if self.defines == "event" and not (self.events or self.hogql):
            raise ValueError("an event needs events or a hogql condition")
        return self


MODELS: dict[str, type[Page]] = {
    "template": Template,
    "workflow": Workflow,
    "pattern": Pattern,
    "definition": Definition,
}
"""By kind; the others are plain pages."""
