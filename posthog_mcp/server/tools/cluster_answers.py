"""What cluster_summaries and search_summaries do, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mcp.types import CallToolResult

from posthog_mcp.charts.chart import Chart
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import DATA_NOTE, clean, fenced, fitting
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.tools.chart_answers import drawn
from posthog_mcp.server.tools.texts import Shown
from posthog_mcp.server.tools.theme_texts import RULES, project_line, summary_row
from posthog_mcp.traces.clusters import cluster, kept_clustering, name_clusters
from posthog_mcp.traces.extractive import WRITER
from posthog_mcp.traces.issues import Tracker, issue
from posthog_mcp.traces.search import Hit, of_trace, search
from posthog_mcp.traces.themes import AnalysisTheme, find_theme

CLUSTERS_BUDGET = 7_500
HIT_HEADER = ("score", "theme", "relevant", "writer", "trace_id", "at", "severity", "title", "summary", "evidence", "first_failure", "link")  # fmt: skip  # noqa: E501
LONG = ("members", "map")
"""Parts of a clustering that are kept and not shown."""


async def cluster_answer(ctx: Ctx, theme: str, given: Mapping[str, Any], project_id: int) -> CallToolResult:
    """Groups computed, named, or one as an issue; with their map."""
    project = await project_of(ctx).select(project_id)
    chosen = await find_theme(project, theme)
    if given["issue"] >= 0:
        return answer(*await issue_content(project, chosen, given["issue"], given["tracker"]))
    body = await reporting(ctx, lambda _: computed(project, chosen, given))
    content, text = await clustered_content(project, chosen, body)
    return await drawn(map_of(chosen, body), content, text) if given["map"] else answer(content, text)


async def computed(project: Project, theme: AnalysisTheme, given: Mapping[str, Any]) -> dict[str, Json]:
    """A new clustering; or the newest with other names."""
    if given["labels"]:
        return await name_clusters(project, theme, given["labels"])
    how = theme.clustering.model_copy(
        update={name: given[name] for name in ("algorithm", "k", "min_users") if given[name]}
    )
    return await cluster(project, theme, how, days=given["days"])


async def issue_content(project: Project, theme: AnalysisTheme, number: int, tracker: Tracker) -> Shown:
    """One group as an issue to file.

    Raises:
        NotFound: there is no such group.
    """
    body = await kept_clustering(project, theme)
    clusters = {each["cluster_id"]: each for each in cast("list[dict[str, Any]]", body["clusters"])}
    if number not in clusters:
        raise NotFound(f"There is no cluster {number}.", fix=f"Use: {', '.join(map(str, clusters)) or 'none is left'}.")
    made = issue(body, clusters[number], tracker)
    info = (await project.driver.project()).as_json()
    content: dict[str, Json] = {"theme": theme.id, "cluster_id": number, "tracker": tracker, **made, "project": info}
    labels = ", ".join(map(str, cast("list[Json]", made["labels"])))
    return content, f"title: {made['title']}\nlabels: {labels}\n\n{made['markdown']}"


def map_of(theme: AnalysisTheme, body: Mapping[str, Json]) -> Chart:
    """The groups on a plane."""
    names = {each["cluster_id"]: each["label"] for each in cast("list[dict[str, Any]]", body["clusters"])}
    points = cast("list[list[Any]]", body["map"])
    rows: list[list[Json]] = [[x, y, str(clean(names.get(label, "outliers")))] for x, y, label, _ in points]
    title = f"{theme.name}: {body['summaries']} findings in {len(names)} groups"
    return Chart("scatter", title, ("x", "y", "group"), rows, x="x", y="y", series="group", unit="none")


async def clustered_content(project: Project, theme: AnalysisTheme, body: Mapping[str, Json]) -> Shown:
    """Largest first, as many as fit."""
    every = cast("list[dict[str, Json]]", clean(body["clusters"]))
    shown = fitting_clusters([{name: value for name, value in each.items() if name not in LONG} for each in every])
    writers = cast("dict[str, int]", body["writers"])
    content: dict[str, Json] = {
        **{name: clean(value) for name, value in body.items() if name not in LONG and name != "clusters"},
        "clusters": cast("Json", shown),
        "cluster_count": len(every),
        "truncated": len(shown) < len(every),
        "next": {"theme": theme.id, "labels": {"0": "<a better name>"}},
        "project": (await project.driver.project()).as_json(),
        "data_note": DATA_NOTE,
    }
    outliers, withheld = cast("dict[str, Json]", body["outliers"]), cast("dict[str, Json]", body["withheld"])
    periods = cast("dict[str, list[str]]", body["periods"])
    lines = [
        f"{body['summaries']} findings of theme {theme.id} in {len(every)} clusters ({body['algorithm']}, silhouette "
        f"{body['silhouette']}, vectors {body['embedder']}); {outliers['size']} outliers.",
        f"Trend: {' to '.join(periods['now'])} against {' to '.join(periods['before'])} (UTC).",
    ]
    if withheld["clusters"]:
        lines.append(f"{withheld['clusters']} clusters with fewer than {withheld['min_users']} users are withheld.")
    lines += [RULES] if WRITER in writers else []
    lines.append(fenced("\n".join(cluster_text(each) for each in shown)))
    if content["truncated"]:
        lines.append(f"{len(every) - len(shown)} smaller clusters are not shown.")
    lines.append("next: read_trace of an example; cluster_summaries with labels, issue=<cluster_id> or map=true")
    return content, "\n".join([*lines, project_line(content)])


def fitting_clusters(clusters: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Whole groups within the size of an answer; at least one. Where all do not fit, without counter-examples."""
    size = len(json.dumps(clusters, ensure_ascii=False))
    plain = [{name: value for name, value in each.items() if name != "contrast"} for each in clusters]
    chosen = list(clusters) if size <= CLUSTERS_BUDGET else plain
    found: list[dict[str, Json]] = []
    used = 0
    for each in chosen:
        used += len(json.dumps(each, ensure_ascii=False))
        if found and used > CLUSTERS_BUDGET:
            break
        found.append(each)
    return found


def cluster_text(each: Mapping[str, Json]) -> str:
    """A group on a few lines."""
    trend = cast("dict[str, Json]", each["trend"])
    change = trend["change"]
    moved = "new" if trend["is_new"] else f"{change:+.0%}" if isinstance(change, int | float) else "nothing before"
    people = f"{each['size']} traces ({float(str(each['share'])):.0%}), {each['users']} users"
    cost = f"{each['cost_usd']} USD, median {each['median_latency_s']} s"
    rest = f"severity {json.dumps(each['severity'])}, trend {trend['before']} -> {trend['now']} ({moved})"
    head = f"[{each['cluster_id']}] {each['label']}: {people}, {cost}, {rest}"
    lines = [head, f"    terms: {', '.join(map(str, cast('list[Json]', each['terms'])))}"]
    for name, mark in (("examples", "e.g."), ("contrast", "not:")):
        for one in cast("list[dict[str, Json]]", each.get(name) or []):
            lines.append(f"    {mark} {one['title']} ({one['trace_id']} {one['link']})")
    return "\n".join(lines)


async def search_answer(ctx: Ctx, query: str, theme: str, trace_id: str, limit: int, project_id: int) -> CallToolResult:
    """Summaries by meaning, or all of one trace.

    Raises:
        InvalidInput: neither is given.
    """
    project = await project_of(ctx).select(project_id)
    if not query and not trace_id:
        raise InvalidInput("Nothing is asked for.", fix="Give query, or trace_id.")
    chosen = (await find_theme(project, theme)).id if theme else ""
    return answer(*await found_content(project, query, chosen, trace_id, limit))


async def found_content(project: Project, query: str, theme: str, trace_id: str, limit: int) -> Shown:
    """Hits, or a trace's summaries.

    Raises:
        NotFound: nothing has been summarised.
    """
    if trace_id:
        rows = [each for each in await of_trace(project, trace_id) if theme in ("", each.theme_id)]
        hits, searched = [Hit(each, 1.0) for each in rows][:limit], len(rows)
    else:
        hits, searched = await search(project, query, theme_id=theme, most=limit)
    if not searched:
        what = f"trace {trace_id!r}" if trace_id else f"theme {theme}" if theme else "this project"
        raise NotFound(f"There are no summaries of {what} yet.", fix="Call run_theme, or collect_theme, first.")
    table = [[each.score, each.summary.theme_id, each.summary.relevant, each.summary.writer, *summary_row(project, each.summary)] for each in hits]  # fmt: skip  # noqa: E501
    shown = fitting(table, CLUSTERS_BUDGET)
    content: dict[str, Json] = {
        "query": query,
        "trace_id": trace_id,
        "columns": list(HIT_HEADER),
        "rows": cast("Json", shown),
        "row_count": len(hits),
        "searched": searched,
        "truncated": len(shown) < len(hits),
        "next": None,
        "project": (await project.driver.project()).as_json(),
        "data_note": DATA_NOTE,
    }
    lines = [f"{len(hits)} of {searched} summaries" + ("; none is close to the query" if not hits else "")]
    lines += [fenced("\n".join(" | ".join(map(str, row)) for row in [list(HIT_HEADER), *shown]))] if shown else []
    lines += [f"{len(hits) - len(shown)} more do not fit: use a smaller limit"] if content["truncated"] else []
    return content, "\n".join([*lines, project_line(content)])
