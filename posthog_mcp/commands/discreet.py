"""What commands print of a project, masked where masking is on: cron mails and CI logs are ways out as well.

Answers of `call` and `demo` come through the server, which masks them.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from typing import TextIO

from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.safety.installation import open_masking
from posthog_mcp.safety.masking import Masking
from posthog_mcp.settings import Settings

PRINTING = frozenset({"report", "alerts", "approve", "themes", "schedule", "audit", "stats", "doctor"})
"""Modules of commands that print names, texts or values of a project."""


@contextlib.contextmanager
def masked_output(settings: Settings) -> Generator[None]:
    """Both streams masked for everything that is printed inside."""
    masking = open_masking(settings)
    if masking is None:
        yield
        return
    with (
        contextlib.redirect_stdout(MaskedStream(sys.stdout, masking)),
        contextlib.redirect_stderr(MaskedStream(sys.stderr, masking)),
    ):
        yield


class MaskedStream:
    """A stream of whole texts: nothing is held back, so that a question without a line end is seen."""

    def __init__(self, inner: TextIO, masking: Masking) -> None:
        self._inner, self._masking = inner, masking
        self.encoding = inner.encoding

    def write(self, text: str) -> int:
        self._inner.write("\n".join(map(self._masking.text, text.split("\n"))))
        return len(text)

    def flush(self) -> None:
        self._inner.flush()

    def isatty(self) -> bool:
        return self._inner.isatty()

    def fileno(self) -> int:
        return self._inner.fileno()


def told(error: PostHogMcpError, settings: Settings | None) -> str:
    """An error's text for the terminal."""
    masking = None if settings is None else open_masking(settings)
    return error.as_text() if masking is None else masking.text(error.as_text())
