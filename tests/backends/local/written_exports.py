"""Batch exports written by hand, and a way to look at what landed: for the import tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from posthog_mcp.backends.local.schema import TABLES
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.results import Json

ANN, BOB, OLD = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "123")


def uuid(number: int) -> str:
    return f"10000000-0000-4000-8000-{number:012d}"


def event(number: int, name: str = "$pageview", **changes: Json) -> dict[str, Json]:
    """A row of the events model; `at` is minutes after noon."""
    at = changes.pop("at", number)
    row: dict[str, Json] = {
        "uuid": uuid(number),
        "event": name,
        "distinct_id": "ann",
        "person_id": ANN,
        "properties": {"$browser": "Safari", "$session_id": "s1"},
        "person_properties": {"email": "ann@example.com"},
        "elements_chain": "",
        "timestamp": f"2026-10-01T12:{at:02d}:00.250000+00:00",
        "created_at": f"2026-10-01T12:{at:02d}:05+00:00",
    }
    return row | changes


def write_lines(path: Path, rows: Sequence[dict[str, Json] | bytes]) -> Path:
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    data = b"\n".join(lines) + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_parquet(
    path: Path, rows: Sequence[dict[str, Json]], times: Sequence[str] = ("timestamp", "created_at")
) -> Path:
    """Parquet as PostHog writes it: JSON as text, times as timestamps."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = [[json.dumps(v) if isinstance(v := row.get(name), dict | list) else v for name in names] for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    import duckdb

    with duckdb.connect() as connection:
        typed = [
            f'"{n}" {"TIMESTAMPTZ" if n in times else "BOOLEAN" if n == "is_deleted" else "VARCHAR"}' for n in names
        ]
        connection.execute(f"CREATE TABLE rows ({', '.join(typed)})")
        connection.executemany(f"INSERT INTO rows VALUES ({', '.join('?' for _ in names)})", texts)
        connection.execute(f"COPY rows TO '{path}' (FORMAT PARQUET, COMPRESSION ZSTD)")
    return path


def read(store: Store, select: str) -> list[tuple[object, ...]]:
    """DuckDB's view of the current snapshot's Parquet; `{events}` and so on name the tables."""
    snapshot = store.current()
    assert snapshot
    for table in TABLES:
        select = select.replace("{" + table + "}", f"read_parquet('{snapshot.path}/{table}/*.parquet')")
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(select).fetchall()
