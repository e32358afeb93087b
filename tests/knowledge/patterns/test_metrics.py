"""Metric definitions: each page's numbers against the definition written in Python."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.knowledge.patterns.conftest import Asked
from tests.knowledge.patterns.world import END, Event, between, days_between, grouped, midnight, monday, since, times

USE = ("viewed_report", "created_dashboard", "exported_data")


def people(events: list[Event]) -> int:
    return len({event.who for event in events})


def last_paid(life: list[Event]) -> tuple[float, float]:
    """What the last payment was before the last 30 days, and in them."""
    split = END - timedelta(days=30)
    before = [e.get("amount") for e in life if e.at < split]
    now = [e.get("amount") for e in life if e.at >= split]
    return (before[-1] if before else 0), (now[-1] if now else 0)


async def test_active_users(asked: Asked) -> None:
    (row,) = await asked("metric-active-user")

    assert [row["dau"], row["wau"], row["mau"]] == [people(since(days, *USE)) for days in (1, 7, 28)]


async def test_conversion_of_attempts_sessions_and_people(asked: Asked) -> None:
    started, done = since(30, "checkout_started"), since(30, "checkout_completed")

    (row,) = await asked("metric-conversion")

    assert row["of_attempts"] == pytest.approx(len(done) / len(started))
    sessions = [len({e.get("$session_id") for e in events}) for events in (done, started)]
    assert row["of_sessions"] == pytest.approx(sessions[0] / sessions[1])
    assert row["of_people"] == pytest.approx(people(done) / people(started))
    assert row["of_people"] > row["of_attempts"]


async def test_three_kinds_of_retention(asked: Asked) -> None:
    lives = []
    for life in grouped(since(60, "signed_up", "viewed_report")).values():
        joined = times(life, "signed_up")
        if joined and joined[0] < END - timedelta(days=14):
            lives.append({int((at - joined[0]).total_seconds() // 86_400) for at in times(life, "viewed_report")})

    (row,) = await asked("metric-retention")

    assert row["people"] == len(lives)
    assert row["on_day_7"] == pytest.approx(sum(7 in days for days in lives) / len(lives))
    assert row["in_week_1"] == pytest.approx(sum(any(7 <= d < 14 for d in days) for days in lives) / len(lives))
    assert row["day_7_or_later"] == pytest.approx(sum(any(d >= 7 for d in days) for days in lives) / len(lives))
    assert row["on_day_7"] < row["in_week_1"] < row["day_7_or_later"]


async def test_churn_by_people_and_by_money(asked: Asked) -> None:
    pairs = [last_paid(life) for life in grouped(since(60, "payment_succeeded")).values()]
    base = sum(before for before, _ in pairs)

    (row,) = await asked("metric-churn")

    assert row["customers"] == sum(before > 0 for before, _ in pairs)
    assert row["customer_churn"] == pytest.approx(sum(before > 0 == now for before, now in pairs) / row["customers"])
    assert row["revenue_churn"] == pytest.approx(sum(before for before, now in pairs if not now) / base)
    assert row["gross_revenue_churn"] == pytest.approx(sum(max(before - now, 0) for before, now in pairs) / base)


async def test_mrr_and_its_retention(asked: Asked) -> None:
    pairs = [last_paid(life) for life in grouped(since(60, "payment_succeeded")).values()]
    base = sum(before for before, _ in pairs)

    (row,) = await asked("metric-mrr")

    assert (row["mrr_before"], row["mrr_now"]) == (base, sum(now for _, now in pairs))
    assert row["net_revenue_retention"] == pytest.approx(sum(now for before, now in pairs if before) / base)
    assert row["gross_revenue_retention"] == pytest.approx(sum(min(pair) for pair in pairs) / base)
    assert row["gross_revenue_retention"] < row["net_revenue_retention"]


async def test_stickiness_is_mean_dau_over_mau(asked: Asked) -> None:
    days = [END - timedelta(days=back) for back in range(1, 29)]
    dau = [people(between(day, day + timedelta(days=1), *USE)) for day in days]
    mau = people(since(28, *USE))

    (row,) = await asked("metric-stickiness")

    assert row["dau_over_mau"] == pytest.approx(sum(dau) / 28 / mau)
    assert row["days_a_person"] == pytest.approx(sum(dau) / mau)


async def test_ltv_at_sixty_days(asked: Asked) -> None:
    paid = []
    for life in grouped(since(90, "signed_up", "payment_succeeded")).values():
        for joined in times(life, "signed_up"):
            if joined <= END - timedelta(days=60):
                until = joined + timedelta(days=60)
                paid.append(sum(e.get("amount") for e in life if e.name == "payment_succeeded" and e.at < until))

    (row,) = await asked("metric-ltv")

    assert row["people"] == len(paid)
    assert row["ltv_60_a_sign_up"] == pytest.approx(sum(paid) / len(paid))
    assert row["ltv_60_a_payer"] == pytest.approx(sum(paid) / sum(amount > 0 for amount in paid))


async def test_arpu_is_paying_share_times_arppu(asked: Asked) -> None:
    payments, active = since(30, "payment_succeeded"), since(30, "viewed_report", "payment_succeeded")
    revenue = sum(e.get("amount") for e in payments)

    (row,) = await asked("metric-arpu")

    assert row["arpu"] == pytest.approx(revenue / people(active))
    assert row["arppu"] == pytest.approx(revenue / people(payments))
    assert row["arpu"] == pytest.approx(row["paying_share"] * row["arppu"])


async def test_activation_rate(asked: Asked) -> None:
    weeks: dict[str, list[bool]] = {}
    for life in grouped(since(60, "signed_up", "connected_integration")).values():
        for joined in times(life, "signed_up"):
            if joined < END - timedelta(days=7):
                done = any(
                    timedelta(0) <= at - joined < timedelta(days=7) for at in times(life, "connected_integration")
                )
                weeks.setdefault(f"{monday(joined):%Y-%m-%d}", []).append(done)

    rows = await asked("metric-activation")

    assert {row["week"]: row["people"] for row in rows} == {week: len(done) for week, done in weeks.items()}
    assert {row["week"]: row["activation_rate"] for row in rows} == pytest.approx(
        {week: sum(done) / len(done) for week, done in weeks.items()}
    )


async def test_two_bounce_rates(asked: Asked) -> None:
    names = ("$pageview", "$autocapture", "$web_vitals", "$pageleave")
    visits = list(grouped(since(30, *names), lambda e: e.get("$session_id")).values())
    pages = [[e for e in visit if e.name == "$pageview"] for visit in visits]
    sessions = [(page, visit) for page, visit in zip(pages, visits, strict=True) if page]

    (row,) = await asked("metric-bounce")

    assert row["sessions"] == len(sessions)
    assert row["one_page"] == pytest.approx(sum(len(page) == 1 for page, _ in sessions) / len(sessions))
    short = [v for page, v in sessions if len(page) == 1 and v[-1].at - v[0].at < timedelta(seconds=10)]
    assert row["one_page_no_click_under_10_s"] == pytest.approx(len(short) / len(sessions))


async def test_sessions(asked: Asked) -> None:
    events = since(30, "$pageview", *USE, "payment_succeeded")
    ids = {e.get("$session_id") for e in events} - {None}

    (row,) = await asked("metric-session")

    assert (row["sessions"], row["people"]) == (len(ids), people(events))
    assert row["events_without_session"] == sum(e.get("$session_id") is None for e in events) > 0


async def test_feature_adoption(asked: Asked) -> None:
    lives = grouped(since(28, *USE))
    uses = [[e.at for e in life if e.name == "exported_data"] for life in lives.values()]
    users = [each for each in uses if each]

    (row,) = await asked("metric-adoption")

    assert (row["active"], row["reach"]) == (len(lives), pytest.approx(len(users) / len(lives)))
    assert row["repeat_share"] == pytest.approx(
        sum(len({midnight(at) for at in each}) > 1 for each in users) / len(users)
    )
    assert row["uses_a_user"] == pytest.approx(sum(map(len, users)) / len(users))


async def test_crash_free_sessions(asked: Asked) -> None:
    names = ("$pageview", "$screen", "checkout_started", "viewed_report", "$exception")
    visits = grouped((e for e in since(30, *names) if e.get("$session_id")), lambda e: e.get("$session_id")).values()
    failed = [visit for visit in visits if any(e.name == "$exception" for e in visit)]

    (row,) = await asked("metric-crash-free")

    assert row["sessions"] == len(visits)
    assert row["error_free_sessions"] == pytest.approx(1 - len(failed) / len(visits))
    everybody = len({visit[0].who for visit in visits})
    assert row["people_with_errors"] == pytest.approx(len({visit[0].who for visit in failed}) / everybody)


async def test_growth_accounting_adds_up(asked: Asked) -> None:
    periods = [{e.who for e in since(28 * k, *USE, until=END - timedelta(days=28 * (k - 1)))} for k in (1, 2, 3)]
    now, before, older = periods

    (row,) = await asked("metric-growth")

    assert row["kept"] == len(now & before)
    assert row["resurrected"] == len((now & older) - before)
    assert row["new"] == len(now - before - older)
    assert row["dormant"] == len(before - now)
    assert row["growth"] == pytest.approx(len(now) / len(before) - 1)
    assert days_between(END - timedelta(days=84), END) == 84
