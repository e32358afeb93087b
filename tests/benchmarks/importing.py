"""`local import` of a batch export: events per second, and the project's size on disk against the export's."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.storage import Store
from tests.benchmarks.answers import prepared
from tests.benchmarks.measure import ratio, table


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


async def report(data_dir: Path, events: int) -> str:
    _, export = await prepared(data_dir, events)
    target = Path(tempfile.mkdtemp())
    try:
        store = Store(target / "local")
        started = time.perf_counter()
        await import_exports(store, [export])
        seconds = time.perf_counter() - started
        snapshot = store.current()
        assert snapshot is not None
        rows = snapshot.manifest.tables["events"].rows
        ours, theirs = size(snapshot.path), size(export)
    finally:
        shutil.rmtree(target)
    row = [f"{rows:,}", f"{seconds:.1f}", f"{rows / seconds:,.0f}", f"{ours / 1e6:.0f}", f"{theirs / 1e6:.0f}"]
    header = ["events", "seconds", "events a second", "project MB", "export MB", "project to export"]
    return table("Import of a batch export", header, [[*row, ratio(ours, theirs)]])
