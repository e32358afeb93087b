"""Toolset `query`, where an E2B key is set: the model's own Python on the rows of its queries."""

from __future__ import annotations

from typing import Annotated

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.queries.python_runs import run_python as run
from posthog_mcp.server.answers import Ctx, project_of
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.python_texts import run_result
from posthog_mcp.settings import Settings


async def run_python(
    ctx: Ctx,
    code: Annotated[str, Field(min_length=1, description="Python; the last expression is the result")],
    inputs: Annotated[list[str], Field(description="query_ids whose rows the code gets")] = [],  # noqa: B006
) -> CallToolResult:
    """Run Python in an isolated sandbox without network, on rows of queries: `df1`, `df2`, ... are pandas DataFrames
    of `inputs` in order (`df` is the first), also as CSV in inputs/. Use it for what HogQL cannot do: statistics,
    models, charts. Gives stdout, the last value, tables (also show(table)) and images (matplotlib figures, .png files).
    Nothing is kept between calls. Example: {"code": "df.describe()", "inputs": ["<query_id>"]}"""
    return run_result(await run(project_of(ctx), code, inputs))


def has_sandbox(settings: Settings) -> bool:
    return settings.e2b_api_key is not None


TOOLS = (Published(run_python, "Run Python", idempotent=False, open_world=False, offered=has_sandbox),)
