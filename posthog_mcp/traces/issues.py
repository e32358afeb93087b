"""A group of summaries as an issue for GitHub or Linear, and as a sign for an alert."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from posthog_mcp.project import Project
from posthog_mcp.queries.shape import clean
from posthog_mcp.results import Json
from posthog_mcp.traces.clusters import kept_clustering
from posthog_mcp.traces.themes import AnalysisTheme

Tracker = Literal["github", "linear"]
MARKUP = re.compile(r"([\\`*_{}\[\]<>#|!@~])")
PRIORITY = {"critical": "Urgent", "high": "High", "medium": "Medium", "low": "Low", "none": "No priority"}
RANK = ("critical", "high", "medium", "low", "none")


def plain(text: Json) -> str:
    """Text of users inside Markdown: nothing links, mentions or formats."""
    return MARKUP.sub(r"\\\1", " ".join(str(clean(text)).split()))


def issue(body: Mapping[str, Json], cluster: Mapping[str, Json], tracker: Tracker) -> dict[str, Json]:
    """Title, labels and Markdown body of an issue."""
    severity = next((each for each in RANK if each in cast("dict[str, Json]", cluster["severity"])), "none")
    trend = cast("dict[str, Json]", cluster["trend"])
    change = trend["change"]
    moved = (
        "new in this period"
        if trend["is_new"]
        else f"{change:+.0%}"
        if isinstance(change, float)
        else "no earlier period"
    )
    lines = [
        f"**{cluster['size']} traces** of {cluster['users']} users ({float(str(cluster['share'])):.0%} of this theme's "
        f"findings), {plain(str(cluster['first_at'])[:10])} to {plain(str(cluster['last_at'])[:10])}.",
        "",
        f"- Severity: {severity}" + (f" (priority {PRIORITY[severity]})" if tracker == "linear" else ""),
        f"- Trend: {trend['now']} now, {trend['before']} in the period before ({moved})",
        f"- Cost: ${cluster['cost_usd']}; median latency {cluster['median_latency_s']} s; "
        f"{cluster['with_errors']} with error events",
        f"- Marked by: {plain(', '.join(map(str, cast('list[Json]', cluster['terms']))))}",
        "",
        "### Examples",
        *(example_line(each) for each in cast("list[dict[str, Json]]", cluster["examples"])),
        "",
        "### Not this",
        *(example_line(each) for each in cast("list[dict[str, Json]]", cluster["contrast"])),
        "",
        "### Done when",
        f"- [ ] The cause is named and mended\n- [ ] The next run of theme `{body['theme']}` finds fewer of them",
        "",
        f"_From theme `{body['theme']}`, clustering `{body['run_id']}`; quotations are what users and models said._",
    ]
    labels = ["llm-traces", str(body["theme"]).replace("_", "-"), f"severity-{severity}"]
    title = f"{cluster['label']}: {cluster['size']} traces, {cluster['users']} users"
    return {"title": str(clean(title))[:200], "labels": cast("Json", labels), "markdown": "\n".join(lines)}


def example_line(each: Mapping[str, Json]) -> str:
    at = ", ".join(map(str, cast("list[Json]", each["evidence"])))
    return f"- {plain(each['title'])} ({each['link']}{f', see {at}' if at else ''})"


@dataclass(frozen=True, slots=True)
class ClusterSignal:
    """A group that grew or is large enough to tell somebody. `change` None: it is new, or nothing lies before."""

    theme_id: str
    cluster_id: int
    label: str
    size: int
    users: int
    now: int
    before: int
    change: float | None
    is_new: bool
    reason: Literal["size", "growth", "new"]


async def cluster_signals(
    project: Project, theme: AnalysisTheme, *, min_size: int = 10, min_growth: float = 0.5
) -> list[ClusterSignal]:
    """Groups of the newest clustering with at least `min_size` traces in the later period, that grew by `min_growth`
    (0.5: by half), are new, or where nothing lies before: just large. Largest growth first.

    Raises:
        NotFound: the theme was never clustered.
    """
    body = await kept_clustering(project, theme)
    found: list[ClusterSignal] = []
    for each in cast("list[dict[str, Json]]", body["clusters"]):
        trend = cast("dict[str, Json]", each["trend"])
        now, before, change = int(str(trend["now"])), int(str(trend["before"])), trend["change"]
        grown = isinstance(change, int | float) and change >= min_growth
        if now < min_size or not (grown or not before):
            continue
        reason = "growth" if grown else "new" if trend["is_new"] else "size"
        found.append(
            ClusterSignal(
                theme.id,
                int(str(each["cluster_id"])),
                str(each["label"]),
                int(str(each["size"])),
                int(str(each["users"])),
                now,
                before,
                float(change) if isinstance(change, int | float) else None,
                bool(trend["is_new"]),
                reason,
            )
        )
    return sorted(found, key=lambda each: (each.change is not None, -(each.change or 0), -each.now))
