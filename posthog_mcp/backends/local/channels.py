"""PostHog's default channel rules in short: from campaign tags, click ids and the referrer to a channel's name.

Order: cross-network campaigns; paid traffic by click id or medium (search, social, video, shopping); direct; then
what the medium says (e-mail, affiliate, display, push, …); then what the source or referring domain is known for;
any other referrer; Unknown. PostHog keeps thousands of domains per kind; here a pattern names the well-known ones.
"""

from __future__ import annotations

from posthog_mcp.backends.local.schema import literal

SEARCH = r"(^|\.)(google|bing|duckduckgo|yahoo|ecosia|baidu|yandex|brave|qwant|startpage|naver|kagi|ask)(\.|$)"
SOCIAL = (
    r"(^|\.)(facebook|fb|instagram|ig|twitter|linkedin|lnkd|reddit|pinterest|tiktok|threads|mastodon|bsky|quora|"
    r"snapchat|whatsapp|telegram|discord|news\.ycombinator|producthunt|meta|tumblr|vk|weibo)(\.|$)|^(x|t)\.co(m)?$"
)
VIDEO = r"(^|\.)(youtube|youtu|vimeo|twitch|dailymotion|netflix|hulu)(\.|$)"
SHOPPING = r"(^|\.)(amazon|ebay|etsy|walmart|aliexpress|alibaba|shopify|shop)(\.|$)"
AI = r"(^|\.)(chatgpt|openai|perplexity|claude|gemini|copilot|deepseek|mistral|phind)(\.|$)"
PAID_MEDIUM = r"^(cpc|cpm|cpv|cpa|ppc|retargeting|paid.*)$"
SHOP_CAMPAIGN = r"(^|[^a-df-z])shop|shopping"

MEDIUMS = (
    (r"^(e-?mail|e[ _-]mail|newsletter)$", "Email"),
    (r"^affiliates?$", "Affiliate"),
    (r"^(display|banner|expandable|interstitial)$", "Display"),
    (r"^audio$", "Audio"),
    (r"^sms$", "SMS"),
    (r"push$|mobile|notification", "Push"),
    (r"^(social|social-network|social-media|sm|social network|social media)$", "Organic Social"),
    (r"video", "Organic Video"),
    (r"^organic$", "Organic Search"),
    (r"^(referral|app|link)$", "Referral"),
)


def channel_type(source: str, medium: str, campaign: str, domain: str, gclid: str, gad_source: str, fbclid: str) -> str:
    """SQL of the channel's name; the arguments are SQL of texts that are '' when absent."""
    origin = f"(match(lower({source}), {{pattern}}) OR match(lower({domain}), {{pattern}}))"

    def known(pattern: str) -> str:
        return origin.format(pattern=literal(pattern))

    lowered = f"lower({medium})"
    shop = f"match(lower({campaign}), {literal(SHOP_CAMPAIGN)})"
    paid = f"(match({lowered}, {literal(PAID_MEDIUM)}) OR {gclid} != '' OR {gad_source} != '')"
    nothing = f"{domain} IN ('', '$direct') AND {medium} = '' AND lower({source}) IN ('', 'direct', '(direct)')"
    cases = [
        (f"positionCaseInsensitive({campaign}, 'cross-network') > 0", "Cross Network"),
        (f"{paid} AND ({known(SHOPPING)} OR {shop})", "Paid Shopping"),
        (f"{paid} AND {known(VIDEO)}", "Paid Video"),
        (f"{paid} AND {known(SOCIAL)}", "Paid Social"),
        (f"{paid} AND ({known(SEARCH)} OR {gclid} != '' OR {gad_source} = '1')", "Paid Search"),
        (paid, "Paid Unknown"),
        (f"{nothing} AND {fbclid} = '' AND {campaign} = ''", "Direct"),
        *((f"match({lowered}, {literal(pattern)})", name) for pattern, name in MEDIUMS),
        (f"lower({source}) IN ('email', 'e-mail', 'newsletter')", "Email"),
        (f"{known(SHOPPING)} OR {shop}", "Organic Shopping"),
        (known(AI), "AI"),
        (known(VIDEO), "Organic Video"),
        (f"{known(SOCIAL)} OR {fbclid} != ''", "Organic Social"),
        (known(SEARCH), "Organic Search"),
        (f"{domain} NOT IN ('', '$direct')", "Referral"),
    ]
    return f"multiIf({', '.join(f'{when}, {literal(name)}' for when, name in cases)}, 'Unknown')"
