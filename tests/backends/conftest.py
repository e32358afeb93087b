"""A ClickHouse server for the tests of backends: chDB behind ClickHouse's HTTP interface, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

SHIM = Path(__file__).parent / "clickhouse" / "http_chdb.py"


@dataclass(frozen=True)
class Host:
    port: int

    def url(self, user: str = "reader", password: str | None = None, database: str = "ph_test") -> SecretStr:
        return SecretStr(f"clickhouse://{user}:{password or 's3cr3t-' + user}@127.0.0.1:{self.port}/{database}")


@pytest.fixture(scope="session")
def clickhouse(demo_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The demo project on a server, put there by `local clickhouse-load`."""
    from posthog_mcp.commands.clickhouse import copy
    from posthog_mcp.settings import Settings
    from tests.running import run

    folder = tmp_path_factory.mktemp("clickhouse")
    process = subprocess.Popen([sys.executable, str(SHIM), str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    host = Host(int(process.stdout.readline()))
    settings = Settings.load(data_dir=demo_dir, backend="local", clickhouse_load_url=host.url("loader"))
    assert run(lambda: copy(settings)) == 0
    yield host
    process.kill()
    process.wait()
