"""Deployment files hold what they promise: no rights, a read-only root, probes that exist, settings that exist."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from posthog_mcp import __version__
from posthog_mcp.cli import parser
from posthog_mcp.settings import Settings
from tests.house.rules import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
KNOWN = {str(field.alias) for field in Settings.model_fields.values()}


BY_BRANCH = {"pypa/gh-action-pypi-publish@release/v1"}
"""Actions without a commit here: this one's maintainers ask for its release branch."""


def loaded(name: str) -> ModuleType:
    """A script of the bundle's folder."""
    spec = importlib.util.spec_from_file_location(name, DEPLOY / "mcpb" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def test_the_image_is_built_apart_and_runs_without_rights() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    user = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)

    assert len(stages) == 2
    assert all(":" in stage and not stage.endswith(":latest") for stage in stages)
    assert user == ["10001:10001"]
    assert "HEALTHCHECK" in DOCKERFILE
    assert "/health" in DOCKERFILE


def test_the_image_starts_a_command_that_exists() -> None:
    [command] = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)

    assert parser().parse_args(json.loads(command)).transport == "http"


def test_what_is_copied_into_the_image_is_let_through() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    }

    assert copied == allowed
    assert all((ROOT / name).exists() for name in allowed)


@pytest.mark.parametrize(
    "path", sorted(path for path in DEPLOY.rglob("*") if path.is_file()), ids=lambda path: path.name
)
def test_settings_that_are_named_exist(path: Path) -> None:
    named = set(re.findall(r"POSTHOG_MCP_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))

    assert named <= KNOWN


def test_compose_gives_no_rights_and_opens_no_port_but_the_proxys() -> None:
    [found] = documents(DEPLOY / "docker-compose.yml")
    mcp = found["services"]["mcp"]

    assert mcp["read_only"] is True
    assert mcp["cap_drop"] == ["ALL"]
    assert mcp["environment"]["POSTHOG_MCP_AUTH"] == "key"
    assert [name for name, each in found["services"].items() if "ports" in each] == ["proxy"]
    assert all(port.startswith("127.0.0.1:") for port in found["services"]["proxy"]["ports"])


def test_pods_have_no_rights_and_probes_that_exist() -> None:
    found = documents(DEPLOY / "kubernetes" / "posthog-mcp.yaml")
    [pod] = [each["spec"]["template"]["spec"] for each in found if each["kind"] == "Deployment"]
    [container] = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["image"].endswith(f":{__version__}")
    http = (ROOT / "posthog_mcp" / "server" / "http.py").read_text()
    assert all(f'"{container[probe]["httpGet"]["path"]}"' in http for probe in ("readinessProbe", "livenessProbe"))


@pytest.mark.parametrize("timer", sorted((DEPLOY / "systemd").glob("*.timer")), ids=lambda each: each.name)
def test_a_timer_starts_a_command_that_is_one(timer: Path) -> None:
    unit = next(line for line in timer.read_text().splitlines() if line.startswith("Unit=")).removeprefix("Unit=")
    name, _, instance = unit.removesuffix(".service").partition("@")
    service = (DEPLOY / "systemd" / f"{name}{'@' if instance else ''}.service").read_text()
    line = next(line for line in service.splitlines() if line.startswith("ExecStart="))

    words = shlex.split(line.removeprefix("ExecStart=").replace("%i", instance).replace("%%", "%").replace("$$", "$"))
    if words[0] == "/bin/sh":
        shown = words[2].replace("exec /opt/posthog-mcp/bin/posthog-mcp", "echo posthog-mcp")
        words = subprocess.run(["/bin/sh", "-c", shown], capture_output=True, text=True, check=True).stdout.split()
        assert re.fullmatch(rf"{instance}-\d{{4}}-\d\d-\d\d", words[words.index("--key") + 1])

    assert parser().parse_args(words[1:])
    assert "DynamicUser=yes" in service


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_unit_is_one_and_is_locked_down(tmp_path: Path) -> None:
    unit = tmp_path / "posthog-mcp.service"
    text = (DEPLOY / "systemd" / "posthog-mcp.service").read_text()
    unit.write_text(text.replace("/opt/posthog-mcp/bin/posthog-mcp", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)

    assert "posthog-mcp.service:" not in done.stderr, done.stderr
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes"):
        assert line in text


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_workflows_ask_for_little_and_pin_what_they_use(path: Path) -> None:
    [found] = documents(path)

    assert found["permissions"] == {"contents": "read"}
    for job in found["jobs"].values():
        for step in job["steps"]:
            assert "uses" in step or "run" in step
            assert "uses" not in step or re.search(r"@[0-9a-f]{40}$", step["uses"]) or step["uses"] in BY_BRANCH
            assert "${{ github.event" not in step.get("run", ""), "text of others in a shell"
            fetched = re.findall(r"curl .*-o (\S+) \"https://github", step.get("run", ""))
            assert fetched or "releases/" not in step.get("run", ""), "a program that is not kept cannot be checked"
            assert all(re.search(rf"[0-9a-f]{{64}}  {name}\" \| sha256sum", step["run"]) for name in fetched)


def test_the_action_passes_inputs_as_variables() -> None:
    [found] = documents(DEPLOY / "action" / "action.yml")

    for step in found["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    assert found["inputs"]["version"]["default"] == __version__


def test_the_registry_entry_has_what_the_schema_asks_for() -> None:
    entry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))

    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert 1 <= len(entry["description"]) <= 100
    for package in entry["packages"]:
        assert {"registryType", "identifier", "transport"} <= set(package)
        assert package["transport"]["type"] in ("stdio", "streamable-http")
        for variable in package.get("environmentVariables", []):
            assert variable["name"] in KNOWN
            assert variable.get("format", "string") in ("string", "number", "boolean", "filepath")
    oci = next(each for each in entry["packages"] if each["registryType"] == "oci")
    assert oci["identifier"].endswith(f":{__version__}")
    assert f'io.modelcontextprotocol.server.name="{entry["name"]}"' in DOCKERFILE


def test_the_bundle_holds_the_program_and_is_the_same_each_time(tmp_path: Path) -> None:
    build = loaded("build").build
    first, second = build(tmp_path / "a.mcpb").read_bytes(), build(tmp_path / "b.mcpb").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.mcpb") as bundle:
        names = set(bundle.namelist())
        manifest = json.loads(bundle.read("manifest.json"))

    assert first == second
    assert manifest["version"] == __version__
    assert {manifest["server"]["entry_point"], "pyproject.toml", "README.md", "LICENSE"} <= names
    assert any(name.startswith("knowledge/") for name in names)
    variables = manifest["server"]["mcp_config"]["env"]
    assert set(variables) <= KNOWN
    assert {f"${{user_config.{name}}}" for name in manifest["user_config"]} == set(variables.values())


def test_the_registry_entry_gets_the_bundles_hash(tmp_path: Path) -> None:
    bundle = tmp_path / "posthog-mcp.mcpb"
    bundle.write_bytes(b"bundle")
    entry = loaded("registry").with_bundle({"version": __version__, "packages": []}, bundle)

    assert entry["packages"][0]["fileSha256"] == hashlib.sha256(b"bundle").hexdigest()
    assert f"/v{__version__}/" in entry["packages"][0]["identifier"]
