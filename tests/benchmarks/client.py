"""`Client.request` against bare `httpx.AsyncClient`: the same request to the same local server. Aim: at most 1.3×.

Both keep their connection and read the answer as JSON; the server is a process of its own, so that what is timed is
the caller. Sizes: an answer as of a list page or a result of 100 rows, and a small one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anyio
import httpx

from posthog_mcp.backends.posthog.client import Client, Manners
from posthog_mcp.backends.posthog.politeness import Window
from tests.benchmarks.measure import alternate, ratio, table

KEY = "phx_benchmark"
ROWS = {"small": 1, "100 rows": 100}
BODY = {
    "query": {"kind": "HogQLQuery", "query": "SELECT event, count() FROM events GROUP BY event"},
    "refresh": "async",
}
UNLIMITED = Manners(limits=(Window(10_000_000, 1.0),))


async def report(times: int = 300) -> str:
    server = Path(__file__).with_name("client_server.py")
    command = [sys.executable, str(server), json.dumps(ROWS)]
    async with await anyio.open_process(command, stdout=subprocess.PIPE, stderr=None) as process:
        assert process.stdout is not None
        address = f"http://127.0.0.1:{(await process.stdout.receive()).decode().strip()}"
        rows = [row for name in ROWS for row in await compared(address, name, times)]
        process.terminate()
    return table("A request to PostHog", ["request", "Client ms", "httpx ms", "ratio"], rows)


async def compared(address: str, name: str, times: int) -> list[list[str]]:
    path = f"/api/projects/1/{name.replace(' ', '-')}/"
    client = Client(address, KEY, UNLIMITED)
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {KEY}"}) as bare:

        async def ours_get() -> object:
            return await client.request("GET", path, params={"limit": 100})

        async def bare_get() -> object:
            return (await bare.get(path, params={"limit": 100})).json()

        async def ours_post() -> object:
            return await client.request("POST", path, body=BODY)

        async def bare_post() -> object:
            return (await bare.post(path, json=BODY)).json()

        assert (await ours_get(), await ours_post()) == ((200, await bare_get()), (200, await bare_post()))
        get, get_bare, post, post_bare = await alternate([ours_get, bare_get, ours_post, bare_post], times)
    await client.aclose()
    return [
        [f"GET, {name}", f"{get:.2f}", f"{get_bare:.2f}", ratio(get, get_bare)],
        [f"POST, {name}", f"{post:.2f}", f"{post_bare:.2f}", ratio(post, post_bare)],
    ]
