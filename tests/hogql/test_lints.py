"""Each lint on a query that triggers it and on one that does not."""

from __future__ import annotations

import pytest
from small_project import SmallProject

BOUND = "WHERE timestamp > now() - INTERVAL 1 DAY"
TRIGGERS = [
    ("no_time_range", "SELECT count() FROM events", "events"),
    ("no_time_range", f"SELECT count() FROM events {BOUND} AND event IN (SELECT distinct_id FROM sessions)", "sessions"),
    ("select_star", f"SELECT * FROM events {BOUND} LIMIT 1", "*"),
    ("select_star", f"SELECT e.* FROM events e {BOUND} LIMIT 1", "e.*"),
    ("missing_limit", f"SELECT event FROM events {BOUND} -- all", ""),
    ("union_limit", "SELECT 1 UNION ALL SELECT 2 LIMIT 5", "5"),
    ("limit_comma", "SELECT id FROM persons LIMIT 10, 20", "10, 20"),
    ("count_distinct_distinct_id", f"SELECT uniq(distinct_id) FROM events {BOUND}", "uniq(distinct_id)"),
    ("count_distinct_distinct_id", f"SELECT count(DISTINCT distinct_id) FROM events {BOUND}", "count(DISTINCT distinct_id)"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "query", "text"), TRIGGERS)
async def test_a_lint_names_the_place_and_the_mend(project: SmallProject, code: str, query: str, text: str) -> None:
    checked = await project.check(query)
    assert not checked.errors
    findings = [each for each in checked.warnings if each.code == code]
    assert [each.text for each in findings][-1:] == [text]
    assert all(each.fix and each.severity == "warning" for each in findings)


QUIET = [
    ("no_time_range", f"SELECT count() FROM events {BOUND}"),
    ("no_time_range", "SELECT count() FROM events WHERE timestamp > (SELECT max(created_at) FROM persons)"),
    ("no_time_range", "SELECT count() FROM persons"),
    ("select_star", f"SELECT count(*) FROM events {BOUND}"),
    ("select_star", f"SELECT * FROM (SELECT event FROM events {BOUND}) LIMIT 1"),
    ("missing_limit", f"SELECT event FROM events {BOUND} LIMIT 5"),
    ("missing_limit", f"SELECT count(), max(timestamp) FROM events {BOUND}"),
    ("union_limit", "SELECT 1 UNION ALL (SELECT 2 LIMIT 5)"),
    ("union_limit", "(SELECT 1 UNION ALL SELECT 2) LIMIT 5"),
    ("limit_comma", "SELECT id FROM persons LIMIT 10 OFFSET 20"),
    ("count_distinct_distinct_id", f"SELECT uniq(person_id), count(distinct_id) FROM events {BOUND}"),
]


@pytest.mark.parametrize(("code", "query"), QUIET)
async def test_a_lint_keeps_quiet_otherwise(project: SmallProject, code: str, query: str) -> None:
    checked = await project.check(query)
    assert not checked.errors
    assert code not in [each.code for each in checked.warnings]
