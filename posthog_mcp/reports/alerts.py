"""Alerts: saved in the state database, tried on the past, checked, told."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import anyio

from posthog_mcp.analysis.metrics import HISTORY, series_of
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.delivery.channel import Parcel, apart
from posthog_mcp.delivery.message import Message, Section, quoted
from posthog_mcp.delivery.outbox import open_outbox
from posthog_mcp.delivery.targets import load_targets
from posthog_mcp.errors import NotFound, PostHogMcpError
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.insights.facts import shown
from posthog_mcp.project import Project
from posthog_mcp.reports.alert_rules import (
    Alert,
    AlertState,
    Event,
    Judgement,
    alert_of,
    firing_texts,
    judged,
    past_firings,
    step,
)
from posthog_mcp.reports.sending import send
from posthog_mcp.results import Json
from posthog_mcp.state.desk.deliveries import Delivery
from posthog_mcp.traces.clusters import kept_clustering
from posthog_mcp.traces.issues import cluster_signals
from posthog_mcp.traces.themes import find_theme

KIND = "alert"
TRIED = {"hour": 24 * 7, "day": 30, "week": 12, "month": 12}
"""Intervals of the past that an alert is tried on."""
LEAST_TRACES = 5
"""Of a cluster in the later period: from one to two is no growth to tell."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One alert after a check. `event` is what was told, `error` why it could not be checked."""

    alert: Alert
    state: AlertState
    event: Event = ""
    deliveries: tuple[Delivery, ...] = ()
    error: str = ""

    def as_json(self) -> dict[str, Json]:
        state = "off" if not self.alert.enabled else "firing" if self.state.firing else "ok"
        shown: dict[str, Json] = {"id": self.alert.id, "name": self.alert.name, "rule": self.alert.rule, "state": state}
        more: dict[str, Json] = {
            "event": self.event,
            "why": self.state.why,
            "since": self.state.since,
            "error": self.error,
        }
        sent: list[Json] = [each.as_json() for each in self.deliveries]
        return {
            **shown,
            **{key: value for key, value in more.items() if value},
            **({"deliveries": sent} if sent else {}),
        }


async def saved_alerts(project: Project) -> list[tuple[Alert, AlertState]]:
    """Every alert with its state, by name."""
    info = await project.driver.project()
    kept = await project.desk.documents.list(KIND, info.id, limit=1000)
    found = [read(each.body) for each in kept]
    return sorted(found, key=lambda pair: pair[0].name.casefold())


def read(body: Mapping[str, Json]) -> tuple[Alert, AlertState]:
    state = cast("dict[str, Json]", body.get("state") or {})
    return alert_of(cast("dict[str, Json]", body["alert"])), AlertState(**state)  # pyright: ignore[reportArgumentType]


async def find_alert(project: Project, wanted: str) -> Alert:
    """An alert by id or name.

    Raises:
        NotFound: there is none.
    """
    known = [alert for alert, _ in await saved_alerts(project)]
    for each in known:
        if wanted in (each.id, each.name):
            return each
    near = ", ".join(nearest(wanted, [each.name for each in known])) or "none yet"
    raise NotFound(f"There is no alert {wanted!r}.", fix=f"Alerts: {near}.")


async def save_alert(project: Project, alert: Alert) -> Alert:
    """Keep an alert, new or changed; a changed one starts from a clean state.

    Raises:
        NotFound: it names a target that is not of the list.
    """
    targets = await load_targets(project.settings)
    for each in alert.targets:
        targets.named(each)
    made = alert if alert.id else alert.model_copy(update={"id": f"alert-{secrets.token_hex(4)}"})
    info = await project.driver.project()
    body: dict[str, Json] = {"alert": made.model_dump(mode="json"), "state": cast("Json", asdict(AlertState()))}
    await project.desk.documents.put(KIND, info.id, made.id, body)
    return made


async def tried(project: Project, alert: Alert, now: datetime | None = None) -> str:
    """How often it would have fired in the past.

    Raises:
        PostHogMcpError: the metric cannot be read.
    """
    if alert.rule == "theme_growth":
        return "Growth of theme clusters has no past to try it on."
    series = await fetched(project, alert, now)
    intervals = min(TRIED[series.interval], max(series.n - 1, 1))
    labels = await anyio.to_thread.run_sync(past_firings, alert, series, intervals)
    return firing_texts(labels, intervals, series.interval)


async def fetched(project: Project, alert: Alert, now: datetime | None) -> MetricSeries:
    """The metric's series with enough past.

    Raises:
        PostHogMcpError: it cannot be read.
    """
    metric = cast("dict[str, Json]", alert.metric)
    back = HISTORY[alert.interval] if alert.interval else "-120d"
    days = {"d": 1, "w": 7, "m": 31}[back[-1]] * int(back[1:-1])
    first = f"{(now or datetime.now(UTC)) - timedelta(days=days):%Y-%m-%d}"
    return await series_of(project, metric, date_from=first, interval=alert.interval, line=alert.line, now=now)


async def check_alerts(
    project: Project, names: Sequence[str] = (), *, now: datetime | None = None, notify: bool = True
) -> list[Checked]:
    """Evaluate alerts once; without `notify` nothing is kept or sent.

    Raises:
        NotFound: one of the names is no alert.
    """
    known = await saved_alerts(project)
    wanted = {(await find_alert(project, each)).id for each in names}
    chosen = [pair for pair in known if not wanted or pair[0].id in wanted]
    return [await checked(project, alert, state, now, notify) for alert, state in chosen]


async def checked(project: Project, alert: Alert, state: AlertState, now: datetime | None, notify: bool) -> Checked:
    """One alert; whoever moves its state first, tells it."""
    if not alert.enabled:
        return Checked(alert, state)
    info = await project.driver.project()
    moment = (now or datetime.now(UTC)).astimezone(ZoneInfo(info.timezone))
    try:
        found = await verdict(project, alert, now)
    except PostHogMcpError as error:
        return Checked(alert, state, error=error.as_text())
    moved, event = step(alert, state, found, moment)
    if not notify:
        return Checked(alert, moved, event)
    kept = await project.desk.documents.get(KIND, info.id, alert.id)
    if kept is None:
        return Checked(alert, state)
    body: dict[str, Json] = {**kept.body, "state": cast("Json", asdict(moved))}
    before = read(kept.body)[1]
    if before != state:
        return Checked(alert, before)
    deliveries = await told(project, alert, moved, event, found) if event else ()
    if event == "fired" and deliveries and all(each.state == "failed" for each in deliveries):
        moved = replace(moved, pending=True, notified=state.notified)
        body = {**kept.body, "state": cast("Json", asdict(moved))}
    await project.desk.documents.swap(KIND, info.id, kept, body)
    return Checked(alert, moved, event, deliveries)


async def verdict(project: Project, alert: Alert, now: datetime | None) -> Judgement:
    """The judgement of the newest interval.

    Raises:
        PostHogMcpError: the metric cannot be read, or is too short.
    """
    if alert.rule == "theme_growth":
        return await theme_growth(project, alert)
    series = await fetched(project, alert, now)
    return await anyio.to_thread.run_sync(judged, alert, series)


async def theme_growth(project: Project, alert: Alert) -> Judgement:
    """The cluster of a theme's newest clustering that grew most against the period before. A new one has none
    and so cannot have grown.

    Raises:
        NotFound: there is no such theme, or it was never clustered.
    """
    theme = await find_theme(project, alert.theme)
    label = str((await kept_clustering(project, theme))["run_id"])
    signals = await cluster_signals(project, theme, min_size=LEAST_TRACES, min_growth=-1.0)
    grown = [(each.change, each) for each in signals if each.change is not None]
    if not grown:
        return Judgement(label, 0.0, False, True, f"no cluster of {LEAST_TRACES} traces has a period before")
    share, top = max(grown, key=lambda pair: (pair[0], pair[1].now))
    word = "grew" if share > 0 else "shrank" if share < 0 else "changed"
    why = f"{quoted(top.label, 60)} {word} by {abs(share) * 100:.0f} %, from {top.before} to {top.now} traces"
    return Judgement(label, top.now, share > alert.change, share <= alert.change * (1 - alert.hysteresis), why)


async def told(
    project: Project, alert: Alert, state: AlertState, event: Event, found: Judgement
) -> tuple[Delivery, ...]:
    """Tell the alert's targets; once for each interval and event, whoever checks. What went nowhere is tried again at
    the next check, under the key of the interval at which it fired."""
    targets = await load_targets(project.settings)
    message = message_of(alert, state, event)
    sent: list[Delivery] = []
    async with open_outbox(project) as outbox:
        for name in alert.targets:
            target = targets.known.get(name)
            label = state.began if event == "fired" and state.began else found.label
            if target is not None:
                parcels = apart(Parcel(message, target, f"{alert.id}:{label}:{event}"))
                sent += await send(project, parcels, outbox)
    return tuple(sent)


def message_of(alert: Alert, state: AlertState, event: Event) -> Message:
    """What is told of an alert."""
    word = {"fired": "Alert", "again": "Still firing", "resolved": "Resolved"}[event or "fired"]
    lines = [f"**{quoted(alert.name, 120)}**: {state.why}."]
    low, high = ("…" if each is None else shown(each) for each in (alert.lower, alert.upper))
    rule = {
        "absolute": f"bounds {low} to {high}",
        "relative": f"changes of more than {alert.change * 100:.0f} % ({alert.direction})",
        "anomaly": f"values beyond season and noise ({alert.direction})",
        "theme_growth": f"a cluster of {alert.theme} that grows by more than {alert.change * 100:.0f} %",
    }[alert.rule]
    why = f"Rule: {rule}; cooldown {alert.cooldown_hours:g} h. Ask `explain_change` for the reason."
    facts: dict[str, Json] = {"alert": alert.id, "event": event, "why": state.why, "since": state.since}
    return Message(alert.id, f"{word}: {quoted(alert.name, 120)}", (Section("", tuple(lines), (why,)),), "", facts)
