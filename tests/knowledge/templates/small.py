"""Four small projects: a site with surveys, the accounts of a product, an assistant, and tracking that is not in order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.insights.made import Did, moment, written

SITE = "https://example.com"


def site() -> list[Did]:
    """Visits (see each line), web vitals, rage clicks, and the survey `nps` with answers 10 10 9 9 8 7 6 3."""

    def visit(who: str, at: str, session: str, referrer: str, *pages: tuple[int, str]) -> list[Did]:
        begun = datetime.fromisoformat(at)
        found: list[Did] = []
        for second, page in pages:
            event = "$pageview" if page.startswith("/") else page
            path = page if page.startswith("/") else "/signup"
            known = {
                "$session_id": session,
                "$referring_domain": referrer,
                "$pathname": path,
                "$current_url": SITE + path,
            }
            found.append(Did(who, event, (begun + timedelta(seconds=second)).isoformat(), known))
        return found

    events = visit("v1", "2026-10-28T10:00:00", "s1", "www.google.com", (0, "/"), (30, "/pricing"), (90, "signed_up"))
    events += visit("v2", "2026-10-28T11:00:00", "s2", "news.example.org", (0, "/"))
    events += visit("v3", "2026-10-28T12:00:00", "s3", "$direct", (0, "/pricing"), (60, "/"))
    events += visit("v3", "2026-10-29T12:00:00", "s4", "$direct", (0, "/"), (10, "signed_up"))
    events += visit("v4", "2026-10-29T13:00:00", "s5", "www.google.com", (0, "/blog"))
    for day in (20, 21, 22, 23):
        events += visit("v5", f"2026-10-{day}T09:00:00", f"s6-{day}", "www.google.com", (0, "/"))
    for page, loaded in (("/", (1000, 2000, 3000, 4000)), ("/pricing", (5000, 5000))):
        for number, milliseconds in enumerate(loaded):
            values = {
                "$web_vitals_LCP_value": milliseconds,
                "$web_vitals_INP_value": 100,
                "$web_vitals_CLS_value": 0.05,
            }
            events.append(Did("v6", "$web_vitals", f"2026-10-27T1{number}:00:00", {"$pathname": page, **values}))
    for who, page, element, times in (
        ("v1", "/pricing", "Buy", 3),
        ("v3", "/pricing", "Buy", 1),
        ("v2", "/", "Menu", 1),
    ):
        known = {"$pathname": page, "$el_text": element, "$session_id": f"rage-{who}"}
        events += [Did(who, "$rageclick", f"2026-10-30T10:0{minute}:00", known) for minute in range(times)]
    return events + survey()


def survey() -> list[Did]:
    """Shown to ten; w0 answered 1 and then 10; w6 and w7 answered in September, the others in October; w8 dismissed it."""
    known = {"$survey_id": "nps"}
    events = [Did(f"w{n}", "survey shown", "2026-09-15T10:00:00", known) for n in range(10)]
    events.append(Did("w0", "survey sent", "2026-09-16T10:00:00", known | {"$survey_response": 1}))
    for n, score in enumerate((10, 10, 9, 9, 8, 7, 6, 3)):
        at = "2026-09-20T10:00:00" if n >= 6 else "2026-10-10T10:00:00"
        events.append(Did(f"w{n}", "survey sent", at, known | {"$survey_response": score}))
    return [*events, Did("w8", "survey dismissed", "2026-10-11T10:00:00", known)]


def accounts() -> list[Did]:
    """(account, person, event, month of which, on how many days) : one event a day from the 10th at noon."""
    did = (
        ("acme", "a1", "viewed_report", "09", 5), ("acme", "a2", "viewed_report", "09", 5),
        ("acme", "a1", "viewed_report", "10", 5), ("acme", "a2", "exported_data", "10", 5),
        ("beta", "b1", "viewed_report", "09", 10), ("beta", "b1", "viewed_report", "10", 2),
        ("gamma", "g1", "created_dashboard", "09", 4),
        ("delta", "d1", "viewed_report", "10", 3),
        ("epsilon", "e1", "exported_data", "09", 4), ("epsilon", "e1", "exported_data", "10", 4),
        ("epsilon", "e2", "viewed_report", "10", 4),
    )  # fmt: skip
    return [
        Did(who, event, f"2026-{month}-{10 + day}T12:00:00", {"$group_0": account})
        for account, who, event, month, days in did
        for day in range(days)
    ]


def assistant() -> list[Did]:
    """Six calls in five traces, scores and a comment; an old call of 1 dollar on 2026-09-01."""
    calls = (
        ("u1", "t1", "gpt", 1, 0.01, 100, 50, ""), ("u1", "t1", "gpt", 2, 0.02, 100, 50, ""),
        ("u1", "t2", "gpt", 3, 0.03, 100, 50, ""), ("u2", "t3", "gpt", 4, 0.04, 100, 50, "429 rate limit"),
        ("u2", "t4", "claude", 5, 0.10, 200, 100, ""), ("u2", "t5", "claude", 10, 0.20, 200, 100, ""),
        ("u1", "t0", "gpt", 9, 1.00, 900, 900, ""),
    )  # fmt: skip
    events: list[Did] = []
    for number, (who, trace, model, latency, usd, given, made, error) in enumerate(calls):
        day = "09-01" if trace == "t0" else "10-20" if model == "gpt" else "10-28"
        known: dict[str, object] = {
            "$ai_trace_id": trace, "$ai_model": model, "$ai_provider": "openai" if model == "gpt" else "anthropic",
            "$ai_latency": latency, "$ai_total_cost_usd": usd, "$ai_input_tokens": given, "$ai_output_tokens": made,
            "$ai_is_error": bool(error),
        }  # fmt: skip
        events.append(
            Did(who, "$ai_generation", f"2026-{day}T10:0{number}:00", known | ({"$ai_error": error} if error else {}))
        )
    for minute, (trace, name, score) in enumerate(
        (("t1", "helpful", 0), ("t1", "helpful", 1), ("t2", "helpful", 0), ("t4", "helpful", 1), ("t4", "polite", 0.5))
    ):
        known = {"$ai_trace_id": trace, "$ai_metric_name": name, "$ai_metric_value": score}
        events.append(Did("u1", "$ai_metric", f"2026-10-29T10:0{minute}:00", known))
    return [
        *events,
        Did("u1", "$ai_feedback", "2026-10-29T11:00:00", {"$ai_trace_id": "t2", "$ai_feedback_text": "No."}),
    ]


def tracking() -> list[Did]:
    """Data that is not in order.

    `steady` twice a day from 2026-09-03 and twenty times more on 10-14; `dying` twice a day up to 10-24; `old_name` daily
    up to 10-11, `new_name` from 10-12, by the same person. Ten `payment_succeeded` on 10-20, hours 1 to 10: amounts 1 to 6
    are numbers, 7 and 8 "12", 9 "free", 10 none; plan on the first eight; 1 and 2 come again after 2 seconds, 3 after 60.
    Eight `opened` from ios: five stored after 2 seconds, two after two days, one two minutes before it happened.
    """
    events: list[Did] = []
    for back in range(59):
        day = (datetime(2026, 10, 31) - timedelta(days=back)).date().isoformat()
        events += [Did(who, "steady", f"{day}T12:00:00") for who in ("s1", "s2")]
        if day <= "2026-10-24":
            events += [Did(who, "dying", f"{day}T13:00:00") for who in ("s1", "s2")]
        events.append(Did("r", "old_name" if day <= "2026-10-11" else "new_name", f"{day}T14:00:00"))
    events += [Did("s3", "steady", f"2026-10-14T15:{minute}:00") for minute in range(10, 30)]
    for hour in range(1, 11):
        amount = {7: "12", 8: "12", 9: "free", 10: None}.get(hour, hour)
        known = {"amount": amount, "plan": "a" if hour <= 8 else None}
        known = {key: value for key, value in known.items() if value is not None}
        times = [f"2026-10-20T{hour:02d}:00:00"]
        times += (
            [f"2026-10-20T{hour:02d}:00:02"] if hour <= 2 else [f"2026-10-20T{hour:02d}:01:00"] if hour == 3 else []
        )
        events += [Did("q", "payment_succeeded", at, known) for at in times]
    for number, stored in enumerate((2, 2, 2, 2, 2, 172_800, 172_800, -120)):
        events.append(Did("m", "opened", f"2026-10-21T1{number}:00:00", {"$lib": "ios", "stored_after": stored}))
    return events


def export(events: Sequence[Did]) -> str:
    """The events as a batch export; those with `stored_after` were stored that many seconds later."""
    rows = [json.loads(line) for line in written(events, "UTC").splitlines()]
    for row in rows:
        stored = row["properties"].get("stored_after", 0)
        row["created_at"] = (moment(row["timestamp"], "UTC") + timedelta(seconds=stored)).isoformat()
    return "\n".join(map(json.dumps, rows)) + "\n"
