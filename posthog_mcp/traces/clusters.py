"""Group a theme's summaries: sizes, people, cost, latency, trend, label, examples and counter-examples.

Only summaries that their reader called relevant are grouped. A group with fewer people than the theme's `min_users` is
withheld: counted, and nothing else told of it, nor of single outliers then.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# numpy's overloads are partly untyped.

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import fmean, median
from typing import TYPE_CHECKING, cast

import anyio

from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.state.trace_themes.summaries import StoredSummary
from posthog_mcp.traces.embeddings import embedded
from posthog_mcp.traces.extractive import ASKED, WRITER
from posthog_mcp.traces.kmeans import OUTLIER, Grouped, group
from posthog_mcp.traces.labels import distinctive
from posthog_mcp.traces.links import trace_link
from posthog_mcp.traces.periods import Periods, periods_of
from posthog_mcp.traces.themes import AnalysisTheme, Clustering

if TYPE_CHECKING:
    from posthog_mcp.traces.vectors import Vectors

EXAMPLES = 3
LABEL_TERMS = 3
CARRIED = 0.5
"""Share of a group's traces that an earlier group must hold for its given name to stay."""


async def cluster(project: Project, theme: AnalysisTheme, how: Clustering, *, days: int = 0) -> dict[str, Json]:
    """Group all relevant summaries of a theme, and keep the result. `days`: length of the period that trends compare.

    Raises:
        NotFound: there are no relevant summaries yet.
        Unavailable: an extra is missing.
    """
    project_id = (await project.driver.project()).id
    rows = await project.themes.summaries(project_id, theme_id=theme.id, relevant_only=True)
    if not rows:
        fix = f'Run run_theme {{"theme": "{theme.id}"}}, or collect_theme and save_trace_summaries.'
        raise NotFound(f"Theme {theme.id} has no relevant summaries yet.", fix=fix)
    vectors, embedder = await embedded(project, [text_of(each) for each in rows])
    earlier = await project.themes.clusterings(project_id, theme.id, limit=1)
    periods = await periods_of(project, theme, rows, days)

    def work() -> dict[str, Json]:
        grouped = group(vectors, algorithm=how.algorithm, k=how.k, min_size=min(how.min_size, max(2, len(rows) // 2)))
        return described(project, theme, how, rows, vectors, grouped, periods, earlier)

    body = await anyio.to_thread.run_sync(work)
    body |= {"embedder": embedder, "host": project.settings.host if project.settings.uses_posthog else "embedded"}
    await project.themes.save_clustering(project_id, theme.id, str(body["run_id"]), body)
    return body


def text_of(each: StoredSummary) -> str:
    """What a summary is compared by: the finding, and what was wanted. Rules quote much that is beside the point."""
    if each.writer == WRITER:
        return f"{each.title}\n{each.body.get(ASKED) or ''}"
    return f"{each.title}\n{each.summary}"


def described(
    project: Project,
    theme: AnalysisTheme,
    how: Clustering,
    rows: Sequence[StoredSummary],
    vectors: Vectors,
    grouped: Grouped,
    periods: Periods,
    earlier: Sequence[Mapping[str, Json]],
) -> dict[str, Json]:
    """The whole clustering as plain data."""
    places = [
        [at for at, label in enumerate(grouped.labels.tolist()) if label == each]
        for each in range(len(grouped.centres))
    ]
    words = distinctive([[text_of(rows[at]) for at in each] for each in places])
    given = given_names(earlier)
    clusters: list[Json] = []
    withheld = Counter[str]()
    private = {index for index, own in enumerate(places) if len({rows[at].person_id for at in own}) < how.min_users}
    hidden = {at for index in private for at in places[index]}
    hidden |= {at for at, label in enumerate(grouped.labels.tolist()) if label == OUTLIER and how.min_users > 1}
    for index, own in enumerate(places):
        if index in private:
            withheld["clusters"] += 1
            withheld["summaries"] += len(own)
            continue
        name = carried(given, [rows[at].trace_id for at in own])
        found = figures([rows[at] for at in own], len(rows), periods)
        order = sorted(own, key=lambda at: float(grouped.distances[at]))
        outside = contrast(vectors, grouped, index, hidden)
        clusters.append(
            {
                "cluster_id": index,
                "label": name or " / ".join(words[index][:LABEL_TERMS]) or rows[order[0]].title,
                "labelled_by": "client" if name else "terms",
                "title": rows[order[0]].title,
                "terms": list(words[index]),
                **found,
                "examples": [example(project, rows[at]) for at in order[:EXAMPLES]],
                "contrast": [example(project, rows[at]) for at in outside],
                "members": [rows[at].trace_id for at in order],
            }
        )
    outliers = [at for at, label in enumerate(grouped.labels.tolist()) if label == OUTLIER]
    shown_outliers = [at for at in outliers if at not in hidden][:EXAMPLES]
    return {
        "run_id": secrets.token_hex(6),
        "theme": theme.id,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "algorithm": how.algorithm,
        "k": len(places),
        "silhouette": round(grouped.silhouette, 3),
        "summaries": len(rows),
        "clusters": clusters,
        "outliers": {"size": len(outliers), "examples": [example(project, rows[at]) for at in shown_outliers]},
        "withheld": {"clusters": withheld["clusters"], "summaries": withheld["summaries"], "min_users": how.min_users},
        "periods": periods.as_json(),
        "writers": dict(Counter(each.writer for each in rows)),
        "map": flat(vectors, grouped, rows, hidden),
    }


def figures(own: Sequence[StoredSummary], every: int, periods: Periods) -> dict[str, Json]:
    """Sizes and sums of one group."""
    now, before = periods.counts([each.at for each in own])
    return {
        "size": len(own),
        "share": round(len(own) / every, 4),
        "users": len({each.person_id for each in own}),
        "cost_usd": round(sum(each.cost_usd for each in own), 6),
        "mean_cost_usd": round(fmean(each.cost_usd for each in own), 6),
        "median_latency_s": round(median(each.latency_s for each in own), 3),
        "with_errors": sum(each.errors > 0 for each in own),
        "severity": dict(Counter(each.severity for each in own)),
        "trend": {
            "now": now,
            "before": before,
            "change": round(now / before - 1, 3) if before else None,
            "is_new": bool(now and not before and periods.has_before),
        },
        "first_at": min(each.at for each in own),
        "last_at": max(each.at for each in own),
    }


def example(project: Project, each: StoredSummary) -> dict[str, Json]:
    evidence = each.body.get("evidence")
    return {
        "trace_id": each.trace_id,
        "title": each.title,
        "at": each.at,
        "evidence": evidence[:3] if isinstance(evidence, list) else [],
        "link": trace_link(project.settings, each.trace_id, each.at),
    }


def contrast(vectors: Vectors, grouped: Grouped, index: int, hidden: set[int]) -> list[int]:
    """What lies nearest to a group and is not in it: where its border is. Nothing that is `hidden`."""
    import numpy as np

    closeness = vectors @ grouped.centres[index]
    closeness[grouped.labels == index] = -np.inf
    closeness[sorted(hidden)] = -np.inf
    order = np.argsort(-closeness)[: EXAMPLES - 1]
    return [int(at) for at in order if closeness[at] > 0]


def flat(
    vectors: Vectors, grouped: Grouped, rows: Sequence[StoredSummary], hidden: set[int], most: int = 1_000
) -> list[Json]:
    """[x, y, cluster, trace_id] of each summary, on the two directions of most variance; outliers are −1."""
    import numpy as np

    middle = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh((middle.T @ middle).astype(np.float64))
    places = middle @ axes[:, -2:][:, ::-1]
    step = max(1, len(rows) // most)
    return [
        [round(float(places[at, 0]), 4), round(float(places[at, -1]), 4), label, rows[at].trace_id]
        for at, label in enumerate(grouped.labels.tolist())
        if at % step == 0 and at not in hidden
    ]


def given_names(earlier: Sequence[Mapping[str, Json]]) -> list[tuple[str, set[str]]]:
    """Names that a client gave, with the traces of their groups."""
    clusters = cast("list[dict[str, Json]]", earlier[0]["clusters"]) if earlier else []
    return [
        (str(each["label"]), {str(name) for name in cast("list[Json]", each["members"])})
        for each in clusters
        if each["labelled_by"] == "client"
    ]


def carried(given: Sequence[tuple[str, set[str]]], members: Sequence[str]) -> str:
    """The name that most of these traces had; nothing where less than half had one."""
    best = max(given, key=lambda each: len(each[1] & set(members)), default=("", set[str]()))
    return best[0] if len(best[1] & set(members)) >= CARRIED * min(len(members), len(best[1]) or 1) and best[1] else ""


async def kept_clustering(project: Project, theme: AnalysisTheme, run_id: str = "") -> dict[str, Json]:
    """The newest clustering of a theme, or that of a run.

    Raises:
        NotFound: there is none.
    """
    project_id = (await project.driver.project()).id
    found = await project.themes.clusterings(project_id, theme.id, run_id, limit=1)
    if not found:
        raise NotFound(f"Theme {theme.id} has no such clustering.", fix="Call cluster_summaries without run_id.")
    return found[0]


async def name_clusters(project: Project, theme: AnalysisTheme, names: Mapping[str, str]) -> dict[str, Json]:
    """Keep names that a client gave to groups (cluster id → name) of the newest clustering; later ones inherit them.

    Raises:
        InvalidInput: there is no group of such an id, or a name is empty or too long.
    """
    body = await kept_clustering(project, theme)
    clusters = {str(each["cluster_id"]): each for each in cast("list[dict[str, Json]]", body["clusters"])}
    for number, name in names.items():
        if number not in clusters:
            near = ", ".join(nearest(number, clusters) or list(clusters)[:10])
            raise InvalidInput(f"labels: there is no cluster {number!r}.", fix=f"Use: {near}.")
        if not name.strip() or len(name) > 120:
            raise InvalidInput(f"labels.{number}: 1 to 120 characters are needed.", fix="Shorten it.")
        clusters[number] |= {"label": name.strip(), "labelled_by": "client"}
    project_id = (await project.driver.project()).id
    await project.themes.save_clustering(project_id, theme.id, str(body["run_id"]), body)
    return body
