"""Hand out traces of a theme: what is fresh, leased to one reader, read within a budget; what it will cost before.

A trace is fresh for a theme until it is settled, and again when its events have changed since. A lease that is not
answered in time is fresh again.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from posthog_mcp.project import Project
from posthog_mcp.results import DateRange, Json, Note
from posthog_mcp.state.trace_themes.marks import Mark
from posthog_mcp.traces.picking import ERRORS, ORDERING, Candidate, Plan, as_number, candidates, plan_of, rows_of
from posthog_mcp.traces.readings import Reading, Reads, read
from posthog_mcp.traces.summaries import answer_schema, instructions
from posthog_mcp.traces.themes import AnalysisTheme

PAGE = 2_000
LEASE_SECONDS = 1_800.0
PROMPT_TOKENS = 600
"""Instructions and schema, once a batch."""
ANSWER_TOKENS = 250
BUDGET = "budget_tokens"
"""What a lease remembers beside the candidate: the size its text was cut to, which decides the anchors it has."""
TEXT_SHARE = 1.25
"""Tokens of a trace's text for each token that was said once."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One trace handed out: what is known of it, and its text."""

    about: Candidate
    reading: Reading


@dataclass(frozen=True, slots=True)
class Batch:
    """Traces for one reader. `more`: fresh traces that were seen and not handed out; at least so many."""

    theme: AnalysisTheme
    batch_id: str
    handed: tuple[Handed, ...]
    more: int
    lease_seconds: float
    date_range: DateRange
    hogql: str
    reads: Reads
    notes: tuple[Note, ...]


async def collect(
    project: Project,
    theme: AnalysisTheme,
    *,
    budget_tokens: int,
    most: int,
    lease_seconds: float = LEASE_SECONDS,
) -> Batch:
    """Lease fresh traces whose texts fit the budget together; the first is cut to it where it alone is larger.

    Raises:
        InvalidInput: a filter does not compile.
        PostHogMcpError: what the backend says.
    """
    plan = await plan_of(project, theme)
    fresh = await fresh_candidates(project, plan, most + 1)
    batch_id, reads = secrets.token_hex(6), Reads()
    budget = min(theme.trace_tokens, budget_tokens)
    got = await lease(project, theme, fresh[:most], batch_id, lease_seconds, budget)
    readings = await read(project, got, budget, reads)
    handed = fitting(got, readings, budget_tokens)
    unused = [each.trace_id for each in got if each.trace_id not in {one.about.trace_id for one in handed}]
    project_id = (await project.driver.project()).id
    await project.themes.release(project_id, theme.id, batch_id, unused)
    query = plan.query(ORDERING, PAGE)
    left = len(fresh) - len(handed)
    return Batch(theme, batch_id, handed, left, lease_seconds, plan.date_range, query, reads, plan.notes)


def fitting(got: Sequence[Candidate], readings: dict[str, Reading], budget_tokens: int) -> tuple[Handed, ...]:
    """In order, as many as fit; one that is too long is passed over for a shorter one."""
    handed: list[Handed] = []
    used = 0
    for each in got:
        reading = readings.get(each.trace_id)
        if reading is None or (handed and used + reading.tokens > budget_tokens):
            continue
        handed.append(Handed(each, reading))
        used += reading.tokens
    return tuple(handed)


async def fresh_candidates(project: Project, plan: Plan, most: int) -> list[Candidate]:
    """Traces that nobody holds and that are not settled as they are, likely ones first."""
    project_id = (await project.driver.project()).id
    found: list[Candidate] = []
    offset = 0
    while len(found) < most:
        page = await candidates(project, plan, min(PAGE, project.settings.max_rows), offset)
        marks = await project.themes.marks(project_id, plan.theme.id, [each.trace_id for each in page])
        found += [each for each in page if is_fresh(each, marks.get(each.trace_id))]
        offset += len(page)
        if len(page) < min(PAGE, project.settings.max_rows):
            break
    return found[:most]


def is_fresh(each: Candidate, mark: Mark | None) -> bool:
    if mark is None:
        return True
    return mark.lease_until < time.time() if mark.state == "leased" else mark.fingerprint != each.fingerprint


async def lease(
    project: Project, theme: AnalysisTheme, wanted: Sequence[Candidate], batch_id: str, seconds: float, budget: int
) -> list[Candidate]:
    """Those of them that were got. `budget`: tokens of a text, as they are read."""
    project_id = (await project.driver.project()).id
    about = {each.trace_id: (each.fingerprint, json.dumps({**asdict(each), BUDGET: budget})) for each in wanted}
    got = await project.themes.lease(project_id, theme.id, about, batch_id, seconds)
    return [each for each in wanted if each.trace_id in got]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a theme would read. `tokens` of a model: in and out; `matching` after base filters and sample."""

    theme: AnalysisTheme
    traces: int
    """In the date range, before filter and sample."""
    matching: int
    likely: int
    errors: int
    fresh: int
    fresh_is_at_least: bool
    tokens_in: int
    tokens_out: int
    date_range: DateRange
    hogql: str
    norms: dict[str, float]
    notes: tuple[Note, ...]


MOST_COUNTED = 10_000
MOST_TRACES = 1_000_000


async def preview(project: Project, theme: AnalysisTheme) -> Preview:
    """Counts and the estimate, from light columns only; nothing is leased or read.

    Raises:
        InvalidInput: a filter does not compile.
        PostHogMcpError: what the backend says.
    """
    plan = await plan_of(project, theme)
    whole = replace(plan, having="", sampled="").query(ORDERING, MOST_TRACES)
    total = await rows_of(project, f"SELECT count() FROM ({whole})\nLIMIT 1", plan.values, 1)
    inner = plan.query([*ORDERING, f"{ERRORS} AS errors"], MOST_TRACES)
    counted = f"SELECT count(), sum(likely), countIf(errors > 0) FROM ({inner})\nLIMIT 1"
    row = (await rows_of(project, counted, plan.values, 1))[0]
    matching, likely, errors = (int(as_number(cell)) for cell in row)
    fresh = await fresh_candidates(project, plan, MOST_COUNTED)
    tokens = sum(min(theme.trace_tokens, int(each.tokens * TEXT_SHARE) + 60) for each in fresh)
    batches = -(-len(fresh) // 5)
    return Preview(
        theme,
        int(as_number(total[0][0])),
        matching,
        likely,
        errors,
        len(fresh),
        len(fresh) == MOST_COUNTED,
        tokens + batches * PROMPT_TOKENS,
        len(fresh) * ANSWER_TOKENS,
        plan.date_range,
        plan.query(ORDERING, PAGE),
        dict(plan.norms),
        plan.notes,
    )


def batch_json(batch: Batch) -> dict[str, Json]:
    """What a reader needs: instructions, schema, texts."""
    return {
        "theme": batch.theme.id,
        "batch_id": batch.batch_id,
        "instructions": instructions(batch.theme),
        "answer_schema": answer_schema(batch.theme),
        "lease_seconds": int(batch.lease_seconds),
        "traces": [
            {
                "trace_id": each.about.trace_id,
                "tokens": each.reading.tokens,
                "cut": each.reading.cut,
                "text": each.reading.text,
            }
            for each in batch.handed
        ],
    }
