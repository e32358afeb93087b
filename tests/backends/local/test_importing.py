"""Batch exports in, known answers out: models, formats, overlaps, bad rows, bad files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from written_exports import ANN, BOB, OLD, event, read, uuid, write_lines, write_parquet

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.ingest import capture
from posthog_mcp.backends.local.loader import load
from posthog_mcp.backends.local.manifest import ProjectSettings, Source
from posthog_mcp.backends.local.rewriting import raw_rows, rewrite
from posthog_mcp.backends.local.schema import TABLES
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.errors import InvalidInput, Unavailable
from posthog_mcp.results import Json
from tests.processes import workers


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "local")


async def test_jsonl_lands_with_types_nested_properties_and_times(store: Store, tmp_path: Path) -> None:
    rows = [
        event(1, properties={"$browser": "Safari", "amount": 12.5, "vip": True, "tags": ["a", "b"], "note": None}),
        event(2, "purchase", properties={"amount": 3, "vip": False}, timestamp="2026-10-01T14:02:00.5+02:00"),
    ]
    report = await import_exports(store, [write_lines(tmp_path / "e.jsonl.gz", rows)])
    assert (report.read, report.rows["events"], report.rejected, report.failed) == ({"events": 2}, 2, [], [])
    found = read(store, "SELECT event, timestamp::TIMESTAMP::VARCHAR, mat_amount, mat_vip FROM {events} ORDER BY uuid")
    assert found == [
        ("$pageview", "2026-10-01 12:01:00.25", 12.5, True),
        ("purchase", "2026-10-01 12:02:00.5", 3.0, False),
    ]
    properties = json.loads(str(read(store, "SELECT properties FROM {events} ORDER BY uuid")[0][0]))
    assert properties["tags"] == ["a", "b"]
    assert properties["note"] is None


async def test_every_compression_of_lines_is_read(store: Store, tmp_path: Path) -> None:
    kinds = {"br": "br", "zst": "zstd", "gz": "gzip", "lz4": "lz4"}
    plain = [write_lines(tmp_path / "plain" / f"{n}.jsonl", [event(n)]) for n in range(1, 5)]
    (tmp_path / "packed").mkdir()
    packing = [
        f"""INSERT INTO FUNCTION file('{tmp_path}/packed/{n}.jsonl.{suffix}', RawBLOB, 'line String', '{kind}')
        SELECT line FROM file('{path}', LineAsString, 'line String', 'none')"""
        for n, (path, (suffix, kind)) in enumerate(zip(plain, kinds.items(), strict=True))
    ]
    await load(packing, reads=[tmp_path], writes=[tmp_path])
    report = await import_exports(store, [tmp_path / "packed" / "*.jsonl.*"])
    assert (report.rows["events"], report.failed) == (4, [])


async def test_types_and_volumes_of_definitions(store: Store, tmp_path: Path) -> None:
    rows = [
        event(n, properties={"price": n, "code": f"0{n}", "ok": n > 2, "at": "2026-01-02T03:04:05Z", "utm_source": "5"})
        for n in range(1, 5)
    ]
    await import_exports(store, [write_lines(tmp_path / "e.jsonl", rows)])
    snapshot = store.current()
    assert snapshot
    definitions = snapshot.manifest.definitions
    types = {name: each.type for name, each in definitions.event_properties.items()}
    assert types == {
        "price": "Numeric", "code": "String", "ok": "Boolean", "at": "DateTime", "utm_source": "String",
    }  # fmt: skip
    assert definitions.events["$pageview"].total == definitions.events["$pageview"].volume_30d == 4
    assert definitions.event_properties["price"].events == ["$pageview"]
    assert definitions.person_properties["email"].type == "String"


async def test_names_that_lie_and_manifests_and_strange_columns(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "exports" / "2026" / "10"
    write_parquet(
        folder / "a-b{1},[x] *.parquet.zst", [event(1, extra="kept out", _inserted_at="2026-10-02T00:00:00Z")]
    )
    write_parquet(folder / "b.parquet", [event(2)])
    (folder / "2026-10_manifest.json").write_text('{"files": []}')
    (folder / "readme.txt").write_text("no export")
    report = await import_exports(store, [tmp_path / "exports"])
    assert (report.files, report.rows["events"], report.failed) == (2, 2, [])


async def test_parquet_of_other_types_reads_the_same(store: Store, tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT '{uuid(1)}'::UUID AS uuid, 'a' AS event, 'ann' AS distinct_id, NULL::UUID AS person_id,
            '{{"a.b": 1.50}}'::JSON AS properties, {{'plan': 'pro'}} AS person_properties, '' AS elements_chain,
            TIMESTAMP '2026-10-01 12:00:00' AS timestamp, '2026-10-01T14:00:05+02:00' AS created_at)
            TO '{tmp_path}/e.parquet' (FORMAT PARQUET)"""
        )
    await import_exports(store, [tmp_path / "e.parquet"])
    found = read(
        store, "SELECT uuid::VARCHAR, properties, person_properties, created_at::TIMESTAMP::VARCHAR FROM {events}"
    )
    assert found == [(uuid(1), '{"a.b": 1.50}', '{"plan":"pro"}', "2026-10-01 12:00:05")]


async def test_overlapping_backfills_keep_the_newest_row_of_a_uuid(store: Store, tmp_path: Path) -> None:
    first = [event(n) for n in range(1, 6)]
    second = [event(n, created_at="2026-10-03T00:00:00Z", properties={"$browser": "Firefox"}) for n in range(4, 9)]
    a, b = write_parquet(tmp_path / "a.parquet", first), write_lines(tmp_path / "b.jsonl", second)
    report = await import_exports(store, [a, b])
    assert (report.rows["events"], report.duplicates) == (8, 2)
    browsers = read(store, 'SELECT "mat_$browser", count(*) FROM {events} GROUP BY 1 ORDER BY 1')
    assert browsers == [("Firefox", 5), ("Safari", 3)]


async def test_a_uuid_at_two_times_is_one_event(store: Store, tmp_path: Path) -> None:
    late = event(1, timestamp="2026-03-01T00:00:00Z", created_at="2026-10-09T00:00:00Z")
    await import_exports(store, [write_lines(tmp_path / "e.jsonl", [event(1), event(2), late])])
    times = read(store, "SELECT timestamp::TIMESTAMP::VARCHAR FROM {events} ORDER BY 1")
    assert times == [("2026-03-01 00:00:00",), ("2026-10-01 12:02:00.25",)]


async def test_importing_again_changes_nothing_and_more_is_merged(store: Store, tmp_path: Path) -> None:
    a = write_lines(tmp_path / "a.jsonl", [event(1), event(2, distinct_id="bob", person_id=BOB)])
    once = await import_exports(store, [a])
    again = await import_exports(store, [a])
    assert again.rows == once.rows
    assert again.duplicates == 2
    more = await import_exports(store, [write_lines(tmp_path / "b.jsonl", [event(3)])])
    assert (more.rows["events"], more.duplicates, more.rows["persons"]) == (3, 0, 2)


BAD_LINES: list[tuple[dict[str, Json] | bytes, str]] = [
    (event(11, uuid="nonsense"), "uuid is not a UUID: nonsense"),
    (event(12, timestamp="yesterday"), "timestamp is not a time: yesterday"),
    (event(13, timestamp=None), "timestamp is not a time: "),
    (event(14, timestamp="2222-01-01T00:00:00Z"), "timestamp is not between 1970 and 2100: 2222-01-01T00:00:00Z"),
    (event(15, event=""), "event is missing"),
    (event(16, distinct_id=None), "distinct_id is missing"),
    (event(17, person_id="x"), "person_id is not a UUID: x"),
    (event(18, properties="[1]"), "properties is not a valid JSON object"),
    (json.dumps(event(19)).encode()[:-9], "the line is not valid JSON"),
    (b'{"uuid": "\xff"}', "the line is not UTF-8"),
    (json.dumps(event(20, properties={"x": float("nan")})).encode(), "the line is not valid JSON"),
    (b"[1, 2]", "the line is not a JSON object"),
]


async def test_bad_lines_are_named_by_file_and_line_and_the_rest_lands(store: Store, tmp_path: Path) -> None:
    rows = [event(1), b"", *(row for row, _ in BAD_LINES), event(2)]
    path = write_lines(tmp_path / "bad.jsonl", rows)
    report = await import_exports(store, [path, write_lines(tmp_path / "good.jsonl", [event(3)])])
    assert report.rows["events"] == 3
    assert [(each.file, each.row, each.reason) for each in report.rejected] == [
        (str(path), line, reason) for line, (_, reason) in enumerate(BAD_LINES, 3)
    ]
    assert (report.rejected_count, report.read["events"], report.duplicates) == (12, 15, 0)


async def test_bad_parquet_rows_are_named_by_file_and_row(store: Store, tmp_path: Path) -> None:
    rows = [event(1), event(2, properties='{"x": NaN}'), event(3, uuid="?"), event(4, timestamp=None), event(5)]
    path = write_parquet(tmp_path / "e.parquet", rows)
    report = await import_exports(store, [path])
    assert report.rows["events"] == 2
    assert [(each.row, each.reason) for each in report.rejected] == [
        (2, "properties is not a valid JSON object"), (3, "uuid is not a UUID: ?"), (4, "timestamp is not a time: "),
    ]  # fmt: skip


async def test_broken_files_are_reported_and_the_others_land(store: Store, tmp_path: Path) -> None:
    whole = write_parquet(tmp_path / "whole.parquet", [event(n) for n in range(1, 50)])
    data = whole.read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[: len(data) // 2])
    (tmp_path / "rotten.parquet").write_bytes(data[:60] + bytes(400) + data[460:])
    (tmp_path / "empty.parquet").write_bytes(b"")
    packed = write_lines(tmp_path / "cut.jsonl.gz", [event(n, note="x" * 50) for n in range(50, 90)])
    packed.write_bytes(packed.read_bytes()[:-40])
    write_lines(tmp_path / "other.jsonl", [{"hello": "world"}])
    report = await import_exports(store, [tmp_path])
    assert report.rows["events"] == 49
    failed = {Path(each.file).name: each.reason for each in report.failed}
    assert set(failed) == {"cut.parquet", "rotten.parquet", "empty.parquet", "cut.jsonl.gz", "other.jsonl"}
    assert failed["cut.parquet"] == "the Parquet file is cut off (its footer is missing)"


async def test_nothing_to_load_says_why_and_keeps_what_was_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="There is no file"):
        await import_exports(store, [tmp_path / "absent.parquet"])
    with pytest.raises(InvalidInput, match="no batch-export files"):
        await import_exports(store, [tmp_path])
    with pytest.raises(InvalidInput, match="uuid is not a UUID: nonsense"):
        await import_exports(store, [write_lines(tmp_path / "e.jsonl", [event(1, uuid="nonsense")])])
    assert store.current() is None


def person(distinct_id: str, person_id: str, version: int = 0, **changes: Json) -> dict[str, Json]:
    return {
        "team_id": 1,
        "distinct_id": distinct_id,
        "person_id": person_id,
        "properties": {"email": f"{distinct_id}@example.com", "plan": "free"},
        "person_distinct_id_version": version,
        "person_version": version,
        "created_at": "2026-09-01T00:00:00Z",
        "is_deleted": False,
    } | changes


async def test_newest_person_versions_win_and_events_follow_merges(store: Store, tmp_path: Path) -> None:
    persons = [
        person("ann", ANN, 1, properties={"plan": "free"}),
        person("ann", ANN, 3, properties={"plan": "pro", "seats": 4}),
        person("anon", OLD, 0),
        person("anon", ANN, 2, person_version=2),
        person("gone", BOB, 1),
        person("gone", BOB, 2, is_deleted=True),
    ]
    events = [event(1), event(2, distinct_id="anon", person_id=OLD), event(3, distinct_id="gone", person_id=BOB)]
    files = [
        write_parquet(tmp_path / "p.parquet", persons, ("created_at",)),
        write_lines(tmp_path / "e.jsonl", events),
    ]
    report = await import_exports(store, files)
    assert report.read == {"persons": 6, "events": 3}
    found = read(store, "SELECT id::VARCHAR, mat_plan, mat_seats, is_identified FROM {persons}")
    assert found == [(ANN, "pro", 4.0, True)]
    assert read(store, "SELECT count(DISTINCT person_id) FROM {events} WHERE distinct_id IN ('ann', 'anon')") == [(1,)]
    assert read(store, "SELECT distinct_id FROM {person_distinct_ids} ORDER BY 1") == [("ann",), ("anon",)]


async def test_events_alone_give_persons_by_their_last_event(store: Store, tmp_path: Path) -> None:
    events = [
        event(1, person_properties={"plan": "free"}),
        event(2, "$identify", person_properties={"plan": "pro"}),
        event(3, distinct_id="nobody", person_id=BOB, properties={"$process_person_profile": False}),
    ]
    await import_exports(store, [write_lines(tmp_path / "e.jsonl", events)])
    found = read(
        store, "SELECT id::VARCHAR, properties, is_identified, last_seen_at::TIMESTAMP::VARCHAR FROM {persons}"
    )
    assert found == [(ANN, '{"plan":"pro"}', True, "2026-10-01 12:02:00.25")]
    assert read(store, "SELECT person_mode FROM {events} WHERE distinct_id = 'nobody'") == [("propertyless",)]


async def test_sessions_come_from_events(store: Store, tmp_path: Path) -> None:
    page = {"$session_id": "s1", "$host": "example.com", "$referring_domain": "www.google.com"}
    events = [
        event(1, "opened", properties={"$session_id": "s1", "$current_url": "https://example.com/other"}),
        event(
            2, properties=page | {"$current_url": "https://example.com/a", "$pathname": "/a", "utm_source": "google"}
        ),
        event(4, properties=page | {"$current_url": "https://example.com/b", "$pathname": "/b"}),
        event(5, properties={"$session_id": "s2", "$current_url": "https://example.com/", "gclid": "x"}),
        event(6, "server", properties={"$session_id": "s3"}),
        event(7, "server", properties={}),
    ]
    await import_exports(store, [write_lines(tmp_path / "e.jsonl", events)])
    found = read(
        store,
        """SELECT session_id, "$entry_current_url", "$end_pathname", "$pageview_count", "$session_duration",
        "$is_bounce", "$channel_type", len("$urls") FROM {sessions} ORDER BY 1""",
    )
    assert found == [
        ("s1", "https://example.com/a", "/b", 2, 180, False, "Organic Search", 3),
        ("s2", "https://example.com/", None, 1, 0, True, "Paid Search", 1),
        ("s3", None, None, 0, 0, None, "Direct", 0),
    ]


async def test_an_exported_session_is_taken_as_it_is(store: Store, tmp_path: Path) -> None:
    session: dict[str, Json] = {
        "session_id": "s1", "distinct_id": "ann", "team_id": 1, "start_timestamp": "2026-10-01T12:00:00Z",
        "end_timestamp": "2026-10-01T13:00:00Z", "urls": ["https://example.com/a"], "num_uniq_urls": 1,
        "entry_current_url": "https://example.com/a", "pageview_count": 9, "session_duration": 3600,
        "channel_type": "Email", "is_bounce": False, "_inserted_at": "2026-10-02T00:00:00Z",
    }  # fmt: skip
    files = [
        write_lines(tmp_path / "s.jsonl", [session]),
        write_lines(tmp_path / "e.jsonl", [event(1), event(2, properties={"$session_id": "s2"})]),
    ]
    await import_exports(store, files)
    found = read(
        store,
        'SELECT session_id, person_id::VARCHAR, "$pageview_count", "$channel_type", duration FROM '
        '(SELECT *, "$session_duration" AS duration FROM {sessions}) ORDER BY 1',
    )
    assert found == [("s1", ANN, 9, "Email", 3600), ("s2", ANN, 1, "Direct", 0)]


async def test_groups_get_their_index_from_the_events(store: Store, tmp_path: Path) -> None:
    def identify(number: int, kind: str, values: dict[str, Json]) -> dict[str, Json]:
        return event(
            number, "$groupidentify", properties={"$group_type": kind, "$group_key": "acme", "$group_set": values}
        )

    events = [
        identify(1, "project", {"name": "Web"}),
        identify(2, "company", {"name": "Acme", "seats": 3}),
        identify(3, "company", {"seats": 5, "city": 'Pa"ris'}),
        event(4, properties={"$groups": {"company": "acme"}, "$group_0": "acme"}),
        event(5, properties={"$groups": {"project": "p1"}}),
    ]
    await import_exports(store, [write_lines(tmp_path / "e.jsonl", events)])
    snapshot = store.current()
    assert snapshot
    assert snapshot.manifest.group_types == ["company", "project"]
    assert snapshot.manifest.definitions.group_properties["0"]["seats"].type == "Numeric"
    found = read(store, 'SELECT "index", key, properties FROM {groups} ORDER BY 1')
    assert [(index, key, json.loads(str(text))) for index, key, text in found] == [
        (0, "acme", {"name": "Acme", "seats": 5, "city": 'Pa"ris'}), (1, "acme", {"name": "Web"}),
    ]  # fmt: skip
    keys = read(store, 'SELECT "$group_0", "$group_1" FROM {events} WHERE event = \'$pageview\' ORDER BY uuid')
    assert keys == [("acme", ""), ("", "p1")]


async def test_an_import_replaces_the_demo_and_keeps_what_was_captured_into_it(store: Store, tmp_path: Path) -> None:
    async with store.begin() as writing:
        raw = raw_rows(writing, [], [])
        manifest = await rewrite(writing, raw, project=ProjectSettings(name="Demo"), source=Source(kind="demo"))
        await writing.commit(manifest)
    mine: dict[str, Json] = {"event": "mine", "distinct_id": "me", "timestamp": "2026-10-01T12:00:00Z"}
    await capture(store, [mine])
    report = await import_exports(store, [write_lines(tmp_path / "e.jsonl", [event(1)])])
    snapshot = store.current()
    assert snapshot
    assert (report.rows["events"], snapshot.manifest.source.kind) == (2, "import")
    assert snapshot.manifest.project.name == "Local project"


async def test_a_loader_that_dies_changes_nothing(store: Store, tmp_path: Path) -> None:
    first = await import_exports(store, [write_lines(tmp_path / "a.jsonl", [event(1)])])
    before = store.current()

    def kill_loader(_: float, __: str) -> None:
        for loader in workers("load"):
            loader.kill()

    with pytest.raises(Unavailable, match="ended before its work was done"):
        await import_exports(store, [write_lines(tmp_path / "b.jsonl", [event(2)])], progress=kill_loader)
    assert store.current() == before
    assert first.rows["events"] == 1
    assert [path.name for path in store.snapshots.iterdir()] == ["s000001"]


async def test_an_export_without_events_is_complete_too(store: Store, tmp_path: Path) -> None:
    report = await import_exports(store, [write_lines(tmp_path / "p.jsonl", [person("ann", ANN)])])
    assert (report.rows["events"], report.rows["persons"], report.rows["sessions"]) == (0, 1, 0)
    snapshot = store.current()
    assert snapshot
    assert all(snapshot.files(table) for table in TABLES)
