"""Workflows about a conversion, a release, a report, an experiment: what was planted is what they end at."""

from __future__ import annotations

from mcp import Client

from tests.knowledge.workflows.walking import Found, walk


def first(found: Found) -> int:
    return 0


async def test_why_did_it_drop_ends_at_the_broken_payment_sheet(client: Client) -> None:
    walked = await walk(
        client,
        "why-did-it-drop",
        {
            "confirm": lambda found: 1 if found.rows[0]["z"] < -2 else 2 if found.rows[0]["z"] > 2 else 0,
            "where": lambda found: 0 if found.rows[0]["z"] < -3 and found.rows[1]["z"] > -2 else 1,
            "detail": lambda found: 0 if found.rows[0]["first_seen"] >= "2026-09-22" else 1,
            "errors": lambda found: 0 if found.rows[0]["before"] == 0 else 1,
            "changes": lambda found: 0 if "2026-09-22" in str(found.content["items"]) else 1,
            "recovery": lambda found: 0 if found.row(segment="iOS")["rate"] > 0.6 else 1,
        },
    )

    assert walked.path == ["confirm", "where", "detail", "errors", "changes", "recovery"]
    assert walked.found["where"].rows[0]["segment"] == "iOS"
    assert walked.found["detail"].rows[0]["detail"] == "4.2.0"
    assert walked.found["errors"].rows[0]["error_type"] == "PaymentSheetError"
    assert walked.last.startswith("Fixed.")


async def test_why_did_it_drop_stops_when_nothing_did(client: Client) -> None:
    dates = {"before_from": "2026-10-04", "drop_from": "2026-10-18", "drop_to": "2026-11-01"}

    walked = await walk(
        client,
        "why-did-it-drop",
        {
            "confirm": lambda found: 1 if found.rows[0]["z"] < -2 else 2 if found.rows[0]["z"] > 2 else 0,
            "volume": lambda found: 0 if half_over_half(found) < 0.8 else 1,
        },
        **dates,
    )

    assert walked.path == ["confirm", "volume"]
    assert "Nothing dropped" in walked.last


def half_over_half(found: Found) -> float:
    """The second half's sum over the first's."""
    days = [sum(value for value in row.values() if isinstance(value, int | float)) for row in found.rows]
    return sum(days[len(days) // 2 :]) / sum(days[: len(days) // 2])
