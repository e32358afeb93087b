"""Workflows about a conversion, a release, a report, an experiment: what was planted is what they end at."""

from __future__ import annotations

from mcp import Client

from tests.knowledge.workflows.walking import Decide, Found, always, walk


def fell(found: Found) -> int:
    """Of why-did-it-drop's first step: 0 no change, 1 fell, 2 rose."""
    z = found.rows[0]["z"]
    return 1 if z < -2 else 2 if z > 2 else 0


async def test_why_did_it_drop_ends_at_the_broken_payment_sheet(client: Client) -> None:
    decide: dict[str, Decide] = {
        "confirm": fell,
        "where": lambda found: 0 if found.rows[0]["z"] < -3 and found.rows[1]["z"] > -2 else 1,
        "detail": lambda found: 0 if found.rows[0]["first_seen"] >= "2026-09-22" else 1,
        "errors": lambda found: 0 if found.rows[0]["before"] == 0 else 1,
        "changes": lambda found: 0 if "2026-09-22" in str(found.content["items"]) else 1,
        "recovery": lambda found: 0 if found.row(segment="iOS")["rate"] > 0.6 else 1,
    }

    walked = await walk(client, "why-did-it-drop", decide)

    assert walked.path == ["confirm", "where", "detail", "errors", "changes", "recovery"]
    assert walked.found["where"].rows[0]["segment"] == "iOS"
    assert walked.found["detail"].rows[0]["detail"] == "4.2.0"
    assert walked.found["errors"].rows[0]["error_type"] == "PaymentSheetError"
    assert "4.2.0" in str(walked.found["changes"].content["items"])
    assert walked.last.startswith("Fixed.")


async def test_why_did_it_drop_stops_when_nothing_did(client: Client) -> None:
    decide: dict[str, Decide] = {"confirm": fell, "volume": lambda found: 0 if half_over_half(found) < 0.8 else 1}
    dates = {"before_from": "2026-10-04", "drop_from": "2026-10-18", "drop_to": "2026-11-01"}

    walked = await walk(client, "why-did-it-drop", decide, **dates)

    assert walked.path == ["confirm", "volume"]
    assert "Nothing dropped" in walked.last


def half_over_half(found: Found) -> float:
    """The second half's sum over the first's."""
    days = [sum(value for value in row.values() if isinstance(value, int | float)) for row in found.rows]
    return sum(days[len(days) // 2 :]) / sum(days[: len(days) // 2])


async def test_the_release_check_rolls_back_what_broke_ios_and_sees_the_mend(client: Client) -> None:
    decide: dict[str, Decide] = {
        "adoption": lambda found: 0 if min(row["people"] for row in found.rows[:2]) < 50 else 1,
        "errors": lambda found: 0 if found.rows[0]["z"] > 2 else 1,
        "kinds": lambda found: 0 if found.rows[0]["old"] == 0 and found.rows[0]["new"] > 5 else 1,
        "goal": lambda found: 0 if found.rows[0]["z"] < -3 else 1 if found.rows[0]["z"] > -2 else 2,
        "fixed": lambda found: 0 if found.row(segment="iOS", version="4.2.1")["rate"] > 0.6 else 1,
    }

    walked = await walk(client, "release-check", decide)

    assert walked.path == ["adoption", "errors", "kinds", "goal", "fixed"]
    assert walked.found["kinds"].rows[0]["error_type"] == "PaymentSheetError"
    assert [row["segment"] for row in walked.found["goal"].rows if row["z"] < -3] == ["iOS"]
    assert walked.last.startswith("Mended.")


async def test_the_release_check_keeps_a_release_that_broke_nothing(client: Client) -> None:
    decide: dict[str, Decide] = {
        "adoption": lambda found: 0 if min(row["people"] for row in found.rows[:2]) < 50 else 1,
        "errors": lambda found: 0 if found.rows[0]["z"] > 2 else 1,
        "goal": lambda found: 0 if found.rows[0]["z"] < -3 else 1 if found.rows[0]["z"] > -2 else 2,
    }
    versions = {"new_version": "4.3.0", "old_version": "4.2.1", "date_from": "2026-09-28", "date_to": "2026-11-01"}

    walked = await walk(client, "release-check", decide, **versions)

    assert walked.path == ["adoption", "errors", "goal"]
    assert walked.last == "The release does not hurt this goal."


async def test_the_weekly_report_of_the_broken_week_leads_with_the_drop(client: Client) -> None:
    decide: dict[str, Decide] = {
        "numbers": lambda found: 0 if abs(found.rows[0]["deviation"]) > 2 else 1,
        "conversion": lambda found: 0 if abs(found.rows[0]["z"]) > 3 else 1,
        "errors": lambda found: 0 if found.rows[0]["week_before"] == 0 else 1,
        "retention": always(1),
        "changes": lambda found: 0 if "2026-09-22" in str(found.content["items"]) else 1,
        "report": always(0),
    }
    week = {
        "week_from": "2026-09-21",
        "week_to": "2026-09-28",
        "before_from": "2026-09-14",
        "history_from": "2026-07-27",
    }

    walked = await walk(client, "weekly-report", decide, **week)

    assert walked.path == ["numbers", "conversion", "errors", "retention", "changes", "report"]
    assert walked.found["conversion"].rows[0]["segment"] == "iOS"
    assert walked.found["conversion"].rows[0]["z"] < -3
    assert walked.found["errors"].rows[0]["error_type"] == "PaymentSheetError"
    assert "why-did-it-drop" in walked.last


async def test_the_experiment_review_finds_the_planted_lift_and_no_harm(client: Client) -> None:
    decide: dict[str, Decide] = {
        "setup": lambda found: 0 if "Onboarding checklist" in str(found.content["items"]) else 1,
        "split": lambda found: 0 if found.rows[0]["chi2"] > 10.8 or found.rows[0]["saw_both"] > 20 else 1,
        "goal": lambda found: 0 if found.rows[0]["low"] > 0 else 2 if found.rows[0]["high"] < 0 else 1,
        "guard": lambda found: 0 if found.rows[0]["z"] < -2 else 2 if found.rows[0]["z"] > 2 else 1,
        "parts": lambda found: 0 if found.rows[0]["difference"] > 0 else 1,
    }

    walked = await walk(client, "experiment-review", decide)

    goal = walked.found["goal"].rows[0]
    assert walked.path == ["setup", "split", "goal", "guard", "parts"]
    assert goal["low"] < 0.62 - 0.50 < goal["high"]
    assert walked.last == "Ship it to all."


async def test_the_flag_rollout_is_safe(client: Client) -> None:
    def holds(found: Found) -> int:
        row = found.rows[0]
        return 0 if row["difference"] + row["margin"] < 0 else 1 if row["difference"] - row["margin"] > 0 else 2

    decide: dict[str, Decide] = {
        "state": lambda found: 0 if found.content["count"] == 1 else 1,
        "exposed": lambda found: 0 if found.rows[0]["both"] == 0 else 1,
        "errors": lambda found: 0 if found.rows[0]["z"] > 3 else 1,
        "goal": holds,
    }

    walked = await walk(client, "flag-rollout-check", decide)

    assert walked.path == ["state", "exposed", "errors", "goal"]
    assert walked.last.startswith("Safe to go on.")


async def test_the_platform_comparison_tells_an_accident_from_a_steady_difference(client: Client) -> None:
    def steady(found: Found) -> int:
        lowest = found.rows[0]
        others = [row["rate"] for row in found.rows if row["platform"] == lowest["platform"]][1:]
        return 0 if lowest["rate"] < 0.3 and sorted(others)[len(others) // 2] > 0.6 else 1

    decide: dict[str, Decide] = {
        "size": always(0),
        "goal": lambda found: 0 if found.rows[0]["z"] < -2 else 1,
        "always": steady,
        "stay": lambda found: 0 if found.rows[0]["z"] < -3 else 1,
    }

    walked = await walk(client, "platform-comparison", decide)

    lowest = walked.found["always"].rows[0]
    assert walked.path == ["size", "goal", "always", "stay"]
    assert (lowest["platform"], lowest["week"]) == ("iOS", "2026-09-21")
    assert walked.outcomes[2].means.startswith("It broke and was mended")
    assert walked.last == "They stay alike on all."


async def test_a_price_that_did_not_change_explains_nothing(client: Client) -> None:
    decide: dict[str, Decide] = {
        "prices": lambda found: 0 if any(row["price_before"] != row["price_after"] for row in found.rows) else 1,
    }

    walked = await walk(client, "pricing-change", decide)

    assert [row["price_after"] for row in walked.found["prices"].rows] == [29, 99, 299]
    assert walked.path == ["prices"]
    assert walked.last.startswith("Nothing changed for buyers")


async def test_the_outage_is_not_normal_and_an_ordinary_day_is(client: Client) -> None:
    def outside(found: Found) -> int:
        return 0 if abs(found.rows[0]["score"]) < 2.5 else 1

    decide: dict[str, Decide] = {
        "usual": outside,
        "complete": lambda found: 0 if sum(row["errors"] for row in found.rows) > 100 else 1,
        "level": always(0),
        "alert": always(0),
    }
    outage = {"day": "2026-08-18", "next_day": "2026-08-19", "history_from": "2026-06-23"}

    odd = await walk(client, "is-this-normal", decide, event="$exception", **outage)
    ordinary = await walk(client, "is-this-normal", decide)

    assert odd.path == ["usual", "complete", "alert"]
    assert odd.outcomes[1].means.startswith("An outage or late data")
    assert ordinary.path == ["usual", "level"]
