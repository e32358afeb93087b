"""The web overview on hand-made sessions."""

from __future__ import annotations

from pathlib import Path

from tests.insights.made import Did, asked, project_of, table


def view(who: str, at: str, session: str, page: str) -> Did:
    return Did(
        who,
        "$pageview",
        f"2026-03-{at}",
        {"$session_id": session, "$pathname": page, "$current_url": f"https://x{page}"},
    )


EVENTS = [
    view("ann", "02 10:00:00", "s1", "/"),
    view("ann", "02 10:01:40", "s1", "/plans"),  # 100 s, two pages: no bounce
    view("ann", "03 09:00:00", "s2", "/"),  # one page: a bounce
    view("bob", "03 12:00:00", "s3", "/"),  # a bounce
    view("cem", "01 10:00:00", "s0", "/"),  # the day before
    Did("bob", "bought", "2026-03-03 12:00:05", {"$session_id": "s3"}),
]


async def test_measures_and_the_period_before(tmp_path: Path) -> None:
    async with project_of(tmp_path, EVENTS) as project:
        found = await asked(project, kind="web", date_from="2026-03-02", date_to="2026-03-03")
        whole = next(row for row in table(found) if row[0] == "all")
        assert whole[2:5] == [2, 4, 3]
        assert whole[7:10] == [1, 1, 1]
        assert whole[5] == round((100 + 0 + 5) / 3, 4)
        pages = {row[1]: row[2:4] for row in table(found) if row[0] == "page"}
        assert pages == {"/": [2, 3], "/plans": [1, 1]}
        assert found.answer.facts[0] == "visitors: 2, up 100.0 % on the period before."
        assert [row[:3] for row in table(found) if row[0] == "channel"] == [["channel", "Direct", 2]]


async def test_bounces_are_sessions_of_one_page_that_did_nothing(tmp_path: Path) -> None:
    async with project_of(tmp_path, EVENTS[:4]) as project:
        found = await asked(project, kind="web", date_from="2026-03-02", date_to="2026-03-03")
        assert next(row for row in table(found) if row[0] == "all")[6] == round(2 / 3, 4)


async def test_no_views_are_told(tmp_path: Path) -> None:
    async with project_of(tmp_path, EVENTS) as project:
        found = await asked(project, kind="web", date_from="2026-02-01", date_to="2026-02-02")
        assert found.answer.facts == ("There were no page views or screens in this time.",)
