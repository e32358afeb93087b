"""Pictures: what a result looks like, as a Vega-Lite spec, a PNG, and text that suffices alone.

Decisions.
- `Chart` is the one description; whoever has rows makes one, whoever draws reads it. Pure: no network, no MCP.
- Vega-Lite is the chart language, rendered offline by vl-convert (extra `[charts]`); where it is missing, text and spec
  are still given, and the error of a PNG names the install line.
- Everything in a chart may have been written by strangers: names and values are text, never markup or expressions.
"""
