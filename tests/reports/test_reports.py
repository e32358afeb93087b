"""Reports name what was planted in the demo where it lies in their window, stay quiet otherwise, and read well."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.delivery.message import markdown
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run
from posthog_mcp.reports.build import Wanted, build_report
from posthog_mcp.reports.compose import facts_of, message_of
from posthog_mcp.reports.findings import Report
from posthog_mcp.reports.writer import ModelWriter
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings

END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    """Enough of the demo that its stories can be told: 100,000 events."""
    folder = tmp_path_factory.mktemp("reports")
    store = Store(folder / "local")
    await generate_demo(store, Objects(store.root), seed=7, events=100_000, end=END)
    async with open_project(Settings.load(data_dir=folder, backend="local")) as opened:
        yield opened


@pytest.fixture(scope="module")
async def broken_week(project: Project) -> Report:
    """The week of 22 to 28 September, in which iOS 4.2.0 broke the payment sheet."""
    return await build_report(project, Wanted("weekly", (), 7, datetime(2026, 9, 29, 8, tzinfo=UTC)))


def texts(report: Report) -> str:
    return "\n".join(each.text for each in report.findings)


async def test_the_broken_checkout_leads_its_week(broken_week: Report) -> None:
    told = "\n".join(broken_week.summary[:2])

    assert "checkout_started → checkout_completed** broke where $os = iOS" in told
    assert "PaymentSheetError** is new" in told
    assert "release 4.2.0" in told
    assert not any("Android" in each.text and each.kind == "completion" for each in broken_week.findings)


async def test_what_holds_throughout_is_told_every_week(broken_week: Report) -> None:
    told = texts(broken_week)

    assert "**signup_channel = paid_social** is leaky" in told
    assert "**connected_integration** in their first week came back" in told
    assert "Experiment **Onboarding checklist**: more people of the variant test did created_project" in told
    assert "2026-09-22: Mobile release 4.2.0" in told


async def test_the_outage_is_told_with_its_hours(project: Project) -> None:
    report = await build_report(project, Wanted("weekly", (), 7, datetime(2026, 8, 20, 8, tzinfo=UTC)))

    told = texts(report)
    assert "Between **2026-08-18 10:00** and 14:00 only" in told
    assert "ApiUnavailable** is new" in told
    assert "PaymentSheetError" not in told


async def test_a_week_without_either_names_neither(project: Project) -> None:
    report = await build_report(project, Wanted("weekly", (), 7, datetime(2026, 10, 21, 8, tzinfo=UTC)))

    told = texts(report)
    assert "PaymentSheetError" not in told
    assert not report.of("outage", "errors")
    assert "broke" not in told


async def test_most_ordinary_days_are_quiet(project: Project) -> None:
    days = [datetime(2026, 10, day, 9, tzinfo=UTC) for day in (15, 21, 22, 23, 28)]
    quiet = [(await build_report(project, Wanted("daily", (), 1, day))).quiet for day in days]

    assert sum(quiet) >= 4


async def test_the_day_of_the_outage_is_not_quiet(project: Project) -> None:
    report = await build_report(project, Wanted("daily", (), 1, datetime(2026, 8, 19, 9, tzinfo=UTC)))

    assert not report.quiet
    assert "ApiUnavailable" in texts(report)


async def test_every_kind_of_insight_has_its_line(broken_week: Report) -> None:
    lines = {each.name: each.text for each in broken_week.trends}

    assert "up" in lines["Sign-ups a day"]
    assert "came to the end" in lines["Activation funnel"]
    assert "of the week of 2026-09-13" in lines["Weekly retention"], "the week after that of the 20th is not over"
    assert "came back the week after" in lines["Weekly retention"]
    assert "completion" in lines["Checkout completion by platform"]
    assert "2026-08-01" in lines["Revenue by month"]
    assert "new" in lines["People"]


async def test_sign_ups_are_those_of_the_week(project: Project, broken_week: Report) -> None:
    """An independent count."""
    from posthog_mcp.queries.run import run

    span = "timestamp >= '2026-09-22' AND timestamp < '2026-09-29'"
    rows = (await run(project, f"SELECT count() FROM events WHERE event = 'signed_up' AND {span}")).table.rows
    text = next(each.text for each in broken_week.trends if each.name == "Sign-ups a day")
    assert text.startswith(f"{rows[0][0]}, ")


async def test_every_number_carries_its_query_days_zone_and_project(broken_week: Report, project: Project) -> None:
    """Every HogQL runs as it stands. Annotations are no query: they name where they were read."""
    facts: Any = facts_of(broken_week)

    assert facts["project"]["id"] == 1
    assert facts["date_range"]["timezone"] == "UTC"
    assert {"completion", "driver", "release", "segment", "growth"} <= {each["kind"] for each in facts["findings"]}
    for each in facts["findings"]:
        days = each["date_range"]
        assert "2026-05-01" <= days["from"] <= days["to"] <= "2026-09-28", each
        assert days["timezone"] == "UTC", each
        if each["kind"] == "release":
            assert each["source"] == "GET /api/projects/1/annotations/"
        else:
            assert facts["queries"].get(each["query_id"]), each
        assert each.get("compared_query_id", each.get("query_id")) in {*facts["queries"], None}, each
    assert all(facts["queries"][query_id] for _, _, query_id in facts["trends"])
    for hogql in facts["queries"].values():
        assert (await run(project, hogql)).table.rows, hogql


async def test_the_queries_give_the_numbers_that_are_told(broken_week: Report, project: Project) -> None:
    leaky = next(each for each in broken_week.findings if "**signup_channel = paid_social** is leaky" in each.text)
    broke = next(each for each in broken_week.of("completion") if "$os" in dict(each.about))

    by_channel = (await run(project, leaky.hogql)).table.rows
    by_system = {row[0]: row[1:] for row in (await run(project, broke.hogql)).table.rows}
    begun, done, begun_now, done_now = by_system["iOS"]
    assert any(row[0] == "paid_social" and row[1] == dict(leaky.about)["n"] for row in by_channel)
    assert (
        f"{100 * done_now / begun_now:.1f} % of {begun_now}, against {100 * done / begun:.1f} % of {begun}"
        in broke.text
    )


async def test_it_reads_as_one_page_with_pictures(broken_week: Report) -> None:
    message = await message_of(broken_week)
    page = markdown(message)

    titles = [line for line in page.splitlines() if line.startswith("## ")]
    assert titles[0] == "## Summary"
    assert {"## Trends", "## User behaviour", "## Unusual", "## Data quality", "## Worth asking"} <= set(titles)
    assert len(page) < 12_000
    assert len(message.pictures) == 4
    assert all(each.png.startswith(b"\x89PNG") and each.alt for each in message.pictures)


async def test_a_model_may_rewrite_the_summary_with_the_facts_numbers(broken_week: Report) -> None:
    numbers = re.findall(r"([\d.]+) % of (\d+)", broken_week.summary[0])[0]

    async def honest(instructions: str, material: str) -> str:
        return f"{numbers[0]} % of {numbers[1]} completed on iOS.\nThe rest is calm."

    lines, who = await ModelWriter(honest, "a model").summary(broken_week)

    assert lines == [f"{numbers[0]} % of {numbers[1]} completed on iOS.", "The rest is calm."]
    assert who == "a model"


async def test_a_number_that_is_no_fact_brings_the_built_in_writer_back(broken_week: Report) -> None:
    async def inventive(instructions: str, material: str) -> str:
        return "Revenue rose by 731.4 %."

    lines, who = await ModelWriter(inventive, "a model").summary(broken_week)

    assert "731.4" not in "".join(lines)
    assert "731.4" in who
