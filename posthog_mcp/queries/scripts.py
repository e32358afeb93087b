"""A stand-alone Python file that gives a query's rows again, with httpx and environment variables only.

It runs against PostHog, or against the embedded project behind `posthog-mcp local serve`. No key is ever in it.
"""

from __future__ import annotations

import json

from posthog_mcp.results import Json
from posthog_mcp.state.history import HistoryEntry

TEMPLATE = '''"""Runs one HogQL query against PostHog's query API and prints the rows as CSV; --json: with types.

Needs: pip install httpx
Environment: POSTHOG_API_KEY (scope query:read), POSTHOG_PROJECT_ID, POSTHOG_BASE_URL (default below).
{hint}"""

import csv
import json
import os
import sys
import time

import httpx

BASE_URL = os.environ.get("POSTHOG_BASE_URL", {base_url!r}).rstrip("/").removesuffix("/api")
PROJECT_ID = os.environ.get("POSTHOG_PROJECT_ID", {project_id!r})
API_KEY = os.environ.get("POSTHOG_API_KEY", {api_key!r})
QUERY = {query!r}
VALUES = {values!r}


def main() -> int:
    if not API_KEY:
        print("Set POSTHOG_API_KEY to a personal API key with the scope query:read.", file=sys.stderr)
        return 2
    url = f"{{BASE_URL}}/api/projects/{{PROJECT_ID}}/query/"
    refresh = "force_blocking" if "--refresh" in sys.argv else "blocking"
    body = {{"query": {{"kind": "HogQLQuery", "query": QUERY, "values": VALUES}}, "refresh": refresh}}
    if query_id := os.environ.get("POSTHOG_QUERY_ID"):
        body["client_query_id"] = query_id
    with httpx.Client(headers={{"Authorization": f"Bearer {{API_KEY}}"}}, timeout=120) as client:
        response = client.post(url, json=body)
        while response.status_code == 202:
            status = response.json()["query_status"]
            time.sleep(1)
            response = client.get(f"{{url}}{{status['id']}}/")
    if response.status_code != 200:
        print(f"{{response.status_code}}: {{response.text[:2000]}}", file=sys.stderr)
        return 1
    answer = response.json()
    answer = (answer.get("query_status") or {{}}).get("results") or answer
    if "--json" in sys.argv:
        json.dump({{name: answer.get(name) for name in ("columns", "types", "results", "is_cached")}}, sys.stdout)
        return 0
    writer = csv.writer(sys.stdout, lineterminator="\\n")
    writer.writerow(answer["columns"])
    writer.writerows(answer["results"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''

LOCAL_HINT = """The query ran on the embedded project. Start it first: posthog-mcp local serve --port 8010
"""


def python_script(entry: HistoryEntry, *, local: bool, host: str) -> str:
    """The script of a query from the history. The embedded project's key is public; another key is never written."""
    values: Json = json.loads(entry.values)
    return script_text(entry.hogql, values, project_id=entry.project_id, local=local, host=host)


def script_text(query: str, values: Json, *, project_id: int, local: bool, host: str) -> str:
    """The script of a query."""
    return TEMPLATE.format(
        hint=LOCAL_HINT if local else "",
        base_url="http://127.0.0.1:8010" if local else host,
        project_id=str(project_id),
        api_key="phx_local" if local else "",
        query=query,
        values=values,
    )
