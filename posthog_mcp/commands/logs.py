"""Logs for the serving commands: one line a record on stderr, as text or JSON; stdout belongs to the protocol."""

from __future__ import annotations

import json
import logging
import sys
import time

from posthog_mcp.observing import REQUEST
from posthog_mcp.settings import Settings


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
    handler.setFormatter(JsonLines() if settings.log_format == "json" else as_text)
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
