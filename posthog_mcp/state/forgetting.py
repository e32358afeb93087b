"""Forget a person, and what is older than the retention period, in everything that is kept outside PostHog.

A person is given by anything that names them: an e-mail, a distinct_id, a name; with the pseudonyms that stand for it
where masking is on. Every table of the state database and every kept file is looked through, whichever room wrote it.
The audit's chain stays whole: only the texts and names beside it go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthog_mcp.state.audit import WRITE_AFTER
from posthog_mcp.state.cache import STAMP
from posthog_mcp.state.database import FILE, open_engine
from posthog_mcp.state.sealing import MARK, PLAIN, SEALED, Seal

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

CHAIN = frozenset({"audit_log", "audit_head"})
KEPT_FOLDERS = ("results*", "reports", "exports", "cache")
OBJECTS = "objects.sqlite"
"""Insights, cohorts, annotations and the like of the embedded project."""
DAY = 86_400


@dataclass(slots=True)
class Forgotten:
    """How much went."""

    rows: int = 0
    files: int = 0


def forget(data_dir: Path, url: str | None, names: Sequence[str], seal: Seal = PLAIN) -> Forgotten:
    """Remove what names a person. Blocks; a server that runs drops its memory with the next question."""
    done = Forgotten()
    stamp(data_dir)
    for _ in range(2):
        forget_once(data_dir, url, names, done, seal)
        time.sleep(WRITE_AFTER * 2)  # what a running server still had to write
    return done


def forget_once(data_dir: Path, url: str | None, names: Sequence[str], done: Forgotten, seal: Seal) -> None:
    for engine in engines(data_dir, url):
        try:
            for schema in schemas(engine):
                done.rows += forget_rows(engine, schema, names, seal)
        finally:
            engine.dispose()
    for path in [path for path in kept_files(data_dir) if holds(path, names, seal)]:
        path.unlink(missing_ok=True)
        done.files += 1


def stamp(data_dir: Path) -> None:
    """Leave the sign for every server and principal of this installation."""
    data_dir.mkdir(parents=True, exist_ok=True)
    for folder in (data_dir, *data_dir.glob("tenants/*")):
        (folder / STAMP).write_text(str(time.time()))


def engines(data_dir: Path, url: str | None) -> Iterator[Engine]:
    """The databases of this installation: its own, those of its principals, the embedded project's objects."""
    if url is not None or (data_dir / FILE).exists():
        yield open_engine(data_dir, url)
    for path in sorted(data_dir.glob(f"tenants/*/{FILE}")):
        yield open_engine(path.parent, None)
    objects = data_dir / "local" / OBJECTS
    if objects.exists():
        yield open_engine(data_dir, f"sqlite:///{objects}")


def schemas(engine: Engine) -> list[str | None]:
    """The schemas that are ours; None is the default one."""
    import sqlalchemy as sa

    if engine.dialect.name != "postgresql":
        return [None]
    names = sa.inspect(engine).get_schema_names()
    return [None, *(name for name in names if name.startswith("posthog_mcp_"))]


def forget_rows(engine: Engine, schema: str | None, names: Sequence[str], seal: Seal) -> int:
    """Delete rows of any table that name the person in any text."""
    import sqlalchemy as sa

    metadata = sa.MetaData()
    metadata.reflect(engine, schema=schema)
    sqlite = engine.dialect.name == "sqlite"
    with engine.begin() as connection:
        if sqlite:
            connection.execute(sa.text("PRAGMA secure_delete = ON"))
        tables = [table for table in metadata.sorted_tables if table.name not in CHAIN]
        gone = sum(delete_from(connection, table, names) for table in reversed(tables))
        gone += sum(delete_sealed(connection, table, names, seal) for table in tables if table.name in SEALED)
    if sqlite:
        overwrite(engine)
    return gone


def overwrite(engine: Engine) -> None:
    """Take what was deleted out of the file and its log too; a server that is reading meanwhile does it later."""
    import sqlalchemy as sa
    from sqlalchemy.exc import OperationalError

    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            connection.execute(sa.text("VACUUM"))
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        except OperationalError:
            return


def delete_from(connection: Connection, table: Table, names: Sequence[str]) -> int:
    import sqlalchemy as sa

    texts: list[Any] = [column for column in table.c if isinstance(column.type, sa.String | sa.JSON)]
    if not texts:
        return 0
    tests = [sa.cast(column, sa.Text).icontains(name, autoescape=True) for column in texts for name in names]
    return connection.execute(table.delete().where(sa.or_(*tests))).rowcount


def delete_sealed(connection: Connection, table: Table, names: Sequence[str], seal: Seal) -> int:
    """The same for encrypted columns, which only we can read."""
    import sqlalchemy as sa

    sealed = [table.c[name] for name in SEALED[table.name] if name in table.c]
    keys = list(table.primary_key.columns)
    rows = connection.execute(
        sa.select(*keys, *sealed).where(sa.or_(*(each.startswith(MARK) for each in sealed)))
    ).all()
    gone = [
        row[: len(keys)] for row in rows if any(named(seal.opened(text), names) for text in row[len(keys) :] if text)
    ]
    for values in gone:
        connection.execute(table.delete().where(*(key == value for key, value in zip(keys, values, strict=True))))
    return len(gone)


def named(text: str, names: Sequence[str]) -> bool:
    return any(name.casefold() in text.casefold() for name in names)


def kept_files(data_dir: Path) -> Iterator[Path]:
    """Files of results, exports, charts, runs and reports, of everybody here."""
    for root in (data_dir, *sorted(data_dir.glob("tenants/*"))):
        for pattern in KEPT_FOLDERS:
            for folder in sorted(root.glob(pattern)):
                yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def holds(path: Path, names: Sequence[str], seal: Seal) -> bool:
    """Whether a file names the person. Parquet is compressed, so it goes with the result that it was made from."""
    source = path.with_suffix(".result") if path.suffix == ".parquet" else path
    try:
        text = (source if source.exists() else path).read_bytes().decode("utf-8", "replace")
    except OSError:
        return False
    return named(seal.opened(text), names) or (path.suffix == ".parquet" and not source.exists())


def drop_older(data_dir: Path, url: str | None, days: int) -> Forgotten:
    """Remove history rows and kept files older than this. Blocks. The audit prunes itself."""
    done, before = Forgotten(), time.time() - days * DAY
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before))
    for engine in engines(data_dir, url):
        try:
            for schema in schemas(engine):
                done.rows += drop_history(engine, schema, at)
        finally:
            engine.dispose()
    for path in kept_files(data_dir):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            done.files += 1
    return done


def drop_history(engine: Engine, schema: str | None, at: str) -> int:
    """Rows of the query history from before this time; what has a name is kept."""
    import sqlalchemy as sa

    if not sa.inspect(engine).has_table("query_history", schema=schema):
        return 0
    table = sa.Table("query_history", sa.MetaData(), autoload_with=engine, schema=schema)
    with engine.begin() as connection:
        old = table.delete().where(table.c.at < at, table.c.name.is_(None))
        return connection.execute(old).rowcount
