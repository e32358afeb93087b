"""Install the npm parts, bundle the host page, run the checks; exit 1 when one failed."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from posthog_mcp.server.views.chart import chart_page

HERE = Path(__file__).parent
PACKAGES = (
    "@modelcontextprotocol/ext-apps@2.0.4",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/core@2.4.0",
    "esbuild@0.28.2",
    "playwright-core@1.65.1",
)
PARTS = ("host.mjs", "site.mjs", "results.mjs", "checks.mjs", "behaviour.mjs", "run.mjs")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of npm packages to use or to fill")
    parser.add_argument("--only", default="", help="run the checks whose name holds this")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument("--shots", action="store_true", help="also write pictures to FOLDER/shots")
    arguments = parser.parse_args()
    if arguments.chromium is None:
        raise SystemExit("There is no chromium on this machine: install it, or name one with --chromium.")
    folder = arguments.folder.resolve()
    install(folder)
    (folder / "chart.html").write_text(chart_page(), encoding="utf-8")
    # Node finds packages from where a script lies, so the scripts are copied beside them.
    for part in PARTS:
        shutil.copy(HERE / part, folder)
    run(
        [
            "node_modules/.bin/esbuild",
            "host.mjs",
            "--bundle",
            "--format=iife",
            "--outfile=host.js",
            "--log-level=error",
        ],
        folder,
    )
    environment = {"CHROMIUM": arguments.chromium, "ONLY": arguments.only, "SHOTS": "1" if arguments.shots else ""}
    return run(["node", "run.mjs"], folder, environment)


def install(folder: Path) -> None:
    if (folder / "node_modules" / "playwright-core").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    # npm needs a project of its own here, or it walks up to another one.
    (folder / "package.json").write_text('{"private": true}')
    if run(["npm", "install", "--no-audit", "--no-fund", "--silent", *PACKAGES], folder):
        raise SystemExit("npm could not install the packages")


def run(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> int:
    return subprocess.run(command, cwd=folder, env={**os.environ, **(environment or {})}, timeout=900).returncode  # noqa: TID251


if __name__ == "__main__":
    raise SystemExit(main())
