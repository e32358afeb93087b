"""`local …`: the embedded project's data: import it, invent it, drop it, or serve it as a PostHog REST API."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from posthog_mcp.commands.clickhouse import copy
from posthog_mcp.commands.listening import announce, bind, serve_app
from posthog_mcp.commands.logs import log_to_stderr
from posthog_mcp.commands.progress import progress_bar
from posthog_mcp.errors import InvalidInput
from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    from posthog_mcp.backends.local.importing import ImportReport
    from posthog_mcp.backends.local.storage import Store

SHOWN_PROBLEMS = 20


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Dispatch on the second word."""
    actions = {"serve": serve, "load": load, "demo_data": demo_data, "reset": reset}
    return anyio.run(actions[arguments.action], settings, arguments)


async def serve(settings: Settings, arguments: argparse.Namespace) -> int:
    """The REST API, until stopped."""
    from posthog_mcp.backends.local.driver import LocalDriver
    from posthog_mcp.backends.local.ingest import capture
    from posthog_mcp.rest.app import rest_app

    log_to_stderr(settings)
    listener = bind(arguments.host, arguments.port)
    driver = LocalDriver(settings.data_dir, clickhouse=settings.clickhouse_url)
    try:
        with progress_bar("looking for data") as watch:
            driver.progress = watch
            await driver.ready()
            driver.progress = None
        announce("PostHog's REST API (key phx_local)", arguments.host, listener.getsockname()[1], "/api/")
        stored = None if driver.server else partial(capture, driver.store)
        await serve_app(rest_app(driver, stored, driver.downloads.file), listener)
    finally:
        with anyio.CancelScope(shield=True):
            await driver.aclose()
    return 0


async def load(settings: Settings, arguments: argparse.Namespace) -> int:
    """Import batch exports; 1 when something was left out."""
    from posthog_mcp.backends.local.importing import import_exports
    from posthog_mcp.backends.local.storage import Store

    with progress_bar("importing") as watch:
        report = await import_exports(Store(settings.data_dir / "local"), arguments.paths, progress=watch)
    return tell(report) or await copy(settings)


def tell(report: ImportReport) -> int:
    """Counts on stdout, what was left out on stderr."""
    read = ", ".join(f"{count:,} {model}" for model, count in report.read.items() if count)
    holds = ", ".join(f"{count:,} {table}" for table, count in report.rows.items() if count)
    sys.stdout.write(f"Read {read} from {report.files} files; {report.duplicates:,} events were there already.\n")
    sys.stdout.write(f"The embedded project holds {holds}.\n")
    for failed in report.failed:
        sys.stderr.write(f"{failed.file}: left out: {failed.reason}\n")
    for rejected in report.rejected[:SHOWN_PROBLEMS]:
        sys.stderr.write(f"{rejected.file}, row {rejected.row}: left out: {rejected.reason}\n")
    if report.rejected_count > SHOWN_PROBLEMS:
        sys.stderr.write(f"… and {report.rejected_count - SHOWN_PROBLEMS:,} more rows\n")
    return 1 if report.failed or report.rejected_count else 0


async def demo_data(settings: Settings, arguments: argparse.Namespace) -> int:
    """Generate the demo project, or write it as batch-export Parquet."""
    from posthog_mcp.backends.local.demo.generate import DEFAULT_DAYS, DEFAULT_EVENTS, generate_demo, write_demo_export
    from posthog_mcp.backends.local.objects import Objects
    from posthog_mcp.backends.local.storage import Store

    events, days, end = arguments.events or DEFAULT_EVENTS, arguments.days or DEFAULT_DAYS, last_moment(arguments.end)
    with progress_bar("generating") as watch:
        if arguments.out is not None:
            out = writable(arguments.out)
            await write_demo_export(out, seed=arguments.seed, events=events, days=days, end=end, progress=watch)
            sys.stdout.write(f"Wrote the demo as batch exports to {out}.\n")
            return 0
        store = Store(settings.data_dir / "local")
        await anyio.to_thread.run_sync(refuse_to_replace_imports, store)
        objects = Objects(store.root)
        try:
            made = await generate_demo(
                store, objects, seed=arguments.seed, events=events, days=days, end=end, progress=watch
            )
        finally:
            await anyio.to_thread.run_sync(objects.close)
    rows = made.manifest.tables["events"].rows
    sys.stdout.write(f"The embedded project holds the demo: {rows:,} events over {days} days.\n")
    return await copy(settings)


def refuse_to_replace_imports(store: Store) -> None:
    """Demo data replaces demo data only.

    Raises:
        InvalidInput: the project holds imported or captured data.
    """
    snapshot = store.current()
    if snapshot is not None and snapshot.manifest.source.kind != "demo":
        raise InvalidInput(
            "The embedded project holds data of yours; the demo would replace it.",
            fix="Run `posthog-mcp local reset` first, or give another --data-dir.",
        )


def last_moment(end: date | None) -> datetime | None:
    """The end of that day in UTC, or now where that is earlier."""
    if end is None:
        return None
    midnight = datetime.combine(end + timedelta(days=1), time(), UTC)
    return min(midnight, datetime.now(UTC))


def writable(folder: Path) -> Path:
    """The folder, made and absolute.

    Raises:
        InvalidInput: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"--out {folder} cannot be made: {error.strerror}.") from None
    return folder.absolute()


async def reset(settings: Settings, arguments: argparse.Namespace) -> int:
    """Drop events, persons and objects, after asking."""
    from posthog_mcp.backends.local.objects import Objects
    from posthog_mcp.backends.local.storage import Store

    store = Store(settings.data_dir / "local")
    if not arguments.yes and not confirmed(f"Drop the embedded project in {store.root}?"):
        sys.stderr.write("Nothing was dropped.\n")
        return 1
    if store.root.exists():
        await store.reset()
        objects = Objects(store.root)
        await anyio.to_thread.run_sync(objects.seed, ())
        await anyio.to_thread.run_sync(objects.close)
    sys.stdout.write("The embedded project is empty.\n")
    return 0


def confirmed(question: str) -> bool:
    """Whether a person typed yes. Without a terminal nobody can: use --yes."""
    if not sys.stdin.isatty():
        sys.stderr.write(f"{question} There is nobody to ask: use --yes.\n")
        return False
    sys.stderr.write(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
