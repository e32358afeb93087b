"""How a campaign went, by variant: sent from the ledger; delivered, opened, clicked and converted from PostHog events.

Senders report `email_delivered`, `email_opened`, `email_clicked` (or `campaign_…`) with `campaign` and `variant` among
their properties; a page view with the campaign's utm tags counts as a click. Converted: the conversion event within so
many days of the message. Variants are compared by the share of those sent who converted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from posthog_mcp.analysis.groups import GroupComparison, compare_numbers, verdict
from posthog_mcp.audience.asking import rows_of
from posthog_mcp.audience.campaigns import Campaign
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.state.desk.deliveries import Delivery

COLUMNS = ("variant", "sent", "failed", "uncertain", "delivered", "opened", "clicked", "converted", "conversion")
EVENTS: Mapping[str, tuple[str, ...]] = {
    "delivered": ("campaign_delivered", "email_delivered"),
    "opened": ("campaign_opened", "email_opened"),
    "clicked": ("campaign_clicked", "email_clicked", "email_link_clicked"),
}
AT_ONCE = 500
"""People that one query names."""
EARLIER = 60.0
"""Seconds before a message was marked as sent in which its events may come."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Rows by variant, with `COLUMNS`, the total last; what may be read from them, and the numbers behind it: each
    variant's conversion against the first's, the difference with its 95 % interval and p-value (shares of 1)."""

    campaign: Campaign
    rows: list[list[Json]]
    verdict: tuple[str, ...]
    comparisons: tuple[dict[str, Json], ...]
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
    told, numbers = compared(campaign, counts)
    return Stats(campaign, [*rows, row("all", total)], told, numbers, tuple(notes))


def row(name: str, counts: Counter[str]) -> list[Json]:
    cells: list[Json] = [name, *(counts[each] for each in COLUMNS[1:-1])]
    return [*cells, round(counts["converted"] / counts["sent"], 4) if counts["sent"] else None]


async def count_events(
    project: Project, campaign: Campaign, sent: Sequence[Delivery], counts: dict[str, Counter[str]]
) -> None:
    """Persons by event and variant; only those to whom it was sent, once a kind, and nothing from before."""
    id = text_literal(campaign.id)
    names = ", ".join(text_literal(name) for group in EVENTS.values() for name in group)
    own = f"event IN ({names}) AND ifNull(toString(properties.campaign), toString(properties.campaign_id)) = {id}"
    where = f"(({own}) OR (event = '$pageview' AND toString(properties.utm_campaign) = {id}))"
    for part in parts_of(project, sent):
        first = min(each.at for each in part.values()) - EARLIER
        span = f"timestamp >= toDateTime({first:.0f})"
        for person, events in await by_person(project, part, "groupUniqArray(event)", f"{span} AND {where}"):
            kinds = {next((name for name, group in EVENTS.items() if each in group), "clicked") for each in events}
            counts[part[person].variant].update(kinds)


async def count_conversions(
    project: Project, campaign: Campaign, sent: Sequence[Delivery], counts: dict[str, Counter[str]]
) -> None:
    """Persons who did the conversion event within the days after their own message."""
    if not campaign.conversion_event:
        return
    for part in parts_of(project, sent):
        first, last = min(each.at for each in part.values()), max(each.at for each in part.values())
        end = last + campaign.conversion_days * 86_400
        span = f"timestamp >= toDateTime({int(first)}) AND timestamp < toDateTime({end:.0f})"
        where = f"event = {text_literal(campaign.conversion_event)} AND {span}"
        for person, times in await by_person(project, part, "groupUniqArray(toUnixTimestamp(timestamp))", where):
            mine = part[person]
            until = mine.at + campaign.conversion_days * 86_400
            if any(int(mine.at) <= float(each) < until for each in times):
                counts[mine.variant]["converted"] += 1


def parts_of(project: Project, sent: Sequence[Delivery]) -> Iterator[dict[str, Delivery]]:
    """Deliveries by person, so many at once that one query can name them and answer for all."""
    size = min(AT_ONCE, project.settings.max_rows)
    for at in range(0, len(sent), size):
        yield {each.person: each for each in sent[at : at + size]}


async def by_person(
    project: Project, part: Mapping[str, Delivery], what: str, where: str
) -> list[tuple[str, list[str]]]:
    """A list of values for each of these people that has any.

    Raises:
        PostHogMcpError: the query does not run.
    """
    people = ", ".join(text_literal(each) for each in part)
    condition = f"{where} AND toString(person_id) IN ({people})"
    query = f"SELECT toString(person_id) AS who, {what} AS found FROM events WHERE {condition} GROUP BY who"
    rows = await rows_of(project, f"{query} LIMIT {len(part)}", len(part))
    return [(str(who), [str(each) for each in found]) for who, found in rows if isinstance(found, list)]


def compared(
    campaign: Campaign, counts: Mapping[str, Counter[str]]
) -> tuple[tuple[str, ...], tuple[dict[str, Json], ...]]:
    """What the variants' conversions allow to say, and the numbers."""
    if len(counts) < 2 or not campaign.conversion_event:
        return (), ()
    shares = {each.key: each.share for each in campaign.variants}
    data: list[Mapping[str, Json]] = [
        {"name": key, "n": each["sent"], "conversions": each["converted"], "planned": shares.get(key, 1.0)}
        for key, each in sorted(counts.items())
    ]
    try:
        first = campaign.variants[0].key
        found = compare_numbers(data, control=first if first in counts else "")
    except PostHogMcpError as error:
        return (error.message,), ()
    return tuple(verdict(found)), tuple(numbers_of(found))


def numbers_of(found: GroupComparison) -> Iterator[dict[str, Json]]:
    base = found.groups[0]
    for each in found.groups[1:]:
        test = each.comparison
        if test is not None and each.p is not None and each.enough and base.enough:
            told: dict[str, Json] = {"variant": each.name, "against": base.name}
            ends: list[Json] = [round(test.low, 4), round(test.high, 4)]
            yield {**told, "difference": round(test.difference, 4), "interval_95": ends, "p": round(each.p, 5)}
