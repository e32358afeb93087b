"""Real MCP hosts reach an answer through posthog-mcp, with a scripted model on loopback.

    npm i --ignore-scripts --prefix DIR @openai/codex @google/gemini-cli opencode-ai
    python -m tests.benchmarks.hosts.run DIR [codex] [gemini] [opencode]

Prints, for each host, whether the final answer holds what the tool really returned. Not part of CI: the
hosts weigh 0.7 GB.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS = [
    ["discover_objects", {"kind": "event", "limit": 3}],
    ["execute_hogql", {"query": "SELECT count() AS planted FROM events WHERE event = '$pageview'"}],
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_entry(data_dir: str) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "posthog_mcp"], {"POSTHOG_MCP_DATA_DIR": data_dir, "PYTHONPATH": os.getcwd()}


def codex(modules: Path, home: Path, port: int, data_dir: str) -> tuple[list[str], dict[str, str]]:
    command, env = server_entry(data_dir)
    config = home / ".codex"
    config.mkdir()
    args = ", ".join(json.dumps(a) for a in command[1:])
    settings = ", ".join(f"{key} = {json.dumps(value)}" for key, value in env.items())
    (config / "config.toml").write_text(
        f"""model = "scripted"
model_provider = "fake"
[model_providers.fake]
name = "fake"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"
env_key = "FAKE_KEY"
[mcp_servers.posthog]
command = {json.dumps(command[0])}
args = [{args}]
env = {{ {settings} }}
required = true
startup_timeout_sec = 60
tool_timeout_sec = 120
"""
    )
    run = [str(modules / ".bin/codex"), "exec", "--skip-git-repo-check", "--json", "How many page views?"]
    return run, {"FAKE_KEY": "x"}


def gemini(modules: Path, home: Path, port: int, data_dir: str) -> tuple[list[str], dict[str, str]]:
    command, env = server_entry(data_dir)
    config = home / ".gemini"
    config.mkdir()
    server = {"command": command[0], "args": command[1:], "env": env, "trust": True, "timeout": 120000}
    auth = {"auth": {"selectedType": "gemini-api-key"}}
    (config / "settings.json").write_text(json.dumps({"mcpServers": {"posthog": server}, "security": auth}))
    run = [str(modules / ".bin/gemini"), "-m", "gemini-2.5-flash", "--approval-mode", "yolo"]
    run += ["-p", "How many page views?", "--output-format", "json"]
    extra = {
        "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{port}",
        "GEMINI_API_KEY": "x",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return run, extra


def opencode(modules: Path, home: Path, port: int, data_dir: str) -> tuple[list[str], dict[str, str]]:
    command, env = server_entry(data_dir)
    options = {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "x"}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {"scripted": {}}}
    config = {
        "model": "fake/scripted",
        "provider": {"fake": provider},
        "mcp": {"posthog": {"type": "local", "command": command, "environment": env, "timeout": 60000}},
    }
    (home / "opencode.json").write_text(json.dumps(config))
    binary = modules / "opencode-linux-x64/bin/opencode"
    return [str(binary), "run", "--format", "json", "How many page views?"], {}


HOSTS = {"codex": codex, "gemini": gemini, "opencode": opencode}


def run_host(name: str, modules: Path, data_dir: str) -> tuple[bool, float, str]:
    """Run one host once; True when the answer it printed holds the number that the tool returned."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        command, extra = HOSTS[name](modules, home, port, data_dir)
        env = {
            "HOME": folder,
            "PATH": f"{modules / '.bin'}:{os.pathsep.join(os.get_exec_path())}",
            "PYTHONPATH": os.getcwd(),
            **extra,
        }
        model = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.hosts.fake_model", str(port), json.dumps(STEPS)]
        )
        try:
            time.sleep(1.5)
            start = time.perf_counter()
            done = subprocess.run(
                command, cwd=home, env=env, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL
            )
            seconds = time.perf_counter() - start
        finally:
            model.terminate()
            model.wait()
    answered = "ANSWER" in done.stdout and "planted" in done.stdout
    return answered, seconds, done.stdout[-1500:] + done.stderr[-1500:]


def main() -> int:
    modules = Path(sys.argv[1]) / "node_modules"
    names = sys.argv[2:] or list(HOSTS)
    data_dir = tempfile.mkdtemp()
    failures = 0
    try:
        for name in names:
            answered, seconds, output = run_host(name, modules, data_dir)
            print(f"{name}: {'answered' if answered else 'FAILED'} in {seconds:.1f} s")
            if not answered:
                failures += 1
                print(output)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
