"""Forty people of one product, by their number n. END is Sunday 2026-11-01, midnight, UTC.

- They join (`signed_up`, 10:00) on Monday 2026-09-07 (n < 20) or Monday 2026-10-05. An hour before: `/`; a minute before: `/signup`.
- Even n come by search (google), odd by social ($direct). $os: iOS if n % 4 = 0, Android if 2, else Windows.
- Even n create a project an hour after joining; n % 4 = 0 connect an integration a day after; n % 5 = 0 invite two days after.
- Reports are viewed by n % 4 = 0 on days 7, 14 and 20, by n % 4 = 2 on day 7.
- Checkout is started by n % 4 = 0 on day 8 and completed 5 minutes later by n % 8 = 0 (team, 99);
  by n % 10 = 1 on day 10 and completed 10 minutes later (starter, 29). The payment comes a second after.
- Second payments of the first cohort: 0: 99, 8: 149 (business), 1: 29, 11: 19; 16 pays no more. All in October.
- The flag is called a minute after joining: test for n % 8 in 0, 1, 2, 4, else control; 39 sees both, control first.
- TypeError in the checkout session of 0, 10, 20, 30 (day 8), PaymentError three times in that of 1 (day 10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from tests.insights.made import Did

FIRST, SECOND = datetime(2026, 9, 7, 10), datetime(2026, 10, 5, 10)
AGAIN = {0: (99, "team"), 8: (149, "business"), 1: (29, "starter"), 11: (19, "starter")}


def product() -> list[Did]:
    """Everything that happened, in order."""
    return sorted((each for n in range(40) for each in life(n)), key=lambda did: did.at)


def life(n: int) -> Iterator[Did]:
    """What person n did."""
    joined = FIRST if n < 20 else SECOND
    even = n % 2 == 0
    os = {0: "iOS", 2: "Android"}.get(n % 4, "Windows")
    person = {"email": f"p{n}@example.com"}

    def did(event: str, after: timedelta, session: str = "", **properties: object) -> Did:
        known = {
            "$os": os,
            "$session_id": session,
            **{key.replace("__", "$"): each for key, each in properties.items()},
        }
        return Did(f"p{n}", event, (joined + after).isoformat(), {k: v for k, v in known.items() if v != ""}, person)

    first = f"first-{n}"
    domain = "www.google.com" if even else "$direct"
    yield did("$pageview", timedelta(hours=-1), first, __pathname="/", __referring_domain=domain)
    yield did("$pageview", timedelta(minutes=-1), first, __pathname="/signup", __referring_domain=domain)
    yield did("signed_up", timedelta(), first, channel="search" if even else "social")
    test = n % 8 in (0, 1, 2, 4)
    flag = {"__feature_flag": "onboarding-checklist", "__feature_flag_response": "test" if test else "control"}
    yield did("$feature_flag_called", timedelta(minutes=1), first, **flag)
    if n == 39:
        yield did("$feature_flag_called", timedelta(minutes=2), first, **flag | {"__feature_flag_response": "test"})
    if even:
        yield did("created_project", timedelta(hours=1), first)
    if n % 4 == 0:
        yield did("connected_integration", timedelta(days=1))
    if n % 5 == 0:
        yield did("invited_teammate", timedelta(days=2))
    for day in {0: (7, 14, 20), 2: (7,)}.get(n % 4, ()):
        yield did("viewed_report", timedelta(days=day))
    yield from paid(n, did)


def paid(n: int, did: Callable[..., Did]) -> Iterator[Did]:
    """Checkouts, payments, and the errors on the way."""
    session = f"checkout-{n}"
    if n % 4 == 0:
        yield did("checkout_started", timedelta(days=8), session)
    if n % 10 == 0:
        yield did(
            "$exception", timedelta(days=8, minutes=1), session, __exception_types=["TypeError"], __app_version="1.0"
        )
    if n % 8 == 0:
        yield did("checkout_completed", timedelta(days=8, minutes=5), session, plan="team")
        yield did("payment_succeeded", timedelta(days=8, minutes=5, seconds=1), session, amount=99, plan="team")
    if n % 10 == 1:
        yield did("checkout_started", timedelta(days=10), session)
        yield did("checkout_completed", timedelta(days=10, minutes=10), session, plan="starter")
        yield did("payment_succeeded", timedelta(days=10, minutes=10, seconds=1), session, amount=29, plan="starter")
    if n == 1:
        for minute in (1, 2, 3):
            yield did("$exception", timedelta(days=10, minutes=minute), session, __exception_types=["PaymentError"])
    if n in AGAIN:
        amount, plan = AGAIN[n]
        yield did("payment_succeeded", timedelta(days=38 if n % 8 == 0 else 40), amount=amount, plan=plan)
