"""Charts: milliseconds for spec and PNG, first and warm, and bytes, a type.

The reference is vl-convert alone on a finished spec: what is ours is choosing, thinning, writing the spec and packing.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import get_args

import vl_convert

from posthog_mcp.charts.chart import ChartType
from posthog_mcp.charts.png import png_of
from posthog_mcp.charts.spec import spec
from tests.benchmarks.measure import ratio, table
from tests.charts.samples import of_type

TIMES = 7


async def report() -> str:
    rows: list[list[object]] = []
    begun = time.perf_counter()
    await png_of(spec(of_type("line")))
    first = (time.perf_counter() - begun) * 1000
    kinds: tuple[ChartType, ...] = get_args(ChartType)
    for kind in kinds:
        chart = of_type(kind)
        ours, alone, png = list[float](), list[float](), b""
        for _ in range(TIMES):
            begun = time.perf_counter()
            png = await png_of(spec(chart))
            ours.append((time.perf_counter() - begun) * 1000)
            drawing = json.dumps(spec(chart))
            begun = time.perf_counter()
            vl_convert.vegalite_to_png(vl_spec=drawing, scale=1.6, vl_version="5.20")
            alone.append((time.perf_counter() - begun) * 1000)
        mine, reference = statistics.median(ours), statistics.median(alone)
        rows.append([kind, f"{mine:.0f}", f"{reference:.0f}", ratio(mine, reference), f"{len(png):,}"])
    title = f"Charts, median of {TIMES}; the very first took {first:.0f} ms"
    return table(title, ["type", "ms", "vl-convert alone", "ratio", "bytes"], rows)
