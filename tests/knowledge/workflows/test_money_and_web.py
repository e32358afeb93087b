"""Workflows about money and where people come from."""

from __future__ import annotations

from mcp import Client

from tests.knowledge.workflows.walking import Decide, always, walk

COSTLY = '{"paid_social": 40000, "paid_search": 2500, "email": 600}'


async def test_channel_roi_finds_that_paid_social_does_not_keep_what_it_brings(client: Client) -> None:
    decide: dict[str, Decide] = {
        "volume": lambda found: 0 if min(row["value"] for row in found.rows) > 100 else 1,
        "quality": lambda found: 0 if found.rows[0]["z"] < -3 else 1,
        "revenue": lambda found: 0 if min(row["payers"] for row in found.rows) > 20 else 1,
        "roi": lambda found: 0 if found.row(channel="paid_social")["roi"] < 0 else 2,
    }

    walked = await walk(client, "channel-roi", decide, costs=COSTLY)

    quality, roi = walked.found["quality"], walked.found["roi"]
    assert walked.path == ["volume", "quality", "revenue", "roi"]
    assert [row["channel"] for row in quality.rows if row["z"] < -3] == ["paid_social"]
    assert walked.found["volume"].rows[1]["series"] == "paid_social", "planted: a fifth of the sign-ups"
    social = roi.row(channel="paid_social")
    assert social["roi"] == (social["revenue"] - 40_000) / 40_000
    assert social["cac"] == 40_000 / social["payers"]
    assert roi.row(channel="direct")["roi"] is None
    assert walked.last.startswith("It does not pay")


async def test_the_acquisition_review_ends_at_the_leaky_channel(client: Client) -> None:
    decide: dict[str, Decide] = {
        "traffic": lambda found: 1 if found.rows[1]["rate"] > found.rows[0]["rate"] else 0,
        "landing": always(1),
        "speed": lambda found: 0 if found.rows[0]["p75_ms"] > 2500 else 1,
        "kept": lambda found: 0 if found.rows[0]["z"] < -3 else 1,
    }

    walked = await walk(client, "acquisition-review", decide)

    traffic = walked.found["traffic"]
    assert walked.path == ["traffic", "landing", "speed", "kept"]
    assert traffic.row(source="facebook")["rate"] > traffic.row(source="www.google.com")["rate"], (
        "it looks good at the door"
    )
    assert walked.found["kept"].rows[0]["channel"] == "paid_social"
    assert "channel-roi" in walked.last


async def test_the_revenue_review_adds_up_and_names_what_grew(client: Client) -> None:
    def source(found) -> int:
        row = found.rows[0]
        shrinks = row["churned"] + row["contraction"] > row["new"] + row["expansion"]
        return 0 if shrinks else 1 if row["new"] > row["expansion"] else 2

    decide: dict[str, Decide] = {
        "movements": source,
        "lost": lambda found: 0 if found.rows[0]["churn"] > 2 * found.rows[-1]["churn"] else 1,
        "plans": always(1),
        "few": lambda found: 0 if found.rows[0]["share"] > 0.5 else 1,
    }

    walked = await walk(client, "revenue-review", decide)

    row = walked.found["movements"].rows[0]
    assert walked.path == ["movements", "lost", "plans", "few"]
    assert (
        row["revenue_now"] - row["revenue_before"]
        == row["new"] + row["expansion"] - row["contraction"] - row["churned"]
    )
    assert walked.outcomes[0].means.startswith("It depends on acquisition")
    assert walked.outcomes[1].means.startswith("It is not the plan"), "renewal was made alike for all plans"
    plans = walked.found["plans"].rows
    assert sum(each["third"] for each in plans) == row["revenue_now"]
    assert sum(each["second"] for each in plans) == row["revenue_before"]
