"""Where a checked query runs: asked directly, or by its generated script in the sandbox (POSTHOG_MCP_EXECUTION=e2b).

The embedded project is always asked directly: its data is on this machine, and no sandbox can reach it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from posthog_mcp.backends.backend import QueryAnswer, QueryOptions
from posthog_mcp.errors import PostHogMcpError, Unavailable
from posthog_mcp.project import Project
from posthog_mcp.queries.scripts import script_text
from posthog_mcp.results import Json, Note, read_json
from posthog_mcp.safety.answers import masked_answer
from posthog_mcp.sandbox.failures import NoSandbox
from posthog_mcp.sandbox.sandboxes import Sandboxes
from posthog_mcp.sandbox.scripts import run_script

HTTP_ERROR = re.compile(r"(\d{3}): (.*)", re.DOTALL)


async def answered(project: Project, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
    """The answer to a HogQLQuery body, with a note where it did not run where the settings say.

    Raises:
        NoSandbox: none can be made, and the settings allow no other way.
        PostHogMcpError: as `Driver.query`.
    """
    settings = project.settings
    if settings.execution != "e2b" or project.driver.kind == "local":
        return await project.driver.query(body, options)
    if project.sandboxes is None:
        why = Note("sandbox_off", "The query ran directly: no E2B key is set.", "Set E2B_API_KEY.")
    else:
        try:
            return await scripted(project, project.sandboxes, body, options)
        except NoSandbox as error:
            if not settings.sandbox_fallback:
                raise
            why = Note("sandbox_fallback", f"The query ran directly. {error.message}", error.fix)
    answer = await project.driver.query(body, options)
    return replace(answer, table=replace(answer.table, notes=(*answer.table.notes, why)))


async def scripted(
    project: Project, sandboxes: Sandboxes, body: Mapping[str, Json], options: QueryOptions
) -> QueryAnswer:
    """The answer that the query's script brings back from the sandbox.

    Raises:
        script_error: the script failed; an answer of PostHog's own is told as without a sandbox.
    """
    from posthog_mcp.backends.posthog.driver import PostHogDriver, table_from

    driver = project.driver
    assert isinstance(driver, PostHogDriver)
    info = await driver.project()
    query = str(body["query"])
    text = script_text(query, body.get("values"), project_id=info.id, local=False, host=project.settings.host)
    async with driver.elsewhere(options.query_id):
        ran = await run_script(
            sandboxes,
            text,
            project_id=info.id,
            query_id=options.query_id,
            seconds=options.timeout_seconds,
            refresh=options.refresh,
        )
        if ran.exit_code != 0 or ran.output is None:
            raise script_error(ran.stderr, info.host)
    answer = cast("dict[str, Json]", read_json(ran.output))
    cached = answer.get("is_cached") is True
    found = QueryAnswer(table_from(answer), query, elapsed_ms=ran.elapsed_ms, cached=cached)
    return found if project.masking is None else await masked_answer(project.masking, driver.checker, body, found)


def script_error(stderr: str, host: str) -> PostHogMcpError:
    """What stopped the script: an HTTP answer of PostHog's, or the last line of what it said."""
    from posthog_mcp.backends.posthog.errors import response_error

    found = HTTP_ERROR.match(stderr.strip())
    if found:
        return response_error(int(found[1]), None, found[2].encode(), host)
    last = (stderr.strip().splitlines() or ["it left no rows"])[-1]
    message = f"The script failed in the sandbox: {last[:300]}"
    return Unavailable(
        message, fix="Check that the sandbox can reach the PostHog host; show_last_script has the script."
    )
