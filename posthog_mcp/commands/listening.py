"""A port to listen on and a uvicorn server that stops cleanly: shared by `serve --transport http` and `local serve`."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from posthog_mcp.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp

GRACE_SECONDS = 20
"""For what is under way; with the image's drain it stays below the 30 s after which Compose and systemd kill."""


def bind(host: str, port: int) -> socket.socket:
    """Listen; port 0 lets the system choose.

    Raises:
        InvalidInput: this machine has no such address.
        Unavailable: the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise InvalidInput(f"--host {host}: no such address.", fix="Use 127.0.0.1, or 0.0.0.0 for all.") from None
    try:
        listener = socket.create_server(address[:2], family=family)
        # asyncio sets it only where a socket's protocol is said; without it each answer waits 40 ms for an ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        reason = f"Cannot listen on {host} port {port}: {error.strerror}."
        raise Unavailable(reason, fix="Choose another with --port, or stop what is using it.") from None


def announce(what: str, host: str, port: int, path: str) -> None:
    """Tell the address on stderr."""
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"Serving {what} on http://{shown}:{port}{path} (Ctrl-C stops it)\n")
    sys.stderr.flush()


async def serve_app(
    app: ASGIApp, listener: socket.socket, *, drain: Callable[[], None] = lambda: None, drain_seconds: float = 0.0
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what is under way, for some seconds at most.

    `drain` is called first, and the end begins `drain_seconds` later: the time a load balancer needs to notice.
    """
    import uvicorn

    from posthog_mcp.commands.connections import Impatient

    class Draining(uvicorn.Server):
        """A second signal waits for nothing more."""

        drained = False

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            again, self.drained = self.drained, True
            drain()
            if again:
                self.should_exit = True
                for task in list(self.server_state.tasks):
                    task.cancel()
                return
            if drain_seconds == 0:
                super().handle_exit(sig, frame)
                return
            ending = threading.Timer(drain_seconds, super().handle_exit, (sig, frame))
            ending.daemon = True
            ending.start()

    # uvicorn raises the signal again after its clean stop; without this the exit code would tell of a killing.
    for stopping in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stopping, lambda number, frame: None)
    config = uvicorn.Config(
        app, http=Impatient, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    await Draining(config).serve(sockets=[listener])
