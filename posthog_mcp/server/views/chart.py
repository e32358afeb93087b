"""The chart page: joined from its parts, and declared as the MCP Apps resource that tools point at."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

from mcp.server.apps import Apps, ResourceCsp, ResourcePermissions

from posthog_mcp.charts.chart import Chart
from posthog_mcp.results import Json

CHART_URI: Final = "ui://posthog-mcp/chart"
CHART_ROWS_META: Final = "posthog-mcp/chart"

SCRIPTS: Final = (
    "values",
    "result",
    "frame",
    "scales",
    "axes",
    "lines",
    "columns",
    "rows",
    "shapes",
    "paths",
    "table",
    "tips",
    "files",
    "host",
    "page",
    "controls",
)
"""In this order: constants are defined before a script's top level uses them."""


BLOCK_COMMENT = re.compile(r"^[ \t]*/\*\*.*?\*/[ \t]*$", re.DOTALL | re.MULTILINE)


@cache
def chart_page() -> str:
    """The whole page: one style, one script, no reference to anything outside."""
    parts = files("posthog_mcp.server.views")
    script = "\n".join(bare(parts.joinpath("scripts", f"{name}.js").read_text(encoding="utf-8")) for name in SCRIPTS)
    page = parts.joinpath("chart.html").read_text(encoding="utf-8")
    page = page.replace("/* styles */", bare(parts.joinpath("chart.css").read_text(encoding="utf-8")))
    return page.replace("/* script */", f'(() => {{\n"use strict";\n{script}\n}})();')


def bare(source: str) -> str:
    """Without indentation, blank lines and comments that stand on lines of their own: a fifth less to send."""
    code = BLOCK_COMMENT.sub("", source)
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def chart_tool_meta() -> dict[str, dict[str, str]]:
    """`_meta` of a tool whose results the page shows."""
    return {"ui": {"resourceUri": CHART_URI}}


def chart_rows_meta(chart: Chart) -> dict[str, Json]:
    """`_meta` of a result: the chart's own rows, which no model is shown. Needed where the answer's rows are others
    than the chart's (wide instead of long) or are cut to a text's size."""
    return {CHART_ROWS_META: {"columns": list(chart.columns), "rows": [list(row) for row in chart.rows]}}


def add_chart_view(apps: Apps) -> None:
    """Declare the page: no network at all, and the clipboard for "Copy HogQL"."""
    apps.add_html_resource(
        CHART_URI,
        chart_page(),
        name="chart",
        title="Chart of a result",
        description="Shows a query's rows as an interactive chart or table.",
        csp=ResourceCsp(connect_domains=[], resource_domains=[]),
        permissions=ResourcePermissions(clipboard_write={}),
        prefers_border=True,
    )
