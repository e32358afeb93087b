"""ClickHouse's JSON → cells: known answers for every type that needs care."""

from __future__ import annotations

import json

import pytest

from posthog_mcp.backends.local.cells import read_table
from posthog_mcp.results import Json


def read(kind: str, value: Json, zone: str = "UTC") -> tuple[Json, list[str]]:
    document = {"meta": [{"name": "x", "type": kind}], "data": [[value]]}
    table = read_table(json.dumps(document).encode(), zone)
    return table.rows[0][0], [note.code for note in table.notes]


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("UInt8", 7, 7),
        ("Nullable(Int64)", None, None),
        ("Int64", -9007199254740993, "-9007199254740993"),
        ("UInt64", 18446744073709551615, "18446744073709551615"),
        ("Float64", "nan", "NaN"),
        ("Float64", "-inf", "-Infinity"),
        ("Float64", 1.5, 1.5),
        ("Decimal(10, 2)", "1.50", "1.50"),
        ("LowCardinality(Nullable(String))", "a", "a"),
        ("DateTime('UTC')", "2026-01-02 03:04:05", "2026-01-02T03:04:05Z"),
        ("DateTime64(6, 'UTC')", "2026-01-02 03:04:05.000000", "2026-01-02T03:04:05Z"),
        ("DateTime64(3)", "2026-01-02 03:04:05.250", "2026-01-02T03:04:05.250000Z"),
        ("Date", "2026-01-02", "2026-01-02"),
        ("Array(Int64)", [1, 9007199254740993], [1, "9007199254740993"]),
        ("Tuple(a Int64, b DateTime('UTC'))", {"a": 1, "b": "2026-01-02 03:04:05"}, [1, "2026-01-02T03:04:05Z"]),
        ("Map(String, Array(Float64))", {"k": ["inf"]}, {"k": ["Infinity"]}),
        ("Array(Tuple(String, Nullable(DateTime('UTC'))))", [["a", None]], [["a", None]]),
        ("Bool", True, True),
    ],
)
def test_each_type_has_its_cell(kind: str, value: Json, cell: Json) -> None:
    assert read(kind, value)[0] == cell


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2026-03-29 00:30:00", "2026-03-29T01:30:00+01:00"),
        ("2026-03-29 01:30:00", "2026-03-29T03:30:00+02:00"),
        ("2026-10-25 00:30:00", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25 01:30:00", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_times_follow_daylight_saving(utc: str, local: str) -> None:
    assert read("DateTime('UTC')", utc, "Europe/Berlin")[0] == local


def test_changes_are_announced() -> None:
    assert read("UInt64", 2**60)[1] == ["big_integer"]
    assert read("Float64", "nan")[1] == ["non_finite_number"]
    assert read("String", "x" * 200_000)[1] == ["long_cell"]
    assert read("String", "plain")[1] == []


def test_bytes_that_are_not_utf8_are_replaced_and_announced() -> None:
    answer = b'{"meta": [{"name": "x", "type": "String"}], "data": [["a\xff"]]}'
    table = read_table(answer, "UTC")
    assert (table.rows, [note.code for note in table.notes]) == ([["a\ufffd"]], ["not_utf8"])
