"""`doctor`: each part that a question needs, tried, one line each: ok, warning or failed with the mend.

Looks and asks only; it generates no data and changes nothing.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

from posthog_mcp.commands.finding import Line, State
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.settings import Settings, traces_endpoint, traces_wanted, unknown_variables

LOOKS: dict[State, str] = {"ok": "green", "warning": "yellow", "failed": "bold red"}
PYTHONS = ((3, 11), (3, 14))
ENOUGH_DISK, LITTLE_DISK = 2 << 30, 200 << 20


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the findings; 1 when one failed."""
    import anyio
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)

    async def examine() -> int:
        failed = 0
        async for line in findings(settings):
            failed += line.state == "failed"
            text = Text.assemble((f"{line.state:8}", LOOKS[line.state]), f"{line.what:13}{line.found}")
            console.print(text, soft_wrap=True)
            if line.mend:
                console.print(Text(f"{'':21}→ {line.mend}", style="dim"), soft_wrap=True)
        return failed

    return 1 if anyio.run(examine) else 0


async def findings(settings: Settings) -> AsyncGenerator[Line, None]:
    """Every check in the order in which a question needs its part."""
    for check in (settings_line, misspelt_line, python_line, time_zones_line):
        yield check(settings)
    yield await parser_line()
    yield engine_line(settings)
    for check in (folder_line, disk_line, traces_line):
        yield check(settings)
    if not settings.uses_posthog and settings.clickhouse_url is not None:
        from posthog_mcp.commands.doctor_clickhouse import clickhouse_findings

        async for line in clickhouse_findings(settings.clickhouse_url):
            yield line
        return
    if not settings.uses_posthog:
        yield embedded_line(settings)
        return
    from posthog_mcp.commands.doctor_posthog import posthog_findings

    async for line in posthog_findings(settings):
        yield line


def settings_line(settings: Settings) -> Line:
    if not settings.uses_posthog:
        return Line("ok", "settings", "the embedded project (no PostHog key in use)")
    project = f"project {settings.project_id}" if settings.project_id else "the key's own project"
    return Line("ok", "settings", f"{settings.host}, {project}")


def misspelt_line(settings: Settings) -> Line:
    unknown = unknown_variables()
    if unknown:
        return Line("warning", "environment", f"unknown: {', '.join(unknown)}", "Check the spelling; they do nothing.")
    return Line("ok", "environment", "no unknown POSTHOG_MCP_ variables")


def python_line(settings: Settings) -> Line:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Line("failed", "python", found, "Use Python 3.11 to 3.14.")
    return Line("ok", "python", found)


def time_zones_line(settings: Settings) -> Line:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        return Line("failed", "time zones", "no time zone database", "pip install tzdata")
    year = datetime.now(UTC).year
    if year < 2025:
        return Line("warning", "clock", f"the clock says {year}", "Set the system clock.")
    return Line("ok", "clock", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, time zone database found")


async def parser_line() -> Line:
    from posthog_mcp.hogql.parsing import Parser

    package = "hogql-parser-rs" if sys.version_info >= (3, 12) else "hogql-parser"
    parser = Parser()
    start = time.perf_counter()
    try:
        await parser.parse("SELECT count() FROM events")
        found = f"{package} {version(package)}, first parse {(time.perf_counter() - start) * 1000:.0f} ms"
        return Line("ok", "HogQL parser", found)
    except PostHogMcpError as error:
        return Line("failed", "HogQL parser", error.message, error.fix or f"pip install {package}")
    finally:
        await parser.aclose()


def engine_line(settings: Settings) -> Line:
    if importlib.util.find_spec("chdb") is not None:
        return Line("ok", "engine", f"chdb-core {version('chdb-core')}")
    if settings.uses_posthog or settings.clickhouse_url:
        return Line("ok", "engine", "chDB is not installed; it is needed for the data folder's own project only")
    return Line("failed", "engine", "chDB is not installed", 'pip install "posthog-mcp[local]" (not on Windows)')


def folder_line(settings: Settings) -> Line:
    """Tried with a nameless file: permission bits do not tell of read-only and pretended file systems."""
    existing = nearest_existing(settings.data_dir)
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Line("ok", "data folder", str(settings.data_dir))
    except OSError as error:
        reason = f"{existing} cannot be written ({error.strerror})"
        return Line("failed", "data folder", reason, "Set POSTHOG_MCP_DATA_DIR to a folder of your own.")


def disk_line(settings: Settings) -> Line:
    free = shutil.disk_usage(nearest_existing(settings.data_dir)).free
    state: State = "ok" if free > ENOUGH_DISK else "warning" if free > LITTLE_DISK else "failed"
    mend = "" if state == "ok" else "Free some space, or set POSTHOG_MCP_DATA_DIR to another disk."
    return Line(state, "disk", f"{free / (1 << 30):.1f} GB free", mend)


def traces_line(settings: Settings) -> Line:
    """Where spans go; an address may hold a password, which is not shown."""
    from urllib.parse import urlsplit

    del settings
    if not traces_wanted():
        return Line("ok", "traces", "off (no OTEL_EXPORTER_OTLP_ENDPOINT)")
    try:
        importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError:
        text = "OpenTelemetry's SDK is not installed; none are sent"
        return Line("warning", "traces", text, 'pip install "posthog-mcp[otel]"')
    return Line("ok", "traces", f"OTLP/HTTP to {urlsplit(traces_endpoint()).netloc.rpartition('@')[2]}")


def embedded_line(settings: Settings) -> Line:
    """What the data folder holds, without making anything."""
    from posthog_mcp.backends.local.storage import Store

    try:
        snapshot = Store(settings.data_dir / "local").current()
    except PostHogMcpError as error:
        return Line("failed", "project", error.message, error.fix)
    if snapshot is None:
        return Line("ok", "project", "empty; the first question generates the demo project (about 10 s)")
    manifest = snapshot.manifest
    rows = manifest.tables["events"].rows if "events" in manifest.tables else 0
    until = f", until {manifest.date_range.last[:10]}" if manifest.date_range else ""
    return Line("ok", "project", f"{manifest.project.name}: {rows:,} events ({manifest.source.kind}){until}")


def nearest_existing(path: Path) -> Path:
    return next(candidate for candidate in (path, *path.parents) if candidate.exists())


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(unknown version)"
