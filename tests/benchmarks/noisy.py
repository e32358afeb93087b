"""A project in which nothing ever happens: people come, do things and go at one rate, and everything differs by chance.

`bursty` makes the chance wider than that of counts: days differ by a common factor (gamma, standard deviation 20 %), one
person does many things at once (negative binomial), and meets an exception in a loop.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store

END = datetime(2026, 6, 1, tzinfo=UTC)
JOIN_A_DAY, LIFETIME, ACTIVE = 7.0, 40.0, 0.22
WEEK = (1.1, 1.1, 1.05, 1.0, 1.0, 0.75, 0.7)
HOURS = tuple(0.3 + (8 <= hour < 22) for hour in range(24))
EXCEPTIONS = {f"Error{at}": 0.0006 * 1.35**at for at in range(12)}
FEATURES = tuple(f"used_{name}" for name in ("export", "search", "invite", "filter", "share", "alert"))
CHANNELS, SYSTEMS, COUNTRIES = ("ads", "organic", "referral", "direct"), ("iOS", "Android", "Mac"), ("DE", "FR", "US")
FLAG = "banner"


def poisson(chance: random.Random, mean: float) -> int:
    """Counts of chance alone (by exponential gaps; means here are small)."""
    count, at = 0, chance.expovariate(1.0)
    while at < mean:
        count, at = count + 1, at + chance.expovariate(1.0)
    return count


def events_of(seed: int, days: int, bursty: bool) -> Iterator[dict[str, Any]]:
    """The events of so many days up to END; people who joined in the 120 days before are there already."""
    chance = random.Random(seed)
    people: list[dict[str, Any]] = []
    for day in range(-120, days):
        at = END - timedelta(days=days - day)
        shared = WEEK[at.weekday()] * (chance.gammavariate(25, 1 / 25) if bursty else 1.0)
        joined = [person_of(chance, seed, day, number) for number in range(poisson(chance, JOIN_A_DAY * shared))]
        people = [each for each in people if each["until"] > day] + joined
        if day < 0:
            continue
        for each in joined:
            moment = at + timedelta(seconds=chance.uniform(0, 80_000))
            yield event(each, "signed_up", moment)
            yield event(
                each, "$feature_flag_called", moment, {"$feature_flag": FLAG, "$feature_flag_response": each["variant"]}
            )
        for each in people:
            if chance.random() < ACTIVE * shared:
                yield from visit(chance, each, at, bursty)


def person_of(chance: random.Random, seed: int, day: int, number: int) -> dict[str, Any]:
    name = f"{seed}:{day}:{number}"
    return {
        "name": name,
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "until": day + chance.expovariate(1 / LIFETIME),
        "variant": chance.choice(("control", "test")),
        "own": {"signup_channel": chance.choice(CHANNELS), "$initial_utm_source": chance.choice(CHANNELS)},
        "shown": {"$os": chance.choice(SYSTEMS), "$geoip_country_code": chance.choice(COUNTRIES)},
    }


def visit(chance: random.Random, person: dict[str, Any], day: datetime, bursty: bool) -> Iterator[dict[str, Any]]:
    """What a person does on a day."""
    hour = chance.choices(range(24), HOURS)[0]
    moment = day + timedelta(hours=hour, seconds=chance.uniform(0, 2400))
    seen = poisson(chance, 3.0 * (chance.gammavariate(1, 1) if bursty else 1.0))
    for number in range(seen):
        yield event(person, "seen", moment + timedelta(seconds=number))
    for name in FEATURES:
        if chance.random() < 0.12:
            yield event(person, name, moment + timedelta(seconds=30), {"amount": round(chance.uniform(5, 50), 2)})
    if chance.random() < 0.2:
        yield event(person, "checkout_started", moment + timedelta(seconds=60))
        if chance.random() < 0.7:
            yield event(person, "checkout_completed", moment + timedelta(seconds=120))
    for name, rate in EXCEPTIONS.items():
        if chance.random() < rate:
            times = 1 + poisson(chance, chance.expovariate(1 / 8)) if bursty else 1
            for number in range(times):
                yield event(
                    person, "$exception", moment + timedelta(seconds=200 + number), {"$exception_types": [name]}
                )


def event(person: dict[str, Any], name: str, at: datetime, more: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {**person["shown"], f"$feature/{FLAG}": person["variant"], **(more or {})}
    return {
        "event": name,
        "distinct_id": person["name"],
        "person_id": person["id"],
        "properties": properties,
        "person_properties": person["own"],
        "elements_chain": "",
        "timestamp": at.isoformat(),
        "created_at": at.isoformat(),
    }


def tiles() -> list[dict[str, Any]]:
    """Twelve, of every kind."""

    def trends(name: str, event: str, **more: Any) -> dict[str, Any]:
        series = [{"kind": "EventsNode", "event": event, "math": more.pop("math", "total")}]
        return {"name": name, "query": {"kind": "TrendsQuery", "series": series, **more}}

    def steps(*names: str) -> list[dict[str, Any]]:
        return [{"kind": "EventsNode", "event": each} for each in names]

    retention = {
        "period": "Week",
        "totalIntervals": 8,
        "targetEntity": {"id": "seen"},
        "returningEntity": {"id": "seen"},
    }
    return [
        trends("Seen", "seen"),
        trends("Active", "seen", math="dau"),
        trends("Sign-ups", "signed_up"),
        trends("Checkouts", "checkout_completed"),
        trends("Searches", "used_search"),
        trends("Seen by system", "seen", breakdownFilter={"breakdown": "$os", "breakdown_type": "event"}),
        trends("Seen by week", "seen", interval="week"),
        trends("Sign-ups by week", "signed_up", interval="week"),
        {"name": "Funnel", "query": {"kind": "FunnelsQuery", "series": steps("signed_up", "seen", "checkout_started")}},
        {"name": "Retention", "query": {"kind": "RetentionQuery", "retentionFilter": retention}},
        {"name": "Lifecycle", "query": {"kind": "LifecycleQuery", "series": steps("seen")}},
        {"name": "Stickiness", "query": {"kind": "StickinessQuery", "series": steps("seen")}},
    ]


async def project_in(folder: Path, seed: int, days: int, bursty: bool) -> None:
    """The project with its dashboard and a running experiment, in a data folder."""
    export = folder / "events.jsonl"
    with export.open("w") as file:
        for number, each in enumerate(events_of(seed, days, bursty)):
            file.write(json.dumps({"uuid": str(uuid.UUID(int=number + 1)), **each}) + "\n")
    store = Store(folder / "data" / "local")
    await import_exports(store, [export], project=ProjectSettings(name="Noise"))
    insights: list[tuple[str, Any]] = [("insights", each) for each in tiles()]
    board: Any = {"name": "All", "tiles": [{"id": at, "insight": at} for at in range(1, len(insights) + 1)]}
    variants = [{"key": "control", "rollout_percentage": 50}, {"key": "test", "rollout_percentage": 50}]
    trial: Any = {
        "name": "Banner",
        "feature_flag_key": FLAG,
        "start_date": (END - timedelta(days=days)).isoformat(),
        "parameters": {"feature_flag_variants": variants},
    }
    flag: Any = {"key": FLAG, "name": "Banner", "filters": {"groups": [{"properties": [], "rollout_percentage": 100}]}}
    Objects(store.root).seed([*insights, ("dashboards", board), ("feature_flags", flag), ("experiments", trial)])
