"""The rules hold here, and each fails on a source that breaks it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house import readme, rules
from tests.house.rules import PACKAGE, ROOT

HEAVY = ("chdb", "e2b", "sqlalchemy", "httpx", "duckdb", "pyarrow", "pandas", "hogql_parser", "hogql_parser_rs")


@pytest.mark.parametrize("folder", [PACKAGE, ROOT / "tests"], ids=lambda path: path.name)
def test_files_are_short(folder: Path) -> None:
    assert rules.long_files(folder) == []


def test_every_module_says_what_lives_in_it() -> None:
    assert rules.silent_modules(PACKAGE) == []


def test_tools_only_call_capabilities() -> None:
    assert rules.long_tools(PACKAGE / "server" / "tools") == []


def test_nothing_looks_like_a_live_key() -> None:
    assert rules.secrets(ROOT) == []


def test_readme_lists_every_tool_setting_and_error_code() -> None:
    text = readme.README.read_text(encoding="utf-8")

    assert readme.filled(text) == text, "run: python -m tests.house.readme"


def test_ci_runs_the_readmes_second_command() -> None:
    command = next(line for line in readme.README.read_text().splitlines() if "-m pytest" in line)

    assert command in (ROOT / ".ci" / "run").read_text()


def test_json_in_the_readme_and_the_registry_entry_is_right() -> None:
    blocks = re.findall(r"```json\n(.*?)```", readme.README.read_text(encoding="utf-8"), re.DOTALL)
    entry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))

    assert all(isinstance(json.loads(block), dict) for block in blocks)
    assert len(entry["description"]) <= 100
    assert f"mcp-name: {entry['name']}" in readme.README.read_text(encoding="utf-8")


def test_version_is_one() -> None:
    from posthog_mcp import __version__

    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert (ROOT / "server.json").read_text().count(f'"version": "{__version__}"') == 2
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("room", ["posthog_mcp.cli", "posthog_mcp.server.app"])
def test_start_up_imports_nothing_heavy(room: str) -> None:
    script = f"import sys, {room}; print(*(name for name in {HEAVY!r} if name in sys.modules))"

    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.split() == []


LONG_TOOL = '"""M."""\nasync def tool(ctx):\n    """D."""\n' + "    ctx()\n" * 13


@pytest.mark.parametrize(
    ("rule", "source", "says"),
    [
        (rules.long_files, '"""M."""\n' + "x = 1\n" * 400, "broken.py: 401"),
        (rules.silent_modules, "x = 1\n", "broken.py"),
        (rules.silent_modules, '"""M."""\n', "__init__.py"),
        (rules.long_tools, LONG_TOOL, "tool: 13"),
        (rules.secrets, f'KEY = "phx_{"a1B2" * 10}"\n', "broken.py"),
    ],
)
def test_a_broken_source_is_found(tmp_path: Path, rule: Callable[[Path], list[str]], source: str, says: str) -> None:
    (tmp_path / "broken.py").write_text(source)

    assert any(says in line for line in rule(tmp_path))


BROKEN_IMPORTS = {
    "hogql/broken.py": ("import posthog_mcp.backends.backend", "A room imports only from floors below it"),
    "queries/broken.py": ("import mcp", "Only the server room speaks MCP"),
    "hogql/impure.py": ("import httpx", "HogQL is pure"),
    "newroom/__init__.py": ("", "A room imports only from floors below it"),
}


@pytest.mark.parametrize("place", BROKEN_IMPORTS)
def test_floors_are_held(tmp_path: Path, place: str) -> None:
    import shutil

    source, contract = BROKEN_IMPORTS[place]
    shutil.copytree(PACKAGE, tmp_path / "posthog_mcp", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "posthog_mcp" / place).parent.mkdir(exist_ok=True)
    (tmp_path / "posthog_mcp" / place).write_text(f'"""Broken."""\n\n{source}\n')

    script = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode != 0
    assert any(contract in line and "BROKEN" in line for line in done.stdout.splitlines()), done.stdout
