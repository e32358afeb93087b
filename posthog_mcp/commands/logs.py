"""Logs for the serving commands: one line a record on stderr, as text or JSON; stdout belongs to the protocol.

Keys and tokens are taken out of every line, and personal data where masking is on: an exception may quote a value.
"""

from __future__ import annotations

import json
import logging
import sys
import time

from posthog_mcp.observing import REQUEST
from posthog_mcp.safety.installation import open_masking
from posthog_mcp.safety.masking import Masking
from posthog_mcp.safety.recognisers import replaced
from posthog_mcp.settings import Settings

HIDDEN_KEY = "[secret]"


class Discreet(logging.Formatter):
    """Another formatter's lines without secrets, and masked where there is a masking."""

    def __init__(self, inner: logging.Formatter, masking: Masking | None) -> None:
        super().__init__()
        self._inner, self._masking = inner, masking

    def format(self, record: logging.LogRecord) -> str:
        line = replaced(self._inner.format(record), lambda label, value: HIDDEN_KEY if label == "token" else value)
        return line if self._masking is None else self._masking.text(line)


class JsonLines(logging.Formatter):
    """One JSON object a record, with UTC time."""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = {"time": when, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if request_id := REQUEST.get():
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr(settings: Settings) -> None:
    """Install the only handler. Call it before the server is built: the SDK installs its own where there is none."""
    handler = logging.StreamHandler(sys.stderr)
    as_text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    lines = JsonLines() if settings.log_format == "json" else as_text
    handler.setFormatter(Discreet(lines, open_masking(settings)))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
