"""Views: pages that hosts with MCP Apps show in place of a tool's text. One so far: the chart.

Decisions.
- The page is written by hand, plain JavaScript and inline SVG: no library, no build, nothing to load. It works under
  the strictest policy of the specification (`default-src 'none'`, inline script and style, `data:` images) and offline.
- Its parts are files of a readable size (`chart.html`, `chart.css`, `scripts/`); they are joined once, when first read.
- A result arrives by `ui/notifications/tool-result` as the very structured content that the model gets: `chart`
  (`Chart.as_json()`), `columns`, `rows`, and what every answer says. Without `chart` the page chooses by the columns.
- The chart's own rows come in the result's `_meta` where the answer's rows are cut to a text's size or are laid out
  for reading: hosts give `_meta` to the page and, as far as measured, not to the model.
- Names and values were written by strangers: they enter the page as text nodes and attributes, never as markup, and
  only messages of the parent window count; after its first answer only those of its origin.
- A picture must not mislead: what is left out, summed, cut or not over yet is said under the title; a chart that does
  not fit its rows becomes an error in words above the table. Never a blank.
- Hosts without MCP Apps see the tool's text and, on request, a PNG: the page is an addition, never the only way.
- No policy of its own in a meta tag: hosts set one, and some put their own script into the page, which it would block.
"""
