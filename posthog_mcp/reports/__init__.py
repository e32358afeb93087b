"""Reports and alerts: what stands out, told with its numbers, and when.

Decisions.
- A report is a list of typed findings, ranked; prose comes after. Each finding has its sentence, its numbers and the
  query behind it. The built-in writer orders the sentences; a configured model may rewrite the summary, and what it
  writes is used only where every number in it is one of the facts.
- Significance is decided over all metrics of a report together (Benjamini and Hochberg), so that a bigger dashboard
  does not mean more false news. A daily report without findings says so in a line and is not sent.
- Only complete days of data are compared: the period ends with the last whole day that the project has events of.
- Saved insights are computed over the report's own periods; tables without a time column are computed as of both ends.
- No scheduler inside a server: `posthog-mcp schedule`, cron, systemd or CI run the one-shot commands.
"""
