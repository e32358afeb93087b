"""What leaves the house needs the person: their client asks them, or they type `posthog-mcp approve CODE`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthog_mcp.delivery import approvals
from posthog_mcp.errors import Forbidden
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.confirming import asking


async def person_agrees(
    project: Project, ctx: Ctx, digest: str, action: Mapping[str, Json], lines: Sequence[str], code: str
) -> str | None:
    """None where the person has agreed to exactly this; else the code that they approve.

    Raises:
        Forbidden: the person declines, or has not approved the code.
        InvalidInput: the code stands for something else.
        NotFound: there is no such code.
    """
    if code:
        await approvals.require(project, code, digest)
        return None
    said = await asking(ctx, lambda _: "\n".join(lines))(lines)
    if said is None:
        return await approvals.ask(project, digest, action, lines)
    if not said:
        raise Forbidden("The person declined; nothing was sent.", fix="Ask what they want instead.")
    return None
