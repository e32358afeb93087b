"""How a campaign went, by variant: sent from the ledger; delivered, opened, clicked and converted from PostHog events.

Senders report `email_delivered`, `email_opened`, `email_clicked` (or `campaign_…`) with `campaign` and `variant` among
their properties; a page view with the campaign's utm tags counts as a click. Converted: the conversion event within so
many days of the message. Variants are compared by the share of those sent who converted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posthog_mcp.analysis.groups import compare_numbers, verdict
from posthog_mcp.audience.campaigns import Campaign
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json
from posthog_mcp.state.desk.deliveries import Delivery

COLUMNS = ("variant", "sent", "failed", "uncertain", "delivered", "opened", "clicked", "converted", "conversion")
EVENTS: Mapping[str, tuple[str, ...]] = {
    "delivered": ("campaign_delivered", "email_delivered"),
    "opened": ("campaign_opened", "email_opened"),
    "clicked": ("campaign_clicked", "email_clicked", "email_link_clicked"),
}
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Stats:
    """Rows by variant, with `COLUMNS`, the total last; and what may be read from them."""

    campaign: Campaign
    rows: list[list[Json]]
    verdict: tuple[str, ...]
    notes: tuple[str, ...]


async def campaign_stats(project: Project, campaign: Campaign) -> Stats:
    """The campaign so far.

    Raises:
        PostHogMcpError: a query does not run.
    """
    deliveries = [each for each in await project.desk.deliveries.of(campaign.id) if each.person]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in deliveries:
        counts[each.variant][each.state] += 1
    sent = [each for each in deliveries if each.state == "sent"]
    if sent:
        await count_events(project, campaign, sent, counts)
        await count_conversions(project, campaign, sent, counts)
    rows = [row(key, counts[key]) for key in sorted(counts)]
    total: Counter[str] = Counter()
    for each in counts.values():
        total.update(each)
    notes = [] if campaign.conversion_event else ["No conversion event is set; update_campaign sets one."]
    if sent and not any(total[name] for name in EVENTS):
        notes.append("No events of delivery, opening or clicking have come; senders report them to PostHog.")
    return Stats(campaign, [*rows, row("all", total)], compared(counts), tuple(notes))


def row(name: str, counts: Counter[str]) -> list[Json]:
    cells: list[Json] = [name, *(counts[each] for each in COLUMNS[1:-1])]
    return [*cells, round(counts["converted"] / counts["sent"], 4) if counts["sent"] else None]


async def count_events(
    project: Project, campaign: Campaign, sent: Sequence[Delivery], counts: dict[str, Counter[str]]
) -> None:
    """Persons by event and variant; only those to whom it was sent."""
    variants = {each.person: each.variant for each in sent}
    id = text_literal(campaign.id)
    since = f"timestamp >= toDateTime({min(each.at for each in sent) - 86_400:.0f})"
    names = [name for group in EVENTS.values() for name in group]
    known = ", ".join(text_literal(each) for each in names)
    own = f"event IN ({known}) AND ifNull(toString(properties.campaign), toString(properties.campaign_id)) = {id}"
    click = f"event = '$pageview' AND toString(properties.utm_campaign) = {id}"
    query = f"SELECT DISTINCT toString(person_id), event FROM events WHERE {since} AND (({own}) OR ({click}))"
    seen: set[tuple[str, str]] = set()
    for person, event in (await run_hogql(project, query, limit=project.settings.max_rows, refresh=True)).table.rows:
        kind = next((name for name, group in EVENTS.items() if event in group), "clicked")
        if str(person) in variants and (str(person), kind) not in seen:
            seen.add((str(person), kind))
            counts[variants[str(person)]][kind] += 1


async def count_conversions(
    project: Project, campaign: Campaign, sent: Sequence[Delivery], counts: dict[str, Counter[str]]
) -> None:
    """Persons who did the conversion event within the days after their own message."""
    if not campaign.conversion_event:
        return
    for at in range(0, len(sent), AT_ONCE):
        part = {each.person: each for each in sent[at : at + AT_ONCE]}
        people = ", ".join(text_literal(each) for each in part)
        first, last = min(each.at for each in part.values()), max(each.at for each in part.values())
        end = last + campaign.conversion_days * 86_400
        span = f"timestamp >= toDateTime({first:.0f}) AND timestamp < toDateTime({end:.0f})"
        where = f"event = {text_literal(campaign.conversion_event)} AND {span} AND toString(person_id) IN ({people})"
        columns = "toString(person_id) AS who, groupUniqArray(toUnixTimestamp(timestamp)) AS times"
        query = f"SELECT {columns} FROM events WHERE {where} GROUP BY who"
        result = await run_hogql(project, query, limit=project.settings.max_rows, refresh=True)
        for person, times in result.table.rows:
            mine = part[str(person)]
            until = mine.at + campaign.conversion_days * 86_400
            if isinstance(times, list) and any(int(mine.at) <= float(str(each)) < until for each in times):
                counts[mine.variant]["converted"] += 1


def compared(counts: Mapping[str, Counter[str]]) -> tuple[str, ...]:
    """What the variants' conversions allow to say."""
    if len(counts) < 2:
        return ()
    data: list[Mapping[str, Json]] = [
        {"name": key, "n": each["sent"], "conversions": each["converted"]} for key, each in sorted(counts.items())
    ]
    try:
        return tuple(verdict(compare_numbers(data)))
    except PostHogMcpError as error:
        return (error.message,)
