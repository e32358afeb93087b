"""Invented projects that patterns are proven on, as plain Python: the truth is computed from their events, not with SQL.

400 people over 95 days before `END`, from one seeded generator, with what patterns must cope with: touches before
sign-up, renewals, plan changes, double sends, errors on the way, gaps inside sessions, late and early clocks, a rename,
an event that stops. Names are those of the demo project, so that the same blocks run there too. Times are wall times
of the project's zone, whatever their tzinfo says; zones without summer time keep that right.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.insights.made import person_id

END = datetime(2026, 11, 1, tzinfo=UTC)
PEOPLE = 400
AMOUNTS = {"starter": 29.0, "team": 99.0, "business": 299.0}
SOURCES = (
    ("facebook", "www.facebook.com"),
    ("google", "www.google.com"),
    (None, "news.example.org"),
    (None, "$direct"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what when; `stored_after` is how many seconds later it was stored."""

    who: str
    name: str
    at: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    stored_after: int = 2

    def get(self, name: str) -> Any:
        return self.properties.get(name)


class Life:
    """One person's events, written down as they happen."""

    def __init__(self, world: str, number: int) -> None:
        self.draw = Random(f"{world} {number}")
        self.who = f"user_{number:03d}"
        self.events: list[Event] = []
        self.os = self.draw.choices(["Windows", "Mac OS X", "iOS", "Android"], [3, 3, 3, 2])[0]
        self.country = self.draw.choices(["US", "GB", "DE", "FR", "IN"], [9, 4, 4, 2, 2])[0]
        self.group = f"company_{self.draw.randrange(12)}" if self.draw.random() < 0.7 else None
        self.joined = END - timedelta(seconds=self.draw.randrange(86_400, 95 * 86_400))

    def did(self, name: str, at: datetime, **properties: Any) -> None:
        if at >= END:
            return
        common = {"$os": self.os, "$geoip_country_code": self.country, "$lib": "web"}
        if self.group and at >= self.joined:
            common["$group_0"] = self.group
        late = self.draw.choices([2, 200_000, -60], [97, 2, 1])[0]
        known = {key.replace("__", "$", 1): value for key, value in properties.items() if value is not None}
        self.events.append(Event(self.who, name, at.replace(microsecond=0), common | known, late))

    def after(self, at: datetime, least: int, most: int) -> datetime:
        return at + timedelta(seconds=self.draw.randrange(least, most))

    def live(self) -> list[Event]:
        self.arrive()
        self.sign_up()
        self.work()
        self.pay()
        return self.events

    def arrive(self) -> None:
        """One to three visits, each from somewhere; some after sign-up."""
        for visit in range(self.draw.randrange(1, 4)):
            at = self.joined + timedelta(hours=self.draw.randrange(-96, 200) if visit else -2)
            source, domain = self.draw.choice(SOURCES)
            session = f"{self.who}-visit-{visit}"
            page = {"utm_source": source, "__referring_domain": domain, "__session_id": session}
            self.did("$pageview", at, __pathname="/", **page)
            self.did(
                "$web_vitals",
                self.after(at, 1, 4),
                __web_vitals_LCP_value=self.draw.randrange(800, 4_000),
                __pathname="/",
            )
            if self.draw.random() < 0.5:
                self.did("$pageview", self.after(at, 10, 90), __pathname="/pricing", **page)

    def sign_up(self) -> None:
        channel = self.draw.choice(["organic_search", "paid_social", "email"])
        self.did("signed_up", self.joined, channel=channel, plan="free")
        variant = self.draw.choice(["control", "test"])
        if self.draw.random() < 0.8:
            flag = {"__feature_flag": "onboarding-checklist", "__feature_flag_response": variant}
            self.did("$feature_flag_called", self.joined + timedelta(seconds=30), **flag)
            self.did("$feature_flag_called", self.joined + timedelta(hours=5), **flag)
        if self.draw.random() < (0.65 if variant == "test" else 0.45):
            self.did("created_project", self.after(self.joined, 60, 6 * 86_400))
        if self.draw.random() < 0.3 and self.joined < END - timedelta(days=8):
            self.did("invited_teammate", self.after(self.joined, 600, 12 * 86_400))
        self.connected = self.draw.random() < 0.35
        if self.connected:
            self.did("connected_integration", self.after(self.joined, 600, 9 * 86_400), integration="slack")

    def work(self) -> None:
        days = (END - self.joined).days
        stays = self.draw.randrange(3, 100)
        for day in range(1, min(days, stays)):
            if self.draw.random() < (0.3 if self.connected else 0.1):
                self.session(day)

    def session(self, day: int) -> None:
        at = (self.joined + timedelta(days=day)).replace(hour=8, minute=0, second=0) + timedelta(
            seconds=self.draw.randrange(0, 36_000)
        )
        session = {"__session_id": f"{self.who}-{day}"}
        self.did("$pageview", at, __pathname="/dashboard", **session)
        for name, path, chance in (
            ("viewed_report", "/reports", 0.6),
            ("created_dashboard", "/dashboard", 0.3),
            ("exported_data", "/reports", 0.2),
            ("synced_integration", "/integrations", 0.6 * self.connected),
        ):
            if self.draw.random() < chance:
                at = self.after(at, 20, 400 if self.draw.random() < 0.8 else 5_000)
                self.did("$pageview", at, __pathname=path, **session)
                self.did(name, at + timedelta(seconds=4), **session)
        if self.draw.random() < 0.1:
            renamed = at < END - timedelta(days=31)
            self.did("clicked_upgrade" if renamed else "upgrade_clicked", at + timedelta(seconds=9), **session)
        if self.draw.random() < 0.08:
            self.fail(at + timedelta(seconds=2), "TypeError", **session)
        if self.draw.random() < 0.15:
            self.ask(at + timedelta(seconds=11), day)

    def fail(self, at: datetime, kind: str, **properties: Any) -> None:
        self.did("$exception", at, __exception_types=[kind, "Error"], **properties)

    def ask(self, at: datetime, day: int) -> None:
        model = self.draw.choice(["gpt-4o-mini", "claude-sonnet-4-5"])
        for turn in range(self.draw.randrange(1, 4)):
            self.did(
                "$ai_generation",
                at + timedelta(seconds=turn * 5),
                __ai_trace_id=f"{self.who}-{day}",
                __ai_model=model,
                __ai_input_tokens=self.draw.randrange(100, 900),
                __ai_output_tokens=self.draw.randrange(10, 200),
                __ai_latency=self.draw.randrange(300, 4_000) / 1000,
                __ai_total_cost_usd=self.draw.randrange(1, 900) / 100_000,
                __ai_is_error=self.draw.random() < 0.1,
            )

    def pay(self) -> None:
        at, plan = self.joined, self.draw.choices(list(AMOUNTS), [5, 3, 1])[0]
        for attempt in range(self.draw.choices([0, 1, 2], [5, 4, 2])[0]):
            at = self.after(at, 86_400, 12 * 86_400)
            session = {"__session_id": f"{self.who}-pay-{attempt}"}
            self.did("checkout_started", at, plan=plan, **session)
            if self.draw.random() < 0.25:
                self.fail(at + timedelta(seconds=20), "PaymentSheetError", **session)
            broken = self.os == "iOS" and END - timedelta(days=14) <= at
            if self.draw.random() < (0.1 if broken else 0.75):
                self.did("checkout_completed", at + timedelta(seconds=60), plan=plan, **session)
                self.bill(at + timedelta(seconds=61), plan)
                break

    def bill(self, at: datetime, plan: str) -> None:
        while at < END and self.draw.random() < 0.9:
            self.did("payment_succeeded", at, amount=AMOUNTS[plan], plan=plan)
            if self.draw.random() < 0.15:
                self.did("payment_succeeded", self.after(at, 1, 10), amount=AMOUNTS[plan], plan=plan)
            if self.draw.random() < 0.2:
                plan = self.draw.choice(list(AMOUNTS))
                self.did("subscription_upgraded", at + timedelta(hours=1), plan=plan)
            at += timedelta(days=30)


def companies() -> Iterator[Event]:
    """The accounts' own properties."""
    for number in range(12):
        traits = {"name": f"Company {number}", "industry": ["software", "retail", "health"][number % 3]}
        group = {"$group_type": "organization", "$group_key": f"company_{number}", "$group_set": traits}
        yield Event("server", "$groupidentify", END - timedelta(days=96, seconds=-number), group)


@dataclass(frozen=True, slots=True)
class World:
    """One invented project: its generator's seed and its time zone."""

    seed: str
    zone: str

    @property
    def suffix(self) -> str:
        """How its times end in results."""
        return "Z" if self.zone == "UTC" else END.replace(tzinfo=ZoneInfo(self.zone)).isoformat()[-6:]


WORLDS = (World("world", "UTC"), World("another", "Asia/Tokyo"))
current = [WORLDS[0]]
"""The one that a test asks; the fixture sets it."""


@cache
def events(seed: str) -> tuple[Event, ...]:
    """Everything that happened there, in order."""
    lived = (each for number in range(PEOPLE) for each in Life(seed, number).live())
    return tuple(sorted(lived, key=lambda e: (e.at, e.who, e.name)))


def export(world: World) -> str:
    """Its events as a batch export in JSON lines."""
    zone = ZoneInfo(world.zone)
    rows = [
        {
            "uuid": str(uuid.UUID(int=number + 1)),
            "event": each.name,
            "distinct_id": each.who,
            "person_id": person_id(each.who),
            "properties": each.properties,
            "person_properties": {},
            "elements_chain": "",
            "timestamp": each.at.replace(tzinfo=zone).isoformat(),
            "created_at": (each.at.replace(tzinfo=zone) + timedelta(seconds=each.stored_after)).isoformat(),
        }
        for number, each in enumerate((*companies(), *events(world.seed)))
    ]
    return "\n".join(map(json.dumps, rows)) + "\n"


def since(days: float, *names: str, until: datetime = END) -> list[Event]:
    """Events of the last `days` days before END, in order of time; of these names, or all."""
    return between(END - timedelta(days=days), until, *names)


def between(start: datetime | str, end: datetime | str, *names: str) -> list[Event]:
    low, high = (
        datetime.fromisoformat(each).replace(tzinfo=UTC) if isinstance(each, str) else each for each in (start, end)
    )
    return [each for each in events(current[0].seed) if low <= each.at < high and (not names or each.name in names)]


def grouped(events: Iterable[Event], key: Callable[[Event], Any] = lambda e: e.who) -> dict[Any, list[Event]]:
    found: dict[Any, list[Event]] = defaultdict(list)
    for each in events:
        found[key(each)].append(each)
    return dict(found)


def times(events: Iterable[Event], *names: str) -> list[datetime]:
    return [each.at for each in events if each.name in names]


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def monday(at: datetime) -> datetime:
    return midnight(at) - timedelta(days=at.weekday())


def days_between(first: datetime, second: datetime) -> int:
    """Midnights between the two, as ClickHouse's dateDiff('day', …) counts."""
    return (midnight(second) - midnight(first)).days


def shown(at: datetime) -> str:
    """A time as results write it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}{current[0].suffix}"
