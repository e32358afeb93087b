"""Landing pages, breakdowns, errors, LLM traces."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.knowledge.patterns.conftest import Asked
from tests.knowledge.patterns.world import grouped, since


async def test_landing_pages(asked: Asked) -> None:
    visits = list(grouped(since(30, "$pageview"), lambda e: e.get("$session_id")).values())
    signed_up = {e.who for e in since(30, "signed_up")}

    rows = await asked("landing-pages")

    for row in rows:
        own = [visit for visit in visits if visit[0].get("$pathname") == row["landing"]]
        people = {visit[0].who for visit in own}
        assert (row["sessions"], row["people"], row["signed_up"]) == (len(own), len(people), len(people & signed_up))
        assert row["bounce_percent"] == pytest.approx(100 * sum(len(v) == 1 for v in own) / len(own), abs=0.06)
    assert sum(row["sessions"] for row in rows) == len(visits)


async def test_top_n_and_others(asked: Asked) -> None:
    people = Counter(e.get("$geoip_country_code") for e in since(60, "signed_up"))
    top = sorted(people.items(), key=lambda each: (-each[1], each[0]))

    rows = await asked("top-n-and-others")

    assert [(row["shown"], row["signed_up"]) for row in rows] == [*top[:3], ("others", sum(n for _, n in top[3:]))]
    assert sum(row["percent"] for row in rows) == pytest.approx(100, abs=0.2)


async def test_error_impact(asked: Asked) -> None:
    names = ("$exception", "checkout_started", "checkout_completed", "viewed_report")
    expected: dict[str, Counter[str]] = {}
    people: dict[str, set[str]] = {}
    for session in grouped(since(60, *names), lambda e: e.get("$session_id")).values():
        errors = [e for e in session if e.name == "$exception"]
        kind = errors[0].get("$exception_types")[0] if errors else "no error"
        seen = {e.name for e in session}
        counts = expected.setdefault(kind, Counter())
        counts.update(sessions=1, errors=len(errors), checkouts="checkout_started" in seen)
        counts.update(completed={"checkout_started", "checkout_completed"} <= seen)
        people.setdefault(kind, set()).add(session[0].who)

    rows = await asked("error-impact")

    assert {row["error_type"] for row in rows} == set(expected) == {"no error", "TypeError", "PaymentSheetError"}
    for row in rows:
        assert row["people"] == len(people[row["error_type"]])
        assert {name: row[name] for name in ("sessions", "errors", "checkouts", "completed")} == dict(
            expected[row["error_type"]]
        )


async def test_array_properties(asked: Asked) -> None:
    kinds = [(kind, e.who) for e in since(60, "$exception") for kind in e.get("$exception_types")]

    rows = await asked("array-properties")

    assert {row["error_type"]: row["times"] for row in rows} == Counter(kind for kind, _ in kinds)
    assert {row["error_type"]: row["people"] for row in rows} == Counter(kind for kind, _ in set(kinds))


async def test_llm_trace_rollup(asked: Asked) -> None:
    traces = list(grouped(since(30, "$ai_generation"), lambda e: e.get("$ai_trace_id")).values())

    rows = await asked("llm-trace-rollup")

    assert {row["model"] for row in rows} == {"gpt-4o-mini", "claude-sonnet-4-5"}
    for row in rows:
        own = [trace for trace in traces if trace[-1].get("$ai_model") == row["model"]]
        cost = sum(e.get("$ai_total_cost_usd") for trace in own for e in trace)
        seconds = sorted(sum(e.get("$ai_latency") for e in trace) for trace in own)
        assert (row["traces"], row["total_cost"]) == (len(own), pytest.approx(cost, abs=1e-6))
        assert row["cost_a_trace"] == pytest.approx(cost / len(own))
        assert row["tokens_in"] == sum(e.get("$ai_input_tokens") for trace in own for e in trace)
        assert row["median_seconds"] == pytest.approx(seconds[len(own) // 2])
        failed = sum(any(e.get("$ai_is_error") for e in trace) for trace in own)
        assert row["percent_failed"] == pytest.approx(100 * failed / len(own), abs=0.06)
    assert any(len(trace) > 1 for trace in traces)
