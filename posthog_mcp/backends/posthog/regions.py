"""PostHog Cloud's regions, and a key that belongs to the other one.

A key is sent to the host that the settings name and to no other, with one exception: when PostHog Cloud refuses it, the
other Cloud region is asked once whether it knows the key. Keys live in one region and look alike; both hosts are
PostHog's own. A self-hosted PostHog's key never leaves its host.
"""

from __future__ import annotations

from urllib.parse import urlsplit

US, EU = "https://us.posthog.com", "https://eu.posthog.com"
SIBLINGS = {US: EU, EU: US, "https://app.posthog.com": EU}


def settings_for(address: str) -> str:
    """What to set so that this address is asked."""
    if address in SIBLINGS:
        region = "eu" if address == EU else "us"
        return f"POSTHOG_REGION={region} (and no POSTHOG_BASE_URL)"
    return f"POSTHOG_BASE_URL={address}"


def same_host(one: str, other: str) -> bool:
    """Whether two addresses have the same scheme, host and port."""
    return origin(one) == origin(other)


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address; an unreadable one equals no other."""
    try:
        parts = urlsplit(url)
        default = {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, parts.hostname or "", parts.port or default
    except ValueError:
        return "", url, None
