"""Content and text of anomalies, forecasts, comparisons, correlations and churn scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.analysis.anomalies import Anomaly, Shift, rounded
from posthog_mcp.analysis.churn import ChurnScores
from posthog_mcp.analysis.correlate import FALSE_DISCOVERIES, Correlation
from posthog_mcp.analysis.forecast import Prediction
from posthog_mcp.analysis.groups import Group, GroupComparison, how_long, verdict
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.stats.residuals import Judged
from posthog_mcp.queries.shape import BUDGET, DATA_NOTE, clean, fenced, fitting
from posthog_mcp.results import DateRange, Json
from posthog_mcp.server.tools.texts import Shown, rows_in_text

ANOMALY, LEVEL, BAND = (
    ("at", "kind", "value", "expected", "low", "high", "q"),
    ("at", "earliest", "latest", "before", "after"),
    ("at", "value", "expected", "low", "high", "p"),
)
BINS = ("told", "came_true", "low", "high", "n")
RECENT = 14
"""Newest intervals whose bands are shown."""
HALF = BUDGET // 2


def columns(*names: str) -> Json:
    return cast("Json", [{"name": name, "type": "String" if at == 0 else "Float64"} for at, name in enumerate(names)])


def ranged(bounds: DateRange) -> str:
    return f"{bounds.date_from} to {bounds.date_to} ({bounds.timezone})"


def finished(content: dict[str, Json], lines: Sequence[str], series: MetricSeries | None = None) -> Shown:
    """The common end of an answer: which project, range and query it is from."""
    told = [*lines]
    if series is not None:
        bounds, info = series.date_range, series.project
        notes = [note for note in series.notes if note.code != "long_time_range"]
        content |= {
            "metric": cast("Json", {name: clean(value) for name, value in series.as_json().items()}),
            "date_range": bounds.as_json(),
            "project": info.as_json(),
            "query_id": series.query_id,
            "hogql": series.hogql,
            "url": series.url,
            "warnings": [note.as_json() for note in notes],
        }
        told += [f"warning {note.code}: {note.message} {note.fix}".rstrip() for note in notes]
        told.append(
            f"project {info.id} {info.name} on {info.host} ({info.backend}); "
            f"n = {series.n} complete {series.interval}s, "
            f"{ranged(bounds)}; query_id {series.query_id}"
        )
        told.append(f"hogql: {series.hogql}")
    content |= {"truncated": content.get("truncated", False), "next": None, "data_note": DATA_NOTE}
    return content, "\n".join(told)


def anomalies_content(
    series: MetricSeries,
    found: Sequence[Anomaly],
    changed: Sequence[Shift],
    bands: Sequence[Judged],
    known: Mapping[str, str],
    alpha: float,
) -> Shown:
    """What is unusual first, then the newest intervals with their bands."""
    told = [each for each in found if each.label[:10] not in known]
    rows = fitting([each.as_row() for each in reversed(told)], HALF)
    recent: list[list[Json]] = [
        [
            series.labels[each.at],
            each.value,
            rounded(each.expected),
            rounded(each.low),
            rounded(each.high),
            rounded(each.p),
        ]
        for each in bands[-RECENT:]
    ]
    levels: list[list[Json]] = [
        [each.label, each.first, each.last, rounded(each.before), rounded(each.after)] for each in changed
    ]
    head = f"{clean(series.name)}: {len(told)} unusual of {len(bands)} {series.interval}s looked at"
    head += f" (of these at most {alpha:.0%} are expected to be chance)" if told else "; all within what is usual"
    summary = [f"{head}. Level shifts: {len(changed)}."]
    if len(found) > len(told):
        days = dict.fromkeys(f"{each.label} {known[each.label[:10]]}" for each in found if each.label[:10] in known)
        summary.append(f"{len(found) - len(told)} more lie on known days: {', '.join(list(days)[:6])}.")
    content: dict[str, Json] = {
        "summary": cast("Json", summary),
        "columns": columns(*ANOMALY),
        "rows": cast("Json", rows),
        "row_count": len(told),
        "truncated": len(rows) < len(told),
        "level_shifts": cast("Json", {"columns": list(LEVEL), "rows": levels}),
        "newest": cast("Json", {"columns": list(BAND), "rows": recent}),
        "alpha": alpha,
        "looked_at": len(bands),
    }
    lines = [*summary]
    if rows:
        lines.append(f"Unusual, newest first:\n{rows_in_text(ANOMALY, rows)}")
    if levels:
        lines.append(f"Level shifts (dates with 95 %):\n{rows_in_text(LEVEL, levels)}")
    lines.append(f"Newest {len(recent)}, with the 95 % band:\n{rows_in_text(BAND, recent)}")
    return finished(content, lines, series)


def forecast_content(series: MetricSeries, made: Prediction) -> Shown:
    """The coming intervals, and how far to trust them."""
    header = ("at", "value", "low", "high")
    every: list[list[Json]] = [
        [at, rounded(value), rounded(low), rounded(high)]
        for at, value, low, high in zip(made.labels, made.values, made.low, made.high, strict=True)
    ]
    rows = fitting(every)
    error = f"mean error {rounded(made.mae)}, {rounded(made.naive_mae)} for repeating the last season"
    held = "" if math.isnan(made.coverage) else f"; its intervals held {made.coverage:.0%} (wanted {made.level:.0%})"
    summary = [
        f"{clean(series.name)}: {rounded(made.values[0])} ({rounded(made.low[0])} to {rounded(made.high[0])}) on "
        f"{made.labels[0]}, {rounded(made.values[-1])} ({rounded(made.low[-1])} to {rounded(made.high[-1])}) on "
        f"{made.labels[-1]}; {made.level:.0%} intervals, method {made.method}.",
        f"Back-test from {made.origins} places in the past: {error}{held}.",
        "It assumes that nothing new happens.",
    ]
    content: dict[str, Json] = {
        "summary": cast("Json", summary),
        "columns": columns(*header),
        "rows": cast("Json", rows),
        "row_count": len(every),
        "truncated": len(rows) < len(every),
        "level": made.level,
        "method": made.method,
        "backtest": {
            "mae": rounded(made.mae),
            "naive_mae": rounded(made.naive_mae),
            "mase": None if made.mase is None else rounded(made.mase),
            "coverage": None if math.isnan(made.coverage) else rounded(made.coverage),
            "origins": made.origins,
        },
    }
    return finished(content, [*summary, rows_in_text(header, rows)], series)


GROUP_HEADER = (
    "group", "n", "value", "low", "high", "difference", "relative", "relative_low", "relative_high", "p",
    "chance_to_win", "always_valid_p", "enough", "posthog_p",
)  # fmt: skip


def groups_content(found: GroupComparison) -> Shown:
    """The verdict, then a row a group."""
    rows = [group_row(each) for each in found.groups]
    summary = verdict(found)
    needed = None if math.isinf(found.needed) else found.needed
    summary.append(how_long(found))
    if found.smallest is not None:
        summary.append(f"These numbers can show a relative effect of {found.smallest:.1%} or more (power 80 %).")
    content: dict[str, Json] = {
        "summary": [str(clean(each)) for each in summary],
        "answerable": found.answerable,
        "measure": found.measure,
        "columns": columns(*GROUP_HEADER),
        "rows": cast("Json", rows),
        "row_count": len(rows),
        "randomised": found.randomised,
        "sample_ratio_p": found.mismatch_p,
        "people_needed": needed,
        "days_needed": None if found.days is None else round(found.days, 1),
        "posthog": posthog_reading(found),
        "metric": clean(found.metric),
        "split": clean(found.split),
        "project": found.project.as_json() if found.project else None,
        "date_range": found.date_range.as_json() if found.date_range else None,
        "query_id": found.query_id,
        "hogql": found.hogql,
    }
    lines = [fenced("\n".join(cast("list[str]", content["summary"]))), rows_in_text(GROUP_HEADER, rows)]
    if found.project and found.date_range:
        info, bounds = found.project, found.date_range
        lines.append(f"project {info.id} {info.name} on {info.host} ({info.backend}); {ranged(bounds)}")
        lines.append(f"query_id {found.query_id}; hogql: {found.hogql}")
    return finished(content, lines)


def posthog_reading(found: GroupComparison) -> Json:
    """PostHog's own results of the experiment and whether they agree."""
    read = found.posthog
    if read is None or not read.results:
        return None
    rows: list[Json] = [
        [clean(each.name), each.sample.n, each.sample.total, each.chance, each.p, each.low, each.high, each.significant]
        for each in read.results
    ]
    names: list[Json] = ["group", "n", "sum", "chance_to_win", "p", "relative_low", "relative_high", "significant"]
    return {
        "method": read.method,
        "counts_agree": read.counts_agree,
        "statistics_agree": read.statistics_agree,
        "columns": names,
        "rows": rows,
    }


def group_row(each: Group) -> list[Json]:
    """A group's numbers; none where it is the control."""
    test = each.comparison
    found: list[Json] = [
        clean(each.name),
        each.sample.n,
        rounded(each.sample.mean),
        rounded(each.low),
        rounded(each.high),
    ]
    if test is None:
        return [*found, *([None] * 7), each.enough, None]
    relatives = [
        None if value is None else rounded(value) for value in (test.relative, test.fieller_low, test.fieller_high)
    ]
    p = None if each.p is None else rounded(each.p)
    return [
        *found,
        rounded(test.difference),
        *relatives,
        p,
        rounded(test.chance_to_win),
        rounded(test.always_valid_p),
        each.enough,
        rounded(test.p),
    ]


def correlations_content(
    lines: Sequence[MetricSeries], pairs: Sequence[Correlation], left: Sequence[str], lag: int
) -> Shown:
    """The pairs, the strongest first, and what they are not."""
    header = ("leads", "follows", "lag", "r", "low", "high", "q", "n", "explained_by")
    every: list[list[Json]] = [
        [
            *(clean(each.first), clean(each.second), each.lag),
            *(rounded(each.r), rounded(each.low), rounded(each.high), rounded(each.q)),
            *(each.n, clean(each.explained_by)),
        ]
        for each in pairs
    ]
    rows = fitting(every)
    count = len(lines) * (len(lines) - 1) // 2
    first = lines[0]
    summary = [
        f"{len(pairs)} of {count} pairs of {len(lines)} metrics move together beyond trend and season, "
        f"at lags up to {lag} "
        f"{first.interval}s (false discovery rate {FALSE_DISCOVERIES:.0%}).",
        "Moving together is not causing: a third thing may move both, or the order may be chance.",
    ]
    summary += [f"Left out: {each}" for each in left[:5]]
    content: dict[str, Json] = {
        "summary": [str(clean(each)) for each in summary],
        "metrics": [clean(each.name) for each in lines],
        "columns": columns(*header),
        "rows": cast("Json", rows),
        "row_count": len(every),
        "truncated": len(rows) < len(every),
        "project": first.project.as_json(),
        "date_range": first.date_range.as_json(),
        "queries": cast("Json", list(dict.fromkeys(each.query_id for each in lines))),
    }
    info, bounds = first.project, first.date_range
    told = [fenced("\n".join(cast("list[str]", content["summary"]))), rows_in_text(header, rows)]
    told.append(f"metrics: {fenced(', '.join(map(str, cast('list[Json]', content['metrics']))))}")
    told.append(f"project {info.id} {info.name} on {info.host} ({info.backend}); {ranged(bounds)}")
    told.append(f"query_ids: {', '.join(map(str, cast('list[Json]', content['queries'])))}")
    return finished(content, told)


def churn_content(found: ChurnScores) -> Shown:
    """How good the score is, then the list."""
    header = ("id", "name", "risk", "last_active", "active_days", "reasons")
    every: list[list[Json]] = [
        [each.id, clean(each.name), rounded(each.risk), each.last_active, each.active_days, "; ".join(each.reasons)]
        for each in found.people
    ]
    rows = fitting(every, HALF)
    bands = ", ".join(f"{count} {name}" for name, count in found.bands)
    calibrated = "its chances came true" if found.calibrated else "its chances are off: read them as a ranking only"
    gap, least = max(abs(each.told - each.came) for each in found.bins), min(each.n for each in found.bins)
    calibrated += f" (largest gap {gap:.0%}, over fifths of {least} or more)"
    summary = [
        f"{found.scored} {found.unit}s scored as of {found.as_of}: risk {bands}. "
        f"Leaving is no activity in {found.horizon} days.",
        f"Back-test on {found.tested} whom the model had not seen ({found.left:.0%} left): AUC {found.auc:.3f} "
        f"(days since the last activity alone {found.auc_recency:.3f}), Brier {found.brier:.3f} "
        f"(average for all {found.brier_plain:.3f}); {calibrated}.",
        "Risk is what the past pattern says, not a cause; a reason names what raises it above the average.",
    ]
    bins: list[list[Json]] = [
        [rounded(each.told), rounded(each.came), rounded(each.low), rounded(each.high), each.n] for each in found.bins
    ]
    content: dict[str, Json] = {
        "summary": cast("Json", summary),
        "columns": columns(*header),
        "rows": cast("Json", rows),
        "row_count": found.scored,
        "truncated": found.scored > len(rows),
        "auc": rounded(found.auc),
        "auc_recency": rounded(found.auc_recency),
        "brier": rounded(found.brier),
        "calibrated": found.calibrated,
        "calibration": cast("Json", {"columns": list(BINS), "rows": bins}),
        "bands": dict(found.bands),
        "weights": {name: rounded(weight) for name, weight in found.weights},
        "date_range": found.date_range.as_json(),
        "project": found.project.as_json(),
        "query_id": found.query_id,
        "hogql": found.hogql,
        "warnings": [note.as_json() for note in found.notes],
    }
    info = found.project
    lines = [
        *summary,
        f"The {len(rows)} to act on first:\n{rows_in_text(header, rows)}",
        f"Calibration (told, came true, 95 % interval, n):\n{rows_in_text(BINS, bins)}",
        *(f"warning {note.code}: {note.message} {note.fix}" for note in found.notes),
        f"project {info.id} {info.name} on {info.host} ({info.backend}); {ranged(found.date_range)}",
        f"query_id {found.query_id}; all rows: export_result",
        f"hogql: {found.hogql}",
    ]
    return finished(content, lines)
