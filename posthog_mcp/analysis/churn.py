"""Who is about to leave: a risk a person or account, back-tested on the past, with reasons.

From the days on which somebody was active, up to a day: how long ago the last was, how many there were, in their own
rhythm, and what they did. A logistic model of whether they are active again within the horizon is fitted one horizon
back and tested on the next one, which it has not seen; then it is fitted on that and says today's risk.

Source: recency and frequency are what tells (Fader, Hardie and Lee, Journal of Marketing Research 42 (2005)); measured
on the CDNOW customers, a logistic model of them tells repeat buyers apart as well as BG/NBD does (AUC .760 and .764).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from posthog_mcp.analysis.stats.logistic import Bin, Model, auc, brier, calibration, fitted
from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.insights.frame import conjunction, time_literal
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import DateRange, Json, Note, ProjectInfo

HORIZON = 28
WINDOWS = 6
"""Horizons of history that are read."""
LEAST, LEAST_CASES = 100, 20
"""People at a time of the back-test, and of those who left and who stayed."""
LOOK_BACK = 4
"""Horizons that are looked back from each time, as far as the first of the three reaches back: with more at the later
ones the same person would be older there, and rarer, than the model was fitted for."""
ALIVE = 2
"""Somebody is scored who was active within so many horizons."""
FEATURES = (
    "days since last active",
    "active days",
    "active days lately",
    "own rhythm",
    "age in days",
    "kinds of actions",
)
Day = tuple[int, float, float]
"""Days before the end of history, events, kinds of events."""


@dataclass(frozen=True, slots=True)
class AtRisk:
    """One person or account. `risk` is the chance of no activity within the horizon; `reasons` what raises it."""

    id: str
    name: str
    risk: float
    last_active: str
    active_days: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChurnScores:
    """The list to act on, most valuable of the likely ones first, and how well the model did on a past it had not
    seen. `auc_recency` is what the days since the last activity alone would have reached."""

    project: ProjectInfo
    unit: str
    horizon: int
    as_of: str
    scored: int
    tested: int
    left: float
    """Share that left in the back-test."""
    auc: float
    auc_recency: float
    brier: float
    brier_plain: float
    """Of telling everybody the average."""
    bins: tuple[Bin, ...]
    calibrated: bool
    bands: tuple[tuple[str, int], ...]
    people: tuple[AtRisk, ...]
    weights: tuple[tuple[str, float], ...]
    query_id: str
    hogql: str
    notes: tuple[Note, ...]
    date_range: DateRange
    """What was read, in the project's time zone."""


async def score_churn(
    project: Project,
    *,
    unit: str = "person",
    event: str = "",
    horizon: int = HORIZON,
    limit: int = 25,
    as_of: str = "",
    now: datetime | None = None,
    progress: Progress | None = None,
) -> ChurnScores:
    """Score everybody who was active within two horizons. `unit` is person, or a group type's name; `event` what counts
    as active (empty: anything).

    Raises:
        InvalidInput: too little history, too few people, or too few who left or stayed.
        NotFound: there is no such event or group type.
        PostHogMcpError: what the backend says.
    """
    info = await project.driver.project()
    end = await last_day(project, info, as_of, now)
    query = await days_query(project, unit, event, end, horizon * WINDOWS, project.settings.max_rows)
    result = await run_hogql(project, query, limit=project.settings.max_rows, progress=progress)
    histories = {str(row[0]): (str(row[1] or ""), days_of(row[2])) for row in result.table.rows}
    require_history(histories, horizon)
    back = look_back(histories, horizon)
    then, test = (examples(histories, steps * horizon, horizon, back) for steps in (2, 1))
    require(unit, then, test, horizon)
    model = fitted([row for row, _ in then], [left for _, left in then])
    told = [model.chance(row) for row, _ in test]
    cases = [left for _, left in test]
    share = sum(cases) / len(cases)
    bins = calibration(told, cases)
    final = fitted([row for row, _ in test], cases)
    people = scored(histories, final, horizon, end, back)
    notes = limit_notes(len(result.table.rows), project.settings.max_rows)
    return ChurnScores(
        project=info,
        unit=unit,
        horizon=horizon,
        as_of=end.isoformat(),
        scored=len(people),
        tested=len(test),
        left=share,
        auc=auc(told, cases),
        auc_recency=auc([row[0] for row, _ in test], cases),
        brier=brier(told, cases),
        brier_plain=share * (1 - share),
        bins=tuple(bins),
        calibrated=all(each.low - 0.05 <= each.told <= each.high + 0.05 for each in bins),
        bands=bands_of(people),
        people=tuple(sorted(people, key=worth)[:limit]),
        weights=tuple(zip(FEATURES, final.weights, strict=True)),
        query_id=result.query_id,
        hogql=result.hogql,
        notes=notes,
        date_range=DateRange(str(end - timedelta(days=horizon * WINDOWS)), str(end), info.timezone),
    )


async def last_day(project: Project, info: ProjectInfo, as_of: str, now: datetime | None) -> date:
    """The day after the last complete one that has data.

    Raises:
        InvalidInput: `as_of` is no date.
    """
    if as_of:
        try:
            return date.fromisoformat(as_of)
        except ValueError:
            raise InvalidInput(f"as_of {as_of!r} is no date.", fix="Write 2026-10-31.") from None
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(info.timezone)).date()
    history = (await project.driver.catalogue()).history
    return min(today, history[1].astimezone(ZoneInfo(info.timezone)).date()) if history else today


async def days_query(project: Project, unit: str, event: str, end: date, days: int, most: int) -> str:
    """Who, a name, and their active days; a sample by hash where there are more than fit.

    Raises:
        NotFound: there is no such event or group type.
    """
    catalogue = await project.driver.catalogue()
    if event and catalogue.events and event not in catalogue.events:
        near = ", ".join(nearest(event, catalogue.events))
        raise NotFound(f"There is no event {event!r}.", fix=f"Nearest: {near}." if near else "List the events.")
    who, name = "person_id", "any(person.properties.email)"
    if unit != "person":
        if unit not in catalogue.group_types:
            known = ", ".join(catalogue.group_types) or "none"
            raise NotFound(f"There is no group type {unit!r}.", fix=f"Use person, or a group type: {known}.")
        who = f"$group_{catalogue.group_types.index(unit)}"
        name = f"any({who})"
    stop = datetime(end.year, end.month, end.day)
    start = stop - timedelta(days=days)
    conditions = [f"timestamp >= {time_literal(start)}", f"timestamp < {time_literal(stop)}"]
    conditions += [f"event = {text_literal(event)}"] if event else []
    conditions += [f"{who} != ''"] if unit != "person" else []
    ago = f"dateDiff('day', toStartOfDay(timestamp), {time_literal(stop)})"
    inner = f"SELECT {who} AS who, {ago} AS ago, count() AS n, uniq(event) AS kinds, {name} AS name FROM events"
    inner = f"{inner} {conjunction(conditions)} GROUP BY who, ago"
    return (
        f"SELECT toString(who) AS id, any(name) AS name, groupArray(tuple(ago, n, kinds)) AS days FROM ({inner}) "
        f"GROUP BY who ORDER BY cityHash64(toString(who)), id LIMIT {most}"
    )


def days_of(cell: Json) -> list[Day]:
    """Active days, the newest first."""
    rows = cell if isinstance(cell, list) else []
    found = [(int(str(row[0])), float(str(row[1])), float(str(row[2]))) for row in rows if isinstance(row, list)]
    return sorted(found)


def look_back(histories: dict[str, tuple[str, list[Day]]], horizon: int) -> int:
    """Days that are known at every time of the back-test and today."""
    known = max((days[-1][0] for _, days in histories.values() if days), default=0)
    return min(LOOK_BACK * horizon, max(known - 2 * horizon, horizon))


def features(days: Sequence[Day], cutoff: int, horizon: int, back: int = 0) -> list[float] | None:
    """What is known of somebody `cutoff` days before the end, from `back` days before that on (0: all); None of who
    is not to be scored then."""
    known = [(ago - cutoff, n, kinds) for ago, n, kinds in days if ago > cutoff and (not back or ago <= cutoff + back)]
    if not known or known[0][0] > ALIVE * horizon:
        return None
    recency, age = known[0][0], known[-1][0]
    window = [each for each in known if each[0] <= 3 * horizon]
    lately = [each for each in known if each[0] <= horizon]
    gap = (age - recency) / (len(known) - 1) if len(known) > 1 else float(horizon)
    kinds = max((each[2] for each in window), default=0.0)
    return [
        math.log1p(recency),
        math.log1p(len(window)),
        math.log1p(len(lately)),
        math.log((recency + 1) / (gap + 1)),
        math.log1p(age),
        math.log1p(kinds),
    ]


def examples(
    histories: dict[str, tuple[str, list[Day]]], cutoff: int, horizon: int, back: int = 0
) -> list[tuple[list[float], bool]]:
    """Everybody who was to be scored `cutoff` days before the end, and whether they left: no day in that horizon."""
    found: list[tuple[list[float], bool]] = []
    for _, days in histories.values():
        row = features(days, cutoff, horizon, back)
        if row is not None:
            found.append((row, not any(cutoff - horizon < ago <= cutoff for ago, _, _ in days)))
    return found


def require_history(histories: dict[str, tuple[str, list[Day]]], horizon: int) -> None:
    """Two horizons that are foretold and one before them.

    Raises:
        InvalidInput: the data do not reach back so far.
    """
    known = max((days[-1][0] for _, days in histories.values() if days), default=0)
    if known < 3 * horizon:
        text = f"A horizon of {horizon} days needs {3 * horizon} days of activity; there are {known}"
        shorter = f"Use a horizon of at most {known // 3} days." if known >= 21 else "Wait for more data."
        raise InvalidInput(f"{text} ({len(histories)} with any activity).", fix=shorter)


def require(
    unit: str, then: Sequence[tuple[list[float], bool]], test: Sequence[tuple[list[float], bool]], horizon: int
) -> None:
    """Enough people of either kind, at both times.

    Raises:
        InvalidInput: there are not.
    """
    for each in (then, test):
        left = sum(case for _, case in each)
        if len(each) < LEAST or min(left, len(each) - left) < LEAST_CASES:
            text = (
                f"A churn score needs {LEAST} {unit}s with {LEAST_CASES} who left and {LEAST_CASES} who stayed at both "
                f"times of its back-test; there are {len(each)}, of whom {left} left."
            )
            raise InvalidInput(text, fix=f"Use a shorter horizon than {horizon} days, or wait for more data.")


def scored(
    histories: dict[str, tuple[str, list[Day]]], model: Model, horizon: int, end: date, back: int
) -> list[AtRisk]:
    """Today's risk of everybody who was active lately."""
    found: list[AtRisk] = []
    for key, (name, days) in histories.items():
        row = features(days, 0, horizon, back)
        if row is not None:
            seen = end - timedelta(days=days[0][0])
            lately = sum(ago <= 3 * horizon for ago, _, _ in days)
            found.append(AtRisk(key, name, model.chance(row), seen.isoformat(), lately, reasons(model, row, days)))
    return found


def reasons(model: Model, row: Sequence[float], days: Sequence[Day]) -> tuple[str, ...]:
    """What raises this risk above the average one most, in words."""
    ago = days[0][0]
    gap = (days[-1][0] - ago) / (len(days) - 1) if len(days) > 1 else 0.0
    words = (
        f"last active {ago} days ago",
        f"only {len(days)} active days",
        "not active lately" if row[2] == 0 else f"{round(math.expm1(row[2]))} active days lately",
        f"silent {ago} days, usually every {gap:.1f}" if gap else "active on one day only",
        f"known for {days[-1][0]} days",
        f"uses {round(math.expm1(row[5]))} kinds of actions",
    )
    parts = model.parts(row)
    order = sorted(range(len(parts)), key=lambda at: -parts[at])
    return tuple(words[at] for at in order[:2] if parts[at] > 0.1)


def worth(each: AtRisk) -> tuple[bool, float]:
    """Those at risk first, by the activity that would be lost."""
    return each.risk < 0.5, -each.risk * math.log1p(each.active_days)


def bands_of(people: Sequence[AtRisk]) -> tuple[tuple[str, int], ...]:
    """How many are at high (0.7), medium (0.4) and low risk."""
    high, medium = sum(each.risk >= 0.7 for each in people), sum(0.4 <= each.risk < 0.7 for each in people)
    return ("high", high), ("medium", medium), ("low", len(people) - high - medium)


def limit_notes(rows: int, most: int) -> tuple[Note, ...]:
    if rows < most:
        return ()
    text = f"There are more than {most:,}; a random sample of so many is scored."
    return (Note("sampled", text, "Raise POSTHOG_MCP_MAX_ROWS to score more."),)
