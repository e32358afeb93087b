"""Colours, fonts and frames of both themes; colours are told apart by people who see few of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posthog_mcp.charts.chart import Chart
from posthog_mcp.charts.numbers import number

Theme = Literal["light", "dark"]
Spec = dict[str, object]
"""Any part of a Vega-Lite spec: JSON objects, nested."""
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
WIDTH, HEIGHT = 720, 340
FONT = "Inter, Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
STATUS = {"new": "#2a78d6", "returning": "#1b9e77", "resurrecting": "#e0a100", "dormant": "#d1495b"}
TITLE = 95
"""Characters of a title."""


@dataclass(frozen=True, slots=True)
class Look:
    """One theme's colours."""

    background: str
    text: str
    faint: str
    grid: str
    grey: str
    palette: tuple[str, ...]
    heat: tuple[str, str]


LIGHT = Look(
    "#ffffff", "#1f2328", "#656d76", "#e6e8eb", "#a3a9b1",
    ("#2a78d6", "#e07b00", "#1b9e77", "#d1495b", "#8e5bbf", "#0e9aa7", "#a6761d", "#5f6b7a", "#b2a300",
     "#c45aa5", "#7f7f7f"),
    ("#eaf2fd", "#1f5fb0"),
)  # fmt: skip
DARK = Look(
    "#1c2128", "#e6edf3", "#9aa4af", "#343b44", "#6b7580",
    ("#5aa2f0", "#f2a33c", "#3fc79a", "#f0788a", "#b694e6", "#43c6d3", "#d0a35c", "#a9b4c0", "#d8cb3f",
     "#e58fca", "#b3b3b3"),
    ("#22303f", "#6fb1ff"),
)  # fmt: skip
LOOKS: dict[Theme, Look] = {"light": LIGHT, "dark": DARK}
PLAIN_BELOW = 10_000
"""Axes with greater values are written 12k."""


def framed(chart: Chart, look: Look, notes: tuple[str, ...], inner: Spec) -> Spec:
    """The spec around a drawing: title, notes, sizes, fonts."""
    subtitle = [each for each in (*notes, chart.footnote) if each]
    title: Spec = {"text": clipped(chart.title or " ", TITLE), "anchor": "start", "fontSize": 17, "offset": 12}
    if subtitle:
        title |= {"subtitle": [clipped(each, 120) for each in subtitle], "subtitleFontSize": 11}
    return {
        "$schema": SCHEMA,
        "background": look.background,
        "padding": 16,
        "title": {**title, "color": look.text, "subtitleColor": look.faint},
        **inner,
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": look.faint,
                "titleColor": look.faint,
                "gridColor": look.grid,
                "domainColor": look.grid,
                "tickColor": look.grid,
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "labelLimit": 220,
            },
            "legend": {"labelColor": look.text, "titleColor": look.faint, "labelFontSize": 12, "labelLimit": 200},
            "text": {"color": look.text, "font": FONT},
        },
    }


def clipped(text: str, width: int) -> str:
    """One line of at most this width."""
    plain = " ".join(text.split())
    return plain if len(plain) <= width else f"{plain[: width - 1]}…"


def value_axis(chart: Chart) -> Spec:
    """The axis of y."""
    title = {"seconds": "seconds", "milliseconds": "ms", "bytes": "bytes", "currency": chart.currency}.get(chart.unit)
    return {"format": axis_format(chart), "title": title, "tickCount": 5}


def axis_format(chart: Chart) -> str:
    """How an axis writes its values, as d3-format has it."""
    if chart.unit == "percent":
        return ".0%"
    values = (number(cell) for cell in chart.column(chart.y)) if chart.y else iter(())
    most = max((abs(value) for value in values if value is not None), default=0.0)
    return ",.5~g" if most < PLAIN_BELOW else ".3~s"
