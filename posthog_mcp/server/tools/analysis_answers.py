"""What the tools of `analysis` do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import anyio
from mcp.types import CallToolResult

from posthog_mcp.analysis.anomalies import LEAST, detect, judged, shifts
from posthog_mcp.analysis.asked import Definitions, Metric
from posthog_mcp.analysis.churn import score_churn
from posthog_mcp.analysis.correlate import comparable, correlate
from posthog_mcp.analysis.dashboards import lines_of_dashboards
from posthog_mcp.analysis.explain import explain_change
from posthog_mcp.analysis.forecast import forecast
from posthog_mcp.analysis.groups import compare_groups, compare_numbers
from posthog_mcp.analysis.holidays import known_days_of
from posthog_mcp.analysis.metrics import Wanted, history_of, lines_of, series_of
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.words import Interval
from posthog_mcp.knowledge.definitions import resolved
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.tools.analysis_explained import explanation_content
from posthog_mcp.server.tools.analysis_texts import (
    anomalies_content,
    churn_content,
    correlations_content,
    forecast_content,
    groups_content,
)
from posthog_mcp.server.tools.texts import Shown

Dates = tuple[str, str]


def definitions_of(project: Project) -> Definitions:
    """How a team definition is found by its name."""
    return partial(resolved, project)


async def explained(
    ctx: Ctx,
    metric: Metric,
    date_from: str,
    date_to: str,
    baseline: str,
    dimensions: Sequence[str],
    known_days: Sequence[str],
    project_id: int,
) -> CallToolResult:
    """A change explained."""
    project = await project_of(ctx).select(project_id)
    given = partial(explain_change, project, metric, date_from=date_from, date_to=date_to, baseline=baseline)
    given, known = partial(given, known_days=known_days), definitions_of(project)
    found = await reporting(ctx, lambda progress: given(dimensions=dimensions, definitions=known, progress=progress))
    return answer(*explanation_content(found))


async def anomalies_found(
    ctx: Ctx, metric: Metric, date_from: str, date_to: str, known: Sequence[str], alpha: float, project_id: int
) -> CallToolResult:
    """Unusual intervals and level shifts of a metric."""
    project = await project_of(ctx).select(project_id)
    series, first = await reporting(
        ctx,
        lambda progress: history_of(
            project, metric, date_from, date_to, definitions=definitions_of(project), progress=progress
        ),
    )
    return answer(*await anyio.to_thread.run_sync(unusual, series, first, known, alpha))


def unusual(series: MetricSeries, first: str, known: Sequence[str], alpha: float) -> Shown:
    """What is unusual from the label `first` on.

    Raises:
        InvalidInput: nothing ever happened, or no interval of the range has history enough to be judged.
    """
    series.need(LEAST, "Telling unusual values")
    series.need_values()
    found = detect(series, alpha=alpha, first=first)
    looked = [each for each in judged(series) if series.labels[each.at] >= first]
    if not looked:
        text = f"No complete {series.interval} from {first} on can be judged; "
        text += f"the newest of {series.n} is {series.labels[-1]}."
        raise InvalidInput(text, fix="Give an earlier date_from.")
    recent = [each for each in shifts(series) if each.last >= first]
    return anomalies_content(series, found, recent, looked, known_days_of(known, series.labels), alpha)


async def forecast_made(
    ctx: Ctx, metric: Metric, horizon: int, level: float, date_from: str, date_to: str, project_id: int
) -> CallToolResult:
    """A metric's coming intervals."""
    project = await project_of(ctx).select(project_id)
    read = partial(series_of, project, metric, date_from=date_from, date_to=date_to)
    known = definitions_of(project)
    series = await reporting(ctx, lambda progress: read(definitions=known, progress=progress))
    series.need_values()
    made = await anyio.to_thread.run_sync(forecast, series, horizon, level)
    return answer(*forecast_content(series, made))


async def groups_compared(
    ctx: Ctx,
    metric: Metric,
    split: str,
    data: Sequence[Mapping[str, Json]],
    control: str,
    effect: float,
    dates: Dates,
    project_id: int,
) -> CallToolResult:
    """Groups of people, or given numbers, compared."""
    if data:
        return answer(*groups_content(compare_numbers(data, control=control, effect=effect)))
    project = await project_of(ctx).select(project_id)
    given = partial(compare_groups, project, metric, split, definitions=definitions_of(project))
    given = partial(given, control=control, effect=effect)
    found = await reporting(ctx, lambda progress: given(date_from=dates[0], date_to=dates[1], progress=progress))
    return answer(*groups_content(found))


async def correlations_found(
    ctx: Ctx,
    metrics: Sequence[Metric],
    dashboards: Sequence[str],
    interval: Interval,
    dates: Dates,
    lag: int,
    project_id: int,
) -> CallToolResult:
    """Pairs of metrics that move together."""
    project = await project_of(ctx).select(project_id)
    wanted = Wanted(dates[0] or "-180d", dates[1], interval)
    lines, left = await reporting(ctx, lambda progress: all_lines(project, metrics, dashboards, wanted, progress))
    kept, more = comparable(lines, interval)
    require_two(kept, [*more, *left])
    pairs = await anyio.to_thread.run_sync(partial(correlate, kept, most_lag=lag))
    return answer(*correlations_content(kept, pairs, [*more, *left], lag))


async def all_lines(
    project: Project, metrics: Sequence[Metric], dashboards: Sequence[str], wanted: Wanted, progress: Progress
) -> tuple[list[MetricSeries], list[str]]:
    """The lines of metrics and dashboards, and which tiles have none."""
    known = definitions_of(project)
    lines: list[MetricSeries] = []
    for each in metrics:
        lines += await lines_of(project, each, wanted, definitions=known, progress=progress)
    found, left = await lines_of_dashboards(project, dashboards, wanted, progress)
    return [*lines, *found], left


def require_two(kept: Sequence[MetricSeries], left: Sequence[str]) -> None:
    """At least two metrics can be compared.

    Raises:
        InvalidInput: there are fewer.
    """
    if len(kept) < 2:
        told = "; ".join(left[:6]) or "none are given"
        text = f"{len(kept)} metrics can be compared, two are needed: {told}."
        raise InvalidInput(
            text, fix="Give metrics of one interval with 60 complete intervals, or an earlier date_from."
        )


async def churn_scored(ctx: Ctx, unit: str, event: str, horizon: int, limit: int, project_id: int) -> CallToolResult:
    """Who is about to leave."""
    project = await project_of(ctx).select(project_id)
    found = await reporting(
        ctx,
        lambda progress: score_churn(project, unit=unit, event=event, horizon=horizon, limit=limit, progress=progress),
    )
    return answer(*churn_content(found))
