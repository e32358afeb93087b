"""The reference host of the client's benchmark: `PATH/NAME/` answers with as many rows as the argument says. HTTP/1.1."""

from __future__ import annotations

import json
import socket
import sys

import uvicorn

ROWS: dict[str, int] = json.loads(sys.argv[1])
ANSWERS = {
    name.replace(" ", "-"): json.dumps(
        {"results": [["$pageview", "2026-01-01T00:00:00Z", number, "x" * 40] for number in range(rows)]}
    ).encode()
    for name, rows in ROWS.items()
}


async def app(scope, receive, send) -> None:  # pyright: ignore
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        continue
    content = ANSWERS[scope["path"].rstrip("/").rpartition("/")[2]]
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])
