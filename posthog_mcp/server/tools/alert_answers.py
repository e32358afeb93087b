"""What save_alert and check_alerts do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from mcp.types import CallToolResult

from posthog_mcp.errors import Forbidden, InvalidInput, WriteDisabled
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import clean
from posthog_mcp.reports import alerts
from posthog_mcp.reports.alert_rules import Alert, alert_of
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of
from posthog_mcp.server.confirming import asking


async def save_alert_answer(ctx: Ctx, given: Mapping[str, Any], wanted: str, token: str) -> CallToolResult:
    """Both steps of saving an alert.

    Raises:
        WriteDisabled: writes are off.
        PostHogMcpError: it cannot be read, a target is unknown, the person declines.
    """
    project = project_of(ctx)
    if not project.settings.allow_writes:
        raise WriteDisabled("Saving alerts is off.", fix="Start the server with --allow-writes.")
    return await planned_or_saved(project, await merged(project, given, wanted), token, ctx)


async def planned_or_saved(project: Project, alert: Alert, token: str, caller: Ctx) -> CallToolResult:
    """The plan with the alert's past, or the alert.

    Raises:
        Forbidden: the person declines.
        PostHogMcpError: the metric cannot be read.
    """
    past = await alerts.tried(project, alert)
    plan = alert.model_dump(mode="json", exclude_defaults=True)
    lines = [f"{'change' if alert.id else 'save'} the alert {alert.name!r}: {plan}", past]
    digest = hashlib.sha256(alert.model_dump_json().encode()).hexdigest()
    if token:
        await project.confirmations.take(token, digest)
    else:
        said = await asking(caller, lambda _: "\n".join(lines))(lines)
        if said is None:
            return proposed(plan, past, await project.confirmations.issue(digest))
        if not said:
            raise Forbidden("The person declined; no alert was saved.", fix="Ask what they want instead.")
    saved = await alerts.save_alert(project, alert)
    content: dict[str, Json] = {"changed": True, "id": saved.id, "alert": saved.model_dump(mode="json"), "past": past}
    note = "`posthog-mcp alerts check` (or `schedule`) evaluates and sends."
    return answer({**content, "next": note}, f"Saved alert {saved.id} {saved.name!r}. {past} {note}")


async def merged(project: Project, given: Mapping[str, Any], wanted: str) -> Alert:
    """The alert that is asked for; of one to change, what is not given stays.

    Raises:
        InvalidInput: fields are wrong.
        NotFound: there is none to change, or a target is unknown.
    """
    fields = {key: value for key, value in given.items() if value not in ("", None, [], 0, 0.0, -1.0) or value is False}
    if given.get("cooldown_hours") == 0:
        fields["cooldown_hours"] = 0.0
    for bound in ("lower", "upper"):
        if bound in fields:
            fields[bound] = number(bound, str(fields[bound]))
    before = (await alerts.find_alert(project, wanted)).model_dump(mode="json") if wanted else {}
    if "name" not in fields and not wanted:
        fields["name"] = "Alert"
    alert = alert_of({**before, **fields})
    from posthog_mcp.delivery.targets import load_targets

    targets = await load_targets(project.settings)
    for each in alert.targets:
        targets.named(each)
    return alert


def number(name: str, text: str) -> float:
    """A bound.

    Raises:
        InvalidInput: it is no number.
    """
    try:
        return float(text.replace(",", ""))
    except ValueError:
        raise InvalidInput(f"{name}: {text!r} is no number.", fix="Write 120 or 0.35.") from None


def proposed(plan: dict[str, Json], past: str, token: str) -> CallToolResult:
    content: dict[str, Json] = {"changed": False, "alert": plan, "past": past, "confirm_token": token}
    following = "call again with the same arguments and this confirm_token, once the person agrees"
    text = f"Nothing was saved yet. The alert would be {plan}. {past}\nconfirm_token: {token} ({following})"
    return answer({**content, "next": following}, text)


async def check_alerts_answer(ctx: Ctx, names: Sequence[str], project_id: int) -> CallToolResult:
    """Alerts as they would be judged now."""
    project = await project_of(ctx).select(project_id)
    found = await alerts.check_alerts(project, names, notify=False)
    return checked_answer(found, (await project.driver.project()).as_json())


def checked_answer(found: Sequence[alerts.Checked], info: dict[str, Json]) -> CallToolResult:
    """States, the same in both forms."""
    firing = sum(each.state.firing for each in found)
    shown: list[Json] = [clean(each.as_json()) for each in found]
    content: dict[str, Json] = {"alerts": shown, "firing": firing, "count": len(found), "project": info}
    lines = [f"{len(found)} alerts, {firing} firing." if found else "No alerts are saved; save_alert saves one."]
    lines += [
        f"{each.alert.id} {each.alert.name!r} ({each.alert.rule}): {'firing' if each.state.firing else 'ok'}. "
        f"{each.state.why}{each.error}"
        for each in found
    ]
    return answer(content, "\n".join(lines))
