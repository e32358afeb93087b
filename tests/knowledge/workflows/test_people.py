"""Workflows about people: who stays, who leaves, what they did first, which accounts fade."""

from __future__ import annotations

from mcp import Client

from tests.knowledge.workflows.walking import Decide, Found, always, walk


def weakest(found: Found) -> int:
    """Whether the first row, the lowest, stands out."""
    return 0 if found.rows[0]["z"] < -3 else 1


def one_leads(found: Found) -> int:
    """Whether one action is far above the others."""
    return 0 if found.rows[0]["z"] > 3 + found.rows[1]["z"] else 1


async def test_churn_comes_from_the_leaky_channel_and_the_feature_that_holds(client: Client) -> None:
    decide: dict[str, Decide] = {
        "rhythm": lambda found: 0 if found.rows[0]["p95_days"] < 45 else 1,
        "size": always(1),
        "whom": lambda found: 0 if found.rows[0]["z"] > 3 else 1,
        "habits": lambda found: 0 if found.rows[0]["z"] > 3 and found.rows[0]["lift"] > 1.5 else 1,
        "list": lambda found: 0 if found.rows else 1,
    }

    walked = await walk(client, "churn-investigation", decide)

    assert walked.path == ["rhythm", "size", "whom", "habits", "list"]
    assert [row["channel"] for row in walked.found["whom"].rows if row["z"] > 3] == ["paid_social"]
    assert [row["action"] for row in walked.found["habits"].rows if row["z"] > 3] == ["connected_integration"]
    assert "win-back" in walked.last


async def test_retention_is_dragged_down_by_paid_social_and_held_by_the_integration(client: Client) -> None:
    def higher(found: Found) -> int:
        without, with_it = ([row["active_share"] for row in found.rows if row["did"] == did] for did in (0, 1))
        return 0 if all(b > 1.5 * a for a, b in zip(without, with_it, strict=True)) else 1

    def moved(found: Found) -> int:
        first, second = found.rows[0], found.rows[1]
        return 0 if abs(first["share"] - second["share"]) > first["margin"] + second["margin"] else 1

    decide: dict[str, Decide] = {"curve": always(0), "newer": moved, "who": weakest, "what": higher}

    walked = await walk(client, "retention-deep-dive", decide)

    assert walked.outcomes[1].means.startswith("Retention has not moved"), "nothing of the kind was planted"
    assert [row["segment"] for row in walked.found["who"].rows if row["z"] < -3] == ["paid_social"]
    assert walked.last == "Leading people there is the lever to test."


async def test_the_aha_moment_is_connecting_an_integration_once(client: Client) -> None:
    decide: dict[str, Decide] = {
        "rank": one_leads,
        "often": lambda found: 0 if found.rows[1]["stayed_share"] > 2 * found.rows[0]["stayed_share"] else 1,
        "mixed": lambda found: 0 if min(row["lift"] for row in found.rows) > 1.3 else 1,
        "speed": always(0),
    }

    walked = await walk(client, "activation-search", decide)

    assert walked.path == ["rank", "often", "mixed", "speed"]
    assert walked.found["rank"].rows[0]["action"] == "connected_integration"
    assert walked.outcomes[1].means.startswith("Once is enough")
    assert walked.outcomes[2].means.startswith("It is not the mix")


async def test_power_users_began_with_the_integration_and_not_from_paid_social(client: Client) -> None:
    decide: dict[str, Decide] = {
        "curve": lambda found: 0 if found.row(active_days=4)["share_with_at_least"] < 0.2 else 1,
        "share": lambda found: 0 if found.rows[0]["share_of_use"] > 1 / 3 else 1,
        "first": lambda found: 0 if found.rows[0]["z"] > 3 and found.rows[0]["ratio"] > 1.5 else 1,
        "where": lambda found: 0 if found.rows[-1]["share"] < found.rows[0]["share"] / 2 else 1,
    }

    walked = await walk(client, "power-user-study", decide)

    assert walked.path == ["curve", "share", "first", "where"]
    assert walked.found["first"].rows[0]["action"] == "connected_integration"
    assert walked.found["where"].rows[-1]["segment"] == "paid_social"


async def test_the_launched_feature_holds_people_and_paid_social_does_not_adopt_it(client: Client) -> None:
    def settled(found: Found) -> int:
        total, of = found.rows[0], found.rows[1]
        return 0 if total["week 4"] / of["week 4"] > 0.2 else 1

    decide: dict[str, Decide] = {
        "reach": lambda found: 0 if found.rows[-1]["share"] < 0.02 else 1,
        "again": settled,
        "effect": lambda found: 0 if found.rows[0]["lift"] > 1.2 and found.rows[0]["z"] > 3 else 1,
        "who": lambda found: 0 if found.rows[0]["share"] < found.rows[1]["share"] / 2 else 1,
    }

    walked = await walk(client, "feature-launch", decide)

    assert walked.path == ["reach", "again", "effect", "who"]
    assert walked.found["effect"].rows[0]["lift"] > 2, "planted: about three times as often in the first weeks"
    assert walked.found["who"].rows[0]["channel"] == "paid_social"


async def test_onboarding_is_decided_in_the_first_session_and_a_variant_is_ahead(client: Client) -> None:
    def apart(found: Found) -> int:
        first, second = found.rows[0], found.rows[1]
        return 0 if first["share"] - second["share"] > first["margin"] + second["margin"] else 1

    decide: dict[str, Decide] = {
        "funnel": always(0),
        "speed": lambda found: 0 if found.rows[0]["within_the_hour"] > 0.9 * found.rows[0]["did_it"] else 1,
        "groups": weakest,
        "variants": apart,
    }

    walked = await walk(client, "onboarding-audit", decide)

    assert walked.path == ["funnel", "speed", "groups", "variants"]
    assert walked.outcomes[2].means.startswith("The step itself"), "platforms were made alike"
    assert walked.found["variants"].rows[0]["variant"] == "test"
    assert "experiment-review" in walked.last


async def test_time_to_value_is_shorter_with_the_integration(client: Client) -> None:
    def earlier(found: Found) -> int:
        without, with_it = found.row(did=0), found.row(did=1)
        return 0 if with_it["share"] - without["share"] > with_it["margin"] + without["margin"] else 1

    decide: dict[str, Decide] = {
        "curve": lambda found: (
            0 if found.row(days=14)["arrived_share"] > found.row(days=30)["arrived_share"] / 2 else 1
        ),
        "who": lambda found: 0 if max(abs(row["z"]) for row in found.rows) > 3 else 1,
        "early": earlier,
    }

    walked = await walk(client, "time-to-value-review", decide)

    rates = walked.found["early"]
    assert walked.path == ["curve", "who", "early"]
    assert rates.row(did=1)["share"] > 1.5 * rates.row(did=0)["share"], "planted: 60 % want to pay, and 30 %"
    assert walked.last.startswith("Put it earlier")


async def test_win_back_lists_those_who_stopped_and_were_worth_something(client: Client) -> None:
    decide: dict[str, Decide] = {
        "natural": lambda found: 0 if found.rows[0]["natural_share"] > 0.6 else 1,
        "list": lambda found: 0 if len(found.rows) >= 50 else 1,
        "worth": lambda found: (
            0 if found.row(lapsed=1)["revenue_a_person"] > 0.5 * found.row(lapsed=0)["revenue_a_person"] else 1
        ),
    }

    walked = await walk(client, "win-back", decide)

    listed = walked.found["list"].rows
    assert walked.path == ["natural", "list", "worth"]
    assert all(row["last_seen"] < "2026-10-04" and row["active_days"] >= 2 for row in listed)
    assert [row["paid"] for row in listed] == sorted((row["paid"] for row in listed), reverse=True)


async def test_account_health_names_accounts_that_really_went_quiet(client: Client) -> None:
    decide: dict[str, Decide] = {
        "spread": lambda found: 0 if lost(found) > won(found) else 1,
        "money": lambda found: 0 if found.rows[0]["paid"] > 500 else 1,
        "one": lambda found: 0 if found.rows else 1,
        "room": lambda found: (
            0 if found.rows[0]["people_an_account"] > 1.5 * found.rows[-1]["people_an_account"] else 1
        ),
    }

    walked = await walk(client, "account-health-review", decide)

    assert walked.path == ["spread", "money", "one", "room"]
    assert walked.outcomes[0].means.startswith("Accounts grow"), "the demo's company grows"
    first = walked.found["money"].rows[0]["account"]
    now, before = [
        await uses(client, first, *days) for days in (("2026-10-04", "2026-11-01"), ("2026-09-06", "2026-10-04"))
    ]
    assert now < before / 2


def lost(found: Found) -> int:
    return sum(row["accounts"] for row in found.rows if row["health"] in ("silent", "shrinking"))


def won(found: Found) -> int:
    return sum(row["accounts"] for row in found.rows if row["health"] in ("new", "growing"))


async def uses(client: Client, account: str, start: str, end: str) -> int:
    """The account's actions, counted another way."""
    question = {
        "kind": "trends",
        "series": [
            {"event": name} for name in ("viewed_report", "created_dashboard", "exported_data", "synced_integration")
        ],
        "date_from": start,
        "date_to": f"{end}",
        "filters": [{"key": "$group_0", "value": account}],
        "interval": "day",
    }
    rows = (await client.call_tool("run_insight", question)).structured_content["rows"]
    return sum(sum(row[1:]) for row in rows if row[0] < end)
