"""Workflows about data, errors, incidents and the AI assistant."""

from __future__ import annotations

from mcp import Client

from tests.knowledge.workflows.walking import Decide, Found, always, walk

OUTAGE = [f"2026-08-18T{hour}:00:00Z" for hour in (10, 11, 12, 13)]


async def test_the_data_quality_audit_finds_the_outage_and_no_duplicates(client: Client) -> None:
    decide: dict[str, Decide] = {
        "what": lambda found: 2 if min(row["last_seen"] for row in found.rows) > "2026-10-25" else 1,
        "holes": lambda found: 0 if {row["hour"] for row in found.rows if row["score"] < -3.5} >= set(OUTAGE) else 1,
        "errors": lambda found: 0 if found.rows else 1,
        "twice": lambda found: 0 if found.rows[0]["share"] > 0.01 else 1,
        "filled": lambda found: 0 if all(row["numbers"] in (0, 1) for row in found.rows) else 1,
        "late": lambda found: 0 if sum(row["over_a_day"] for row in found.rows) else 1,
    }

    walked = await walk(client, "data-quality-audit", decide)

    assert walked.path == ["what", "holes", "errors", "twice", "filled", "late"]
    assert sorted(row["hour"] for row in walked.found["errors"].rows) == OUTAGE
    assert {row["kind"] for row in walked.found["errors"].rows} == {"ApiUnavailable"}
    assert walked.outcomes[3].means == "Sums hold."
    assert walked.last == "Yesterday is complete."


async def test_the_incident_lasted_four_hours_and_did_not_cost_people(client: Client) -> None:
    def shortened(found: Found) -> int:
        hours = [row["hour"] for row in found.rows if row["on_the_day"] < row["usual"] / 4]
        return 0 if hours == [10, 11, 12, 13] else 1

    def lost(found: Found) -> int:
        met, others = found.row(met_it=1), found.row(met_it=0)
        return 0 if others["returned_share"] - met["returned_share"] > met["margin"] + others["margin"] else 1

    decide: dict[str, Decide] = {
        "span": shortened,
        "kind": lambda found: 0 if found.rows[0]["other_days"] == 0 else 1,
        "back": lost,
        "noted": lambda found: 0 if "API outage" in str(found.content["items"]) else 1,
    }

    walked = await walk(client, "incident-aftermath", decide)

    assert walked.path == ["span", "kind", "back", "noted"]
    assert walked.found["kind"].rows[0]["error_type"] == "ApiUnavailable"
    assert walked.outcomes[2].means.startswith("They forgave it"), "no loss was planted"
    assert walked.last == "Done."


async def test_error_triage_puts_the_rare_error_that_stops_payments_first(client: Client) -> None:
    def place(found: Found) -> int:
        rows = [row for row in found.rows if row["error_type"] == "PaymentSheetError"]
        one = {(row["os"], row["version"]) for row in rows}
        return (0 if max(row["last_seen"] for row in rows) < "2026-10-25" else 1) if len(one) == 1 else 2

    decide: dict[str, Decide] = {
        "size": lambda found: 0 if found.rows else 1,
        "cost": lambda found: (
            0 if found.rows[0]["completion"] < found.row(error_type="no error")["completion"] / 2 else 1
        ),
        "where": place,
        "issue": lambda found: 0 if "PaymentSheetError" in str(found.content["items"]) else 1,
    }

    walked = await walk(client, "error-triage", decide)

    assert walked.found["size"].rows[0]["error_type"] == "TypeError", "the most frequent one"
    assert walked.found["cost"].rows[0] == {"error_type": "PaymentSheetError", "starts": 21, "completion": 0}
    assert walked.found["where"].row(error_type="PaymentSheetError", os="iOS", version="4.2.0")["people"] == 21
    assert walked.outcomes[2].means.startswith("Introduced and removed by releases")


async def test_traces_cost_by_model_and_fail_by_rate_limits(client: Client) -> None:
    def dear(found: Found) -> int:
        first, total = found.rows[0], sum(row["total_cost"] for row in found.rows)
        return 0 if first["total_cost"] > total / 2 else 1

    decide: dict[str, Decide] = {
        "whole": always(1),
        "parts": dear,
        "failures": lambda found: 0 if found.rows[0]["status"] == "429" and found.rows[0]["parts"] == 3 else 1,
        "sample": always(1),
        "quality": lambda found: 0 if any("not help" in row["feedback"] for row in found.rows) else 1,
    }

    walked = await walk(client, "analyse-traces", decide)

    parts = walked.found["parts"]
    assert walked.path == ["whole", "parts", "failures", "sample", "quality"]
    assert parts.rows[0]["part"] == "claude-sonnet-4-5"
    assert parts.row(part="gpt-4o-mini")["traces"] > parts.rows[0]["traces"], "the dearest is not the most used"
    assert all(0.02 < row["failed_share"] < 0.08 for row in parts.rows), "planted: 4 % of calls"
    assert "agent-quality-review" in walked.last


async def test_the_agent_cannot_answer_the_iphone_question(client: Client) -> None:
    def topic(found: Found) -> int:
        return 0 if found.rows[0]["bad_traces"] > 0.8 * sum(row["bad_traces"] for row in found.rows) else 1

    decide: dict[str, Decide] = {
        "unhappy": lambda found: 0 if found.rows[0]["bad_share"] > 0.05 else 1,
        "topics": topic,
        "refusals": lambda found: 0 if found.rows[0]["refused_share"] == 1 and found.rows[1]["refused"] == 0 else 1,
        "product": lambda found: 0 if follows(found) else 1,
    }

    walked = await walk(client, "agent-quality-review", decide)

    assert walked.path == ["unhappy", "topics", "refusals", "product"]
    for step in ("topics", "refusals"):
        assert walked.found[step].rows[0]["question"].startswith("The iPhone app closes when I press Pay")
    assert walked.last.startswith("The agent must be able to answer it")


def follows(found: Found) -> bool:
    """Whether most of the questions came in weeks with errors."""
    asked = sum(row["asked_about_paying"] for row in found.rows)
    return sum(row["asked_about_paying"] for row in found.rows if row["payment_errors"]) > asked / 2
