"""Who pays for a sandbox and what it may reach: E2B's account, its template, and the network of each purpose."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    from e2b.sandbox.sandbox_api import SandboxNetworkOpts

Purpose = Literal["scripts", "analysis"]
ALL_TRAFFIC = "0.0.0.0/0"
PLACEHOLDER = "added-outside-the-sandbox"
"""What a script sees as its key where the egress proxy adds the real one."""
HTTP_PORTS = {"http": 80, "https": 443}
SHORTEST_SECRET = 8


class Account(TypedDict):
    """What each call to E2B's SDK takes; None stands for the SDK's default."""

    api_key: str
    domain: str | None
    api_url: str | None
    sandbox_url: str | None


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that making and using a sandbox of one purpose needs."""

    purpose: Purpose
    account: Account
    template: str
    idle_seconds: int
    network: SandboxNetworkOpts
    secrets: tuple[str, ...]
    """Never in an output, an error or a log."""

    def scrubbed(self, text: str) -> str:
        """The text without the secrets, also where they stand in base64, hex or a URL."""
        for secret in self.secrets:
            for spelling in spellings(secret):
                text = text.replace(spelling, "[removed]")
        return text


def access(settings: Settings, key: SecretStr, purpose: Purpose) -> Access:
    """What these settings allow a sandbox of this purpose."""
    account = Account(
        api_key=key.get_secret_value(),
        domain=settings.e2b_domain,
        api_url=settings.e2b_api_url,
        sandbox_url=settings.e2b_sandbox_url,
    )
    network = closed() if purpose == "analysis" else to_posthog(settings)
    posthog_key = settings.api_key.get_secret_value() if settings.api_key else ""
    kept = tuple(secret for secret in (posthog_key, account["api_key"]) if len(secret) >= SHORTEST_SECRET)
    return Access(purpose, account, settings.sandbox_template, settings.sandbox_idle, network, kept)


def closed() -> SandboxNetworkOpts:
    """Nothing goes out, and no public address leads in."""
    return {"deny_out": [ALL_TRAFFIC], "allow_public_traffic": False}


def to_posthog(settings: Settings) -> SandboxNetworkOpts:
    """Only the PostHog host, with the key added on the way out where that can be done."""
    host = urlsplit(settings.host).hostname or ""
    network: SandboxNetworkOpts = {"allow_out": [host], "deny_out": [ALL_TRAFFIC], "allow_public_traffic": False}
    if settings.api_key is not None and added_outside(settings.host):
        headers = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}
        network["rules"] = {host: [{"transform": {"headers": headers}}]}
    return network


def script_environment(settings: Settings, project_id: int) -> dict[str, str]:
    """Environment of one script's command. The key is in it only where the egress proxy cannot add it."""
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    return {
        "POSTHOG_BASE_URL": settings.host,
        "POSTHOG_PROJECT_ID": str(project_id),
        "POSTHOG_API_KEY": PLACEHOLDER if added_outside(settings.host) else key,
    }


def added_outside(host: str) -> bool:
    """Whether E2B's egress rules see requests to this address: a name on the usual port of HTTP or HTTPS."""
    address = urlsplit(host)
    if (address.port or HTTP_PORTS.get(address.scheme)) != HTTP_PORTS.get(address.scheme):
        return False
    try:
        ipaddress.ip_address(address.hostname or "")
    except ValueError:
        return "." in (address.hostname or "")
    return False


def spellings(secret: str) -> Sequence[str]:
    raw = secret.encode()
    return (secret, quote(secret, safe=""), base64.b64encode(raw).decode().rstrip("="), raw.hex())
