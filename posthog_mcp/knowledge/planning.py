"""From a question to queries that are ready to run: intents, what to ask back, filled templates, a workflow.

Deterministic and offline: the same question gives the same plan in the same project. Nothing is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import anyio

from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.knowledge.clarifying import Ask, asks_of
from posthog_mcp.knowledge.definitions import DAYS, Metric, formulas, metric_of, team_library
from posthog_mcp.knowledge.filling import Filled, fill, fill_steps
from posthog_mcp.knowledge.intents import Guess
from posthog_mcp.knowledge.library import Library, classifier
from posthog_mcp.knowledge.models import Page, Template, Workflow
from posthog_mcp.knowledge.proposals import Proposal, proposed
from posthog_mcp.knowledge.retrieval import Hit
from posthog_mcp.knowledge.running import Ready, checked
from posthog_mcp.knowledge.timespans import Timespan
from posthog_mcp.knowledge.understanding import Understood, understand
from posthog_mcp.project import Project
from posthog_mcp.results import Json, ProjectInfo

MOST_TEMPLATES = 3
FITS = 0.3
"""The least score of a template that is shown, and of one beside a better one the share of its score."""
BESIDE = 0.6
WALKS = {
    "why",
    "report_alert",
    "data_quality",
    "churn",
    "experiment",
    "activation",
    "what_drives",
    "traces",
    "errors",
    "compare",
}
"""Intents that a workflow answers better than one query, if it is nearly as near."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A template for the question: ready to run, or what it lacks."""

    page: Template
    score: float
    proposal: Proposal
    ready: Ready | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """A workflow with its steps' arguments; `problem` says which parameter is open."""

    page: Workflow
    score: float
    params: Mapping[str, Json]
    steps: Sequence[Mapping[str, Json]]
    problem: str = ""


@dataclass(frozen=True)
class Plan:
    """The answer to a question. `fits` is false where none of the knowledge fits; `says` then tells what to do."""

    understood: Understood
    project: ProjectInfo
    intents: Sequence[Guess]
    asks: Sequence[Ask]
    templates: Sequence[Proposed] = ()
    workflow: Walk | None = None
    metrics: Sequence[Metric] = ()
    read: Sequence[Page] = ()
    fits: bool = True
    says: str = ""
    broken: Sequence[str] = field(default=())


async def plan(project: Project, question: str) -> Plan:
    """Plan a question.

    Raises:
        InvalidInput: there is no question.
    """
    if not question.strip():
        raise InvalidInput("There is no question.", fix='Give one, such as "why are sales dropping?".')
    info = await project.driver.project()
    catalogue = await project.driver.catalogue()
    library = await team_library(project)
    today = datetime.now(ZoneInfo(info.timezone)).date()
    understood = await off_loop(understand, question, catalogue, library, today)
    special = set_aside(understood, info, library)
    return special or await found_plan(project, info, library, understood)


async def off_loop(read: Callable[..., Understood], *given: object) -> Understood:
    """In a thread while the intents are learnt (a second); afterwards it takes a millisecond, less than the hop."""
    return read(*given) if classifier.cache_info().currsize else await anyio.to_thread.run_sync(read, *given)


def set_aside(understood: Understood, info: ProjectInfo, library: Library) -> Plan | None:
    """The plans without queries: off topic, about the tool itself, or too vague."""
    intents, top = understood.intents, understood.top
    if top.intent == "off_topic":
        says = "Not about this project's data: nothing here answers it. Ask about its users, events, money, errors."
        return Plan(understood, info, intents, (), fits=False, says=says)
    if top.intent == "docs_help":
        pages = readable(library, understood.question, 5)
        says = "About the tool, not the data: read these entries, or the documentation at https://posthog.com/docs."
        return Plan(
            understood, info, intents, (), read=pages, fits=bool(pages), says=says, metrics=metrics_in(understood)
        )
    return None


def readable(library: Library, question: str, most: int) -> list[Page]:
    """Pages about the question; the intents' own pages only help to choose among the others."""
    hits = library.texts.hits(question, most + 8)
    return [hit.page for hit in hits if "intent" not in hit.page.tags][:most]


def metrics_in(understood: Understood) -> list[Metric]:
    days = understood.timespan.days if understood.timespan else DAYS
    return [metric_of(each, days) for each in understood.definitions if each.defines == "metric"]


async def found_plan(project: Project, info: ProjectInfo, library: Library, understood: Understood) -> Plan:
    """Templates and a workflow for the question."""
    hits = library.templates.hits(understood.asked, understood.guesses)
    good = [hit for hit in hits if hit.score >= FITS and hit.score >= BESIDE * hits[0].score][:MOST_TEMPLATES]
    if understood.top.intent == "ambiguous":
        good = good[:1]
    known = formulas(library)
    version = (await project.driver.catalogue()).version
    templates = [await offered(project, hit, understood, known, version) for hit in good]
    walk = best_walk(library, understood, hits[0].score if hits else 0.0, known)
    asks = asks_of(understood, [(each.page, each.proposal) for each in templates])
    metrics = metrics_in(understood)
    fits = bool(templates or walk or metrics)
    read = [] if fits else readable(library, understood.question, 3)
    says = (
        ""
        if fits
        else "None of the templates fits. Look into these entries, or write HogQL and check it with validate_hogql."
    )
    return Plan(understood, info, understood.intents, asks, templates, walk, metrics, read, fits, says, library.broken)


async def offered(
    project: Project, hit: Hit, understood: Understood, known: Mapping[str, str], version: str
) -> Proposed:
    """A template filled and checked; what stands in its way is told, not raised."""
    page = hit.page
    assert isinstance(page, Template)
    proposal = proposed(page, understood)
    if proposal.lacks:
        says = page.otherwise or next((need.otherwise for need in page.needs if need.otherwise), "")
        return Proposed(
            page, hit.score, proposal, None, f"the project lacks {', '.join(proposal.lacks)}. {says}".strip()
        )
    try:
        filled = within(fill(page, proposal.params, known), understood.timespan)
        return Proposed(page, hit.score, proposal, await ready(project, filled, version))
    except PostHogMcpError as error:
        return Proposed(page, hit.score, proposal, None, f"{error.message} {error.fix}".strip())


def within(filled: Filled, span: Timespan | None) -> Filled:
    """An insight call with the question's own beginning and end, where the question names an end."""
    if not filled.insight or span is None or not span.date_to:
        return filled
    return replace(filled, insight={**filled.insight, "date_from": span.date_from, "date_to": span.date_to})


_ready: dict[tuple[str, str, str], Ready] = {}
MOST_KEPT = 500


async def ready(project: Project, filled: Filled, version: str) -> Ready:
    """The check of a filled template; kept as long as the catalogue, and an insight's range, are the same.

    Raises:
        PostHogMcpError: it does not check.
    """
    minute = datetime.now().strftime("%Y%m%d%H%M")
    key = (version, filled.hogql or f"{minute}{filled.insight}", project.settings.host)
    if key not in _ready:
        if len(_ready) >= MOST_KEPT:
            _ready.clear()
        _ready[key] = await checked(project, filled)
    found = _ready[key]
    return Ready(filled, found.hogql, found.warnings)


def best_walk(library: Library, understood: Understood, beside: float, known: Mapping[str, str]) -> Walk | None:
    """The workflow, where it is nearer than the templates, or the intent asks for one."""
    hits = library.workflows.hits(understood.asked, understood.guesses, 1)
    if not hits:
        return None
    hit = hits[0]
    least = 0.85 * beside if understood.top.intent in WALKS else 1.1 * beside
    if hit.score < max(FITS, least):
        return None
    page = hit.page
    assert isinstance(page, Workflow)
    proposal = proposed(page, understood)
    try:
        used, steps = fill_steps(page, proposal.params, known)
    except InvalidInput as error:
        return Walk(page, hit.score, proposal.params, (), f"{error.message} {error.fix}")
    return Walk(page, hit.score, used, steps)
