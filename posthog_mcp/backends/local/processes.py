"""What both kinds of chDB child share: a minimal environment, a private scratch folder, limits, and error words.

Nothing of our own environment reaches a child, so no key can be read there. chDB's messages are cut to what a
person can use: no stack, no version, no path.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import tempfile
from pathlib import Path

from posthog_mcp.errors import HogQLResolutionError, InvalidInput, PostHogMcpError, QueryTimeout, Unavailable

SCRATCH_PREFIX = "posthog-mcp-engine-"
INSTALL_LOCAL = 'pip install "posthog-mcp[local]"'


def require_chdb() -> None:
    """Say what to install where the embedded engine is missing.

    Raises:
        Unavailable: on Windows, and where chDB is not installed.
    """
    if sys.platform == "win32":
        raise Unavailable(
            "The embedded project needs chDB, which has no Windows build.",
            fix="Run posthog-mcp under WSL, or set POSTHOG_API_KEY to use a PostHog host.",
        )
    if importlib.util.find_spec("chdb") is None:
        raise Unavailable("The embedded project needs chDB, which is not installed.", fix=f"Run: {INSTALL_LOCAL}")


def new_scratch() -> Path:
    """A private temporary folder for one child; the caller removes it with `drop_scratch`."""
    return Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))


def drop_scratch(scratch: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)


def child_environment(scratch: Path) -> dict[str, str]:
    return {
        "TMPDIR": str(scratch),
        "HOME": str(scratch),
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": ":".join(path for path in sys.path if path),
    }


def memory_limit() -> int:
    """Half the machine's memory, at most 8 GB: what one child may use."""
    try:
        import os

        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        total = 8 << 30
    return min(8 << 30, max(1 << 30, total // 2))


NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")
PATHS = re.compile(r"(?:/[\w.\-{}*,$ ]+){2,}/([\w.\-*]+)")

ADVICE: dict[str, tuple[type[PostHogMcpError], str]] = {
    "TIMEOUT_EXCEEDED": (QueryTimeout, "Shorten the time range, filter by event, or aggregate more coarsely."),
    "MEMORY_LIMIT_EXCEEDED": (Unavailable, "Shorten the time range, select fewer columns, or group by fewer values."),
    "TOO_MANY_ROWS_OR_BYTES": (InvalidInput, "Select fewer or smaller columns, or lower the LIMIT."),
    "UNKNOWN_FUNCTION": (HogQLResolutionError, "Use a function that validate_hogql accepts."),
    "NO_COMMON_TYPE": (HogQLResolutionError, "Convert one side, for example with toString(…) or toFloat(…)."),
    "TYPE_MISMATCH": (HogQLResolutionError, "Convert one side, for example with toString(…) or toFloat(…)."),
    "ILLEGAL_TYPE_OF_ARGUMENT": (HogQLResolutionError, "Convert the argument, for example with toString or toFloat."),
    "NOT_AN_AGGREGATE": (HogQLResolutionError, "Put the column into GROUP BY, or wrap it in any(…)."),
    "ILLEGAL_AGGREGATION": (HogQLResolutionError, "Aggregate in a subquery first, then use its column."),
    "CANNOT_PARSE_TEXT": (HogQLResolutionError, "A value does not have the type it is compared with; convert it."),
    "CANNOT_PARSE_UUID": (HogQLResolutionError, "Compare UUIDs with whole UUID texts."),
    "NOT_ENOUGH_SPACE": (Unavailable, "The disk is full: free some space and try again."),
    "CANNOT_WRITE_TO_FILE_DESCRIPTOR": (Unavailable, "The disk is full or read-only: free some space and try again."),
}
DAMAGED = ("Parquet", "CANNOT_READ_ALL_DATA", "INCORRECT_DATA")


def engine_error(text: str) -> PostHogMcpError:
    """chDB's exception text in our family's words, with ClickHouse's error name in `context`."""
    names = NAME.findall(text)
    name = names[-1] if names else "UNKNOWN"
    message = re.sub(r"^(?:Code: \d+\. )?(?:DB::Exception: )+", "", text.split("Stack trace")[0]).strip()
    message = re.sub(r"\(version [^)]*\)|Code: \d+\. |DB::(?:Errno)?Exception: |\([A-Z_]{4,}\)", "", message)
    message = PATHS.sub(r"\1", message).replace("ph.", "").strip(" .:\n")[:600] + "."
    kind, fix = ADVICE.get(name, (None, ""))
    if kind is None and any(sign in text for sign in DAMAGED):
        kind, fix = Unavailable, "A data file is damaged: run `posthog-mcp local reset` or import it again."
    if kind is None:
        kind, fix = InvalidInput, "Change the query at the place that the message names; validate_hogql helps."
    if name == "TIMEOUT_EXCEEDED":
        message = "The query ran longer than its time limit and was stopped."
    return kind(message, fix=fix, context={"clickhouse_error": name})
