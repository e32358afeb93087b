"""Writes everything that can be sealed over again with the first key: what was plain, and what an older key sealed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthog_mcp.state.forgetting import Forgotten, engines, kept_files, schemas
from posthog_mcp.state.sealing import SEALED, Seal

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Engine, Table

SUFFIXES = (".result", ".run")


def reseal(data_dir: Path, url: str | None, seal: Seal) -> Forgotten:
    """Rows and files that were written over. Blocks.

    Raises:
        Forbidden: something was sealed with a key that is not given; nothing of its table was changed.
    """
    done = Forgotten()
    for engine in engines(data_dir, url):
        try:
            for schema in schemas(engine):
                done.rows += reseal_schema(engine, schema, seal)
            compact(engine)
        finally:
            engine.dispose()
    for path in kept_files(data_dir):
        if path.suffix in SUFFIXES:
            reseal_file(path, seal)
            done.files += 1
    return done


def reseal_schema(engine: Engine, schema: str | None, seal: Seal) -> int:
    import sqlalchemy as sa

    metadata = sa.MetaData()
    metadata.reflect(engine, schema=schema, only=lambda name, _: name in SEALED)
    done = 0
    for table in metadata.tables.values():
        with engine.begin() as connection:
            widen(connection, table)
            done += reseal_table(connection, table, seal)
    return done


def widen(connection: Connection, table: Table) -> None:
    """A column that was made for short plain texts takes long sealed ones; SQLite takes any."""
    import sqlalchemy as sa

    if connection.dialect.name == "sqlite":
        return
    quoted = connection.dialect.identifier_preparer.format_table(table)
    for name in SEALED[table.name]:
        column = connection.dialect.identifier_preparer.quote(name)
        connection.execute(sa.DDL(f"ALTER TABLE {quoted} ALTER COLUMN {column} TYPE TEXT"))


def reseal_table(connection: Connection, table: Table, seal: Seal) -> int:
    import sqlalchemy as sa

    keys: list[Column[Any]] = list(table.primary_key.columns)
    names = [name for name in SEALED[table.name] if name in table.c]
    rows = connection.execute(sa.select(*keys, *(table.c[name] for name in names))).all()
    for row in rows:
        here = [key == value for key, value in zip(keys, row, strict=False)]
        texts = zip(names, row[len(keys) :], strict=True)
        values = {name: text if text is None else seal.sealed(seal.opened(text)) for name, text in texts}
        connection.execute(table.update().where(*here).values(values))
    return len(rows)


def compact(engine: Engine) -> None:
    """SQLite keeps what was written over in free pages until it is compacted."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def reseal_file(path: Path, seal: Seal) -> None:
    text = seal.sealed(seal.opened(path.read_text(encoding="utf-8")))
    beside = path.with_suffix(".resealed")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
