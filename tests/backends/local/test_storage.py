"""The data folder under bad luck: two writers, kills, full disks, read-only folders, other versions, damage."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from posthog_mcp.backends.local.manifest import Manifest, PropertyDefinition, Source, TableManifest
from posthog_mcp.backends.local.schema import TABLES
from posthog_mcp.backends.local.storage import Snapshot, Store, catalogue_for, profile_for
from posthog_mcp.errors import InvalidInput, Unavailable


def some_manifest(rows: int = 0) -> Manifest:
    tables = {name: TableManifest(rows=rows, columns=list(columns)) for name, columns in TABLES.items()}
    return Manifest(source=Source(kind="import"), tables=tables)


async def write_snapshot(store: Store, text: str = "data", rows: int = 0) -> Snapshot:
    async with store.begin() as writing:
        for name in TABLES:
            (writing.folder(name) / "a.parquet").write_text(text)
        return await writing.commit(some_manifest(rows))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "local")


def snapshots(store: Store) -> list[str]:
    return sorted(path.name for path in store.snapshots.iterdir())


async def test_an_empty_folder_has_no_snapshot(store: Store) -> None:
    assert store.current() is None
    assert not store.root.exists()


async def test_a_committed_snapshot_is_seen_by_every_reader(store: Store) -> None:
    reader = Store(store.root)
    first = await write_snapshot(store, rows=1)
    assert reader.current() == first
    second = await write_snapshot(store, rows=2)
    assert reader.current() == second
    assert (first.name, second.name, snapshots(store)) == ("s000001", "s000002", ["s000001", "s000002"])


async def test_kept_tables_share_their_files(store: Store) -> None:
    first = await write_snapshot(store)
    async with store.begin() as writing:
        for name in TABLES:
            writing.keep(name, except_files=["a.parquet"] if name == "events" else ())
        (writing.folder("events") / "b.parquet").write_text("new")
        second = await writing.commit(some_manifest())
    assert second.files("persons")[0].samefile(first.files("persons")[0])
    assert [path.name for path in second.files("events")] == ["b.parquet"]


async def test_a_failed_write_leaves_nothing_behind(store: Store) -> None:
    first = await write_snapshot(store)

    async def fail() -> None:
        async with store.begin() as writing:
            (writing.folder("events") / "a.parquet").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert store.current() == first
    assert snapshots(store) == [first.name]


WRITER = """
import sys, time, anyio
from pathlib import Path
from posthog_mcp.backends.local.storage import Store
async def main():
    async with Store(Path(sys.argv[1])).begin() as writing:
        (writing.folder("events") / "half.parquet").write_text("half")
        print("writing", flush=True)
        time.sleep(60)
anyio.run(main)
"""


def start_writer(store: Store) -> subprocess.Popen[str]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(store.root)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    assert writer.stdout.readline() == "writing\n"
    return writer


async def test_a_second_writer_is_told_who_holds_the_lock(store: Store) -> None:
    writer = start_writer(store)
    try:
        with pytest.raises(Unavailable, match=f"id {writer.pid}"):
            async with store.begin(wait_seconds=0.2):
                pass
    finally:
        writer.kill()
        writer.wait()


async def test_a_killed_writer_leaves_the_old_snapshot_and_its_rubbish_is_swept(store: Store) -> None:
    first = await write_snapshot(store)
    writer = start_writer(store)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert Store(store.root).current() == first
    assert len(snapshots(store)) == 2
    second = await write_snapshot(store)
    assert snapshots(store) == [first.name, second.name]


async def test_superseded_snapshots_go_after_ten_minutes(store: Store) -> None:
    first, second = await write_snapshot(store), await write_snapshot(store)
    long_ago = time.time() - 601
    os.utime(first.path, (long_ago, long_ago))
    os.utime(second.path, (long_ago, long_ago))
    third = await write_snapshot(store)
    assert snapshots(store) == [second.name, third.name]


def damage_pointer(store: Store) -> None:
    (store.root / "current.json").write_text('{"format": 1, "snap')


def damage_manifest(store: Store) -> None:
    (store.snapshots / "s000001" / "manifest.json").write_text('{"format": 1, "tables": 7}')


def lose_snapshot(store: Store) -> None:
    (store.snapshots / "s000001").rename(store.snapshots / "elsewhere")


def binary_pointer(store: Store) -> None:
    (store.root / "current.json").write_bytes(b"\xff\xfe\x00")


def as_version(version: object) -> Callable[[Store], None]:
    def change(store: Store) -> None:
        (store.root / "current.json").write_text(json.dumps({"format": version, "snapshot": "s000001"}))

    return change


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (damage_pointer, "is damaged"),
        (damage_manifest, "is damaged"),
        (binary_pointer, "is damaged"),
        (lose_snapshot, "s000001 is gone"),
        (as_version(2), "newer posthog-mcp"),
        (as_version(0), "older posthog-mcp"),
        (as_version("one"), "is damaged"),
    ],
)
async def test_a_folder_that_cannot_be_understood_is_refused_and_kept(
    store: Store, harm: Callable[[Store], None], message: str
) -> None:
    first = await write_snapshot(store)
    harm(store)
    before = sorted(str(path) for path in store.root.rglob("*"))
    with pytest.raises(InvalidInput, match=message) as refused:
        Store(store.root).current()
    assert refused.value.fix
    with pytest.raises(InvalidInput, match=message):
        await write_snapshot(Store(store.root))
    after = sorted(str(path) for path in store.root.rglob("*"))
    assert after == before
    assert first.manifest.format == 1


@contextlib.contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Permissions do not stop root; a read-only mount does."""
    mounted = subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], capture_output=True, check=False)
    inside = [path for path in folder.rglob("*") if path.is_dir()]
    try:
        if mounted.returncode:
            if not os.geteuid():
                pytest.skip("root writes everywhere and this machine cannot mount")
            for path in inside:
                path.chmod(0o555)
        yield
    finally:
        for path in inside if mounted.returncode else []:
            path.chmod(0o755)
        if not mounted.returncode:
            subprocess.run(["umount", folder], check=False)


async def test_a_read_only_folder_is_read_and_refuses_writes(store: Store) -> None:
    first = await write_snapshot(store)
    with read_only(store.root.parent):
        assert Store(store.root).current() == first
        with pytest.raises(Unavailable, match="read-only"):
            await write_snapshot(store)


async def test_a_full_disk_is_said_and_changes_nothing(store: Store) -> None:
    first = await write_snapshot(store)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(Unavailable, match="is full"):
            await write_snapshot(store, text="x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert store.current() == first
    assert snapshots(store) == [first.name]


async def test_a_path_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable, match="cannot be used"):
        await write_snapshot(Store(tmp_path / "file" / "local"))


async def test_reset_removes_the_data_and_keeps_the_rest(store: Store) -> None:
    await write_snapshot(store)
    (store.root / "objects.sqlite").write_text("kept")
    await store.reset()
    assert store.current() is None
    assert (store.root / "objects.sqlite").exists()


async def test_profile_and_catalogue_follow_the_manifest() -> None:
    manifest = some_manifest()
    manifest.hot = {"events": {"properties": {"$os": ("mat_$os", "Nullable(String)")}, "person_properties": {}}}
    manifest.definitions.event_properties["price"] = PropertyDefinition(type="Numeric", count=3)
    manifest.group_types = ["company"]
    profile = profile_for(manifest)
    assert profile.tables["events"].hot["properties"]["$os"].name == "mat_$os"
    assert profile.tables["sessions"].columns["id"].name == "session_id"
    assert profile.tables["posthog.ai_events"].columns["total_tokens"].type == "Nullable(Int64)"
    assert profile.tables["system.insights"].name == "ph.system_insights"
    catalogue = catalogue_for(manifest, cohorts={1: "Payers"}, version_suffix="-2")
    assert catalogue.event_properties == {"price": "Numeric"}
    assert (catalogue.cohorts, catalogue.group_types) == ({1: "Payers"}, ("company",))
    assert catalogue.version == f"{manifest.id}-2"
