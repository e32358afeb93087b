"""The demo's questions: for each the tool, its arguments, the picture of the answer, and what stands out in it.

What stands out is read from the answer, never written down here, so that the demo cannot claim what the data does
not say. The order is the one that the server's instructions teach: discover, describe, validate, run.
"""

from __future__ import annotations

from typing import cast

from rich.console import RenderableType
from rich.text import Text

from posthog_mcp.commands.demo_answers import ANSWERS
from posthog_mcp.commands.demo_step import Step
from posthog_mcp.commands.show import (
    Structured,
    cell,
    code,
    fitted,
    new_table,
    number,
    records,
    rows_table,
    series_table,
)
from posthog_mcp.results import Json

SIGN_UPS = """SELECT toMonday(timestamp) AS week,
       properties.channel AS channel,
       count() AS sign_ups
FROM events
WHERE event = 'signed_up'
  AND timestamp >= toMonday(now()) - INTERVAL 8 WEEK
  AND timestamp < toMonday(now())
GROUP BY week, channel
ORDER BY week, channel
LIMIT 100"""

MISTYPED = SIGN_UPS.replace("toMonday(timestamp) AS", "toMondy(timestamp) AS").replace("GROUP BY week", "GROUP BY weak")

CHECKOUT = """SELECT os, release,
       countIf(step >= 1) AS started,
       countIf(step >= 2) AS paid,
       round(100 * paid / started) AS percent
FROM (
    SELECT person_id, properties.$os AS os,
           ifNull(properties.$app_version, 'web') AS release,
           windowFunnel(86400)(toDateTime(timestamp),
               event = 'checkout_started',
               event = 'checkout_completed') AS step
    FROM events
    WHERE event IN ('checkout_started', 'checkout_completed')
      AND timestamp >= now() - INTERVAL 60 DAY
    GROUP BY person_id, os, release
)
WHERE step > 0
GROUP BY os, release
ORDER BY os, release
LIMIT 50"""

EXCEPTIONS = """SELECT extract(properties.$exception_types, '[A-Za-z]+') AS error,
       properties.$app_version AS release,
       count() AS times,
       uniq(person_id) AS people
FROM events
WHERE event = '$exception' AND properties.$os = 'iOS'
  AND timestamp >= now() - INTERVAL 60 DAY
GROUP BY error, release
ORDER BY times DESC
LIMIT 5"""

RETENTION = """SELECT if(connected, 'connected one', 'did not') AS in_first_week,
       count() AS people,
       round(100 * countIf(has(weeks, 1)) / people) AS week_1,
       round(100 * countIf(has(weeks, 4)) / people) AS week_4,
       round(100 * countIf(has(weeks, 8)) / people) AS week_8
FROM (
    SELECT person_id,
           countIf(event = 'connected_integration' AND day < 7) > 0
               AS connected,
           groupUniqArrayIf(intDiv(day, 7), day >= 0) AS weeks
    FROM (
        SELECT person_id, event,
               min(if(event = 'signed_up', timestamp, NULL))
                   OVER (PARTITION BY person_id) AS joined,
               dateDiff('day', joined, timestamp) AS day
        FROM events
        WHERE timestamp >= now() - INTERVAL 150 DAY
    )
    WHERE joined < now() - INTERVAL 63 DAY
    GROUP BY person_id
)
GROUP BY in_first_week
ORDER BY in_first_week
LIMIT 10"""

ASSISTANT = """SELECT properties.$ai_model AS model, count() AS calls,
       round(sum(properties.$ai_total_cost_usd), 2) AS usd,
       round(1000 * avg(properties.$ai_total_cost_usd), 2) AS usd_per_1000,
       round(100 * countIf(properties.$ai_is_error) / calls, 1) AS error_rate,
       round(quantile(0.95)(properties.$ai_latency), 1) AS p95_seconds
FROM posthog.ai_events
WHERE event = '$ai_generation' AND timestamp >= now() - INTERVAL 30 DAY
GROUP BY model
ORDER BY usd DESC
LIMIT 20"""


def overview(result: Structured) -> RenderableType:
    """Top events beside what else there is."""
    table = new_table(["most frequent events", "in 30 days"], [False, True])
    for name, volume in cast("list[tuple[str, int]]", result["top_events"])[:8]:
        table.add_row(Text(name), cell(volume))
    return table


def overview_stands_out(result: Structured) -> str:
    project, data = cast("dict[str, str]", result["project"]), cast("dict[str, Json]", result["data"])
    counts = cast("dict[str, Json]", result["counts"])
    first, last = (str(data[end] or "?")[:10] for end in ("first_event", "last_event"))
    some = [f"{counts[kind]} {kind.replace('_', ' ')}s" for kind in ("event", "cohort", "insight", "feature_flag")]
    return f"{project['name']}: {', '.join(some)}; data from {first} to {last}."


def fields(result: Structured) -> RenderableType:
    """Name, type, fill rate and values of the fields that make the event what it is."""
    names = ["field", "type", "filled", "most frequent values"]
    table = new_table(names, [False, False, True, False])
    for name, kind, _, rate, values in cast("list[list[Json]]", result["fields"])[:9]:
        samples = ", ".join(str(value) for value in cast("list[Json]", values)[:4])
        table.add_row(Text(str(name)), Text(str(kind)), f"{100 * number(rate):.0f} %", Text(samples[:40]))
    return fitted(table)


def fields_stand_out(result: Structured) -> str:
    return f"{len(cast('list[Json]', result['fields']))} fields with types, fill rates and real values to filter by."


def findings(result: Structured) -> RenderableType:
    """The validator's errors, each at its place, or that there are none."""
    errors = cast("list[dict[str, Json]]", result["errors"])
    if not errors:
        return Text("valid", style="bold green")
    lines = [
        Text.assemble(
            (f"line {e['line']}, column {e['column']}: ", "bold red"), f"{e['message']}  ", (f"{e['fix']}", "green")
        )
        for e in errors
    ]
    return Text("\n").join(lines)


def validation_stands_out(result: Structured) -> str:
    errors = cast("list[Json]", result["errors"])
    return f"{len(errors)} mistakes found before anything ran." if errors else "Nothing is sent before this is clean."


def sign_ups_stand_out(result: Structured) -> str:
    sums: dict[str, float] = {}
    for row in records(result):
        sums[str(row["channel"])] = sums.get(str(row["channel"]), 0.0) + number(row["sign_ups"])
    first, second = sorted(sums, key=lambda channel: -sums[channel])[:2]
    share = 100 * sums[first] / sum(sums.values())
    return f"{first} brings most people ({share:.0f} %), then {second}."


def checkout_stands_out(result: Structured) -> str:
    rows = records(result)
    worst = min(rows, key=lambda row: number(row["percent"]))
    others = [number(row["percent"]) for row in rows if row is not worst]
    return (
        f"{worst['os']} {worst['release']}: {number(worst['percent']):.0f} % of checkouts complete; "
        f"everywhere else {min(others):.0f} to {max(others):.0f} %."
    )


def exceptions_stand_out(result: Structured) -> str:
    row = next((row for row in records(result) if "ayment" in str(row["error"])), records(result)[0])
    return f"{row['error']} on {row['release']}: {row['times']} times, {row['people']} people."


def retention_stands_out(result: Structured) -> str:
    rows = {str(row["in_first_week"]): number(row["week_8"]) for row in records(result)}
    (better, high), (worse, low) = sorted(rows.items(), key=lambda pair: -pair[1])
    return f"After 8 weeks, of those who {better}, {high:.0f} % are back; of those who {worse}, {low:.0f} %."


def assistant_stands_out(result: Structured) -> str:
    rows = records(result)
    dear, wrong = (max(rows, key=lambda row: number(row[name])) for name in ("usd_per_1000", "error_rate"))
    return f"{dear['model']} costs most a call; {wrong['model']} fails most often ({wrong['error_rate']} %)."


def script(result: Structured) -> RenderableType:
    return code(str(result["script"]), "python", limit=14)


def script_stands_out(result: Structured) -> str:
    return "A file that anyone can run; it prints the same rows."


STEPS = (
    Step("What is in this project?", "discover_objects", {}, overview, overview_stands_out),
    Step("What does a sign-up carry?", "get_object_fields", {"name": "signed_up"}, fields, fields_stand_out),
    Step("Is this query right? (two slips)", "validate_hogql", {"query": MISTYPED}, findings, validation_stands_out),
    Step("And now?", "validate_hogql", {"query": SIGN_UPS}, findings, validation_stands_out),
    Step(
        "Where do sign-ups come from, week by week?",
        "execute_hogql",
        {"query": SIGN_UPS},
        series_table("week", "channel", "sign_ups"),
        sign_ups_stand_out,
    ),
    Step(
        "Does checkout work everywhere?",
        "execute_hogql",
        {"query": CHECKOUT},
        rows_table("percent", most=100),
        checkout_stands_out,
    ),
    Step("What goes wrong on iOS?", "execute_hogql", {"query": EXCEPTIONS}, rows_table("times"), exceptions_stand_out),
    Step(
        "Who comes back: does connecting an integration go with it?",
        "execute_hogql",
        {"query": RETENTION},
        rows_table("week_8", most=100),
        retention_stands_out,
    ),
    Step(
        "What does the support assistant cost, and how often does it fail?",
        "execute_hogql",
        {"query": ASSISTANT},
        rows_table("usd_per_1000"),
        assistant_stands_out,
    ),
    *ANSWERS,
    Step("Can I take the last answer home as a script?", "show_last_script", {}, script, script_stands_out),
)
