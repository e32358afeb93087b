"""A stand-in of E2B: its API and a sandbox's agent on one loopback port, spoken to by the real SDK.

Each sandbox is a folder and commands are real processes in it, so output, results and images are real. What E2B's
cloud alone can do (network rules, memory of a machine) is recorded, not enforced. Every request is kept as it came.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import uvicorn
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from e2b.envd.filesystem import filesystem_pb
from e2b.envd.filesystem.filesystem_connect import Filesystem, FilesystemASGIApplication
from e2b.envd.process import process_pb
from e2b.envd.process.process_connect import Process, ProcessASGIApplication
from protobuf import Oneof
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send


@dataclass
class Box:
    """One sandbox: its folder, the body that made it, and when it ends."""

    folder: Path
    body: dict[str, Any]
    ends: float
    pids: set[int] = field(default_factory=set[int])


@dataclass
class StandIn(Process, Filesystem):
    """The state behind the port, with knobs for what can go wrong."""

    root: Path
    url: str = ""
    boxes: dict[str, Box] = field(default_factory=dict[str, Box])
    made: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    killed: list[str] = field(default_factory=list[str])
    requests: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    """`METHOD path` with the headers' text, and the body."""
    refuse: tuple[int, str] | None = None
    """Status and message that making a sandbox is answered with."""
    hesitates: float = 0.0
    """Seconds that making a sandbox takes."""
    ignores_limits: bool = False
    """A command's time limit is not kept here, as on a stalled link."""
    ahead: float = 0.0
    """Seconds that this machine's clock is ahead, to make time pass."""
    egress: str = ""
    """host:port of the proxy that plays E2B's egress rules; commands reach HTTP through it."""

    def now(self) -> float:
        return time.time() + self.ahead

    def living(self, box_id: str) -> Box | None:
        box = self.boxes.get(box_id)
        if box is not None and self.now() > box.ends:
            self.end(box_id)
            return None
        return box

    def end(self, box_id: str) -> bool:
        """Kill a sandbox with all that runs in it, as a crash of its machine would."""
        box = self.boxes.pop(box_id, None)
        for pid in list(box.pids) if box else []:
            os.killpg(pid, signal.SIGKILL)
        return box is not None

    async def make(self, request: Request) -> Response:
        if request.headers.get("x-api-key") != "e2b_stand_in":
            return JSONResponse({"code": 401, "message": "Invalid API key"}, 401)
        if self.refuse:
            return JSONResponse({"code": self.refuse[0], "message": self.refuse[1]}, self.refuse[0])
        body = await request.json()
        await anyio.sleep(self.hesitates)
        box_id = f"box{uuid.uuid4().hex[:12]}"
        self.boxes[box_id] = Box(self.root / box_id, body, self.now() + body["timeout"])
        self.boxes[box_id].folder.mkdir()
        self.made.append(body)
        told = {"sandboxID": box_id, "templateID": body["templateID"], "clientID": "c", "envdVersion": "0.6.2"}
        return JSONResponse({**told, "envdAccessToken": "token"}, 201)

    async def kill(self, request: Request) -> Response:
        box_id = request.path_params["box"]
        self.killed.append(box_id)
        return Response(status_code=204 if self.end(box_id) else 404)

    async def extend(self, request: Request) -> Response:
        box = self.living(request.path_params["box"])
        if box is None:
            return JSONResponse({"code": 404, "message": "sandbox not found"}, 404)
        box.ends = self.now() + (await request.json())["timeout"]
        return Response(status_code=204)

    async def write(self, request: Request) -> Response:
        folder, form = self.box(request.headers).folder, await request.form()
        written = []
        for upload in form.getlist("file"):
            name = request.query_params.get("path") or upload.filename  # type: ignore[union-attr]
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(await upload.read())  # type: ignore[union-attr]
            written.append({"name": Path(name).name, "type": "file", "path": name})
        await form.close()
        return JSONResponse(written)

    async def read(self, request: Request) -> Response:
        path = self.box(request.headers).folder / request.query_params["path"]
        return FileResponse(path) if path.exists() else JSONResponse({"code": 404, "message": "no such file"}, 404)

    def box(self, headers: Any) -> Box:
        found = self.living(headers.get("e2b-sandbox-id") or "")
        assert found is not None
        return found

    async def remove(self, request: filesystem_pb.RemoveRequest, ctx: Any) -> filesystem_pb.RemoveResponse:
        shutil.rmtree(self.box(ctx.request_headers).folder / request.path)
        return filesystem_pb.RemoveResponse()

    async def start(self, request: process_pb.StartRequest, ctx: Any) -> AsyncIterator[process_pb.StartResponse]:
        box, config = self.box(ctx.request_headers), request.process
        assert config is not None
        environment = {"PATH": f"{self.root}:{os.defpath}", "HOME": str(box.folder)}
        if self.egress:
            environment["HTTP_PROXY"] = f"http://{box.folder.name}:x@{self.egress}"
        process = await anyio.open_process(
            [config.cmd, *[arg for arg in config.args if arg != "-l"]],
            cwd=box.folder,
            env={**environment, **config.envs},
            start_new_session=True,
        )
        box.pids.add(process.pid)
        yield said("start", process_pb.ProcessEvent.StartEvent(pid=process.pid))
        send, receive = anyio.create_memory_object_stream[process_pb.StartResponse](100)

        async def pump(stream: Any, name: str) -> None:
            async with sender.clone() as out:
                async for chunk in stream:
                    await out.send(said("data", process_pb.ProcessEvent.DataEvent(output=Oneof(name, chunk))))

        limit = None if self.ignores_limits else ctx.timeout_ms
        try:
            with anyio.move_on_after(limit / 1000 if limit else None) as deadline:
                async with anyio.create_task_group() as tasks:
                    async with send as sender:
                        tasks.start_soon(pump, process.stdout, "stdout")
                        tasks.start_soon(pump, process.stderr, "stderr")
                        await anyio.lowlevel.checkpoint()
                    async with receive:
                        async for event in receive:
                            yield event
                code = await process.wait()
        finally:
            box.pids.discard(process.pid)
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            with anyio.CancelScope(shield=True):
                await process.aclose()
        if deadline.cancelled_caught:
            raise ConnectError(Code.DEADLINE_EXCEEDED, "command timed out")
        if not box.folder.exists() or box not in self.boxes.values():
            raise ConnectError(Code.UNAVAILABLE, "the connection to sandbox ended before the stream completed")
        yield said("end", process_pb.ProcessEvent.EndEvent(exit_code=code, exited=True, status="exit status"))

    async def send_signal(self, request: process_pb.SendSignalRequest, ctx: Any) -> process_pb.SendSignalResponse:
        assert request.process is not None
        assert request.process.selector is not None
        pid = int(request.process.selector.value)
        assert pid in self.box(ctx.request_headers).pids
        os.kill(pid, int(request.signal))
        return process_pb.SendSignalResponse()

    async def health(self, request: Request) -> Response:
        return Response(status_code=204)


def said(kind: Any, event: Any) -> process_pb.StartResponse:
    return process_pb.StartResponse(event=process_pb.ProcessEvent(event=Oneof(kind, event)))


def application(stand_in: StandIn) -> Any:
    """The ASGI app: it records each request, and answers for sandboxes that are gone as E2B's proxy does."""
    routes = [
        Route("/v2/sandboxes", stand_in.make, methods=["POST"]),
        Route("/sandboxes/{box}", stand_in.kill, methods=["DELETE"]),
        Route("/sandboxes/{box}/timeout", stand_in.extend, methods=["POST"]),
        Route("/files", stand_in.write, methods=["POST"]),
        Route("/files", stand_in.read, methods=["GET"]),
        Route("/health", stand_in.health),
    ]
    api = Starlette(routes=routes)
    services = {
        "/process.Process": ProcessASGIApplication(stand_in),
        "/filesystem": FilesystemASGIApplication(stand_in),
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await api(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = bytearray()

        async def recorded() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        box_id = headers.get("e2b-sandbox-id")
        if box_id and stand_in.living(box_id) is None:
            gone = JSONResponse({"code": 502, "message": "The sandbox was not found"}, 502)
            return await gone(scope, receive, send)
        service = next((app for path, app in services.items() if scope["path"].startswith(path)), api)
        try:
            await service(scope, recorded, send)
        finally:
            line = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} {headers}"
            stand_in.requests.append((line, bytes(body)))

    return app


def provide_python(root: Path, flags: str) -> None:
    """The `python3` of the sandboxes: this one, with its packages unless the flags (`-S`) take them away."""
    (root / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} {flags} "$@"\n')
    (root / "python3").chmod(0o755)


class Running:
    """The stand-in on a port of its own, in a thread of its own."""

    def __init__(self, root: Path) -> None:
        provide_python(root, "")
        self.stand_in = StandIn(root)
        listening = socket.create_server(("127.0.0.1", 0))
        self.stand_in.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(application(self.stand_in), log_level="critical", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)

    def __enter__(self) -> StandIn:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self.stand_in

    def __exit__(self, *_: object) -> None:
        for box_id in list(self.stand_in.boxes):
            self.stand_in.end(box_id)
        self._server.should_exit = True
        self._thread.join(5)
