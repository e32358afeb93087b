"""Segments: worked out and previewed first, then made as a PostHog cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posthog_mcp.audience.criteria import Criterion, cohort_of, criterion, selected, words
from posthog_mcp.backends.backend import ListOptions, Progress
from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.insights.actors import people_behind
from posthog_mcp.insights.arguments import as_question
from posthog_mcp.insights.question import Question, Series, question_of
from posthog_mcp.insights.run import framed
from posthog_mcp.project import Project
from posthog_mcp.queries.run import QueryResult
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json

SIZES = "segment_size"
MOST_PEOPLE, EXAMPLES = 50_000, 5
Kind = Literal["dynamic", "behavioural", "query", "static"]
WHY = {
    "dynamic": "person properties alone say who is in it",
    "behavioural": "what people did says who is in it",
    "static": "a list of people as of now has no condition that could be followed",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment before it is made. `hogql` gives its person ids; `body` is the cohort, `why` the reason of its kind."""

    name: str
    kind: Kind
    hogql: str
    body: Mapping[str, Json]
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """How many, of how many, and some of them."""

    size: int
    everybody: int
    examples: tuple[tuple[str, str], ...]
    query_id: str

    @property
    def share(self) -> float:
        return self.size / self.everybody if self.everybody else 0.0


@dataclass(frozen=True, slots=True)
class Source:
    """How the people are given; exactly one part is there."""

    criteria: Sequence[Mapping[str, Any]] = ()
    hogql: str = ""
    insight: Mapping[str, Any] | None = None
    actors: Mapping[str, Any] | None = None
    churn: Mapping[str, Any] | None = None
    cluster: Mapping[str, Any] | None = None


class Churn(BaseModel):
    """Whom a churn list holds: at least this risk (0 to 1), so many at most, by what counts as active."""

    model_config = ConfigDict(extra="forbid")

    risk: float = Field(default=0.0, ge=0, le=1)
    limit: int = Field(default=200, ge=1, le=10_000)
    event: str = ""
    horizon_days: int = Field(default=28, ge=1, le=365)


async def segment_of(project: Project, name: str, source: Source, progress: Progress | None = None) -> Segment:
    """What is to be made.

    Raises:
        InvalidInput: nothing or too much is given, or it cannot be worked out.
        PostHogMcpError: what the backend says.
    """
    given = [part for part in (source.criteria, source.hogql, source.insight, source.churn, source.cluster) if part]
    if len(given) != 1 or not name.strip():
        fix = "Give name and one of criteria, hogql, insight (with actors), churn, cluster."
        raise InvalidInput(f"{len(given)} ways to choose people are given.", fix=fix)
    if source.criteria:
        return await of_criteria(project, name, [criterion(each) for each in source.criteria])
    if source.hogql:
        return of_hogql(name, source.hogql, "the people that a HogQL query gives")
    if source.insight:
        question = question_of(as_question(dict(source.insight)))
        found = await people_behind(project, question, source.actors or {}, MOST_PEOPLE, progress)
        return of_people(name, whole(found), f"{question.kind}, {cell_of(project, question, source.actors or {})}")
    if source.churn:
        return await of_churn(project, name, source.churn, progress)
    return await of_cluster(project, name, source.cluster or {})


def cell_of(project: Project, question: Question, actors: Mapping[str, Json]) -> dict[str, Json]:
    """Which cell of the insight the people are of; its breakdown is a value of a property."""
    cell, masking = dict(actors), project.masking
    if masking is not None and "breakdown" in cell:
        for each in question.breakdowns:
            cell["breakdown"] = masking.under(each.property, cell["breakdown"], person=True)
    return cell


async def of_criteria(project: Project, name: str, criteria: Sequence[Criterion]) -> Segment:
    """A cohort that PostHog keeps up to date by its filters, where its filters can say it.

    Raises:
        InvalidInput: a condition cannot be read, or is about an event that the project does not have.
    """
    known = (await project.driver.catalogue()).events
    for each in criteria:
        if each.event and each.event not in known:  # A misspelt one that was not done would hold for everybody.
            near = ", ".join(nearest(each.event, known)) or "see discover_objects"
            raise InvalidInput(f"There is no event {each.event!r} in this project.", fix=f"Nearest: {near}.")
    frame = await framed(project, Question(kind="trends", series=[Series(event="")]))
    hogql, what = selected(frame, criteria), "; ".join(words(each, project.masking) for each in criteria)
    kind, filters = cohort_of(criteria)
    if filters is None:
        return of_hogql(name, hogql, what, "PostHog's filters cannot hold only what was not done")
    return Segment(name, kind, hogql, {"name": name, "filters": filters}, what, WHY[kind])


def of_hogql(name: str, hogql: str, what: str, why: str = "a query says who is in it") -> Segment:
    text = hogql.strip().rstrip(";")
    query: Json = {"kind": "HogQLQuery", "query": text}
    return Segment(name, "query", text, {"name": name, "query": query}, what, why)


def of_people(name: str, people: Sequence[str], what: str) -> Segment:
    """A static cohort.

    Raises:
        InvalidInput: nobody is in it, or too many.
    """
    ids = list(dict.fromkeys(people))
    if not ids:
        raise InvalidInput("Nobody is in this segment.", fix="Widen it.")
    if len(ids) >= MOST_PEOPLE:
        raise InvalidInput(f"More than {MOST_PEOPLE:,} people are in it.", fix="Narrow it, or write it in HogQL.")
    listed = ", ".join(text_literal(each) for each in ids)
    hogql = f"SELECT id AS person_id FROM persons WHERE toString(id) IN ({listed})"
    body: dict[str, Json] = {"name": name, "is_static": True, "_create_static_person_ids": [*ids]}
    return Segment(name, "static", hogql, body, what, WHY["static"])


async def of_churn(project: Project, name: str, given: Mapping[str, Any], progress: Progress | None) -> Segment:
    """Those most likely to leave. `given`: risk (least, 0 to 1), limit, event, horizon_days.

    Raises:
        InvalidInput: something else is given.
        PostHogMcpError: churn cannot be scored.
    """
    from posthog_mcp.analysis.churn import score_churn

    try:
        how = Churn.model_validate(dict(given))
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        fix = '{"risk": 0.7, "limit": 200, "event": "", "horizon_days": 28}'
        raise InvalidInput(f"churn.{place}: {error.errors()[0]['msg']}.", fix=fix) from None
    most = MOST_PEOPLE if how.risk else how.limit  # The list is ordered by what is at stake, so risk is asked first.
    found = await score_churn(project, limit=most, event=how.event, horizon=how.horizon_days, progress=progress)
    chosen = [each for each in found.people if each.risk >= how.risk][: how.limit]
    least = f" of {how.risk:g} or more" if how.risk else ""
    what = f"{len(chosen)} people at risk{least} of leaving as of {found.as_of} (AUC {found.auc:.2f})"
    return of_people(name, [each.id for each in chosen], what)


async def of_cluster(project: Project, name: str, given: Mapping[str, Any]) -> Segment:
    """The users of a cluster of a theme. `given`: theme, cluster (its label).

    Raises:
        InvalidInput: there is no such cluster.
    """
    info = await project.driver.project()
    found = await project.themes.clusterings(info.id, str(given.get("theme")), limit=1)
    clusters = cast("list[dict[str, Json]]", found[0]["clusters"]) if found else []
    chosen = next((each for each in clusters if str(each.get("label")) == str(given.get("cluster"))), None)
    if chosen is None:
        known = ", ".join(str(each.get("label")) for each in clusters[:8]) or "none; run cluster_summaries"
        raise InvalidInput(f"There is no cluster {given.get('cluster')!r}.", fix=f"Clusters: {known}.")
    traces = ", ".join(text_literal(str(each)) for each in cast("list[Json]", chosen["members"]))
    where = f"properties.$ai_trace_id IN ({traces}) AND timestamp > now() - toIntervalDay(400)"
    people = await run_hogql(
        project, f"SELECT DISTINCT toString(person_id) FROM events WHERE {where}", limit=MOST_PEOPLE
    )
    what = f"users of the cluster {given.get('cluster')} of {given.get('theme')}"
    return of_people(name, whole(people), what)


def whole(found: QueryResult) -> list[str]:
    """The first column, if nothing was cut off.

    Raises:
        InvalidInput: more people are in it than a query may give.
    """
    if found.truncated:
        fix = "Narrow it, raise POSTHOG_MCP_MAX_ROWS, or write it in HogQL (hogql), which needs no list."
        raise InvalidInput(f"More than {found.limit:,} people are in it; a part would be wrong.", fix=fix)
    return [str(row[0]) for row in found.table.rows]


async def preview(project: Project, segment: Segment) -> Preview:
    """Size, share and examples (names as the project has them).

    Raises:
        HogQLSyntaxError, HogQLResolutionError: the query does not check.
        PostHogMcpError: what the backend says.
    """
    ids = f"SELECT toString(first) FROM (SELECT {first_column(segment)} AS first FROM ({segment.hogql}))"
    inside = f"toString(id) IN ({ids})"
    counts = await run_hogql(project, f"SELECT countIf({inside}), count() FROM persons LIMIT 1")
    size, everybody = (int(str(each)) for each in counts.table.rows[0])
    shown = f"ifNull(toString(properties.{identifier('email')}), ''), ifNull(toString(properties.name), '')"
    some = await run_hogql(
        project, f"SELECT toString(id), {shown} FROM persons WHERE {inside} ORDER BY id LIMIT {EXAMPLES}"
    )
    examples = tuple((str(row[0]), str(row[2] or row[1])) for row in some.table.rows)
    return Preview(size, everybody, examples, counts.query_id)


def first_column(segment: Segment) -> str:
    """The column that holds person ids, by the name that cohorts expect.

    Raises:
        InvalidInput: the query does not give person ids.
    """
    head = segment.hogql.casefold()
    if "person_id" not in head.split(" from ")[0]:
        raise InvalidInput("The query must give person_id.", fix="Begin with SELECT person_id FROM events …")
    return "person_id"


async def make(project: Project, segment: Segment, size: int) -> dict[str, Json]:
    """Create the cohort.

    Raises:
        PostHogMcpError: what the backend says.
    """
    made = await project.driver.create("cohorts", {**segment.body, "description": segment.what[:400]})
    await note_size(project, str(made["id"]), size)
    return made


async def note_size(project: Project, cohort_id: str, size: int) -> None:
    """Keep today's size, so that a trend can be told."""
    info = await project.driver.project()
    kept = await project.desk.documents.get(SIZES, info.id, cohort_id)
    sizes: dict[str, Json] = dict(kept.body) if kept else {}
    sizes[f"{datetime.now(UTC):%Y-%m-%d}"] = size
    newest: dict[str, Json] = dict(sorted(sizes.items())[-90:])
    await project.desk.documents.put(SIZES, info.id, cohort_id, newest)


@dataclass(frozen=True, slots=True)
class Listed:
    """A cohort with its size now and as it was kept on earlier days."""

    id: int
    name: str
    static: bool
    size: int
    sizes: tuple[tuple[str, int], ...]


async def list_segments(project: Project, search: str = "", limit: int = 50) -> list[Listed]:
    """Cohorts with size and trend; each look keeps the day's size.

    Raises:
        PostHogMcpError: what the backend says.
    """
    info = await project.driver.project()
    page = await project.driver.list("cohorts", ListOptions(search=search or None, limit=limit))
    found: list[Listed] = []
    for each in page.items:
        cohort_id = int(str(each["id"]))
        known = each.get("count")
        size = known if isinstance(known, int) else await size_of(project, cohort_id)
        await note_size(project, str(cohort_id), size)
        kept = await project.desk.documents.get(SIZES, info.id, str(cohort_id))
        sizes = tuple((day, int(str(number))) for day, number in sorted((kept.body if kept else {}).items()))
        found.append(Listed(cohort_id, str(each.get("name")), each.get("is_static") is True, size, sizes))
    return found


async def size_of(project: Project, cohort_id: int) -> int:
    """How many people are in a cohort now.

    Raises:
        PostHogMcpError: what the backend says.
    """
    result = await run_hogql(project, f"SELECT count() FROM persons WHERE id IN COHORT {cohort_id} LIMIT 1")
    return int(str(result.table.rows[0][0]))
