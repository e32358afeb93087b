"""One way to open the state database: SQLite in the data folder, or what POSTHOG_MCP_STATE_URL names."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from posthog_mcp.errors import Unavailable
from posthog_mcp.state.sealing import PLAIN, Seal

if TYPE_CHECKING:
    from sqlalchemy import Engine, MetaData

FILE = "state.sqlite"
BUSY_SECONDS = 15
CREATE_ROUNDS, CREATE_PAUSE = 2, 0.02


def open_engine(data_dir: Path, url: str | None) -> Engine:
    """An engine whose database can be reached. Blocks.

    Raises:
        Unavailable: it cannot be reached or written, or its driver is not installed.
    """
    import sqlalchemy as sa
    from sqlalchemy.exc import SQLAlchemyError

    address = url or f"sqlite:///{data_dir / FILE}"
    try:
        if url is None:
            data_dir.mkdir(parents=True, exist_ok=True)
        wait = {"timeout": BUSY_SECONDS} if address.startswith("sqlite") else {"connect_timeout": BUSY_SECONDS}
        engine = sa.create_engine(address, pool_pre_ping=True, connect_args=wait)
        with engine.connect():
            return engine
    except ImportError:
        fix = 'Install it: pip install "posthog-mcp[postgres]".'
        raise Unavailable("The PostgreSQL driver is not installed.", fix=fix) from None
    except (SQLAlchemyError, OSError) as error:
        message = f"The state database cannot be opened: {type(error).__name__}."
        raise Unavailable(message, fix="Check POSTHOG_MCP_STATE_URL and POSTHOG_MCP_DATA_DIR.") from None


def create(engine: Engine, metadata: MetaData, seal: Seal = PLAIN) -> None:
    """Create tables, with sealed columns; of several processes that start at once, the late ones find them there.

    Raises:
        Unavailable: the database cannot be written.
    """
    from sqlalchemy.exc import SQLAlchemyError

    seal.applied(metadata)
    # Each round loses at most one table to somebody else; then it is there.
    for left in reversed(range(len(metadata.tables) + CREATE_ROUNDS)):
        try:
            return metadata.create_all(engine)
        except SQLAlchemyError as error:
            if not left:
                message = f"The state database cannot be written: {type(error).__name__}."
                raise Unavailable(message, fix="Check POSTHOG_MCP_STATE_URL and POSTHOG_MCP_DATA_DIR.") from None
            time.sleep(CREATE_PAUSE)
    return None


def create_schema(data_dir: Path, url: str, name: str) -> None:
    """Make a PostgreSQL schema where there is none. Blocks."""
    import sqlalchemy as sa
    from sqlalchemy.exc import SQLAlchemyError

    engine = open_engine(data_dir, url)
    try:
        with engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema(name, if_not_exists=True))
    except SQLAlchemyError:
        pass  # another replica made it at the same moment; what is truly wrong, the first table tells
    finally:
        engine.dispose()
