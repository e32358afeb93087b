"""Adds the built bundle to `server.json`, with its address in the release and its hash, before that is published."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RELEASES = "https://github.com/posthog-mcp/posthog-mcp/releases/download"


def with_bundle(entry: dict[str, object], bundle: Path) -> dict[str, object]:
    """The registry entry with one package more."""
    package = {
        "registryType": "mcpb",
        "identifier": f"{RELEASES}/v{entry['version']}/{bundle.name}",
        "fileSha256": hashlib.sha256(bundle.read_bytes()).hexdigest(),
        "transport": {"type": "stdio"},
    }
    packages = entry["packages"]
    assert isinstance(packages, list)
    return {**entry, "packages": [*packages, package]}


if __name__ == "__main__":
    path = ROOT / "server.json"
    entry = with_bundle(json.loads(path.read_text(encoding="utf-8")), Path(sys.argv[1]))
    path.write_text(json.dumps(entry, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
