"""`$virt_…` fields: what PostHog computes from a row's properties, as HogQL over the same row.

The initial channel follows PostHog's published default rules; a project's own channel rules are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from posthog_mcp.hogql.macros import Builder
from posthog_mcp.hogql.tree_expressions import Expr, Field, Not, Or, Tuple

Virtual = Callable[[Builder, Sequence[str]], Expr]
"""From a builder and the name of the row (`e`, `e.person`, …) to the expression."""

SHOPPING = "^(.*(([^a-df-z]|^)shop|shopping).*)$"
VIDEO = "^(.*video.*)$"
PAID_MEDIUMS = ("cpc", "cpm", "cpv", "cpa", "ppc", "retargeting")


def property_of(b: Builder, row: Sequence[str], name: str) -> Expr:
    return b.call("toString", Field([*row, "properties", name], **b.place.place))


def of_user_agent(function: str) -> Virtual:
    def virtual(b: Builder, row: Sequence[str]) -> Expr:
        return b.call(function, Field([*row, "properties", "$raw_user_agent"], **b.place.place))

    return virtual


def referring_domain_type(b: Builder, row: Sequence[str]) -> Expr:
    domain = property_of(b, row, "$initial_referring_domain")
    direct = b.const("$direct")
    return b.call("if", b.compare(domain, "==", direct), direct, b.call("lookupDomainType", domain))


def channel_type(b: Builder, row: Sequence[str]) -> Expr:
    """The channel that first brought a person."""

    def known(name: str) -> Expr:
        text = property_of(b, row, f"$initial_{name}")
        return b.call("nullIf", b.call("nullIf", text, b.const("")), b.const("null"))

    def lowered(name: str) -> Expr:
        return b.call("lower", known(name))

    def like(value: Expr, pattern: str) -> Expr:
        return b.call("match", value, b.const(pattern))

    def shopping(word: str) -> Expr:
        return b.call("if", like(campaign, SHOPPING), b.const(f"{word} Shopping"), b.const(None))

    def lookups_of(word: str, otherwise: Expr) -> Expr:
        return b.call(
            "coalesce",
            b.call(f"lookup{word}SourceType", source),
            shopping(word),
            b.call(f"lookup{word}MediumType", medium),
            b.call(f"lookup{word}SourceType", domain),
            otherwise,
        )

    campaign, medium, source = lowered("utm_campaign"), lowered("utm_medium"), lowered("utm_source")
    domain, gad = property_of(b, row, "$initial_referring_domain"), known("gad_source")
    at = b.place.place
    clicked, social = b.call("isNotNull", known("gclid")), b.call("isNotNull", known("fbclid"))
    mediums = Tuple([b.const(each) for each in PAID_MEDIUMS], **at)
    paid = Or(
        [
            b.compare(medium, "in", mediums),
            b.call("startsWith", b.call("ifNull", medium, b.const("")), b.const("paid")),
            clicked,
            b.call("isNotNull", gad),
        ],
        **at,
    )
    own = Tuple([b.const(each) for each in ("(direct)", "direct", "$direct")], **at)
    from_nowhere = Or([b.call("isNull", source), b.compare(source, "in", own)], **at)
    no_referrer = b.compare(domain, "==", b.const("$direct"))
    direct = b.all(no_referrer, b.call("isNull", medium), from_nowhere, Not(social, **at))
    paid_rest = b.call(
        "multiIf",
        *(b.compare(gad, "==", b.const("1")), b.const("Paid Search")),
        *(like(campaign, VIDEO), b.const("Paid Video")),
        *(social, b.const("Paid Social")),
        b.const("Paid Unknown"),
    )
    organic_rest = b.call(
        "multiIf",
        *(like(campaign, VIDEO), b.const("Organic Video")),
        *(like(medium, "push$"), b.const("Push")),
        *(social, b.const("Organic Social")),
        *(no_referrer, b.const("Direct")),
        *(b.call("isNotNull", domain), b.const("Referral")),
        b.const("Unknown"),
    )
    return b.call(
        "multiIf",
        *(like(campaign, "cross-network"), b.const("Cross Network")),
        *(paid, lookups_of("Paid", paid_rest)),
        *(direct, b.const("Direct")),
        lookups_of("Organic", organic_rest),
    )


VIRTUALS: Mapping[tuple[str, str], Virtual] = {
    ("events", "$virt_is_bot"): of_user_agent("isLikelyBot"),
    ("events", "$virt_traffic_type"): of_user_agent("getTrafficType"),
    ("events", "$virt_traffic_category"): of_user_agent("getTrafficCategory"),
    ("events", "$virt_bot_name"): of_user_agent("getBotName"),
    ("events", "$virt_bot_operator"): of_user_agent("getBotOperator"),
    ("persons", "$virt_initial_referring_domain_type"): referring_domain_type,
    ("persons", "$virt_initial_channel_type"): channel_type,
}
