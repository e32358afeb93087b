"""HTTP connections that must say what they want: uvicorn sets no limits to a request's head.

They also end well: an answer reaches a client that has closed its own side, and streams that only listen end with the
server.
"""

from __future__ import annotations

import re
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS = 30.0
"""From the connection, or from the first byte after an answer, to the end of the head. Bodies have their own limit."""
HEAD_BYTES = 1 << 16
"""Of request line, headers and trailers together."""
FRAMING = 8
"""Bytes of chunks' heads that a body may have beside them for each of its own: the smallest chunk takes five."""
LEAVING_SECONDS = 5.0
"""For an answer to who has closed their side. Most of them are gone for good, and what they asked is then stopped."""
UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*(?=\r\n)", re.IGNORECASE)


class Impatient(HttpToolsProtocol):
    """Closes a connection whose head does not come or does not end: a slow or endless sender holds nothing for long."""

    _ending: Any = None
    _leaving: Any = None
    _at_start = True
    """Whether the next byte begins a request."""
    _fed = 0
    """Bytes of the request at hand, of which `_body` are its body's."""
    _body = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        self._fed += len(data)
        super().data_received(without_upgrade(data) if self._at_start else data)
        if self._fed - self._body > HEAD_BYTES + FRAMING * self._body and not self.transport.is_closing():
            self.send_400_response("The request's head is too long.")
        if self._idle():
            self._wait()
        else:
            self._stop_waiting()

    def eof_received(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]  # as asyncio has it
        """Whether the connection stays open: for the answer to a request that came whole."""
        if self._idle() or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        self._leaving = self.loop.call_later(LEAVING_SECONDS, self.transport.close)
        return True

    def shutdown(self) -> None:
        super().shutdown()
        if not self._idle() and self.cycle.chunked_encoding and self.cycle.scope["method"] == "GET":
            self.transport.write(b"0\r\n\r\n")
            self.transport.close()

    def on_message_begin(self) -> None:
        self._at_start = False
        self._fed = self._body = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._at_start = True
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._leaving is not None:
            self._leaving.cancel()
        super().connection_lost(exc)

    def _idle(self) -> bool:
        """Whether no request is under way."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _wait(self) -> None:
        if self._ending is None:
            self._ending = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _give_up(self) -> None:
        self._ending = None
        if self._idle():
            self.transport.close()


def without_upgrade(data: bytes) -> bytes:
    """A request without its wish for another protocol, which HTTP lets a server ignore.

    The parser would end the request there and lose its body. Java's own client wishes for h2c with each request.
    """
    head, blank, rest = data.partition(b"\r\n\r\n")
    return UPGRADE.sub(b"", head + blank) + rest
