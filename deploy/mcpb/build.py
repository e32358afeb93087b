"""Builds the `.mcpb` bundle: the manifest, the project file and the sources; the host's uv resolves the rest.

`python deploy/mcpb/build.py dist/posthog-mcp.mcpb`. Same sources, same bytes.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "README.md", "LICENSE")
FOLDERS = ("posthog_mcp", "knowledge")
WHEN = (2026, 1, 1, 0, 0, 0)


def contents() -> Iterator[tuple[str, Path]]:
    """Name in the bundle and file, in order."""
    yield "manifest.json", ROOT / "deploy" / "mcpb" / "manifest.json"
    for name in FILES:
        yield name, ROOT / name
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path


def build(target: Path) -> Path:
    """Write the bundle."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, path in contents():
            entry = zipfile.ZipInfo(name, WHEN)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            bundle.writestr(entry, path.read_bytes())
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{build(Path(sys.argv[1]))}\n")
