"""Sessions worked out from events: one row a `$session_id`, in the columns of `schema.SESSIONS`.

Entry and exit values come from page views and screens first and from other events only where there are none, as in
PostHog's sessions. A session without pages or screens has no `$is_bounce`; a bounce is one page or screen, no
autocapture, and under ten seconds.
"""

from __future__ import annotations

from posthog_mcp.backends.local.channels import channel_type
from posthog_mcp.backends.local.schema import TEXT, HotColumns, literal, quoted

UTM = ("source", "campaign", "medium", "term", "content")
READS = {
    "url": "$current_url",
    "path": "$pathname",
    "host": "$host",
    "domain": "$referring_domain",
    "external": "$external_click_url",
    "gclid": "gclid",
    "fbclid": "fbclid",
    "gad": "gad_source",
    "lcp": "$web_vitals_LCP_value",
    **{f"utm_{part}": f"utm_{part}" for part in UTM},
}
SESSION_PROPERTIES = tuple(READS.values())
"""Event properties that sessions are made of; they become hot columns wherever they occur."""

ENTRIES = ("url", "path", "host", "domain", "gclid", "fbclid", "gad", *(f"utm_{part}" for part in UTM))
ENDS = ("url", "path", "host")
BOUNCE_SECONDS = 10
MAX_URLS = 1000
FIRST = "at + late * 10000000000000000"
LAST = "at - late * 10000000000000000"
"""Microseconds, with every event that is no page or screen put after, or before, all that are."""


def sessions_select(events: str, hot: HotColumns, *, where: str = "1", complete: bool = True) -> str:
    """A SELECT of `schema.SESSIONS` over a relation of physical events.

    `complete` says that a session property without a hot column occurs nowhere; else the JSON text is read for it.
    """
    reads = ", ".join(f"{text_of(name, hot, complete=complete)} AS {short}" for short, name in READS.items())
    entries = ", ".join(f"argMinIf({name}, {FIRST}, {name} != '') AS entry_{name}" for name in ENTRIES)
    ends = ", ".join(f"argMaxIf({name}, {LAST}, {name} != '') AS end_{name}" for name in ENDS)
    channel = channel_type(
        "entry_utm_source",
        "entry_utm_medium",
        "entry_utm_campaign",
        "entry_domain",
        "entry_gclid",
        "entry_gad",
        "entry_fbclid",
    )
    utm = ", ".join(f"nullIf(entry_utm_{part}, '') AS `$entry_utm_{part}`" for part in UTM)
    return f"""SELECT session_id, started AS session_timestamp, distinct_id, person_id,
started AS `$start_timestamp`, ended AS `$end_timestamp`, max_inserted_at,
arraySort(urls) AS `$urls`, toInt64(length(urls)) AS `$num_uniq_urls`,
nullIf(entry_url, '') AS `$entry_current_url`, nullIf(entry_path, '') AS `$entry_pathname`,
nullIf(entry_host, '') AS `$entry_hostname`, nullIf(end_url, '') AS `$end_current_url`,
nullIf(end_path, '') AS `$end_pathname`, nullIf(end_host, '') AS `$end_hostname`,
nullIf(entry_domain, '') AS `$entry_referring_domain`, nullIf(external_url, '') AS `$last_external_click_url`, {utm},
nullIf(entry_fbclid, '') AS `$entry_fbclid`, nullIf(entry_gclid, '') AS `$entry_gclid`,
nullIf(entry_gad, '') AS `$entry_gad_source`, entry_fbclid != '' AS `$entry_has_fbclid`,
entry_gclid != '' AS `$entry_has_gclid`, pageviews AS `$pageview_count`, autocaptures AS `$autocapture_count`,
screens AS `$screen_count`, {channel} AS `$channel_type`, seconds AS `$session_duration`,
if(pageviews + screens = 0, NULL, pageviews + screens = 1 AND autocaptures = 0 AND seconds < {BOUNCE_SECONDS})
  AS `$is_bounce`, vitals AS `$vitals_lcp`
FROM (SELECT `$session_id` AS session_id, argMin(distinct_id, timestamp) AS distinct_id,
  argMax(person_id, timestamp) AS person_id, min(timestamp) AS started, max(timestamp) AS ended,
  toInt64(dateDiff('second', started, ended)) AS seconds, max(created_at) AS max_inserted_at,
  groupUniqArrayIf({MAX_URLS})(url, url != '') AS urls, {entries}, {ends},
  argMaxIf(external, timestamp, external != '') AS external_url,
  toInt64(countIf(event = '$pageview')) AS pageviews, toInt64(countIf(event = '$autocapture')) AS autocaptures,
  toInt64(countIf(event = '$screen')) AS screens,
  argMinIf(toFloat64OrNull(lcp), timestamp, lcp != '') AS vitals
  FROM (SELECT assumeNotNull(`$session_id`) AS `$session_id`, event, timestamp, created_at, distinct_id, person_id,
    event NOT IN ('$pageview', '$screen') AS late, toUnixTimestamp64Micro(timestamp) AS at, {reads}
    FROM {events} WHERE `$session_id` != '' AND {where})
  GROUP BY session_id) ORDER BY started, session_id"""


def text_of(name: str, hot: HotColumns, *, complete: bool) -> str:
    """SQL of a property as a text that is '' when absent."""
    found = hot.get(name)
    if found:
        column = quoted(found[0])
        return f"ifNull({column if found[1] == TEXT else f'toString({column})'}, '')"
    return "''" if complete else f"ifNull(JSONExtract(properties, {literal(name)}, {literal(TEXT)}), '')"
