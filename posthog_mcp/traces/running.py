"""Run a theme without anybody there: lease, read, write, store, until all is done or a limit is reached."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

import anyio

from posthog_mcp.backends.backend import Progress
from posthog_mcp.project import Project
from posthog_mcp.results import DateRange, Json, Note
from posthog_mcp.state.trace_themes.summaries import StoredSummary
from posthog_mcp.traces.collect import Handed, fresh_candidates, lease
from posthog_mcp.traces.llm import LanguageModel, configured_model
from posthog_mcp.traces.picking import Candidate, Plan, plan_of
from posthog_mcp.traces.readings import Reads, read
from posthog_mcp.traces.saving import send_events
from posthog_mcp.traces.summaries import stored_summary
from posthog_mcp.traces.themes import AnalysisTheme
from posthog_mcp.traces.writers import ByModel, Rules, Writer

CHUNK = 200
LEASE_SECONDS = 900.0
MOST_TRACES = 2_000
MOST_USD = 1.0


@dataclass(slots=True)
class RunReport:
    """What came of a run. `stopped`: cost, limit, or nothing; `dead`: traces given up for good, with why."""

    theme_id: str
    run_id: str
    writer: str
    date_range: DateRange
    read: int = 0
    relevant: int = 0
    summaries: list[StoredSummary] = field(default_factory=list[StoredSummary])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    dead: list[str] = field(default_factory=list[str])
    gone: int = 0
    """Picked, but without contents when they were to be read: past their retention."""
    more: bool = False
    stopped: str = ""
    cost_usd: float = 0.0
    tokens: int = 0
    events: int = 0
    reads: Reads = field(default_factory=Reads)
    elapsed_ms: float = 0.0
    notes: list[Note] = field(default_factory=list[Note])

    def as_json(self) -> dict[str, Json]:
        """Figures, without the summaries themselves."""
        return {
            "theme": self.theme_id,
            "run_id": self.run_id,
            "writer": self.writer,
            "read": self.read,
            "relevant": self.relevant,
            "failed": len(self.failed),
            "dead_letters": list(self.dead),
            "gone": self.gone,
            "more": self.more,
            "stopped": self.stopped,
            "cost_usd": round(self.cost_usd, 6),
            "tokens": self.tokens,
            "events_written": self.events,
            "texts": asdict(self.reads),
            "elapsed_ms": round(self.elapsed_ms, 1),
        }


async def run_theme(
    project: Project,
    theme: AnalysisTheme,
    *,
    most: int = MOST_TRACES,
    most_usd: float = MOST_USD,
    progress: Progress | None = None,
) -> RunReport:
    """Read up to `most` fresh traces; what is done stays done when it stops.

    Raises:
        InvalidInput: a filter does not compile, or the model's settings are wrong.
        PostHogMcpError: what the backend or the model's provider says.
    """
    started = time.perf_counter()
    plan = await plan_of(project, theme)
    fresh = await fresh_candidates(project, plan, most + 1)
    async with writer_of(project, plan, most_usd) as writer:
        report = RunReport(theme.id, secrets.token_hex(6), writer.name, plan.date_range, notes=list(plan.notes))
        report.more = len(fresh) > most
        wanted = fresh[:most]
        for start in range(0, len(wanted), CHUNK):
            if progress:
                progress(start / len(wanted), f"{start} of {len(wanted)} traces read")
            await run_chunk(project, theme, wanted[start : start + CHUNK], writer, report)
            if report.stopped:
                report.more = True
                break
        report.cost_usd, report.tokens = writer.cost_usd, writer.tokens
    report.elapsed_ms = (time.perf_counter() - started) * 1000
    await project.themes.save_run((await project.driver.project()).id, theme.id, report.run_id, report.as_json())
    return report


@asynccontextmanager
async def writer_of(project: Project, plan: Plan, most_usd: float) -> AsyncGenerator[Writer]:
    """The configured model, or the rules."""
    model = configured_model(project.settings)
    if model is None:
        yield Rules(plan.norms)
        return
    client = LanguageModel(model, project.settings)
    try:
        yield ByModel(client, most_usd)
    finally:
        with anyio.CancelScope(shield=True):
            await client.aclose()


async def run_chunk(
    project: Project, theme: AnalysisTheme, wanted: Sequence[Candidate], writer: Writer, report: RunReport
) -> None:
    """One lease: every trace of it is settled, given back, or gone."""
    project_id = (await project.driver.project()).id
    batch_id = f"{report.run_id}-{secrets.token_hex(3)}"
    got = await lease(project, theme, wanted, batch_id, LEASE_SECONDS, theme.trace_tokens)
    try:
        readings = await read(project, got, theme.trace_tokens, report.reads)
        handed = [Handed(each, readings[each.trace_id]) for each in got if each.trace_id in readings]
        written = await writer.write(theme, handed)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await project.themes.release(project_id, theme.id, batch_id, [each.trace_id for each in got])
        raise
    rows = [
        stored_summary(theme, each.about, written.answers[each.about.trace_id], writer.name, each.reading.asked)
        for each in handed
        if each.about.trace_id in written.answers
    ]
    await project.themes.finish(project_id, theme.id, batch_id, rows)
    for trace_id, why in written.failed.items():
        if await project.themes.give_back(project_id, theme.id, batch_id, trace_id, why):
            report.dead.append(trace_id)
    done = {each.trace_id for each in rows} | written.failed.keys()
    await project.themes.release(
        project_id, theme.id, batch_id, [each.trace_id for each in got if each.trace_id not in done]
    )
    events, notes = await send_events(project, theme, rows, report.run_id)
    report.read += len(rows)
    report.relevant += sum(each.relevant for each in rows)
    report.summaries += rows
    report.failed |= written.failed
    report.gone += len(got) - len(handed)
    report.events += events
    report.notes += [note for note in notes if note not in report.notes]
    report.stopped = "cost" if written.stopped else ""
