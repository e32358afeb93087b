"""The built-in tables."""

from __future__ import annotations

from posthog_mcp.hogql.builtin import builtin_tables


def test_the_tables_of_every_project_are_there() -> None:
    tables = builtin_tables()
    root = {"events", "persons", "groups", "sessions", "person_distinct_ids", "cohort_people", "session_replay_events"}
    system = {"system.insights", "system.cohorts", "system.feature_flags", "system.information_schema.columns"}
    assert root | system | {"posthog.ai_events"} <= set(tables)
    assert len(tables) > 55


def test_events_have_their_time_joins_and_types() -> None:
    events = builtin_tables()["events"]
    assert events.time_field == "timestamp"
    assert events.joins["person"] == "persons"
    assert events.joins["session"] == "sessions"
    assert {name: events.fields[name].type for name in ("uuid", "event", "timestamp", "properties", "person_id")} == {
        "uuid": "uuid",
        "event": "string",
        "timestamp": "datetime",
        "properties": "json",
        "person_id": "uuid",
    }


def test_virtual_fields_are_not_part_of_star() -> None:
    events = builtin_tables()["events"]
    assert events.fields["$virt_is_bot"].hidden
    assert not events.fields["$session_id"].hidden


def test_arrays_know_their_elements() -> None:
    assert builtin_tables()["sessions"].fields["$urls"].element == "string"
    assert builtin_tables()["document_embeddings"].fields["embedding"].element == "float"


def test_every_join_and_time_field_exists() -> None:
    tables = builtin_tables()
    for table in tables.values():
        assert set(table.joins.values()) <= set(tables)
        assert table.time_field is None or table.time_field in table.fields
        assert table.kind == ("system" if table.name.startswith("system.") else "posthog")
