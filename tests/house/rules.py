"""The rules, as functions that return what breaks them; `test_rules.py` applies them here and to broken sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "posthog_mcp"
MAX_LINES = 400
MAX_TOOL_BODY = 12
TOO_LONG: frozenset[str] = frozenset()
"""Files over the limit; this list may only shrink."""
SECRET = re.compile(r"\b(?:phx_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9]{20,}|xox[bp]-[0-9A-Za-z-]{20,}|AKIA[0-9A-Z]{16})\b")
TEXTS = {".py", ".md", ".toml", ".json", ".yml", ".yaml", ".mjs", ".sh", ".txt", ""}


def sources(folder: Path) -> Iterator[Path]:
    """Python files, in name order."""
    return (path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts)


def long_files(folder: Path) -> list[str]:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources(folder)}
    return [
        f"{path.name}: {length}" for path, length in lengths.items() if length > MAX_LINES and path.name not in TOO_LONG
    ]


def silent_modules(folder: Path) -> list[str]:
    """Modules without a docstring, and folders of modules without `__init__.py`."""
    files = list(sources(folder))
    silent = [str(path) for path in files if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None]
    folders = {path.parent for path in files}
    return silent + [f"{each}/__init__.py" for each in sorted(folders) if not (each / "__init__.py").exists()]


def long_tools(folder: Path) -> list[str]:
    """Async functions that are published as tools and hold more statements' lines than a tool should."""
    found: list[str] = []
    for path in sources(folder):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.AsyncFunctionDef) and any(arg.arg == "ctx" for arg in node.args.args):
                lines = body_lines(node)
                if lines > MAX_TOOL_BODY:
                    found.append(f"{node.name}: {lines}")
    return found


def body_lines(function: ast.AsyncFunctionDef) -> int:
    """Lines of the body's statements, the docstring left out, a call spread over lines counted as written."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return sum((statement.end_lineno or 0) - statement.lineno + 1 for statement in body)


def secrets(folder: Path) -> list[str]:
    """Files that hold something that looks like a live key."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix in TEXTS]
    skipped = {".git", ".venv", "node_modules", "__pycache__", ".ruff_cache", ".pytest_cache"}
    return [str(path) for path in files if not skipped & set(path.parts) and SECRET.search(read(path))]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
