"""ClickHouse's HTTP interface in front of chDB, as a process: what a client of a real server sends and gets.

Users, their grants and read-only profiles are kept here, because chDB has one user; statements, settings, parameters,
types, errors and KILL are chDB's own. Prints its port. `python -m tests.backends.clickhouse.http_chdb FOLDER`.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb

USERS = {
    "reader": ("s3cr3t-reader", ["GRANT SELECT ON ph_test.* TO reader"], 0),
    "loader": ("s3cr3t-loader", ["GRANT ALL ON *.* TO loader WITH GRANT OPTION"], 0),
    "fixed": ("s3cr3t-fixed", ["GRANT SELECT ON ph_test.* TO fixed"], 1),
}
TRANSPORT = frozenset(
    [
        "query",
        "query_id",
        "database",
        "session_id",
        "session_timeout",
        "session_check",
        "compress",
        "decompress",
        "wait_end_of_query",
        "buffer_size",
        "client_protocol_version",
        "enable_http_compression",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "quota_key",
        "role",
    ]
)
READS = re.compile(r"\s*(SELECT|WITH|SHOW|EXISTS|DESC|\()", re.IGNORECASE)
STATUS = {"516": 403, "497": 403, "60": 404, "81": 404, "47": 404, "159": 408}


class Refused(Exception):
    """A complaint of the server itself, in ClickHouse's words."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def do_GET(self) -> None:
        self.respond(200, b"Ok.\n")

    def do_POST(self) -> None:
        body = self.body()
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        try:
            name = self.user()
            statement, data = (asked["query"], body) if asked.get("query") else (body.decode(), b"")
            answer, kind = self.run(name, statement.strip().rstrip(";"), data, asked)
        except Exception as error:
            text = str(error)
            code = (re.findall(r"Code: (\d+)\.", text) or ["1002"])[0]
            headers = {"X-ClickHouse-Exception-Code": code}
            self.respond(STATUS.get(code, 500), text.encode(), headers)
            return
        self.respond(200, answer, {"X-ClickHouse-Format": kind, "X-ClickHouse-Summary": "{}"})

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts: list[bytes] = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            raw = b"".join(parts)
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw

    def user(self) -> str:
        import base64

        name, key = self.headers.get("X-ClickHouse-User", ""), self.headers.get("X-ClickHouse-Key", "")
        scheme, _, sent = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, key = base64.b64decode(sent).decode().partition(":")
        if name not in USERS or USERS[name][0] != key:
            raise Refused(f"Code: 516. DB::Exception: {name}: Authentication failed. (AUTHENTICATION_FAILED)")
        return name

    def run(self, name: str, sql: str, data: bytes, asked: dict[str, str]) -> tuple[bytes, str]:
        _, grants, readonly = USERS[name]
        settings = {k: v for k, v in asked.items() if k not in TRANSPORT and not k.startswith("param_")}
        parameters = {k.removeprefix("param_"): v for k, v in asked.items() if k.startswith("param_")}
        if readonly and settings:
            raise Refused(
                f"Code: 164. DB::Exception: Cannot modify '{next(iter(settings))}' setting in readonly mode. (READONLY)"
            )
        found = re.search(r"\sFORMAT\s+(\w+)\s*$", sql, re.IGNORECASE)
        kind = found.group(1) if found and not data else "TabSeparated"
        sql = sql[: found.start()] if found and not data else sql
        if sql.startswith("SHOW GRANTS"):
            return json.dumps({"meta": [], "data": [[each] for each in grants]}).encode(), kind
        killed = re.fullmatch(r"KILL QUERY WHERE query_id = '([\w-]+)' SYNC", sql)
        if killed:
            sql = f"KILL QUERY WHERE query LIKE '/* {killed.group(1)} */%' SYNC"
        elif name != "loader" and not READS.match(sql):
            raise Refused(f"Code: 497. DB::Exception: {name}: Not enough privileges. (ACCESS_DENIED)")
        connection = self.open()
        try:
            readonly = int(settings.pop("readonly", readonly))
            for key, value in settings.items():
                quoted = value.replace("'", "\\'")
                connection.query(f"SET {key} = '{quoted}'")
            if readonly:
                connection.query(f"SET readonly = {readonly}")
            if data:
                return self.insert(connection, sql, data), kind
            return connection.query(f"/* {asked.get('query_id', '')} */ {sql}", kind, params=parameters).bytes(), kind
        finally:
            connection.close()

    def open(self) -> Any:
        return chdb.connect(f"{self.folder}/engine?config-file={self.folder}/config.xml")

    def insert(self, connection: Any, sql: str, data: bytes) -> bytes:
        head, _, kind = sql.rpartition("FORMAT ")
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(data)
            file.flush()
            connection.query(f"{head} FROM INFILE '{file.name}' COMPRESSION 'none' FORMAT {kind}")
        return b""

    def respond(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 1000:
            body, headers = gzip.compress(body, 1), {**(headers or {}), "Content-Encoding": "gzip"}
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    Handler.folder = Path(sys.argv[1])
    (Handler.folder / "users.xml").write_text(
        "<clickhouse><profiles><default></default></profiles><users><default><password></password><profile>default"
        "</profile><quota>default</quota><networks><ip>::/0</ip></networks></default></users>"
        "<quotas><default></default></quotas></clickhouse>"
    )
    (Handler.folder / "config.xml").write_text(
        f"<clickhouse><users_config>{Handler.folder}/users.xml</users_config></clickhouse>"
    )
    kept = chdb.connect(f"{Handler.folder}/engine?config-file={Handler.folder}/config.xml")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
    kept.close()


if __name__ == "__main__":
    main()
