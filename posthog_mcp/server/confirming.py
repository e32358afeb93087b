"""Ask the person whether a change may be made, where their client can show a question.

A question goes through the client's program, so it is masked as answers are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from posthog_mcp.server.answers import Ctx, project_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Confirmation(BaseModel):
    """The person's answer."""

    confirm: bool = Field(description="Make this change")


def asking(ctx: Ctx, question: Callable[[object], str]) -> Callable[[object], Awaitable[bool | None]]:
    """A function that shows a plan to the person; it answers None where the client cannot ask."""

    async def ask(plan: object) -> bool | None:
        session = ctx.request_context.session
        capabilities = session.client_capabilities
        if not session.can_send_request or capabilities is None or capabilities.elicitation is None:
            return None
        text, masking = question(plan), project_of(ctx).masking
        result = await ctx.elicit(text if masking is None else masking.text(text), Confirmation)
        return result.action == "accept" and result.data.confirm

    return ask
