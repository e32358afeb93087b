"""Take a reader's answers: validate, store, settle; send them on as events where writes are allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posthog_mcp.backends.backend import Captures
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.project import Project
from posthog_mcp.results import Json, Note
from posthog_mcp.state.trace_themes.marks import Mark
from posthog_mcp.state.trace_themes.summaries import StoredSummary
from posthog_mcp.traces.collect import BUDGET, Handed
from posthog_mcp.traces.picking import Candidate
from posthog_mcp.traces.readings import read
from posthog_mcp.traces.summaries import Refused, answer_schema, problem_of, stored_summary, summary_event
from posthog_mcp.traces.themes import AnalysisTheme

CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a call. `events` is how many were sent; `left` what of the batch is not answered yet."""

    summaries: tuple[StoredSummary, ...]
    refused: tuple[Refused, ...]
    left: tuple[str, ...]
    events: int
    notes: tuple[Note, ...]


async def save_answers(project: Project, theme: AnalysisTheme, batch_id: str, answers: Sequence[Json]) -> Saved:
    """Store the valid answers of a batch; the others come back with their field named.

    Raises:
        InvalidInput: there is no such batch, or no answer is valid.
    """
    project_id = (await project.driver.project()).id
    marks = {each.trace_id: each for each in await project.themes.batch(project_id, theme.id, batch_id)}
    if not marks:
        raise InvalidInput(
            f"There is no batch {batch_id!r} of theme {theme.id}, or its lease ended and others have it.",
            fix="Call collect_theme and answer with its batch_id.",
        )
    texts = await texts_of(project, marks)
    schema = answer_schema(theme)
    valid: list[StoredSummary] = []
    refused: list[Refused] = []
    for index, answer in enumerate(answers):
        found = judged(theme, answer, schema, texts)
        if isinstance(found, StoredSummary):
            valid.append(found)
        else:
            refused.append(Refused(index, named(answer), *found))
    if refused and not valid:
        told = "; ".join(f"answers[{each.index}].{each.field}: {each.message}" for each in refused[:10])
        raise InvalidInput(f"No answer is valid. {told}.", fix="Correct the fields that are named and send them again.")
    await project.themes.finish(project_id, theme.id, batch_id, valid)
    events, notes = await send_events(project, theme, valid, batch_id)
    done = {each.trace_id for each in valid}
    left = tuple(name for name, mark in marks.items() if mark.state == "leased" and name not in done)
    return Saved(tuple(valid), tuple(refused), left, events, tuple(notes))


def named(answer: Json) -> str:
    return str(answer.get("trace_id", "")) if isinstance(answer, dict) else ""


async def texts_of(project: Project, marks: Mapping[str, Mark]) -> dict[str, Handed]:
    """What was handed out and waits for its answer, as it was: mostly kept, else read again."""
    about = {name: json.loads(mark.about) for name, mark in marks.items() if mark.about}
    budgets = {name: fields.pop(BUDGET) for name, fields in about.items()}
    found: dict[str, Handed] = {}
    for budget in set(budgets.values()):
        wanted = [Candidate(**fields) for name, fields in about.items() if budgets[name] == budget]
        readings = await read(project, wanted, budget)
        found |= {each.trace_id: Handed(each, readings[each.trace_id]) for each in wanted if each.trace_id in readings}
    return found


def judged(
    theme: AnalysisTheme, answer: Json, schema: Mapping[str, Json], texts: Mapping[str, Handed]
) -> StoredSummary | tuple[str, str]:
    """The answer as it is kept, or its field and what is wrong with it."""
    handed = texts.get(named(answer))
    if not isinstance(answer, dict) or handed is None:
        waiting = ", ".join(list(texts)[:5]) or "none"
        return "trace_id", f"the batch holds no such trace that waits for an answer; those that do: {waiting}"
    problem = problem_of(answer, schema, handed.reading.anchors)
    return problem or stored_summary(theme, handed.about, answer, CLIENT)


async def send_events(
    project: Project, theme: AnalysisTheme, summaries: Sequence[StoredSummary], run_id: str
) -> tuple[int, list[Note]]:
    """Summaries as `$ai_trace_summary` events, where writes are allowed; how many are new there, and what hindered."""
    if not summaries or not project.settings.allow_writes:
        return 0, []
    if not isinstance(project.driver, Captures):
        return 0, [Note("no_capture", "This backend takes no events: summaries stay in local state.")]
    try:
        sent = await project.driver.capture_events([summary_event(theme, each, run_id) for each in summaries])
    except PostHogMcpError as error:
        return 0, [Note("events_not_sent", f"Summaries are kept locally; sending failed: {error.message}", error.fix)]
    return sent, []
