"""Every type with every kind of data: the spec is one, the picture is no blank, text and alt text tell the numbers."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import replace
from typing import Any, get_args

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st

from posthog_mcp.charts.alt import alt_text
from posthog_mcp.charts.chart import Chart, ChartType
from posthog_mcp.charts.choose import chart_of
from posthog_mcp.charts.kept import chart_from
from posthog_mcp.charts.numbers import number, short, written
from posthog_mcp.charts.png import png_of
from posthog_mcp.charts.prepare import MOST_POINTS, prepared, thinned
from posthog_mcp.charts.spec import spec
from posthog_mcp.charts.text import as_text, spark
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Column
from tests.charts.samples import DAYS, NAMES, SCRIPT, SPOILT, lines, of_type

TYPES: tuple[ChartType, ...] = get_args(ChartType)


def colours(png: bytes) -> int:
    """How many different rows of pixels a PNG has; one: it is blank."""
    place, packed, width, depth = 8, b"", 0, 4
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        chunk = png[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, depth = struct.unpack(">I", chunk[:4])[0], {2: 3, 6: 4}[chunk[9]]
        packed += chunk if kind == b"IDAT" else b""
        place += 12 + length
    pixels = zlib.decompress(packed)
    stride = width * depth + 1
    return len({pixels[at : at + stride] for at in range(0, len(pixels), stride)})


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("spoiling", SPOILT)
def test_a_spec_compiles_and_the_text_is_whole(kind: ChartType, spoiling: str) -> None:
    chart = SPOILT[spoiling](of_type(kind))
    drawing = spec(chart)
    assert json.loads(json.dumps(drawing)) == drawing
    vl_convert.vegalite_to_vega(vl_spec=drawing, vl_version="5.20")
    text = as_text(chart)
    assert text.strip()
    assert len(text) < 4_000
    assert 0 < len(alt_text(chart)) < 300


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", TYPES)
async def test_a_picture_is_no_blank(kind: ChartType, theme: Any) -> None:
    png = await png_of(spec(of_type(kind), theme))
    assert png.startswith(b"\x89PNG")
    assert 2_000 < len(png) < 150_000
    assert colours(png) > 20


@pytest.mark.parametrize("spoiling", ["nothing", "all empty", "odd names", "huge", "all zero"])
async def test_spoilt_data_still_gives_a_picture(spoiling: str) -> None:
    for kind in TYPES:
        assert colours(await png_of(spec(SPOILT[spoiling](of_type(kind))))) > 5, kind


def test_names_are_text_everywhere() -> None:
    """Data columns have names of our own, and no text of the data stands outside of values and titles."""
    chart = SPOILT["odd names"](of_type("line"))
    drawing: dict[str, Any] = json.loads(json.dumps(spec(chart)))

    def outside(value: Any, key: str = "") -> list[str]:
        if key in ("values", "title", "domain", "sort"):
            return []
        if isinstance(value, dict):
            return [each for name, inner in value.items() for each in outside(inner, name)]
        if isinstance(value, list):
            return [each for inner in value for each in outside(inner, key)]
        return [value] if isinstance(value, str) else []

    assert not [text for text in outside(drawing) if any(name[:20] in text for name in NAMES if len(name) > 2)]
    assert SCRIPT in json.dumps(drawing["title"])


def test_many_series_are_the_biggest_and_the_rest() -> None:
    chart = lines("line", [f"s{place}" for place in range(50)], lambda place, at: place)
    ready = prepared(chart)
    assert "10 biggest of 50" in ready.notes[0]
    names = set(ready.chart.column("series"))
    assert names == {"other", *(f"s{place}" for place in range(40, 50))}
    others = [row[2] for row in ready.chart.rows if row[1] == "other"]
    assert others == [sum(range(40))] * len(DAYS)


def test_many_points_keep_their_extremes() -> None:
    rows: list[list[Any]] = [[at, 1.0] for at in range(10_000)]
    rows[7777][1], rows[3333][1] = 99.0, -99.0
    chart = Chart("line", "Long", ("t", "v"), rows, "t", "v")
    ready = prepared(chart)
    values = ready.chart.column("v")
    assert len(values) <= MOST_POINTS + 4
    assert {99.0, -99.0} <= set(values)  # type: ignore[arg-type]
    assert "of 10,000 points" in ready.notes[0]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), st.integers(2, 50))
def test_thinning_keeps_ends_and_extremes(values: list[float], most: int) -> None:
    rows: list[list[Any]] = [[at, value] for at, value in enumerate(values)]
    kept = thinned(rows, 1, most)
    assert kept[0] == rows[0]
    assert kept[-1] == rows[-1]
    assert {max(values), min(values)} <= {row[1] for row in kept}
    assert kept == sorted(kept, key=lambda row: row[0])


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        (1234567, "count", "1,234,567"),
        (0.1234, "percent", "12.34 %"),
        (0, "count", "0"),
        (-1234.5, "none", "-1,234.5"),
        (200, "seconds", "3 min 20 s"),
        (0.25, "seconds", "250 ms"),
        (90_000, "seconds", "1 d 1 h"),
        (1_234_567, "bytes", "1.2 MB"),
        (None, "count", "–"),
        (1e18, "count", "1e+18"),
        (0.00001234, "none", "1.23e-05"),
        ("NaN", "none", "NaN"),
    ],
)
def test_values_are_written_with_their_unit(value: Any, unit: Any, wanted: str) -> None:
    assert written(value, unit) == wanted


@given(st.floats(-1e300, 1e300))
def test_a_written_number_is_near_the_number(value: float) -> None:
    told = number(written(value).replace(",", ""))
    assert told is not None
    assert abs(told - value) <= max(0.011 * abs(value), 0.006)
    assert short(value)


def test_a_sparkline_has_a_character_a_value_and_gaps() -> None:
    assert spark([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert spark([1, None, 1]) == "█·█"
    assert spark([0, 0]) == "▁▁"
    assert spark([None]) == "·"


COLUMNS = {
    "day": Column("day", "Date"),
    "browser": Column("browser", "String"),
    "n": Column("n", "UInt64"),
    "m": Column("m", "Float64"),
}


@pytest.mark.parametrize(
    ("columns", "rows", "kind", "parts"),
    [
        (["day", "n"], [["2026-01-01", 1], ["2026-01-02", 2]], "line", ("day", "n", None)),
        (["day", "browser", "n"], [["2026-01-01", "a", 1], ["2026-01-02", "b", 2]], "line", ("day", "n", "browser")),
        (["browser", "n"], [["a", 1], ["b", 2]], "bar", ("browser", "n", None)),
        (["n"], [[1]], "number", (None, "n", None)),
        (["n", "m"], [[1, 2.0], [2, 3.0]], "scatter", ("n", "m", None)),
        (["n"], [[1], [2], [3]], "histogram", ("n", "n", None)),
        (["browser"], [["a"], ["b"]], "table", (None, None, None)),
        (["browser", "n"], [], "table", (None, None, None)),
    ],
)
def test_the_type_follows_the_datas_shape(columns: list[str], rows: list[Any], kind: str, parts: Any) -> None:
    chart = chart_of([COLUMNS[name] for name in columns], rows)
    assert (chart.type, (chart.x, chart.y, chart.series)) == (kind, parts)


def test_number_columns_beside_a_time_become_lines() -> None:
    chart = chart_of([COLUMNS["day"], COLUMNS["n"], COLUMNS["m"]], [["2026-01-01", 1, 2], ["2026-01-02", 3, 4]])
    assert chart.columns == ("day", "series", "value")
    assert ["2026-01-02", "m", 4] in chart.rows


@pytest.mark.parametrize(
    ("given_parts", "says"),
    [({"type": "lien"}, "no chart type"), ({"x": "dya"}, "day"), ({"type": "bar", "y": ""}, "column of numbers")],
)
def test_what_cannot_be_drawn_is_told(given_parts: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        chart_of([COLUMNS["day"], COLUMNS["browser"]], [["2026-01-01", "a"]], **given_parts)
    assert says in raised.value.as_text()


def test_a_chart_is_kept_whole() -> None:
    for kind in TYPES:
        chart = replace(of_type(kind), compared=("a",), footnote="f")
        kept = json.loads(json.dumps({**chart.as_json(), "columns": list(chart.columns), "rows": chart.rows}))
        assert chart_from(kept) == chart
    assert chart_from({"type": "nope"}) is None
