"""Drawings of their own kind: funnel, heat map, paths, a table, a sentence."""

from __future__ import annotations

from collections import defaultdict

from posthog_mcp.charts.chart import Chart
from posthog_mcp.charts.look import WIDTH, Look, Spec, axis_format, clipped
from posthog_mcp.charts.numbers import number, written
from posthog_mcp.charts.prepare import lines

ROW = 24
MOST_ROWS, MOST_COLUMNS = 20, 8
MOST_LINKS = 60
NAME = 30


def tile(text: str, look: Look, size: int = 20) -> Spec:
    """One text in the middle."""
    return {
        "width": WIDTH,
        "height": 120,
        "data": {"values": [{"label": clipped(text, 80)}]},
        "mark": {"type": "text", "fontSize": size, "fontWeight": 700, "color": look.text},
        "encoding": {"text": {"field": "label"}},
    }


def funnel(chart: Chart, look: Look) -> Spec:
    """A bar a step with people, share of the first step, and what was lost on the way."""
    values: list[Spec] = []
    found = lines(chart)
    for name, points in found.items():
        first = next((y for _, y in points if y), 0.0) or 0.0
        before: float | None = None
        for place, (x, y) in enumerate(points, 1):
            amount = y or 0.0
            share = amount / first if first else 0.0
            lost = f"−{written(before - amount)}" if before is not None else ""
            label = f"{written(amount)} · {share:.1%}  {lost}".rstrip()
            step = clipped(f"{place}. {x}", NAME)
            values.append(
                {"x": step, "y": share if len(found) > 1 else amount, "s": clipped(name, NAME), "label": label}
            )
            before = amount
    steps = list(dict.fromkeys(str(each["x"]) for each in values))
    several = len(found) > 1
    axis_y: Spec = {"field": "x", "type": "nominal", "sort": steps, "axis": {"title": None, "labelLimit": 240}}
    axis_x: Spec = {
        "field": "y",
        "type": "quantitative",
        "axis": {"title": None, "format": ".0%" if several else axis_format(chart), "tickCount": 5},
    }
    colour: object = {"value": look.palette[0]}
    encoding: Spec = {"x": axis_x, "y": axis_y}
    if several:
        names = [clipped(name, NAME) for name in found]
        scale: Spec = {"domain": names, "range": list(look.palette * 5)[: len(names)]}
        colour = {"field": "s", "type": "nominal", "scale": scale, "legend": {"title": None, "orient": "top"}}
        encoding["yOffset"] = {"field": "s", "sort": names}
    text: Spec = {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": look.text}
    return {
        "width": WIDTH - 170,
        "height": max(80, len(values) * 38),
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "bar", "cornerRadiusEnd": 4}, "encoding": {**encoding, "color": colour}},
            {"mark": text, "encoding": {**encoding, "text": {"field": "label"}}},
        ],
    }


def heat(chart: Chart, look: Look) -> Spec:
    """Retention: the darker, the more came back."""
    values: list[Spec] = []
    for name, points in lines(chart).items():
        for x, y in points:
            if y is not None:
                values.append({"x": str(x), "y": clipped(name, NAME), "v": y, "label": f"{y:.0%}", "d": y > 0.5})
    if not values:
        return tile("Nobody to show yet", look)
    rows = list(dict.fromkeys(str(each["y"]) for each in values))
    columns = list(dict.fromkeys(str(each["x"]) for each in values))
    axis_x: Spec = {
        "field": "x",
        "type": "nominal",
        "sort": columns,
        "axis": {"title": None, "orient": "top", "labelAngle": 0},
    }
    axis_y: Spec = {"field": "y", "type": "nominal", "sort": rows, "axis": {"title": None}}
    fill: Spec = {
        "field": "v",
        "type": "quantitative",
        "scale": {"range": list(look.heat), "domain": [0, 1]},
        "legend": None,
    }
    dark_text: object = {
        "field": "d",
        "type": "nominal",
        "scale": {"domain": [True, False], "range": ["#ffffff", look.text]},
        "legend": None,
    }
    return {
        "width": min(WIDTH, 64 * len(columns)),
        "height": ROW * len(rows),
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "rect", "cornerRadius": 2}, "encoding": {"x": axis_x, "y": axis_y, "color": fill}},
            {
                "mark": {"type": "text", "fontSize": 11},
                "encoding": {"x": axis_x, "y": axis_y, "text": {"field": "label"}, "color": dark_text},
            },
        ],
    }


def paths(chart: Chart, look: Look) -> Spec:
    """Steps as columns of boxes, with bands between them as wide as they are frequent."""
    triples = zip(*(chart.column(name or "") for name in (chart.x, chart.series, chart.y)), strict=True)
    found = [(str(source), str(target), number(value) or 0.0) for source, target, value in triples]
    found = sorted(found, key=lambda each: -each[2])[:MOST_LINKS]
    weight: dict[str, float] = defaultdict(float)
    for source, target, _ in found:
        weight[source] = max(weight[source], sum(each[2] for each in found if each[0] == source))
        weight[target] = max(weight[target], sum(each[2] for each in found if each[1] == target))
    columns: dict[int, list[str]] = defaultdict(list)
    for name in sorted(weight, key=lambda each: -weight[each]):
        columns[column_of(name)].append(name)
    place = {name: (column, row) for column, names in columns.items() for row, name in enumerate(names)}
    most = max(weight.values()) or 1.0
    links: list[Spec] = []
    for place_of, (source, target, value) in enumerate(found):
        for name in (source, target):
            links.append({"x": place[name][0], "y": place[name][1], "s": place_of, "w": max(1.0, 18 * value / most)})
    boxes: list[Spec] = [
        {"x": column, "y": row, "label": f"{clipped(bare(name), NAME)} ({written(weight[name])})"}
        for name, (column, row) in place.items()
    ]
    tallest = max(len(names) for names in columns.values())
    x: Spec = {
        "field": "x",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [min(columns) - 0.1, max(columns) + 0.9]},
    }
    y: Spec = {
        "field": "y",
        "type": "quantitative",
        "axis": None,
        "scale": {"reverse": True, "domain": [-0.6, tallest - 0.4]},
    }
    band: Spec = {
        "type": "line",
        "opacity": 0.3,
        "interpolate": "monotone",
        "color": look.palette[0],
        "strokeCap": "round",
    }
    width: Spec = {"field": "w", "type": "quantitative", "scale": None, "legend": None}
    return {
        "width": WIDTH,
        "height": max(120, 34 * tallest),
        "layer": [
            {
                "data": {"values": links},
                "mark": band,
                "encoding": {"x": x, "y": y, "detail": {"field": "s"}, "strokeWidth": width},
            },
            {
                "data": {"values": boxes},
                "mark": {"type": "point", "filled": True, "size": 60, "color": look.palette[0]},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": boxes},
                "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 11, "color": look.text, "limit": 200},
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
        ],
    }


def column_of(name: str) -> int:
    """The step's number before its name."""
    head = name.partition("_")[0]
    return int(head) if head.isdigit() else 0


def bare(name: str) -> str:
    return name.partition("_")[2] if name.partition("_")[0].isdigit() else name


def table(chart: Chart, look: Look) -> Spec:
    """The first rows and columns as text."""
    heads = list(chart.columns)[:MOST_COLUMNS]
    room = max(8, 96 // max(1, len(heads)))
    values: list[Spec] = [
        {"x": place, "y": -1, "label": clipped(head, room), "b": True} for place, head in enumerate(heads)
    ]
    for at, row in enumerate(chart.rows[:MOST_ROWS]):
        for place, cell in enumerate(row[: len(heads)]):
            told = (
                ""
                if cell is None
                else written(cell)
                if isinstance(cell, int | float) and not isinstance(cell, bool)
                else str(cell)
            )
            values.append({"x": place, "y": at, "label": clipped(told, room), "b": False})
    shown = min(len(chart.rows), MOST_ROWS)
    x: Spec = {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [0, len(heads)]}}
    y: Spec = {
        "field": "y",
        "type": "quantitative",
        "axis": None,
        "scale": {"reverse": True, "domain": [-1.6, shown - 0.4]},
    }
    colour: Spec = {
        "field": "b",
        "type": "nominal",
        "scale": {"domain": [True, False], "range": [look.faint, look.text]},
        "legend": None,
    }
    return {
        "width": WIDTH,
        "height": ROW * (shown + 1),
        "data": {"values": values},
        "mark": {"type": "text", "align": "left", "fontSize": 12, "limit": int(WIDTH / max(1, len(heads))) - 8},
        "encoding": {"x": x, "y": y, "text": {"field": "label"}, "color": colour},
    }
