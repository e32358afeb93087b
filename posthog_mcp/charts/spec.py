"""A chart as a Vega-Lite v5 spec with its data inside.

Data columns are x, y, s and label, whatever the chart's own are called, so that no name can be read as a path; texts
are field values and titles, never expressions.
"""

from __future__ import annotations

from collections.abc import Callable

from posthog_mcp.charts.chart import Chart, ChartType
from posthog_mcp.charts.look import HEIGHT, LOOKS, STATUS, WIDTH, Look, Spec, Theme, clipped, framed, value_axis
from posthog_mcp.charts.numbers import number, short, written
from posthog_mcp.charts.prepare import Point, lines, prepared
from posthog_mcp.charts.spec_shapes import funnel, heat, paths, table, tile

LABELLED = 6
"""Lines that are named at their ends; more have a legend."""
GAP = 0.055
"""Of the axis, between two names at line ends."""
NAME = 26
STEP = 26
MOST_BARS = 40
FINE = 60
"""Points up to which each is marked."""


def spec(chart: Chart, theme: Theme = "light") -> Spec:
    """The spec; rows that cannot be drawn so become a table or a sentence."""
    look = LOOKS[theme]
    ready = prepared(chart)
    if not chart.rows:
        return framed(chart, look, (), tile("No data", look))
    return framed(ready.chart, look, ready.notes, DRAWERS[chart.type](ready.chart, look))


def data(chart: Chart) -> list[Point]:
    """Points; cells of y that are no numbers are gaps."""
    return [
        Point(x if isinstance(x, int | float) else clipped(str(x), 80), y, clipped(name, NAME))
        for name, points in lines(chart).items()
        for x, y in points
    ]


def values_json(points: list[Point]) -> list[Spec]:
    return [each.as_json() for each in points]


def encoded_time(chart: Chart) -> Spec:
    """The axis of a time, or of categories in their order."""
    values = [str(x) for x in (chart.column(chart.x) if chart.x else [])]
    if not values or not all(len(each) >= 7 and each[4:5] == "-" for each in values):
        return {"field": "x", "type": "ordinal", "sort": None, "axis": {"title": None, "labelAngle": -30}}
    step = "%-d %b %H:%M" if any(len(each) > 10 for each in values) else "%-d %b"
    if all(each[8:10] in ("01", "") for each in values) and len(set(values)) > 1:
        step = "%b %Y"
    axis: Spec = {
        "title": None,
        "format": step,
        "grid": False,
        "labelFlush": True,
        "tickCount": min(8, len(set(values))),
    }
    return {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}


def colours(chart: Chart, look: Look) -> Spec:
    """A colour a series; earlier spans are grey."""
    names = [clipped(name, NAME) for name in lines(chart)]
    earlier = {clipped(name, NAME) for name in chart.compared}
    palette = iter(look.palette * (1 + len(names) // len(look.palette)))
    chosen: list[object] = [look.grey if name in earlier else next(palette) for name in names]
    return {"field": "s", "type": "nominal", "sort": None, "scale": {"domain": names, "range": chosen}}


def line(chart: Chart, look: Look) -> Spec:
    """Lines, dashed where they are not complete, named at their ends."""
    points = data(chart)
    several = chart.series is not None and len({each.s for each in points}) > 1
    named = several and len({each.s for each in points}) <= LABELLED
    colour = colours(chart, look) | {
        "legend": None if named or not several else {"title": None, "orient": "top", "columns": 5}
    }
    x, y = encoded_time(chart), {"field": "y", "type": "quantitative", "axis": value_axis(chart)}
    over = chart.incomplete_from
    solid = [each for each in points if over is None or str(each.x) < over]
    dashed = tail(points, over) if over is not None else []
    mark: Spec = {"type": "line", "strokeWidth": 2.5, "interpolate": "linear"}
    if len(points) <= FINE:
        mark["point"] = {"size": 36, "filled": True}
    layers: list[object] = [
        {"data": {"values": values_json(solid)}, "mark": mark, "encoding": {"x": x, "y": y, "color": colour}},
    ]
    if dashed:
        layers.append(
            {
                "data": {"values": values_json(dashed)},
                "mark": {"type": "line", "strokeWidth": 2, "strokeDash": [4, 4], "opacity": 0.8},
                "encoding": {"x": x, "y": y, "color": colour},
            }
        )
    if named and any(each.y is not None for each in points):
        layers.append(ends(points, x, colour))
    return {"width": WIDTH, "height": HEIGHT, "layer": layers}


def tail(points: list[Point], over: str) -> list[Point]:
    """What is not complete, from the last complete point on."""
    found: list[Point] = []
    for name in dict.fromkeys(str(each.s) for each in points):
        own = [each for each in points if each.s == name]
        later = [place for place, each in enumerate(own) if str(each.x) >= over]
        found += own[max(0, later[0] - 1) :] if later else []
    return found


def ends(points: list[Point], x: Spec, colour: Spec) -> Spec:
    """Names beside the last points, moved apart where they would lie on each other."""
    last: dict[str, Point] = {}
    for each in points:
        if each.y is not None:
            last[each.s] = each
    values = [(each.y or 0.0) for each in points if each.y is not None]
    gap = GAP * ((max(values) - min(0.0, *values)) or 1.0)
    labels: list[object] = []
    place = float("-inf")
    for each in sorted(last.values(), key=lambda one: one.y or 0.0):
        place = max((each.y or 0.0), place + gap)
        labels.append({"x": each.x, "y": place, "s": each.s, "label": each.s})
    return {
        "data": {"values": labels},
        "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 12, "fontWeight": 600, "limit": 170},
        "encoding": {
            "x": x,
            "y": {"field": "y", "type": "quantitative"},
            "text": {"field": "label"},
            "color": colour,
        },
    }


def area(chart: Chart, look: Look) -> Spec:
    """Stacked areas."""
    colour = colours(chart, look) | {"legend": {"title": None, "orient": "top", "columns": 5} if chart.series else None}
    y: Spec = {"field": "y", "type": "quantitative", "stack": "zero", "axis": value_axis(chart)}
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": values_json(data(chart))},
        "mark": {"type": "area", "opacity": 0.75, "line": True},
        "encoding": {"x": encoded_time(chart), "y": y, "color": colour},
    }


def bar(chart: Chart, look: Look) -> Spec:
    """Lying bars with their values, in the rows' order."""
    points = data(chart)
    shown = points[:MOST_BARS]
    several = chart.series is not None
    for each in shown:
        each.label = written(each.y, chart.unit, chart.currency)
    names = list(dict.fromkeys(str(each.x) for each in shown))
    y: Spec = {"field": "x", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 260}}
    x: Spec = {"field": "y", "type": "quantitative", "axis": value_axis(chart) | {"grid": True}}
    encoding: Spec = {"x": x, "y": y}
    if several:
        legend: object = {"title": None, "orient": "top", "columns": 5}
        encoding |= {"color": colours(chart, look) | {"legend": legend}, "yOffset": {"field": "s", "sort": None}}
    else:
        encoding["color"] = {"value": look.palette[0]}
    text: Spec = {"type": "text", "align": "left", "dx": 5, "fontSize": 11, "color": look.text}
    layers: list[object] = [{"mark": {"type": "bar", "cornerRadiusEnd": 3}, "encoding": encoding}]
    if len(shown) <= FINE:
        plain = {name: value for name, value in encoding.items() if name != "color"}
        layers.append({"mark": text, "encoding": {**plain, "text": {"field": "label"}}})
    height = STEP * len(names) * (1 if not several else max(1, len({each.s for each in shown}) * 0.6))
    return {
        "width": WIDTH - 120,
        "height": max(60, min(900, height)),
        "data": {"values": values_json(shown)},
        "layer": layers,
    }


def pie(chart: Chart, look: Look) -> Spec:
    """Shares of a whole; negative values have none."""
    points = [each for each in data(chart) if (each.y or 0) > 0]
    whole = sum(each.y or 0 for each in points) or 1.0
    for each in points:
        each.s = clipped(str(each.x), NAME)
        each.label = f"{(each.y or 0) / whole:.1%}"
    if not points:
        return tile("Nothing above zero to share out", look)
    names: list[object] = [each.s for each in points]
    colour: Spec = {
        "field": "s",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": names, "range": list(look.palette * (1 + len(names) // len(look.palette)))[: len(names)]},
        "legend": {"title": None, "orient": "right"},
    }
    theta: Spec = {"field": "y", "type": "quantitative", "stack": True}
    return {
        "width": HEIGHT,
        "height": HEIGHT,
        "data": {"values": values_json(points)},
        "encoding": {"theta": theta, "order": {"field": "y", "sort": "descending"}},
        "layer": [
            {"mark": {"type": "arc", "innerRadius": 60, "stroke": look.background}, "encoding": {"color": colour}},
            {"mark": {"type": "text", "radius": 185, "fontSize": 11}, "encoding": {"text": {"field": "label"}}},
        ],
    }


def scatter(chart: Chart, look: Look) -> Spec:
    """Points with their linear trend."""
    kept = [
        {"x": number(x), "y": y, "s": clipped(name, NAME)}
        for name, points in lines(chart).items()
        for x, y in points
        if number(x) is not None and y is not None
    ]
    x: Spec = {
        "field": "x",
        "type": "quantitative",
        "axis": {"title": clipped(chart.x or "", 60), "format": ",.5~g"},
        "scale": {"zero": False},
    }
    y: Spec = {
        "field": "y",
        "type": "quantitative",
        "axis": {"title": clipped(chart.y or "", 60), "format": ",.5~g"},
        "scale": {"zero": False},
    }
    colour: object = colours(chart, look) if chart.series else {"value": look.palette[0]}
    layers: list[object] = [
        {"mark": {"type": "point", "filled": True, "opacity": 0.6}, "encoding": {"x": x, "y": y, "color": colour}}
    ]
    if len(kept) > 2:
        trend: Spec = {
            "mark": {"type": "line", "color": look.faint, "strokeDash": [5, 4]},
            "encoding": {"x": x, "y": y},
        }
        layers.append({**trend, "transform": [{"regression": "y", "on": "x"}]})
    return {"width": WIDTH, "height": HEIGHT, "data": {"values": kept}, "layer": layers}


def histogram(chart: Chart, look: Look) -> Spec:
    """How many values lie where."""
    values = [{"y": y} for points in lines(chart).values() for _, y in points if y is not None]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": values},
        "mark": {"type": "bar", "color": look.palette[0]},
        "encoding": {
            "x": {
                "field": "y",
                "bin": {"maxbins": 30},
                "type": "quantitative",
                "axis": {"title": clipped(chart.y or "", 60), "format": ",.5~g"},
            },
            "y": {"aggregate": "count", "type": "quantitative", "axis": {"title": "rows"}},
        },
    }


def box(chart: Chart, look: Look) -> Spec:
    """Median, quartiles and outliers of each group."""
    values = [
        {"s": clipped(name or str(chart.y), NAME), "y": y}
        for name, points in lines(chart).items()
        for _, y in points
        if y is not None
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": values},
        "mark": {"type": "boxplot", "color": look.palette[0], "size": 30},
        "encoding": {
            "x": {"field": "s", "type": "nominal", "sort": None, "axis": {"title": None, "labelAngle": -20}},
            "y": {"field": "y", "type": "quantitative", "axis": value_axis(chart)},
        },
    }


def lifecycle(chart: Chart, look: Look) -> Spec:
    """Stacked bars above and below nothing."""
    del look
    order: list[object] = list(STATUS)
    colour: Spec = {
        "field": "s",
        "type": "nominal",
        "scale": {"domain": order, "range": list(STATUS.values())},
        "legend": {"title": None, "orient": "top"},
    }
    x: Spec = encoded_time(chart)
    if x["type"] == "temporal":
        x = {
            "field": "x",
            "type": "ordinal",
            "sort": None,
            "axis": {"title": None, "labelAngle": -30, "labelOverlap": True},
        }
    over = chart.incomplete_from
    points = [{**each.as_json(), "o": 0.45 if over and str(each.x) >= over else 1.0} for each in data(chart)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": points},
        "mark": {"type": "bar"},
        "encoding": {
            "x": x,
            "y": {"field": "y", "type": "quantitative", "axis": value_axis(chart)},
            "color": colour,
            "opacity": {"field": "o", "type": "quantitative", "scale": None, "legend": None},
        },
    }


def big(chart: Chart, look: Look) -> Spec:
    value = chart.column(chart.y)[0] if chart.y else None
    found = number(value)
    text = written(value, chart.unit, chart.currency)
    return tile(text if found is None or abs(found) < 1e12 else short(found), look, 64)


DRAWERS: dict[ChartType, Callable[[Chart, Look], Spec]] = {
    "line": line,
    "area": area,
    "bar": bar,
    "pie": pie,
    "scatter": scatter,
    "histogram": histogram,
    "box": box,
    "funnel": funnel,
    "retention": heat,
    "lifecycle": lifecycle,
    "paths": paths,
    "number": big,
    "table": table,
}
