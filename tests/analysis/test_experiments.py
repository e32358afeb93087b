"""Experiments whose every exposure and outcome is written by hand, and PostHog's own answer of them over a real socket.

The made-up PostHog computes from the same hand-written people by PostHog's published formulas, with scipy.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent
from scipy import stats
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from posthog_mcp.analysis.groups import GroupComparison, compare_groups, how_long, verdict
from posthog_mcp.errors import InvalidInput
from posthog_mcp.project import Project
from posthog_mcp.rest.app import rest_app
from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.insights.made import Did, project_of
from tests.insights.served import serving

START = datetime(2026, 9, 1, 6)
NOW = datetime(2026, 9, 13, 6, tzinfo=UTC)
PEOPLE = 120
"""People of a variant."""
Body = dict[str, Any]


def orders(variant: str, number: int) -> list[float]:
    """What a person of a variant spends, order by order: every third of the control, every second of the test."""
    every = 3 if variant == "control" else 2
    return [10.0 + number % 7] * (1 + number % 2) if number % every == 0 else []


def plan(number: int) -> Body:
    return {"plan": "big" if number % 2 else "small"}


def happened() -> list[Did]:
    found: list[Did] = []

    def seen(who: str, variant: str, after: timedelta) -> None:
        called = {"$feature_flag": "pricing", "$feature_flag_response": variant}
        found.append(Did(who, "$feature_flag_called", str(START + after), called))

    for variant in ("control", "test"):
        for number in range(PEOPLE):
            who, after = f"{variant}{number}", timedelta(hours=2 * number)
            found.append(
                Did(who, "order", str(START + after - timedelta(hours=1)), {"amount": 1000.0}, plan(number))
            )  # before
            seen(who, variant, after)
            for place, amount in enumerate(orders(variant, number)):
                found.append(Did(who, "order", str(START + after + timedelta(hours=3 + place)), {"amount": amount}))
                found.append(Did(who, "paid", str(START + after + timedelta(hours=30)), {"$feature/pricing": variant}))
    for number in range(9):  # exposed to both variants: left out
        seen(f"both{number}", "control", timedelta(hours=1))
        seen(f"both{number}", "test", timedelta(hours=2))
        found.append(Did(f"both{number}", "order", str(START + timedelta(hours=5)), {"amount": 500.0}))
    for number in range(5):  # not in the experiment, then in it: counts
        seen(f"late{number}", "false", timedelta(hours=1))
    found.append(Did("idle", "order", str(START + timedelta(hours=3)), {"amount": 5.0}))
    return found


def node(event: str, **more: Any) -> Body:
    return {"kind": "EventsNode", "event": event, **more}


METRICS: dict[str, Body] = {
    "Ordered": {"metric_type": "funnel", "series": [node("order")]},
    "Ordered and paid": {"metric_type": "funnel", "series": [node("order"), node("paid")]},
    "Paid within a day": {
        "metric_type": "funnel", "series": [node("order"), node("paid")], "conversion_window": 1,
        "conversion_window_unit": "day",
    },
    "Spent": {"metric_type": "mean", "source": node("order", math="sum", math_property="amount")},
    "Orders": {"metric_type": "mean", "source": node("order")},
    "Dearest order": {"metric_type": "mean", "source": node("order", math="max", math_property="amount")},
    "Spent in 3.5 hours": {
        "metric_type": "mean", "source": node("order", math="sum", math_property="amount"), "conversion_window": 210,
        "conversion_window_unit": "minute",
    },
    "Spent an order": {
        "metric_type": "ratio", "numerator": node("order", math="sum", math_property="amount"),
        "denominator": node("order"),
    },
}  # fmt: skip
METRICS = {name: {"kind": "ExperimentMetric", "name": name, **each} for name, each in METRICS.items()}
BACK = {"kind": "ExperimentMetric", "metric_type": "retention", "name": "Came back"}
TRUTH: dict[str, Callable[[list[float]], float]] = {
    "Ordered": lambda spent: float(bool(spent)),
    "Ordered and paid": lambda spent: float(bool(spent)),
    "Paid within a day": lambda spent: 0.0,
    "Spent": sum,
    "Orders": len,
    "Dearest order": lambda spent: max(spent, default=0.0),
    "Spent in 3.5 hours": lambda spent: sum(spent[:1]),
    "Spent an order": sum,
}


def variants() -> list[Body]:
    return [{"key": name, "rollout_percentage": 50} for name in ("control", "test")]


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    async with project_of(tmp_path_factory.mktemp("experiment"), happened()) as opened:
        await opened.driver.create(
            "feature_flags", {"key": "pricing", "filters": {"multivariate": {"variants": variants()}}}
        )
        running: Body = {
            "name": "Pricing", "feature_flag_key": "pricing", "start_date": f"{START}+00:00",
            "parameters": {"feature_flag_variants": variants()}, "metrics": [*METRICS.values(), BACK],
        }  # fmt: skip
        await opened.driver.create("experiments", running)
        stop = START + timedelta(hours=PEOPLE)
        await opened.driver.create("experiments", {**running, "name": "Half", "end_date": f"{stop}+00:00"})
        await opened.driver.create("experiments", {**running, "name": "Bare", "metrics": []})
        criteria = {
            "First": {"multiple_variant_handling": "first_seen"},
            "Payers": {"exposure_config": {"event": "paid"}},
        }
        for name, given in criteria.items():
            await opened.driver.create("experiments", {**running, "name": name, "exposure_criteria": given})
        yield opened


def values(name: str, variant: str) -> list[float]:
    """The outcomes of a variant's people, by the story."""
    return [TRUTH[name](orders(variant, number)) for number in range(PEOPLE)]


@pytest.mark.parametrize("name", METRICS)
async def test_an_experiments_own_metric_counts_who_was_exposed(project: Project, name: str) -> None:
    found = await compare_groups(project, name, "experiment:Pricing", now=NOW)
    assert [each.name for each in found.groups] == ["control", "test"]
    for each in found.groups:
        truth = values(name, each.name)
        assert (each.sample.n, each.sample.total) == (PEOPLE, pytest.approx(sum(truth)))
        if name == "Spent an order":
            assert each.sample.mean == pytest.approx(sum(truth) / sum(values("Orders", each.name)))
        elif found.measure == "mean":
            assert each.sample.squares == pytest.approx(sum(value**2 for value in truth))


async def test_exposure_criteria_of_an_experiment_hold(project: Project) -> None:
    first = await compare_groups(project, "Ordered and paid", "experiment:First", now=NOW)
    assert [(each.name, each.sample.n) for each in first.groups] == [("control", PEOPLE + 9), ("test", PEOPLE)]
    payers = await compare_groups(project, "Orders", "experiment:Payers", now=NOW)
    assert [each.sample.n for each in payers.groups] == [sum(values("Ordered", each.name)) for each in payers.groups]
    assert {each.sample.total for each in payers.groups} == {0.0}


async def test_without_a_metric_the_first_of_its_own_is_taken_and_the_others_named(project: Project) -> None:
    found = await compare_groups(project, "", "experiment:Pricing", now=NOW)
    assert (found.metric, found.measure) == ("Ordered", "conversion")
    assert "Ordered and paid" in found.notes[0]
    assert found.mismatch_p == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("metric", "split", "says"),
    [("", "experiment:Bare", "no metric of its own"), ("", "flag:pricing", "No metric is given"),
     ("Came back", "experiment:Pricing", "retention")],
)  # fmt: skip
async def test_what_has_no_metric_that_can_be_counted_is_refused(
    project: Project, metric: str, split: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        await compare_groups(project, metric, split, now=NOW)
    assert refused.value.fix


async def test_days_to_go_are_those_of_the_pace_of_exposures(project: Project) -> None:
    """120 people a variant in 238 hours: the people who are missing take as long as their number at that pace."""
    found = await compare_groups(project, "Ordered", "experiment:Pricing", now=NOW)
    assert found.days == pytest.approx((found.needed - PEOPLE) / (PEOPLE / 10), rel=0.02)
    assert f"about {found.days:,.0f} more days" in how_long(found)
    flagged = await compare_groups(project, {"event": "order"}, "flag:pricing", now=NOW + timedelta(days=60))
    assert flagged.days == pytest.approx((flagged.needed - PEOPLE) / (PEOPLE / (238 / 24)), rel=0.02)


async def test_who_waits_for_an_ended_experiment_or_for_a_property_is_told_so(project: Project) -> None:
    half = await compare_groups(project, "Ordered", "experiment:Half", now=NOW)
    assert {each.sample.n for each in half.groups} == {PEOPLE / 2 + 1}
    assert half.days is None
    assert "has ended" in how_long(half)
    split = await compare_groups(project, {"event": "paid"}, "person:plan", date_from="2026-09-01", now=NOW)
    assert split.days is None
    assert "a question for an experiment" in how_long(split)


class Answering:
    """The embedded API, which also answers ExperimentQuery: from the story, or with `changed` numbers."""

    def __init__(self, app: Any) -> None:
        self.app, self.asked, self.method, self.more = app, list[Body](), "bayesian", 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith("/query/"):
            return await self.app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        query = json.loads(body)["query"]
        if query["kind"] == "ExperimentQuery":
            self.asked.append(query)
            return await JSONResponse(self.answer(query["metric"]))(scope, receive, send)
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        return await self.app(scope, again, send)

    def answer(self, metric: Body) -> Body:
        kind = metric["metric_type"]
        name = {"funnel": "Ordered", "mean": "Spent", "retention": "Ordered"}[kind]
        samples = {each: [*values(name, each), *([1.0] * self.more)] for each in ("control", "test")}
        base, test = (
            {"key": each, "number_of_samples": len(found), "sum": sum(found), "sum_squares": sum(v * v for v in found)}
            for each, found in samples.items()
        )
        told = published(base, test, self.method, share=kind != "mean")
        return {"kind": "ExperimentQuery", "query_status": None, "baseline": base, "variant_results": [test | told]}


def published(base: Body, test: Body, method: str, share: bool) -> Body:
    """PostHog's `products/experiments/stats`, in scipy."""
    (m, v, n), (other, w, k) = (moments(each, share) for each in (base, test))
    effect, spread = other / m - 1, (w / (k * m**2) + other**2 * v / (n * m**4)) ** 0.5
    if method == "bayesian":
        chance = float(stats.norm.sf(0, effect, spread))
        ends = [float(each) for each in stats.norm.ppf([0.025, 0.975], effect, spread)]
        return {"chance_to_win": chance, "credible_interval": ends, "significant": chance > 0.95, "method": method}
    df = (v / n + w / k) ** 2 / ((v / n) ** 2 / (n - 1) + (w / k) ** 2 / (k - 1))
    p, reach = float(2 * stats.t.sf(abs(effect / spread), df)), float(stats.t.ppf(0.975, df)) * spread
    return {"p_value": p, "confidence_interval": [effect - reach, effect + reach], "significant": p < 0.05}


def moments(each: Body, share: bool) -> tuple[float, float, int]:
    n, mean = each["number_of_samples"], each["sum"] / each["number_of_samples"]
    return mean, mean * (1 - mean) if share else (each["sum_squares"] - n * mean**2) / (n - 1), n


@pytest.fixture(scope="module")
async def remote(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Project, Answering]]:
    host = Answering(rest_app(project.driver))
    async with serving(host) as address:
        folder = tmp_path_factory.mktemp("remote")
        settings = Settings.load(api_key="phx_local", base_url=address, data_dir=folder, rate_limit="10000/s")
        async with open_project(settings) as opened:
            yield opened, host


async def over_http(
    remote: tuple[Project, Answering], metric: Any, method: str = "bayesian", more: int = 0
) -> GroupComparison:
    project, host = remote
    host.method, host.more = method, more
    return await compare_groups(project, metric, "experiment:Pricing", now=NOW)


@pytest.mark.parametrize("method", ["bayesian", "frequentist"])
@pytest.mark.parametrize("metric", ["Ordered", "Spent", {"kind": "trends", "series": [{"event": "order"}]}])
async def test_posthogs_own_result_is_told_beside_ours_and_agrees(
    remote: tuple[Project, Answering], metric: Any, method: str
) -> None:
    found = await over_http(remote, metric, method)
    read = found.posthog
    assert read is not None
    assert (read.method, read.counts_agree, read.statistics_agree) == (method, True, True)
    test = found.groups[1].comparison
    assert test is not None
    theirs = read.results[1]
    if method == "bayesian":
        assert theirs.chance == pytest.approx(test.chance_to_win, abs=1e-6)
        assert (theirs.low, theirs.high) == pytest.approx((test.credible_low, test.credible_high), abs=1e-6)
    else:
        assert theirs.p == pytest.approx(test.p, abs=1e-6)
        assert (theirs.low, theirs.high) == pytest.approx((test.relative_low, test.relative_high), abs=1e-6)
    assert any("same people and totals" in each for each in verdict(found))


async def test_other_counts_of_posthog_are_told(remote: tuple[Project, Answering]) -> None:
    found = await over_http(remote, "Ordered", more=7)
    assert found.posthog is not None
    assert (found.posthog.counts_agree, found.posthog.statistics_agree) == (False, True)
    assert any("PostHog 127 people and 47, here 120 people and 40" in each for each in verdict(found))


async def test_a_metric_that_only_posthog_counts_is_read_from_its_counts(remote: tuple[Project, Answering]) -> None:
    found = await over_http(remote, "Came back")
    assert [(each.name, each.sample.n) for each in found.groups] == [("control", PEOPLE), ("test", PEOPLE)]
    assert any("the counts are PostHog's" in each for each in verdict(found))


async def test_another_range_is_not_set_beside_posthogs(remote: tuple[Project, Answering]) -> None:
    project, host = remote
    before = len(host.asked)
    found = await compare_groups(project, "Ordered", "experiment:Pricing", date_from="2026-09-02", now=NOW)
    assert len(host.asked) == before
    assert found.posthog is not None
    assert "not asked for a part" in found.posthog.told[0]


async def test_the_tool_needs_the_experiments_name_alone(project: Project) -> None:
    async with Client(build_server(project.settings)) as client:
        result = await client.call_tool("compare_groups", {"split": "experiment:Pricing"})
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    assert not result.is_error, text
    assert result.structured_content is not None
    assert (result.structured_content["metric"], result.structured_content["posthog"]) == ("Ordered", None)
