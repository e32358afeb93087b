"""Ten questions people ask, each in HogQL, in ClickHouse SQL by hand on our snapshot, and in DuckDB SQL on the export.

`scan` names the columns that the hand-written SQL reads: reading them and doing nothing is the floor. The DuckDB
texts read the batch-export Parquet as PostHog delivers it (JSON text), because that is what a user of DuckDB has.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """`{events}` stands for the table in the two hand-written texts."""

    name: str
    hogql: str
    clickhouse: str
    duckdb: str
    scan: str


QUESTIONS = (
    Question(
        "daily counts",
        "SELECT toDate(timestamp) AS day, count() AS n FROM events GROUP BY day ORDER BY day LIMIT 1000",
        "SELECT toDate(timestamp) AS day, count() AS n FROM {events} GROUP BY day ORDER BY day LIMIT 1000",
        "SELECT timestamp::DATE AS day, count(*) AS n FROM {events} GROUP BY day ORDER BY day LIMIT 1000",
        "timestamp",
    ),
    Question(
        "top events",
        "SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC, event LIMIT 20",
        "SELECT event, count() AS n FROM {events} GROUP BY event ORDER BY n DESC, event LIMIT 20",
        "SELECT event, count(*) AS n FROM {events} GROUP BY event ORDER BY n DESC, event LIMIT 20",
        "event",
    ),
    Question(
        "daily active people",
        "SELECT toDate(timestamp) AS day, uniqExact(person_id) AS n FROM events GROUP BY day ORDER BY day LIMIT 1000",
        "SELECT toDate(timestamp) AS day, uniqExact(person_id) AS n FROM {events} GROUP BY day ORDER BY day LIMIT 1000",
        "SELECT timestamp::DATE AS day, count(DISTINCT person_id) AS n FROM {events} GROUP BY day ORDER BY day LIMIT 1000",
        "timestamp, person_id",
    ),
    Question(
        "three-step funnel",
        """SELECT countIf(steps >= 1) AS one, countIf(steps >= 2) AS two, countIf(steps >= 3) AS three FROM (
SELECT person_id, windowFunnel(31536000)(toDateTime(timestamp), event = 'signed_up', event = 'created_project',
event = 'invited_teammate') AS steps FROM events
WHERE event IN ('signed_up', 'created_project', 'invited_teammate') GROUP BY person_id) LIMIT 1""",
        """SELECT countIf(steps >= 1) AS one, countIf(steps >= 2) AS two, countIf(steps >= 3) AS three FROM (
SELECT person_id, windowFunnel(31536000)(toDateTime(timestamp), event = 'signed_up', event = 'created_project',
event = 'invited_teammate') AS steps FROM {events}
WHERE event IN ('signed_up', 'created_project', 'invited_teammate') GROUP BY person_id) LIMIT 1""",
        """WITH e AS (SELECT person_id, event, date_trunc('second', timestamp) AS t FROM {events}
WHERE event IN ('signed_up', 'created_project', 'invited_teammate')),
a AS (SELECT person_id, min(t) AS t FROM e WHERE event = 'signed_up' GROUP BY 1),
b AS (SELECT a.person_id, min(e.t) AS t FROM a JOIN e USING (person_id)
  WHERE e.event = 'created_project' AND e.t >= a.t GROUP BY 1),
c AS (SELECT b.person_id, min(e.t) AS t FROM b JOIN e USING (person_id)
  WHERE e.event = 'invited_teammate' AND e.t >= b.t GROUP BY 1)
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM c)""",
        "timestamp, event, person_id",
    ),
    Question(
        "weekly retention",
        """SELECT dateDiff('week', first_week, week) AS age, uniqExact(person_id) AS n FROM (
SELECT person_id, toMonday(timestamp) AS week, min(toMonday(timestamp)) OVER (PARTITION BY person_id) AS first_week
FROM events GROUP BY person_id, week) GROUP BY age ORDER BY age LIMIT 100""",
        """SELECT dateDiff('week', first_week, week) AS age, uniqExact(person_id) AS n FROM (
SELECT person_id, toMonday(timestamp) AS week, min(toMonday(timestamp)) OVER (PARTITION BY person_id) AS first_week
FROM {events} GROUP BY person_id, week) GROUP BY age ORDER BY age LIMIT 100""",
        """SELECT date_diff('week', first_week, week) AS age, count(DISTINCT person_id) AS n FROM (
SELECT person_id, week, min(week) OVER (PARTITION BY person_id) AS first_week FROM (
SELECT DISTINCT person_id, date_trunc('week', timestamp) AS week FROM {events})) GROUP BY age ORDER BY age LIMIT 100""",
        "timestamp, person_id",
    ),
    Question(
        "by browser",
        """SELECT properties.$browser AS browser, count() AS n FROM events WHERE event = '$pageview'
GROUP BY browser ORDER BY n DESC, browser LIMIT 10""",
        """SELECT `mat_$browser` AS browser, count() AS n FROM {events} WHERE event = '$pageview'
GROUP BY browser ORDER BY n DESC, browser LIMIT 10""",
        """SELECT json_extract_string(properties, '$."$browser"') AS browser, count(*) AS n FROM {events}
WHERE event = '$pageview' GROUP BY browser ORDER BY n DESC, browser LIMIT 10""",
        "event, `mat_$browser`",
    ),
    Question(
        "property search",
        "SELECT count() AS n FROM events WHERE properties.$current_url ILIKE '%pricing%' LIMIT 1",
        "SELECT count() AS n FROM {events} WHERE `mat_$current_url` ILIKE '%pricing%' LIMIT 1",
        """SELECT count(*) AS n FROM {events}
WHERE json_extract_string(properties, '$."$current_url"') ILIKE '%pricing%' LIMIT 1""",
        "`mat_$current_url`",
    ),
    Question(
        "session length",
        """SELECT count() AS sessions, round(avg(seconds)) AS mean FROM (
SELECT $session_id AS id, dateDiff('second', min(timestamp), max(timestamp)) AS seconds FROM events
WHERE $session_id IS NOT NULL AND $session_id != '' GROUP BY id) LIMIT 1""",
        """SELECT count() AS sessions, round(avg(seconds)) AS mean FROM (
SELECT `$session_id` AS id, dateDiff('second', min(timestamp), max(timestamp)) AS seconds FROM {events}
WHERE `$session_id` != '' GROUP BY id) LIMIT 1""",
        """SELECT count(*) AS sessions, round(avg(seconds)) AS mean FROM (
SELECT json_extract_string(properties, '$."$session_id"') AS id,
date_diff('second', min(timestamp), max(timestamp)) AS seconds FROM {events}
WHERE json_extract_string(properties, '$."$session_id"') != '' GROUP BY id) LIMIT 1""",
        "timestamp, `$session_id`",
    ),
    Question(
        "next page",
        """SELECT page, next, count() AS n FROM (
SELECT properties.$pathname AS page, $session_id AS id,
leadInFrame(properties.$pathname) OVER (PARTITION BY $session_id ORDER BY timestamp, uuid
ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next FROM events WHERE event = '$pageview')
WHERE next != '' GROUP BY page, next ORDER BY n DESC, page, next LIMIT 20""",
        """SELECT page, next, count() AS n FROM (
SELECT `mat_$pathname` AS page, leadInFrame(`mat_$pathname`) OVER (PARTITION BY `$session_id`
ORDER BY timestamp, uuid ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next
FROM {events} WHERE event = '$pageview') WHERE next != '' GROUP BY page, next ORDER BY n DESC, page, next LIMIT 20""",
        """SELECT page, next, count(*) AS n FROM (
SELECT json_extract_string(properties, '$."$pathname"') AS page,
lead(json_extract_string(properties, '$."$pathname"')) OVER (
PARTITION BY json_extract_string(properties, '$."$session_id"') ORDER BY timestamp, uuid) AS next
FROM {events} WHERE event = '$pageview') WHERE next != '' GROUP BY page, next ORDER BY n DESC, page, next LIMIT 20""",
        "timestamp, uuid, event, `$session_id`, `mat_$pathname`",
    ),
    Question(
        "p95 latency by model",
        """SELECT properties.$ai_model AS model, count() AS n, quantile(0.95)(properties.$ai_latency) AS p95 FROM events
WHERE event = '$ai_generation' GROUP BY model ORDER BY n DESC, model LIMIT 20""",
        """SELECT `mat_$ai_model` AS model, count() AS n, quantile(0.95)(`mat_$ai_latency`) AS p95 FROM {events}
WHERE event = '$ai_generation' GROUP BY model ORDER BY n DESC, model LIMIT 20""",
        """SELECT json_extract_string(properties, '$."$ai_model"') AS model, count(*) AS n,
quantile_cont(json_extract_string(properties, '$."$ai_latency"')::DOUBLE, 0.95) AS p95 FROM {events}
WHERE event = '$ai_generation' GROUP BY model ORDER BY n DESC, model LIMIT 20""",
        "event, `mat_$ai_model`, `mat_$ai_latency`",
    ),
)
