"""HTTP connections that must say what they want: uvicorn sets no limits to a request's head."""

from __future__ import annotations

from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS = 30.0
"""From the connection, or from the first byte after an answer, to the end of the head. Bodies have their own limit."""
HEAD_BYTES = 1 << 16
"""Of request line, headers and trailers together."""
FRAMING = 8
"""Bytes of chunks' heads that a body may have beside them for each of its own: the smallest chunk takes five."""


class Impatient(HttpToolsProtocol):
    """Closes a connection whose head does not come or does not end: a slow or endless sender holds nothing for long."""

    _ending: Any = None
    _fed = 0
    """Bytes of the request at hand, of which `_body` are its body's."""
    _body = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        self._fed += len(data)
        super().data_received(data)
        if self._fed - self._body > HEAD_BYTES + FRAMING * self._body and not self.transport.is_closing():
            self.send_400_response("The request's head is too long.")
        if self._idle():
            self._wait()
        else:
            self._stop_waiting()

    def on_message_begin(self) -> None:
        self._fed = self._body = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
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
