"""Captured events: what is stored, whose it becomes, and what refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from written_exports import read, uuid

from posthog_mcp.backends.local import parts
from posthog_mcp.backends.local.ingest import capture
from posthog_mcp.backends.local.manifest import Manifest
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)


def event(name: str, distinct_id: str, minute: int = 0, **properties: Json) -> dict[str, Json]:
    """A payload; keyword arguments are properties, `_` stands for `$`."""
    named = {f"${key[1:]}" if key.startswith("_") else key: value for key, value in properties.items()}
    at = f"2026-10-01T10:{minute:02d}:00Z"
    return {"event": name, "distinct_id": distinct_id, "timestamp": at, "properties": named}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "local")


def manifest(store: Store) -> Manifest:
    snapshot = store.current()
    assert snapshot
    return snapshot.manifest


async def test_events_land_with_person_session_group_and_definitions(store: Store) -> None:
    batch = [
        event("$pageview", "ann", 1, _current_url="https://example.com/a", _session_id="s1", _set={"plan": "free"}),
        event("paid", "ann", 3, amount=9.5, _session_id="s1", _groups={"company": "acme"}),
        event("$groupidentify", "ann", 4, _group_type="company", _group_key="acme", _group_set={"name": "Acme"}),
    ]
    assert await capture(store, batch, now=NOW) == 3
    assert read(store, 'SELECT event, "$session_id", "$group_0" FROM {events} ORDER BY timestamp') == [
        ("$pageview", "s1", ""), ("paid", "s1", "acme"), ("$groupidentify", None, ""),
    ]  # fmt: skip
    [(properties, identified)] = read(store, "SELECT properties, is_identified FROM {persons}")
    assert json.loads(str(properties))["plan"] == "free"
    assert json.loads(str(properties))["$initial_current_url"] == "https://example.com/a"
    assert identified is False
    sessions = read(store, 'SELECT session_id, "$session_duration", "$entry_current_url" FROM {sessions}')
    assert sessions == [("s1", 120, "https://example.com/a")]
    assert read(store, "SELECT key, properties FROM {groups}") == [("acme", '{"name": "Acme"}')]
    found = manifest(store)
    assert found.group_types == ["company"]
    assert found.definitions.event_properties["amount"].type == "Numeric"
    assert found.definitions.person_properties["plan"].type == "String"
    assert found.definitions.events["paid"].total == 1
    assert {name: each.rows for name, each in found.tables.items()}["events"] == 3


async def test_identify_joins_the_anonymous_past(store: Store) -> None:
    await capture(store, [event("$pageview", "anon", 1, _session_id="s1", _set_once={"source": "ad"})], now=NOW)
    await capture(store, [event("$pageview", "ann", 2, _set={"plan": "pro"})], now=NOW)
    identify = event("$identify", "ann", 3, _anon_distinct_id="anon", _set={"email": "ann@example.com"})
    await capture(store, [identify, event("paid", "anon", 4)], now=NOW)
    assert read(store, "SELECT count(*), count(DISTINCT person_id) FROM {events}") == [(4, 1)]
    [(properties, identified)] = read(store, "SELECT properties, is_identified FROM {persons}")
    assert json.loads(str(properties)) == {"source": "ad", "plan": "pro", "email": "ann@example.com"}
    assert identified is True
    owners = read(store, "SELECT d.distinct_id FROM {person_distinct_ids} d JOIN {persons} p ON p.id = d.person_id")
    assert sorted(owners) == [("ann",), ("anon",)]
    same = "SELECT count(*) FROM {sessions} s JOIN {persons} p ON p.id = s.person_id"
    assert read(store, same) == [(1,)]


async def test_only_merge_dangerously_merges_two_known_people(store: Store) -> None:
    await capture(store, [event("$identify", "ann", 1), event("$identify", "bob", 2)], now=NOW)
    await capture(store, [event("$identify", "ann", 3, _anon_distinct_id="bob")], now=NOW)
    assert read(store, "SELECT count(*) FROM {persons}") == [(2,)]
    await capture(store, [event("$merge_dangerously", "ann", 4, alias="bob")], now=NOW)
    assert read(store, "SELECT count(*) FROM {persons}") == [(1,)]
    assert read(store, "SELECT count(DISTINCT person_id) FROM {events}") == [(1,)]


async def test_alias_joins_and_ids_of_nobody_do_not(store: Store) -> None:
    await capture(store, [event("a", "old", 1), event("$create_alias", "new", 2, alias="old")], now=NOW)
    assert read(store, "SELECT count(*) FROM {persons}") == [(1,)]
    await capture(store, [event("$identify", "new", 3, _anon_distinct_id="undefined")], now=NOW)
    assert read(store, "SELECT distinct_id FROM {person_distinct_ids} ORDER BY 1") == [("new",), ("old",)]


async def test_propertyless_events_make_no_person_until_they_are_identified(store: Store) -> None:
    await capture(store, [event("$pageview", "anon", 1, _process_person_profile=False)], now=NOW)
    assert read(store, "SELECT count(*) FROM {persons}") == [(0,)]
    assert read(store, "SELECT person_mode FROM {events}") == [("propertyless",)]
    await capture(store, [event("$identify", "ann", 2, _anon_distinct_id="anon")], now=NOW)
    assert read(store, "SELECT count(DISTINCT person_id) FROM {events}") == [(1,)]


async def test_set_set_once_and_unset(store: Store) -> None:
    await capture(store, [event("a", "ann", 1, _set={"x": 1, "y": 1}, _set_once={"z": 1})], now=NOW)
    await capture(store, [event("b", "ann", 2, _set={"x": 2}, _set_once={"z": 2, "new": 3}, _unset=["y"])], now=NOW)
    [(now,)] = read(store, "SELECT properties FROM {persons}")
    assert json.loads(str(now)) == {"x": 2, "z": 1, "new": 3}
    at_the_time = read(store, "SELECT person_properties FROM {events} ORDER BY timestamp")
    assert [json.loads(str(text)).get("x") for (text,) in at_the_time] == [1, 2]


async def test_sending_again_changes_nothing(store: Store) -> None:
    batch = [event("a", "ann", 1, _set={"n": 1}) | {"uuid": uuid(1)}, event("b", "ann", 2) | {"uuid": uuid(2)}]
    assert await capture(store, [*batch, batch[0]], now=NOW) == 2
    before = manifest(store)
    assert await capture(store, batch, now=NOW) == 0
    assert manifest(store) == before
    assert await capture(store, [batch[0], event("c", "ann", 3)], now=NOW) == 1


async def test_clock_differences_defaults_and_the_future(store: Store) -> None:
    skewed = event("skewed", "ann") | {"timestamp": "2026-10-01T09:00:00+00:00", "sent_at": "2026-10-01T10:00:00Z"}
    bare = {"event": "bare", "properties": {"distinct_id": "ann"}}
    future = event("future", "ann") | {"timestamp": "2030-01-01T00:00:00Z"}
    await capture(store, [skewed, bare, future], now=NOW)
    times = read(store, "SELECT event, timestamp::TIMESTAMP::VARCHAR FROM {events} ORDER BY 1")
    assert times == [
        ("bare", "2026-10-01 12:00:00"), ("future", "2026-10-01 12:00:00"), ("skewed", "2026-10-01 11:00:00"),
    ]  # fmt: skip


BAD: list[tuple[dict[str, Json], str]] = [
    ({"distinct_id": "ann"}, "event"),
    ({"event": "a"}, "distinct_id"),
    ({"event": "a", "distinct_id": "x" * 401}, "distinct_id"),
    ({"event": "a", "distinct_id": "ann", "properties": [1]}, "properties"),
    ({"event": "a", "distinct_id": "ann", "properties": {"x": float("inf")}}, "properties"),
    ({"event": "a", "distinct_id": "ann", "timestamp": "soon"}, "timestamp"),
    ({"event": "a", "distinct_id": "ann", "uuid": "1"}, "uuid"),
]


@pytest.mark.parametrize(("bad", "attr"), BAD)
async def test_a_bad_event_is_named_and_nothing_is_stored(store: Store, bad: dict[str, Json], attr: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await capture(store, [event("a", "ann"), bad], now=NOW)
    assert refused.value.context == {"index": 1, "attr": attr}
    assert store.current() is None


async def test_odd_texts_survive(store: Store) -> None:
    odd = 'it\'s "q" \\ \n \u0000 é 漢 \ud800'
    await capture(store, [event(odd, "d'1\\", 1, **{odd: odd}, _session_id="s'1\\")], now=NOW)
    [(name, distinct_id, session, properties)] = read(
        store, 'SELECT event, distinct_id, "$session_id", properties FROM {events}'
    )
    assert (name, distinct_id, session) == (odd.replace("\ud800", "?"), "d'1\\", "s'1\\")
    assert json.loads(str(properties))[odd.replace("\ud800", "?")] == odd.replace("\ud800", "?")


async def test_many_batches_keep_few_files(store: Store) -> None:
    for number in range(4):
        batch = [event("a", f"user{n}", number, _session_id=f"s{n}") for n in range(50)]
        await capture(store, batch, now=NOW)
    snapshot = store.current()
    assert snapshot
    assert len(snapshot.files("events")) <= 2
    assert read(store, "SELECT count(*) FROM {events}") == [(200,)]
    assert read(store, 'SELECT count(*), max("$session_duration") FROM {sessions}') == [(50, 180)]
    assert read(store, "SELECT count(*), count(DISTINCT id) FROM {persons}") == [(50, 50)]


async def test_many_parts_are_joined(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "OPEN_ROWS", 1)
    monkeypatch.setattr(parts, "MOST_PARTS", 2)
    for number in range(4):
        await capture(store, [event("a", f"user{number}", number, _session_id=f"s{number}")], now=NOW)
    snapshot = store.current()
    assert snapshot
    assert [path.name for path in snapshot.files("events")] == ["c000004.parquet", "none.parquet"]
    assert read(store, "SELECT count(*), count(DISTINCT person_id) FROM {events}") == [(4, 4)]


async def test_two_batches_at_once_both_land(store: Store) -> None:
    async with anyio.create_task_group() as group:
        for number in range(2):
            group.start_soon(capture, Store(store.root), [event("a", f"user{number}", number)])
    assert read(store, "SELECT count(*) FROM {events}") == [(2,)]
