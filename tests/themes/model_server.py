"""A stand-in for a model's provider on a real socket: OpenAI's chat completions and embeddings, Anthropic's messages."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[str], dict[str, Any] | int]
"""A trace id → the answer, or the HTTP status that the whole request fails with."""


def good(trace_id: str) -> dict[str, Any]:
    return {
        "trace_id": trace_id,
        "theme_relevant": True,
        "title": f"A finding about {trace_id.rpartition('-')[0]}",
        "summary": "What was wanted, and what came of it.",
        "evidence": ["m1"],
        "severity": "medium",
        "first_failure": "m1",
    }


@dataclass
class ModelServer:
    """What was asked, and how it answers. `fail_first`: statuses of the first requests;
    `content`: the object that every question gets, instead of answers by trace; `slow`: seconds before an answer."""

    answering: Answering = good
    fail_first: list[int] = field(default_factory=list[int])
    content: dict[str, Any] | None = None
    slow: float = 0.0
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.requests.append({"path": path, **body})
            if self.fail_first:
                return self.fail_first.pop(0), {"error": {"message": "not now", "type": "x"}}
        if path.endswith("/embeddings"):
            vectors = [[float(len(text)), 1.0, float("refund" in text)] for text in body["input"]]
            data = [{"object": "embedding", "index": at, "embedding": each} for at, each in enumerate(vectors)]
            return 200, {
                "object": "list",
                "data": data,
                "model": body["model"],
                "usage": {"prompt_tokens": 1, "total_tokens": 1},
            }
        text = body["messages"][-1]["content"]
        answers = [self.answering(name) for name in re.findall(r"trace_id: (\S+)", text)]
        status = next((each for each in answers if isinstance(each, int)), 200)
        if status != 200:
            return status, {"error": {"message": "no", "type": "x"}, "type": "error"}
        time.sleep(self.slow)
        content = self.content or {"answers": answers}
        return 200, anthropic(content, body) if path.endswith("/messages") else openai(content, body)


def openai(content: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": json.dumps(content)}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100},
    }


def anthropic(content: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    call = {"type": "tool_use", "id": "t", "name": body["tools"][0]["name"], "input": content}
    usage = {"input_tokens": 1_000, "output_tokens": 100}
    fixed = {"id": "x", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": "tool_use"}
    return {**fixed, "stop_sequence": None, "content": [call], "usage": usage}


@contextmanager
def model_server(**options: Any) -> Iterator[ModelServer]:
    """Listening on a port of this machine until left."""
    state = ModelServer(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, found = state.reply(self.path, body)
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("retry-after-ms", "1")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
