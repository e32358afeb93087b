"""The chart page is one file that loads nothing, reads in both themes, and is declared as hosts expect it."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from mcp.client import Client
from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver import MCPServer

from posthog_mcp.charts.chart import Chart
from posthog_mcp.server import views
from posthog_mcp.server.views.chart import (
    CHART_ROWS_META,
    CHART_URI,
    SCRIPTS,
    add_chart_view,
    bare,
    chart_page,
    chart_rows_meta,
    chart_tool_meta,
)

PARTS = files(views)
STYLE = PARTS.joinpath("chart.css").read_text(encoding="utf-8")
THEMES = {
    "light": STYLE.partition(":root {")[2].partition("}")[0],
    "dark": STYLE.partition(':root[data-theme="dark"] {')[2].partition("}")[0],
}
SERIES = (*(f"c{index}" for index in range(10)), "other")


class Page(HTMLParser):
    """Tags in order, and the attributes of all of them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_page_holds_one_script_and_one_style_and_refers_to_nothing():
    page = Page(chart_page())
    assert (page.tags.count("script"), page.tags.count("style")) == (1, 1)
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not [
        name for name, _ in page.attributes if name in {"src", "href", "srcset", "action"} or name.startswith("on")
    ]


def test_only_address_in_page_is_the_name_of_svg():
    assert set(re.findall(r"https?://[^\s\"'`]+", chart_page())) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in chart_page()


@pytest.mark.parametrize(
    "way",
    [r"\beval\(", r"\bnew Function\b", "innerHTML", "outerHTML", "insertAdjacentHTML", r"document\.write", r"\bimport\b",
     r"\bfetch\(", "XMLHttpRequest", "WebSocket", "sendBeacon", "localStorage", r"document\.cookie", "setTimeout\\([\"']"],
)  # fmt: skip
def test_script_has_no_way_to_run_text_or_to_call_out(way: str):
    assert not re.search(way, chart_page())


def test_every_script_file_is_in_the_page_once():
    on_disk = {path.name.removesuffix(".js") for path in PARTS.joinpath("scripts").iterdir()}
    assert on_disk == set(SCRIPTS)
    assert len(SCRIPTS) == len(set(SCRIPTS))
    assert chart_page().count("function connectHost(") == 1
    assert "/* script */" not in chart_page()
    assert "/* styles */" not in chart_page()


def test_rows_for_the_chart_stand_under_the_key_that_the_page_reads():
    chart = Chart("line", "Sign-ups", ("day", "n"), [["2026-01-01", 3]], x="day", y="n")
    assert chart_rows_meta(chart) == {CHART_ROWS_META: {"columns": ["day", "n"], "rows": [["2026-01-01", 3]]}}
    assert f'"{CHART_ROWS_META}"' in chart_page()


def test_files_are_of_a_readable_size():
    parts = [PARTS.joinpath("chart.html"), PARTS.joinpath("chart.css"), *PARTS.joinpath("scripts").iterdir()]
    assert max(len(part.read_text(encoding="utf-8").splitlines()) for part in parts) <= 400


def test_page_is_small():
    assert len(chart_page().encode()) < 110_000


def test_comments_are_left_out_and_code_is_not():
    assert bare("// one\n\n/** two\n * three\n */\n  const a = 4 // five\n  * 6\n") == "const a = 4 // five\n* 6"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", SERIES)
def test_series_stand_out_from_the_ground(theme: str, name: str):
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", THEMES[theme]))
    ground = re.findall(r"--bg: [^;]*(#[0-9a-f]{6})", THEMES[theme])[0]
    assert contrast(colours[name], ground) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", ["all colours", "protanopia", "deuteranopia"])
def test_ten_series_differ_for_colour_blind_people(theme: str, sight: str):
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", THEMES[theme]))
    seen = [as_seen(colours[f"c{index}"], SIGHTS[sight]) for index in range(10)]
    apart = [math.dist(one, other) for at, one in enumerate(seen) for other in seen[:at]]
    assert min(apart) > 0.2


def contrast(one: str, other: str) -> float:
    """WCAG 2: 3 is what graphics need."""
    low, high = sorted(
        sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (one, other)
    )
    return (high + 0.05) / (low + 0.05)


def linear(colour: str) -> tuple[float, ...]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


SIGHTS = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB."""


def as_seen(colour: str, kind: tuple[tuple[float, float, float], ...]) -> list[float]:
    mixed = [sum(w * v for w, v in zip(row, linear(colour), strict=True)) for row in kind]
    return [min(1.0, max(0.0, part)) ** (1 / 2.4) for part in mixed]


@pytest.mark.anyio
async def test_hosts_read_the_page_with_its_policy():
    apps = Apps()
    add_chart_view(apps)

    @apps.tool(resource_uri=CHART_URI)
    async def draw() -> str:
        """Anything."""
        return "drawn"

    async with Client(MCPServer("charts", extensions=[apps])) as client:
        tool = (await client.list_tools()).tools[0]
        content = (await client.read_resource(CHART_URI)).contents[0]
    assert tool.meta == chart_tool_meta()
    assert content.mime_type == APP_MIME_TYPE
    assert getattr(content, "text", "") == chart_page()
    assert content.meta == {
        "ui": {
            "csp": {"connectDomains": [], "resourceDomains": []},
            "permissions": {"clipboardWrite": {}},
            "prefersBorder": True,
        }
    }
