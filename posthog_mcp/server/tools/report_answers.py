"""What build_report and send_report do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, cast

from mcp.types import CallToolResult

from posthog_mcp.delivery.channel import Parcel
from posthog_mcp.delivery.message import Message, markdown
from posthog_mcp.errors import WriteDisabled
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import clean, fenced
from posthog_mcp.reports import sending
from posthog_mcp.reports.build import Wanted, build_report
from posthog_mcp.reports.compose import facts_of, message_of
from posthog_mcp.reports.store import keep, load
from posthog_mcp.reports.writer import writer_of
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.leaving import person_agrees
from posthog_mcp.state.desk.deliveries import Delivery

MOST_FINDINGS, MOST_TEXT = 15, 8_000


async def report_answer(
    ctx: Ctx, kind: Literal["daily", "weekly"], dashboards: Sequence[str], days: int, project_id: int
) -> CallToolResult:
    """A report, kept under its id."""
    project = await project_of(ctx).select(project_id)
    wanted = Wanted(kind, dashboards, days)
    report = await reporting(
        ctx, lambda progress: build_report(project, wanted, writer=writer_of(project), progress=progress)
    )
    message = await message_of(report)
    await keep(project, message)
    uri = f"posthog://reports/{report.id}"
    text = markdown(message)
    shown = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…\n(the rest: {uri})"
    told = f"Report {report.id}: {message.title}. Whole: {uri}. Send it with send_report.\n{fenced(shown)}"
    return answer(brief(facts_of(report), uri), told)


def brief(facts: dict[str, Json], uri: str) -> dict[str, Json]:
    """The facts within the size of an answer, queries by their id alone; what is left out is counted."""
    findings = cast("list[Json]", facts["findings"])
    trends = cast("list[Json]", facts["trends"])
    kept: dict[str, Json] = {
        **{name: value for name, value in facts.items() if name != "queries"},
        "findings": findings[:MOST_FINDINGS],
        "trends": trends[:MOST_FINDINGS],
        "uri": uri,
    }
    while len(json.dumps(kept, ensure_ascii=False)) > MOST_TEXT and len(cast("list[Json]", kept["findings"])) > 3:
        kept["findings"] = cast("list[Json]", kept["findings"])[:-1]
        kept["trends"] = cast("list[Json]", kept["trends"])[:-1]
    left = len(findings) - len(cast("list[Json]", kept["findings"]))
    cleaned = cast("dict[str, Json]", clean(kept))
    return {**cleaned, "finding_count": len(findings), "truncated": left > 0, "next": f"read {uri}" if left else None}


async def send_answer(ctx: Ctx, target: str, report: str, dry_run: bool, code: str, project_id: int) -> CallToolResult:
    """A dry run, a question to the person, or the deliveries.

    Raises:
        PostHogMcpError: the report or target is not there, writes are off, or the person has not agreed.
    """
    project = await project_of(ctx).select(project_id)
    message = await load(project, report)
    parcels = sending.parcels_of(message, await sending.targets_for(project, message, target))
    if dry_run:
        return dry_answer(message, await sending.previews(project, parcels))
    return await asked_or_sent(project, message, parcels, target, code, ctx)


async def asked_or_sent(
    project: Project, message: Message, parcels: list[Parcel], target: str, code: str, caller: Ctx
) -> CallToolResult:
    """A question to the person, or the deliveries.

    Raises:
        WriteDisabled: writes are off.
        PostHogMcpError: the person has not agreed.
    """
    if not project.settings.allow_writes:
        raise WriteDisabled("Sending is off.", fix="Start the server with --allow-writes.")
    done = [each for each in [await already(project, each) for each in parcels] if each is not None]
    if len(done) < len(parcels):
        lines = question(message, parcels)
        action: dict[str, Json] = {"do": "send_report", "report": message.subject_id, "target": target}
        waits = await person_agrees(project, caller, sending.digest_of(parcels), action, lines, code)
        if waits is not None:
            return waiting(message.subject_id, lines, waits)
        done = await sending.send(project, parcels)
    return sent_answer(message.subject_id, done)


def dry_answer(message: Message, shown: Sequence[dict[str, Json]]) -> CallToolResult:
    """Exactly what would go where; of a mail's page, which says what its text says, the length."""
    shown = [each | ({"html": f"{len(str(each['html'])):,} characters"} if "html" in each else {}) for each in shown]
    content: dict[str, Json] = {
        "sent": False,
        "dry_run": True,
        "would_send": [*shown],
        "report": message.subject_id,
    }
    return answer({**content, "next": "call again with dry_run false"}, preview_text(message, shown))


async def already(project: Project, parcel: Parcel) -> Delivery | None:
    """The delivery, where it was made before."""
    from posthog_mcp.delivery.outbox import ledger_key

    found = await project.desk.deliveries.get(ledger_key(parcel))
    return found if found is not None and found.state == "sent" else None


def question(message: Message, parcels: Sequence[Parcel]) -> list[str]:
    """What the person is asked."""
    where = [f"to {each.target.name} ({each.target.channel}: {places(each)})" for each in parcels]
    return [f"Send the report “{message.title}” ({message.subject_id})", *where]


def places(parcel: Parcel) -> str:
    return ", ".join(parcel.to or parcel.target.to) or "the configured address"


def waiting(subject: str, lines: Sequence[str], code: str) -> CallToolResult:
    """Nothing went; how the person agrees."""
    command = f"posthog-mcp approve {code}"
    content: dict[str, Json] = {"sent": False, "approval_code": code, "plan": [*lines], "approve_with": command}
    following = "ask the person to type it; it sends at once. Or call again then with this approval_code"
    text = f"Nothing was sent yet. Only the person can agree, by typing: {command} ({following}).\n" + "\n".join(lines)
    return answer({**content, "report": subject, "next": following}, text)


def sent_answer(subject: str, done: Sequence[Delivery]) -> CallToolResult:
    """What came of each delivery."""
    good = all(each.state == "sent" for each in done)
    content: dict[str, Json] = {"sent": good, "report": subject, "deliveries": [each.as_json() for each in done]}
    lines = [f"{each.target}: {each.state}, {each.attempts} attempts. {each.detail}" for each in done]
    return answer({**content, "next": None}, "\n".join([f"Report {subject}:", *lines]))


def preview_text(message: Message, shown: Sequence[dict[str, Json]]) -> str:
    text = json.dumps(shown, ensure_ascii=False)
    body = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
    return f"Dry run: nothing was sent. Report {message.subject_id} would go:\n{fenced(body)}\nnext: dry_run false"
