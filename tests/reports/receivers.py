"""Real servers that take deliveries: a Slack-like API, a webhook receiver, an SMTP server; each can be told to fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import anyio
from aiosmtpd.controller import Controller


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Requests as they came. `faults` are used up first, one a request: a status, (status, headers), `cut` (close
    without an answer), `cut after` (do it, then close without an answer), or `garbage` (200 and a page of HTML)."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)
    answer: Callable[[Request], Any] = lambda request: {}
    hold: threading.Event = field(default_factory=threading.Event)
    hold_at: int = 0
    """The number of the request that waits until `hold` is set; `held` tells that it came."""
    held: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiving(answer: Callable[[Request], Any] | None = None) -> Iterator[Receiver]:
    """An HTTP server on a port of its own."""
    receiver = Receiver()
    if answer is not None:
        receiver.answer = answer
    receiver.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length))
            receiver.requests.append(request)
            receiver.arrived.set()
            if len(receiver.requests) == receiver.hold_at:
                receiver.hold.clear()
                receiver.held.set()
            receiver.hold.wait(20)
            fault = receiver.faults.pop(0) if receiver.faults else None
            if fault == "cut after":
                receiver.answer(request)
            if fault in ("cut", "cut after"):
                self.close_connection = True
                self.connection.close()
                return
            garbage = fault == "garbage"
            fault = None if garbage else fault
            status, headers = fault if isinstance(fault, tuple) else (fault or 200, {})
            body = json.dumps(receiver.answer(request) if status == 200 and not garbage else {}).encode()
            body = b"<html>Sign in</html>" if garbage else body
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield receiver
    finally:
        receiver.hold.set()
        server.shutdown()
        server.server_close()


NOBODY = {"ok": False, "error": "users_not_found"}


class SlackLike:
    """What Slack's Web API answers, with its own checks on what comes."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.shared: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.refuse_once = set[str]()
        """Channels that answer `ratelimited` to the first message."""
        self.names: dict[str, str] = {}
        self.alts: dict[str, str] = {}
        self.base = ""
        self.posted = threading.Event()
        self.members: dict[str, str] = {}
        """Ids by e-mail address."""
        self.gone: set[str] = set()
        """Ids of members who were deactivated."""

    def __call__(self, request: Request) -> Any:
        method = request.path.rpartition("/")[2]
        if request.path.startswith("/upload/"):
            assert len(request.body) == len(self.files[method]) > 0
            self.files[method] = request.body
            return {}
        if request.headers.get("authorization") != "Bearer xoxb-test":
            return {"ok": False, "error": "invalid_auth"}
        if self.errors:
            return {"ok": False, "error": self.errors.pop(0)}
        return getattr(self, method.replace(".", "_"))(request)

    def chat_postMessage(self, request: Request) -> Any:
        if request.json["channel"] in self.refuse_once:
            self.refuse_once.remove(request.json["channel"])
            return {"ok": False, "error": "ratelimited"}
        assert len(request.json["blocks"]) <= 50
        for block in request.json["blocks"]:
            if block["type"] == "section":
                assert 0 < len(block["text"]["text"]) <= 3000
        self.messages.append({**request.json, "ts": f"{len(self.messages)}.1"})
        self.posted.set()
        return {"ok": True, "channel": "C1", "ts": self.messages[-1]["ts"]}

    def files_getUploadURLExternal(self, request: Request) -> Any:
        form = parse_qs(request.body.decode())
        name = f"F{len(self.files) + 1}"
        self.files[name] = b"?" * int(form["length"][0])
        self.names[name], self.alts[name] = form["filename"][0], form["alt_txt"][0]
        return {"ok": True, "upload_url": f"{self.base}/upload/{name}", "file_id": name}

    def files_completeUploadExternal(self, request: Request) -> Any:
        self.shared.append(request.json)
        return {"ok": True}

    def users_lookupByEmail(self, request: Request) -> Any:
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        id = self.members.get(parse_qs(request.body.decode())["email"][0])
        return {"ok": True, "user": {"id": id, "deleted": id in self.gone}} if id else NOBODY

    def conversations_open(self, request: Request) -> Any:
        return {"ok": True, "channel": {"id": f"D{request.json['users'][1:]}"}}

    def conversations_history(self, request: Request) -> Any:
        if request.json["channel"][0] in "UW":
            return {"ok": False, "error": "channel_not_found"}
        return {"ok": True, "messages": self.messages}


@dataclass
class Mailbox:
    """Mails as they came; `refusals` are used up first: SMTP answers to DATA, or `cut`."""

    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    """The answer to DATA waits until it is set; it is set unless a test clears it."""
    arrived: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusals:
            refusal = self.refusals.pop(0)
            if refusal == "cut":
                server.transport.close()
                return "250 OK"
            return refusal
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.recipients.append(list(envelope.rcpt_tos))
        self.arrived.set()
        await anyio.to_thread.run_sync(self.hold.wait, 20)
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """An SMTP server on a port of its own."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = Mailbox(f"smtp://127.0.0.1:{port}?from=reports@example.com&to=team@example.com")
    box.hold.set()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        box.hold.set()
        controller.stop()
