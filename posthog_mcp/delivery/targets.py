"""The person's own list of destinations, dashboards and schedules: a small YAML file, and the settings.

    targets:
      marketing: {channel: slack, to: "#marketing"}
      founders: {channel: email, to: [ada@example.com]}
      crm: {channel: webhook, url: https://hooks.example.com/posthog}
      archive: {channel: file, to: ~/reports}
      broadcast: {channel: posthog, campaigns: true, from: team@example.com}
    dashboards:
      Marketing Dashboard: [marketing]
      Product Dashboard: [founders, archive]
    schedules: {daily: "0 9 * * *", weekly: "0 16 * * 5", alerts: "*/15 * * * *"}

Without the file, the targets `slack`, `email` and `webhook` are there as far as their settings are, and `file` always.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

import anyio
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.settings import Settings

Channel = Literal["slack", "email", "webhook", "file", "posthog"]
CHANNELS: tuple[str, ...] = get_args(Channel)
EXAMPLES = ("Marketing Dashboard", "Product Dashboard")
"""Dashboards that a team's file usually names; looked for where nothing is configured."""


class Target(BaseModel):
    """One destination. `url` makes a Slack target an incoming webhook. `to` of an e-mail target may be empty in
    campaigns, which have addresses of their own. `posthog` is for campaigns alone: they become drafts of workflows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    channel: Channel
    to: tuple[str, ...] = ()
    url: SecretStr | None = None
    secret: SecretStr | None = None
    sender: str = Field(default="", alias="from")
    per_minute: int = Field(default=30, ge=1, le=6000)
    idempotent: bool = False
    """The receiver drops a second request with the same Idempotency-Key, so that it may be sent again after a crash."""
    allow_private: bool = False
    campaigns: bool = False
    """Campaigns may send to people through it."""

    @field_validator("to", mode="before")
    @classmethod
    def several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    def digest(self) -> str:
        """Of all that the file says of it, also the secret part of its address: what an approval stands for."""
        hidden = [each.get_secret_value() if each else "" for each in (self.url, self.secret)]
        return hashlib.sha256(json.dumps([self.model_dump(mode="json"), hidden]).encode()).hexdigest()


class Schedules(BaseModel):
    """Cron strings in the project's time zone; empty: never."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily: str = "0 9 * * *"
    weekly: str = "0 16 * * 5"
    alerts: str = "*/15 * * * *"


class File(BaseModel):
    """The YAML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: dict[str, Target] = {}
    dashboards: dict[str, tuple[str, ...]] = {}
    schedules: Schedules = Schedules()
    unsubscribe_events: tuple[str, ...] = ("unsubscribed", "email_unsubscribed", "$workflows_email_unsubscribed")
    consent_property: str = ""
    """A person property that must be true (or not empty) for a campaign to reach somebody."""

    @field_validator("dashboards", mode="before")
    @classmethod
    def lists(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        given = cast("dict[object, object]", value)
        return {key: (each,) if isinstance(each, str) else each or () for key, each in given.items()}


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets by name, and what the file says besides."""

    known: Mapping[str, Target]
    file: File = field(default_factory=File)

    def named(self, name: str) -> Target:
        """A target of the list.

        Raises:
            NotFound: there is none of this name; addresses are never taken.
        """
        if name in self.known:
            return self.known[name]
        near = ", ".join(nearest(name, self.known) or self.known) or "none yet"
        fix = f"Targets: {near}. A person adds others to reports.yaml (POSTHOG_MCP_REPORTS) or by the settings."
        raise NotFound(f"There is no target {name[:60]!r}; only names of the list can be sent to.", fix=fix)


async def load_targets(settings: Settings) -> Targets:
    """The targets of these settings.

    Raises:
        InvalidInput: the file cannot be read, or says something that is not understood.
    """
    file = await anyio.to_thread.run_sync(read_file, settings.reports_file, settings.reports is not None)
    found = from_settings(settings)
    found |= {name: each.model_copy(update={"name": name}) for name, each in file.targets.items()}
    for dashboard, names in file.dashboards.items():
        unknown = [each for each in names if each not in found]
        if unknown:
            raise InvalidInput(f"{settings.reports_file}: {dashboard!r} goes to {unknown[0]!r}, which is no target.")
    return Targets(found, file)


def read_file(path: Path, must_exist: bool) -> File:
    """The YAML file, or an empty one where there is none and none was named.

    Raises:
        InvalidInput: it cannot be read or is not understood.
    """
    import yaml

    if not must_exist and not path.exists():
        return File()
    try:
        return File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path} cannot be read: {type(error).__name__}.", fix="Correct the file.") from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:4])
        raise InvalidInput(f"{path}: {told}.", fix="targets: {NAME: {channel: slack, to: '#channel'}}") from None


def from_settings(settings: Settings) -> dict[str, Target]:
    """Targets named like their channel, as far as the settings are there."""
    made: dict[str, Target] = {"file": Target(name="file", channel="file", to=(str(settings.data_dir / "reports"),))}
    private = settings.allow_private_targets
    if settings.slack_bot_token and settings.slack_channel:
        made["slack"] = Target(name="slack", channel="slack", to=(settings.slack_channel,))
    elif settings.slack_webhook_url:
        made["slack"] = Target(name="slack", channel="slack", url=settings.slack_webhook_url, allow_private=private)
    if settings.smtp_url:
        made["email"] = Target(name="email", channel="email")
    if settings.report_webhook_url:
        url, secret = settings.report_webhook_url, settings.report_webhook_secret
        made["webhook"] = Target(name="webhook", channel="webhook", url=url, secret=secret, allow_private=private)
    return made


def chosen(targets: Targets, wanted: str, dashboards: Sequence[str]) -> list[Target]:
    """Where a report goes: the target of this name, or of this channel those that its dashboards are mapped to.

    Raises:
        NotFound: there is none.
    """
    if wanted in targets.known:
        return [targets.known[wanted]]
    mapped = [name for each in dashboards for name in targets.file.dashboards.get(each, ())]
    fitting = [name for name in dict.fromkeys(mapped) if targets.known[name].channel == wanted]
    if not fitting and wanted in CHANNELS:
        fitting = [name for name, each in targets.known.items() if each.channel == wanted][:1]
    return [targets.known[name] for name in fitting] or [targets.named(wanted)]
