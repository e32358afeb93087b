"""SQL for what happens: people → sessions → events, with PostHog's property shapes.

A session is (day after the first visit, kind, ordinal); an event is (name, seconds into the session, page, extra
properties as JSON members). Both are arrays that are joined, so one SELECT makes a whole chunk of people.
"""

from __future__ import annotations

from posthog_mcp.backends.local.demo.conversations import assistant_events
from posthog_mcp.backends.local.demo.people import as_uuid, draw
from posthog_mcp.backends.local.demo.stories import (
    BROKEN_CHECKOUT,
    BROKEN_COMPLETION,
    COMPLETION,
    OUTAGE,
    RELEASES,
)

WEEKS = 52
PRICES = {"starter": 29, "team": 99, "business": 299}

NOTHING = "CAST([], 'Array(Tuple(UInt32, String, UInt32))')"
NO_EVENTS = "CAST([], 'Array(Tuple(String, UInt32, String, String))')"


def sessions() -> str:
    """Array of (day, kind, ordinal): the first visit, the sign-up, returning weeks, checkout, renewals, support."""
    alive = f"arrayFilter(w -> {draw('week', 'n', 'w')} < return_rate * pow(0.985, w), range(1, {WEEKS}))"
    visits = f"range(1 + toUInt32(floor(4 * pow({draw('busy', 'n', 'w')}, 3))))"
    works = (
        f"arrayFlatten(arrayMap(w -> arrayMap(j -> (toUInt32(w * 7 + cityHash64({{seed}}, 'workday', n, w, j) % 7), "
        f"'work', toUInt32(w * 10 + j)), {visits}), {alive}))"
    )
    support = (
        "arrayMap(w -> (toUInt32(w * 7 + cityHash64({seed}, 'helpday', n, w) % 7), 'support', toUInt32(7000 + w)), "
        f"arrayFilter(w -> {draw('help', 'n', 'w')} < 0.09, arrayPushFront({alive}, 0)))"
    )
    tries = f"arrayMap(t -> (toUInt32(3 + t * 6 + floor(9 * {draw('pay', 'n', 't')})), 'checkout', toUInt32(8000 + t)), range(2))"
    renewals = (
        f"arrayMap(m -> (toUInt32(25 + m * 30), 'renewal', toUInt32(9000 + m)), arrayFilter(m -> arrayAll(i -> "
        f"{draw('renew', 'n', 'i')} < 0.93, range(m + 1)), range(11)))"
    )
    return f"""arrayConcat([(toUInt32(0), 'visit', toUInt32(0))],
if(signed_up, [(toUInt32(0), 'signup', toUInt32(1))], {NOTHING}),
if(signed_up, {works}, {NOTHING}), if(signed_up, {support}, {NOTHING}),
if(wants_to_pay, arrayConcat({tries}, {renewals}), {NOTHING}))"""


def event(name: str, second: int | str, page: str, extra: str = "''") -> str:
    return f"('{name}', toUInt32({second}), {page}, {extra})"


def page(path: str, second: int | str) -> str:
    """A page view on the web, a screen on a phone."""
    return f"(if(platform = 'web', '$pageview', '$screen'), toUInt32({second}), '{path}', '')"


def some(condition: str, *events: str) -> str:
    return f"if({condition}, [{', '.join(events)}], {NO_EVENTS})"


def amount() -> str:
    return f"multiIf(plan = 'starter', {PRICES['starter']}, plan = 'team', {PRICES['team']}, {PRICES['business']})"


def events() -> str:
    """Array of events of one session, by its kind."""
    key = ("n", "ordinal")
    payment = f"""concat(',"amount":', toString({amount()}), ',"currency":"USD","plan":"', plan, '"')"""
    vitals = f"""concat(',"$web_vitals_LCP_value":', toString(round(900 + 2600 * pow({draw("lcp", *key)}, 3))),
',"$web_vitals_INP_value":', toString(round(40 + 300 * pow({draw("inp", *key)}, 4))))"""
    exposure = """concat(',"$feature_flag":"onboarding-checklist","$feature_flag_response":"', variant, '"')"""
    crash = (
        """',"$exception_types":["TypeError"],"$exception_values":["Cannot read properties of undefined"],"""
        """"$exception_issue_id":"018f0000-0000-4000-8000-000000000001","$exception_level":"error"'"""
    )
    down = (
        """',"$exception_types":["ApiUnavailable"],"$exception_values":["503 from api.example.com"],"""
        """"$exception_issue_id":"018f0000-0000-4000-8000-000000000002","$exception_level":"error"'"""
    )
    sheet = (
        """',"$exception_types":["PaymentSheetError"],"$exception_values":["payment sheet did not open"],"""
        """"$exception_issue_id":"018f0000-0000-4000-8000-000000000003","$exception_level":"error"'"""
    )
    click = """',"$event_type":"click","$el_text":"Get started"'"""
    visit = [
        f"[{page('/', 0)}]",
        some("platform = 'web'", event("$web_vitals", 2, "'/'", vitals)),
        some(f"{draw('pricing', *key)} < 0.55", page("/pricing", 20), event("$autocapture", 31, "'/pricing'", click)),
        some(f"{draw('docs', *key)} < 0.25", page("/docs", 55)),
        some("platform = 'web'", event("$pageleave", 75, "'/'", "',\"$prev_pageview_duration\":41.5'")),
    ]
    channel = """concat(',"channel":"', channel, '"')"""
    identity = """concat(',"$anon_distinct_id":"', anonymous_id, '"')"""
    identified = [event("signed_up", 40, "'/signup'", channel), event("$identify", 41, "'/signup'", identity)]
    signup = [
        f"[{page('/signup', 0)}, {', '.join(identified)}]",
        some("platform = 'web'", event("$feature_flag_called", 45, "'/onboarding'", exposure)),
        f"[{page('/onboarding', 50)}]",
        some("created_project", event("created_project", 180, "'/projects/new'")),
        some("invited", event("invited_teammate", 420, "'/team'")),
        some("integrated", event("connected_integration", 600, "'/integrations'", '\',"integration":"slack"\'')),
    ]
    work = [
        f"[{page('/dashboard', 0)}]",
        some(f"{draw('report', *key)} < 0.55", page("/reports", 60), event("viewed_report", 64, "'/reports'")),
        some(f"{draw('dash', *key)} < 0.3", event("created_dashboard", 200, "'/dashboard/new'")),
        some(f"{draw('export', *key)} < 0.18", event("exported_data", 310, "'/reports'", '\',"format":"csv"\'')),
        some(f"integrated AND {draw('sync', *key)} < 0.5", event("synced_integration", 90, "'/integrations'")),
        some(f"{draw('settings', *key)} < 0.12", page("/settings", 400)),
        some(f"{draw('crash', *key)} < 0.02", event("$exception", 64, "'/reports'", crash)),
        some("platform = 'web'", event("$pageleave", 480, "'/dashboard'")),
    ]
    broken = f"platform = 'ios' AND days_left <= {BROKEN_CHECKOUT.starts} AND days_left > {BROKEN_CHECKOUT.ends}"
    done = f"{draw('complete', *key)} < if({broken}, {BROKEN_COMPLETION}, {COMPLETION})"
    checkout = [
        some("1", page("/pricing", 0), event("checkout_started", 30, "'/checkout'", payment)),
        some(
            done,
            event("checkout_completed", 95, "'/checkout'", payment),
            event("subscription_started", 96, "'/checkout'", payment),
            event("payment_succeeded", 97, "'/checkout'", payment),
        ),
        some(f"({broken}) AND NOT ({done})", event("$exception", 40, "'/checkout'", sheet)),
    ]
    renewal = [
        some(f"{draw('upgrade', *key)} < 0.05", event("subscription_upgraded", 0, "'/billing'", payment)),
        some("1", event("payment_succeeded", 5, "'/billing'", payment)),
    ]
    outage = some("in_outage", event("$exception", 5, "'/'", down), event("$exception", 15, "'/'", down))
    kinds = {"visit": visit, "signup": signup, "work": work, "checkout": checkout, "renewal": renewal}
    cases = ", ".join(f"kind = '{kind}', arrayConcat({', '.join(parts)})" for kind, parts in kinds.items())
    return f"arrayConcat({outage}, multiIf({cases}, {assistant_events()}))"


def events_select(people: str) -> str:
    """Batch-export rows of everything that these people do. `{end}` is a DateTime64 literal in UTC."""
    hour = f"(8 + 11 * ({draw('hour1', 'n', 'ordinal')} + {draw('hour2', 'n', 'ordinal')}) / 2)"
    version = "".join(f"days_left <= {day}, '{name}', " for day, name in reversed(RELEASES))
    starts = f"{{end}} - toIntervalSecond(toInt64({OUTAGE.starts} * 86400))"
    ends = f"{{end}} - toIntervalSecond(toInt64({OUTAGE.ends} * 86400))"
    url = "concat('https://app.example.com', tupleElement(happening, 3))"
    properties = f"""concat('{{"$lib":"', multiIf(platform = 'web', 'web', platform = 'ios', 'posthog-ios', 'posthog-android'),
'","$os":"', os, '"', if(platform = 'web', concat(',"$browser":"', browser, '","$current_url":"', {url},
'","$pathname":"', tupleElement(happening, 3), '","$host":"app.example.com"'),
concat(',"$app_version":"', multiIf({version}'3.9.0'), '","$screen_name":"', tupleElement(happening, 3), '"')),
',"$device_type":"', if(platform = 'web', 'Desktop', 'Mobile'), '","$geoip_country_code":"', country,
'","$session_id":"', session, '","$window_id":"', substring(session, 1, 23), '-w1"',
if(kind = 'visit', concat(',"$referring_domain":"', referring_domain, '"', if(utm_source = '', '',
  concat(',"utm_source":"', utm_source, '","utm_medium":"', utm_medium, '","utm_campaign":"always-on"'))), ''),
if(company_key = '' OR kind = 'visit', '', concat(',"$groups":{{"organization":"', company_key, '"}},"$group_0":"', company_key, '"')),
if(platform = 'web' AND kind != 'visit', concat(',"$feature/onboarding-checklist":"', variant, '"'), ''),
tupleElement(happening, 4), '}}')"""
    person = """concat('{"$initial_referring_domain":"', referring_domain, '"', if(utm_source = '', '',
concat(',"$initial_utm_source":"', utm_source, '"')), if(kind = 'visit', '', concat(',"email":"', email, '","name":"',
full_name, '","signup_channel":"', channel, '","plan":"', if(paying, plan, 'free'), '"')), '}')"""
    return f"""SELECT toUUID({as_uuid("event", "n", "ordinal", "position", "name")}) AS uuid, name AS event,
if(kind = 'visit', anonymous_id, user_id) AS distinct_id,
if(kind = 'visit', visitor_person, known_person) AS person_id,
{properties} AS properties, {person} AS person_properties,
if(name = '$autocapture', 'button.btn:text="Get started"nth-child="1"nth-of-type="1";div', '') AS elements_chain,
timestamp, timestamp + toIntervalSecond(2) AS created_at, created_at AS _inserted_at
FROM (SELECT *, happening, position, tupleElement(happening, 1) AS name,
started + toIntervalSecond(tupleElement(happening, 2)) + toIntervalMillisecond(position * 7) AS timestamp
FROM (SELECT *, {events()} AS happenings
FROM (SELECT *, {as_uuid("session", "n", "ordinal")} AS session,
dateDiff('second', started, {{end}}) / 86400 AS days_left,
started BETWEEN {starts} AND {ends} AS in_outage,
kind = 'renewal' OR ordinal >= 100 AND wants_to_pay AS paying
FROM (SELECT *, tupleElement(session_of, 1) AS day, tupleElement(session_of, 2) AS kind,
tupleElement(session_of, 3) AS ordinal,
multiIf({draw("plan", "n")} < 0.55, 'starter', {draw("plan", "n")} < 0.9, 'team', 'business') AS plan,
{{first}} + toIntervalDay(first_day + day) AS at_day,
at_day + toIntervalDay(if(toDayOfWeek(at_day) >= 6 AND {draw("weekend", "n", "ordinal")} < 0.6,
  8 - toDayOfWeek(at_day) + cityHash64({{seed}}, 'moved', n, ordinal) % 4, 0)) + toIntervalSecond(toInt64({hour} * 3600) + if(kind = 'signup', 240, 0)) AS started
FROM (SELECT *, arrayJoin({sessions()}) AS session_of FROM ({people}))))
) ARRAY JOIN happenings AS happening, arrayEnumerate(happenings) AS position)
WHERE timestamp < {{end}} AND timestamp >= {{first}}
AND NOT (timestamp BETWEEN {starts} AND {ends} AND name != '$exception' AND {draw("lost", "n", "ordinal", "position")} < 0.9)"""
