"""The person's word for what leaves the house: a code that stands for exactly what was shown.

`posthog-mcp approve CODE`, typed by the person, approves it; where the client can ask the person itself, no code is
needed. A code holds for a day, for one plan, and once.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from posthog_mcp.errors import Forbidden, InvalidInput, NotFound
from posthog_mcp.project import Project
from posthog_mcp.results import Json

KIND = "approval"
HOURS = 24
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Approval:
    """What waits, or was approved. `action` says how to do it: {do, …}; `lines` is what the person reads."""

    code: str
    digest: str
    action: Mapping[str, Json]
    lines: tuple[str, ...]
    approved: bool


async def ask(project: Project, digest: str, action: Mapping[str, Json], lines: Sequence[str]) -> str:
    """A code for this plan; the same plan that still waits keeps its code."""
    info = await project.driver.project()
    for kept in await project.desk.documents.list(KIND, info.id):
        if kept.body.get("digest") == digest and not kept.body.get("approved") and fresh(kept.body):
            return kept.id
    ends = (datetime.now(UTC) + timedelta(hours=HOURS)).isoformat()
    plan: dict[str, Json] = {"digest": digest, "action": dict(action), "lines": [*lines]}
    body: dict[str, Json] = {**plan, "approved": False, "ends": ends}
    while True:
        code = "".join(secrets.choice(LETTERS) for _ in range(8))
        if await project.desk.documents.add(KIND, info.id, code, body):
            return code


async def look_up(project: Project, code: str) -> Approval:
    """What a code stands for.

    Raises:
        NotFound: there is no such code, or it is too old.
    """
    info = await project.driver.project()
    kept = await project.desk.documents.get(KIND, info.id, code.strip().upper())
    if kept is None or not fresh(kept.body):
        raise NotFound("There is no such code, or it is older than a day.", fix="Ask for the plan again.")
    action, lines = kept.body.get("action"), kept.body.get("lines")
    return Approval(
        kept.id,
        str(kept.body.get("digest")),
        action if isinstance(action, dict) else {},
        tuple(map(str, lines)) if isinstance(lines, list) else (),
        kept.body.get("approved") is True,
    )


async def approve(project: Project, code: str) -> Approval:
    """Write down that the person approved it.

    Raises:
        NotFound: there is no such code, or it is too old.
    """
    found = await look_up(project, code)
    info = await project.driver.project()
    kept = await project.desk.documents.get(KIND, info.id, found.code)
    assert kept is not None
    await project.desk.documents.put(KIND, info.id, found.code, {**kept.body, "approved": True, "used": False})
    return await look_up(project, code)


async def require(project: Project, code: str, digest: str) -> None:
    """Refuse unless the person approved exactly this; the approval is used up.

    Raises:
        NotFound: there is no such code.
        InvalidInput: the code stands for something else.
        Forbidden: the person has not approved it, or it was used before.
    """
    found = await look_up(project, code)
    fix = f"They type: posthog-mcp approve {found.code}"
    if found.digest != digest:
        raise InvalidInput("The code is not for this: the content or the target changed since.", fix="Ask again.")
    if not found.approved:
        raise Forbidden("The person has not approved this yet.", fix=fix)
    info = await project.driver.project()
    kept = await project.desk.documents.get(KIND, info.id, found.code)
    if (
        kept is None
        or kept.body.get("used") is True
        or not await project.desk.documents.swap(KIND, info.id, kept, {**kept.body, "used": True})
    ):
        raise Forbidden("This approval was used already; it holds once.", fix=fix)


def fresh(body: Mapping[str, Json]) -> bool:
    return str(body.get("ends") or "") > datetime.now(UTC).isoformat()
