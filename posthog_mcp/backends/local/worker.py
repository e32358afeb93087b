"""chDB's own process. Two jobs: `engine` answers locked-down SELECTs over sockets, `load` runs trusted statements.

Engine: Landlock → import chdb → create the `ph` tables over Parquet with full rights → close → reopen with
SELECT-only grants and readonly=1 → one thread a lane. A lane is a socket: length-prefixed JSON in, a status byte and
chDB's JSONCompact out. The control lane kills queries by the marker in their leading comment; its end of file
ends the process. Load: a JSON job and lines of statements on stdin, a JSON line an answer on stdout.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from posthog_mcp.backends.local.landlock import confine

LOCKED_GRANTS = "GRANT SELECT ON ph.*"


class Result(Protocol):
    def bytes(self) -> bytes: ...


class Connection(Protocol):
    """The part of chDB's connection that is used here."""

    def query(self, sql: str, fmt: str = ..., params: dict[str, str] | None = ...) -> Result: ...

    def close(self) -> None: ...


def write_config(scratch: Path, name: str, *, settings: dict[str, str], grants: str | None, memory: int) -> Path:
    """Write the two XML files that a connection string points at; without one chDB would read the working folder's."""
    profile = "".join(f"<{key}>{value}</{key}>" for key, value in settings.items())
    granted = f"<grants><query>{grants}</query></grants>" if grants else ""
    users = scratch / f"{name}-users.xml"
    users.write_text(
        f"<clickhouse><profiles><default>{profile}</default></profiles><users><default><password></password>"
        f"<profile>default</profile><quota>default</quota><networks><ip>::/0</ip></networks>{granted}</default></users>"
        "<quotas><default></default></quotas></clickhouse>"
    )
    config = scratch / f"{name}.xml"
    config.write_text(
        f"<clickhouse><users_config>{users}</users_config>"
        f"<max_server_memory_usage>{memory}</max_server_memory_usage></clickhouse>"
    )
    return config


def connect(scratch: Path, config: Path) -> Connection:
    for unused in ("pandas", "pyarrow", "numpy"):
        # chDB imports them when they are there, for results that are not asked for here: 350 ms and 60 MB.
        sys.modules.setdefault(unused, cast("Any", None))
    chdb = import_module("chdb")
    return cast("Connection", chdb.connect(f"{scratch}/engine?config-file={config}"))


def create_tables(connection: Connection, job: dict[str, Any]) -> None:
    """One `File` table a folder of Parquet, one a system JSONL file, and the views, all in database `ph`."""
    connection.query("CREATE DATABASE ph")
    for name, table in job["tables"].items():
        columns = ", ".join(f"`{column}` {kind}" for column, kind in table["columns"])
        source = table["path"].replace("'", "\\'")
        # PostHog names compressed Parquet *.zst; 'none' stops ClickHouse from decompressing the file around it.
        connection.query(f"CREATE TABLE ph.`{name}` ({columns}) ENGINE = File({table['format']}, '{source}', 'none')")
    for name, select in job["views"].items():
        connection.query(f"CREATE VIEW ph.`{name}` AS {select}")


def assert_locked(connection: Connection) -> None:
    """A missing or misread config file means full rights, silently: look at what was granted."""
    grants = connection.query("SHOW GRANTS", "JSONCompactEachRow").bytes().decode().strip()
    if grants != json.dumps([f"{LOCKED_GRANTS} TO default"]):
        sys.stderr.write("the engine did not come up locked\n")
        os._exit(3)


def receive(lane: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = lane.recv(min(count, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def receive_frame(lane: socket.socket) -> dict[str, Any]:
    (length,) = struct.unpack(">I", receive(lane, 4))
    return cast("dict[str, Any]", json.loads(receive(lane, length)))


def send_frame(lane: socket.socket, status: bytes, payload: bytes) -> None:
    lane.sendall(struct.pack(">I", len(payload) + 1) + status)
    lane.sendall(payload)


def answer_queries(lane: socket.socket, reconnect: Callable[[], Connection]) -> None:
    connection = reconnect()
    while True:
        request = receive_frame(lane)
        try:
            sql = f"/* {request['marker']} */ {request['sql']}"
            result = connection.query(sql, "JSONCompact", params=request["parameters"])
            send_frame(lane, b"R", result.bytes())
        except Exception as error:  # whatever chDB raises becomes words; the lane must live on
            send_frame(lane, b"E", str(error).encode())
            # A query that failed half-way leaves its beginning in the connection, before the next one's answer.
            connection.close()
            connection = reconnect()


def answer_control(lane: socket.socket, connection: Connection) -> None:
    while True:
        request = receive_frame(lane)
        marker = request["kill"]
        assert marker.isalnum()
        try:
            connection.query(f"KILL QUERY WHERE query LIKE '/* {marker} */%' SYNC")
            send_frame(lane, b"R", b"")
        except Exception as error:
            send_frame(lane, b"E", str(error).encode())


def serve_engine(descriptors: list[int]) -> None:
    """Open the snapshot, lock down, and answer until the control lane ends."""
    control, *lanes = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    job = receive_frame(control)
    scratch = Path(job["scratch"])
    confine([*job["reads"], *(path for path in sys.path if path)], [str(scratch)])
    opened = write_config(scratch, "open", settings={}, grants=None, memory=job["memory"])
    locked = write_config(scratch, "locked", settings=job["settings"], grants=LOCKED_GRANTS, memory=job["memory"])
    try:
        connection = connect(scratch, opened)
        create_tables(connection, job)
        connection.close()
        control_connection = connect(scratch, locked)
        assert_locked(control_connection)
    except Exception as error:
        send_frame(control, b"E", str(error).encode())
        os._exit(1)
    send_frame(control, b"R", b"")
    for lane in lanes:
        threading.Thread(target=answer_queries, args=(lane, lambda: connect(scratch, locked)), daemon=True).start()
    answer_control(control, control_connection)


def emit(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def run_load() -> None:
    """Read a job line, then lines of statements; each statement ends in one line with its rows or its complaint.

    A complaint ends its line of statements and drops what was created in memory, but not the process.
    """
    job = json.loads(sys.stdin.readline())
    scratch = Path(job["scratch"])
    confine([*job["reads"], *(path for path in sys.path if path)], [str(scratch), *job["writes"]])
    config = write_config(scratch, "load", settings=job["settings"], grants=None, memory=job["memory"])
    connection = connect(scratch, config)
    for line in sys.stdin:
        for statement in json.loads(line):
            try:
                answer = connection.query(statement, "JSONCompact").bytes()
            except Exception as error:
                emit({"error": str(error)})
                # chDB would put the failed statement's unfinished output before the next answer.
                connection.close()
                connection = connect(scratch, config)
                break
            rows: list[Any] = json.loads(answer)["data"] if answer.lstrip().startswith(b"{") else []
            emit({"rows": rows})
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "engine":
        serve_engine([int(descriptor) for descriptor in sys.argv[2:]])
    else:
        run_load()
