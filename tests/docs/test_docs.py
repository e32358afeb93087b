"""Every command of the documentation parses or runs, and every name in it exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from anyio import to_thread

from posthog_mcp.cli import main, parser
from posthog_mcp.knowledge.entries import entries
from posthog_mcp.settings import Settings
from tests.house import knowledge_index, tools_reference
from tests.house.rules import ROOT

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?:<!-- (?P<mark>run[^\n]*?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


def blocks(kind: str, mark: str | None = None) -> list[tuple[Path, str]]:
    return [
        (page, found["text"])
        for page in PAGES
        for found in BLOCK.finditer(page.read_text(encoding="utf-8"))
        if found["kind"] == kind and (mark is None or found["mark"] == mark)
    ]


def commands(text: str) -> Iterator[list[str]]:
    """The words of every `posthog-mcp` command in a block."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if "posthog-mcp" in words and "docker" not in words:
            yield words[words.index("posthog-mcp") + 1 :]


EVERY = [(page.name, words) for page, text in blocks("sh") for words in commands(text)]
RUN = [(page.name, words) for page, text in blocks("sh", "run") for words in commands(text)]


@pytest.mark.parametrize(
    ("page", "words"), EVERY, ids=lambda each: each if isinstance(each, str) else " ".join(each)[:40]
)
def test_commands_parse(page: str, words: list[str]) -> None:
    plain = [word for word in words if "…" not in word]
    if plain and "--" not in plain:
        assert parser().parse_args(plain)


def test_commands_in_tables_parse() -> None:
    text = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    found = re.findall(r"\| `posthog-mcp ([^`]+)` \|", text)

    assert len(found) == 6
    assert all(parser().parse_args(shlex.split(each)) for each in found)


@pytest.mark.parametrize(
    ("page", "words"), RUN, ids=lambda each: each if isinstance(each, str) else " ".join(each)[:40]
)
async def test_commands_run(
    page: str, words: list[str], demo_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "local").symlink_to(demo_dir / "local")
    command = [sys.executable, "-m", "posthog_mcp", *words]
    env = {"POSTHOG_MCP_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}  # fmt: skip
    done = await to_thread.run_sync(
        lambda: subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() or words[:2] == ["audit", "export"]


async def test_requests_run(demo_dir: Path) -> None:
    from tests.remote.calls import server_of

    [(_, text)] = blocks("sh", "run with server")
    asked = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    async with server_of(demo_dir, backend="local") as client:
        for line in asked:
            words = shlex.split(line.replace("$URL", str(client.base_url).rstrip("/")))
            url = next(word for word in words if word.startswith("http"))
            headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
            bodies = [word for flag, word in pairwise(words) if flag == "-d"]
            answer = await client.request("POST" if bodies else "GET", url, headers=headers, content="".join(bodies))
            assert answer.status_code == 200, (line, answer.text)


def test_settings_that_are_named_exist() -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()}
    for page in PAGES:
        named = set(re.findall(r"POSTHOG_MCP_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8")))
        assert named <= known, page


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http", "mailto:")):
                assert (page.parent / target).exists(), (page.name, target)


def test_json_is_json() -> None:
    for page, text in blocks("json"):
        assert json.loads(text), page


def test_tests_of_the_threat_model_exist() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "attack |" not in line]

    assert len(rows) > 25
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row)
        assert named, row
        for file, test in named:
            source = (ROOT / file).read_text(encoding="utf-8")
            assert not test or f"def {test}(" in source, (file, test)


def test_the_tools_page_is_of_these_tools() -> None:
    shown = tools_reference.PAGE.read_text(encoding="utf-8")

    assert shown == tools_reference.page(), "run: python -m tests.house.tools_reference"


def test_the_knowledge_page_is_of_these_entries() -> None:
    shown = knowledge_index.PAGE.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+\.md)\)", shown)

    assert shown == knowledge_index.page(), "run: python -m tests.house.knowledge_index"
    assert len(links) == len(entries())
    assert all((knowledge_index.PAGE.parent / each).is_file() for each in links)


def test_help_names_every_command() -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
