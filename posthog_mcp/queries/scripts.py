"""A stand-alone Python file that gives a query's rows again, with httpx and environment variables only.

It runs against PostHog, or against the embedded project behind `posthog-mcp local serve`. No key is ever in it.
"""

from __future__ import annotations

import json

from posthog_mcp.results import Json
from posthog_mcp.state.history import HistoryEntry

ASK = '''def ask(query, values, refresh="async", query_id=None):
    """PostHog's answer, waited for; what PostHog refuses ends the script with its words."""
    url = f"{BASE_URL}/api/projects/{PROJECT_ID}/query/"
    body = {"query": {"kind": "HogQLQuery", "query": query, "values": values}, "refresh": refresh}
    if query_id:
        body["client_query_id"] = query_id
    with httpx.Client(headers={"Authorization": f"Bearer {API_KEY}"}, timeout=120) as client:
        response, pause = client.post(url, json=body), 0.1
        while True:
            if response.status_code not in (200, 202):
                sys.exit(f"{response.status_code}: {response.text[:20000]}")
            answer = response.json()
            job = answer.get("query_status")
            if not job or "results" in answer:
                return answer
            if job.get("error"):
                status = 400 if job.get("error_message") else 500
                sys.exit(f"{status}: {json.dumps({'query_status': job})}")
            if job.get("complete"):
                return job.get("results") or {}
            time.sleep(pause)
            pause = min(pause * 1.5, 2)
            response = client.get(f"{url}{job['id']}/")
'''
"""Waits for queries of any length; asked again under one id they run once."""

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


{ask}

def main():
    if not API_KEY:
        sys.exit("Set POSTHOG_API_KEY to a personal API key with the scope query:read.")
    refresh = "force_async" if "--refresh" in sys.argv else "async"
    answer = ask(QUERY, VALUES, refresh, os.environ.get("POSTHOG_QUERY_ID"))
    if "--json" in sys.argv:
        kept = ("columns", "types", "results", "is_cached", "error")
        json.dump({{name: answer.get(name) for name in kept}}, sys.stdout)
        return
    if answer.get("error"):
        sys.exit(answer["error"])
    writer = csv.writer(sys.stdout, lineterminator="\\n")
    writer.writerow(answer["columns"])
    writer.writerows(answer["results"])


if __name__ == "__main__":
    main()
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
        ask=ASK,
    )
