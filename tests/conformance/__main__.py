"""Install the foreign programs, run them all, print one line a check; exit 1 when one failed.

`python -m tests.conformance [--tools DIR] [--only suite|clients|inspector]`. The product is started as people start
it. Expected failures: none but the scenarios that the suite itself does not score.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
PACKAGES = (
    "node@22",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/inspector@2.12.0",
)
VERSIONS = ("2025-11-25", "2026-07-28")
NEEDS_NO_FIXTURES = {
    "2025-11-25": (
        "server-initialize",
        "logging-set-level",
        "ping",
        "completion-complete",
        "tools-list",
        "server-sse-multiple-streams",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
    ),
    "2026-07-28": (
        "completion-complete",
        "tools-list",
        "server-sse-multiple-streams",
        "resources-list",
        "sep-2164-resource-not-found",
        "prompts-list",
        "dns-rebinding-protection",
        "caching",
        "input-required-result-unsupported-methods",
        "http-header-validation",
    ),
}
PAGEVIEWS = {"kind": "trends", "series": [{"event": "$pageview"}]}
CALLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("discover_objects", {}),
    ("get_object_fields", {"name": "signed_up"}),
    ("validate_hogql", {"query": "SELECT count() FROM events"}),
    ("execute_hogql", {"query": "SELECT event, count() FROM events GROUP BY event ORDER BY event LIMIT 3"}),
    ("show_last_script", {}),
    ("query_history", {}),
    ("save_query", {"query_id": "QUERY_ID", "name": "kept"}),
    ("export_result", {"query_id": "QUERY_ID"}),
    ("run_insight", {"kind": "trends", "series": [{"event": "$pageview"}]}),
    ("render_chart", {"query_id": "QUERY_ID"}),
    ("get_insight", {"insight": "Revenue by month"}),
    ("get_dashboard", {"dashboard": "Growth"}),
    ("explain_change", {"metric": PAGEVIEWS}),
    ("detect_anomalies", {"metric": PAGEVIEWS}),
    ("forecast_metric", {"metric": PAGEVIEWS}),
    ("compare_groups", {"metric": PAGEVIEWS, "split": "$browser"}),
    ("correlate_metrics", {"metrics": [PAGEVIEWS, {"kind": "trends", "series": [{"event": "signed_up"}]}]}),
    ("score_churn", {}),
    ("plan_question", {"question": "why did signups drop last week?"}),
    ("search_knowledge", {"query": "retention"}),
    ("read_knowledge", {"id": "hogql-coverage"}),
    ("fill_template", {"id": "active-people"}),
    ("list_traces", {}),
    ("list_themes", {}),
    ("preview_theme", {"theme": "error_analysis"}),
    ("run_theme", {"theme": "error_analysis", "limit": 5}),
    ("search_summaries", {"query": "refund"}),
)
"""Tools of the default sets that change nothing elsewhere, for the Inspector; `clients/calls.mjs` looks closer at the answers."""
PRODUCT_PORT, PROFILE_PORT = 8871, 8872


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=Path, help="folder of npm packages to use or to fill")
    parser.add_argument("--only", choices=("suite", "clients", "inspector"))
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="posthog-mcp-conformance-"))
    try:
        tools = install(arguments.tools or work / "tools")
        data = work / "data"
        run([sys.executable, "-m", "posthog_mcp", "local", "demo-data", "--events", "20000", "--data-dir", str(data)])
        checks = {"suite": suite, "clients": clients, "inspector": inspector}
        failed = [
            line for name, check in checks.items() if arguments.only in (None, name) for line in check(tools, data)
        ]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{len(failed)} failed" + "".join(f"\n  {line}" for line in failed))
    return 1 if failed else 0


def install(folder: Path) -> Path:
    """The packages' `node_modules/.bin`."""
    if not (folder / "node_modules").exists():
        folder.mkdir(parents=True, exist_ok=True)
        # npm needs a project of its own here, or it walks up to another one.
        (folder / "package.json").write_text('{"private": true}')
        run(["npm", "install", "--no-audit", "--no-fund", "--silent", *PACKAGES], cwd=folder)
    return folder / "node_modules" / ".bin"


def run(command: Sequence[str], tools: Path | None = None, cwd: Path = ROOT, check: bool = True) -> str:
    """Standard output and error together; `tools` come first in PATH."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PY": sys.executable}  # noqa: TID251
    if tools is not None:
        environment["PATH"] = f"{tools}:{environment['PATH']}"
        environment["NODE_PATH"] = str(tools.parent)
    done = subprocess.run(
        command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600
    )
    if check and done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}")
    return done.stdout if check or not done.returncode else f"{done.stdout}\nexit {done.returncode}"


@contextmanager
def serving(command: Sequence[str], port: int) -> Generator[str, None, None]:
    """The address of a server that answers."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # noqa: TID251
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=30).read()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(20)


def product(data: Path) -> list[str]:
    return ["posthog_mcp", "serve", "--data-dir", str(data), "--backend", "local"]


def suite(tools: Path, data: Path) -> list[str]:
    """The conformance suite: fixture-free scenarios on the product, every required one on the profile."""
    failed: list[str] = []
    with serving([*product(data), "--transport", "http", "--port", str(PRODUCT_PORT)], PRODUCT_PORT) as address:
        for version in VERSIONS:
            outcomes, _ = scenarios(tools, address, version)
            for name in NEEDS_NO_FIXTURES[version]:
                failed += told(f"product {version} {name}", outcomes.get(name, "✗") == "✓")
    with serving(["tests.conformance.profile", str(PROFILE_PORT), str(data)], PROFILE_PORT) as address:
        for version in VERSIONS:
            outcomes, unscored = scenarios(tools, address, version)
            for name in sorted(outcomes.keys() - unscored):
                failed += told(f"profile {version} {name}", outcomes[name] == "✓")
    return failed


def scenarios(tools: Path, address: str, version: str) -> tuple[dict[str, str], set[str]]:
    """Scenario → ✓ or ✗, and the names that the suite does not score."""
    out = run(["conformance", "server", "--url", address, "--requirements", version], tools, check=False)
    summary = out.partition("=== SUMMARY ===")[2]
    unscored = set(re.findall(r"^ +[✓✗] ([\w-]+) \(", summary, re.MULTILINE))
    return {name: mark for mark, name in re.findall(r"^([✓✗]) ([\w-]+):", summary, re.MULTILINE)}, unscored


def clients(tools: Path, data: Path) -> list[str]:
    """The TypeScript SDKs, every version they can speak, over stdio and HTTP: list and call every tool."""
    failed: list[str] = []
    stdio = " ".join([sys.executable, "-m", *product(data)])
    with serving([*product(data), "--transport", "http", "--port", str(PRODUCT_PORT)], PRODUCT_PORT) as address:
        for script, modes in (("v1.mjs", ("-",)), ("v2.mjs", ("legacy", "auto", "pin"))):
            for mode in modes:
                for way, target in (("stdio", stdio), ("http", address)):
                    out = run(["node", str(tools.parent / script), target, mode], linked(tools, script), check=False)
                    failed += told(f"{script} {mode} {way}: {out.strip().splitlines()[-1]}", "all answered" in out)
    return failed


def linked(tools: Path, script: str) -> Path:
    """Node finds packages from where a script lies, so it is copied beside them."""
    shutil.copy(CLIENTS / "calls.mjs", tools.parent)
    shutil.copy(CLIENTS / script, tools.parent)
    return tools


def inspector(tools: Path, data: Path) -> list[str]:
    """The Inspector's command line: schemas under `--strict`, and every tool called."""
    failed: list[str] = []
    with serving([*product(data), "--transport", "http", "--port", str(PRODUCT_PORT)], PRODUCT_PORT) as address:
        ways = {
            "stdio": [sys.executable, "-m", *product(data)],
            "http": [address, "--transport", "http"],
            "http modern": [address, "--transport", "http", "--protocol-era", "modern"],
        }
        for way, target in ways.items():
            start = ["mcp-inspector", "--cli", *target, "--method"]
            out = run([*start, "tools/list", "--strict"], tools, check=False)
            failed += told(f"inspector {way} tools/list --strict", "execute_hogql" in out and "\nexit " not in out)
            query_id = ""
            for tool, given in CALLS:
                text = json.dumps(given).replace("QUERY_ID", query_id)
                call = [*start, "tools/call", "--tool-name", tool, "--tool-args-json", text, "--format", "json"]
                out = run(call, tools, check=False)
                found = re.search(r'query_id\\?":\s*\\?"(\w+)', out)
                query_id = found.group(1) if found else query_id
                failed += told(f"inspector {way} {tool}", "\nexit " not in out and "structuredContent" in out)
    return failed


def told(check: str, passed: bool) -> list[str]:
    print("ok    " if passed else "FAILED", check, flush=True)
    return [] if passed else [check]


if __name__ == "__main__":
    raise SystemExit(main())
