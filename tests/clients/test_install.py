"""`posthog-mcp install`: files keep what they had, get our entry once, and wrong ones are refused with the place."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthog_mcp.cli import CLIENT_NAMES, main
from posthog_mcp.clients.jsonc import read, with_member
from posthog_mcp.clients.known import CLIENTS
from posthog_mcp.settings import Settings

JSON_CLIENTS = [name for name in CLIENT_NAMES if name != "codex"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, and no settings."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def installed(*words: str) -> int:
    return main(["install", *words, "--using", "uvx"])


def entry_of(client: str) -> dict[str, object]:
    path = CLIENTS[client].user_file()
    text = path.read_text()
    found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    for name in (*CLIENTS[client].servers, "posthog"):
        found = found[name]
    return found


def test_the_command_knows_every_client() -> None:
    assert set(CLIENT_NAMES) == set(CLIENTS)


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_new_file_starts_the_server(client: str) -> None:
    assert installed(client) == 0

    entry = entry_of(client)
    assert (entry["command"], entry["args"]) == ("uvx", ["--from", "posthog-mcp[local]", "posthog-mcp"])
    assert CLIENTS[client].user_file().stat().st_mode & 0o077 == 0, "it may hold a key"


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_key_and_project_go_along(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", "phx_mine")
    monkeypatch.setenv("POSTHOG_PROJECT_ID", "7")
    monkeypatch.setenv("POSTHOG_REGION", "eu")

    assert installed(client) == 0

    env = entry_of(client)["env"]
    assert isinstance(env, dict)
    assert (env["POSTHOG_PROJECT_ID"], env["POSTHOG_REGION"]) == ("7", "eu")
    asked = client == "vscode"
    assert env["POSTHOG_API_KEY"] == ("${input:posthog-key}" if asked else "phx_mine")
    assert not asked or "phx_mine" not in CLIENTS[client].user_file().read_text()


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_second_time_changes_nothing(client: str, capsys: pytest.CaptureFixture[str]) -> None:
    installed(client)
    before = CLIENTS[client].user_file().read_text()

    assert installed(client) == 0

    assert CLIENTS[client].user_file().read_text() == before
    assert "already" in capsys.readouterr().out
    assert list(CLIENTS[client].user_file().parent.glob("*.bak*")) == []


COMMENTED = """{
\t// my servers, "quoted" and all
\t"mcpServers": {
\t\t"github": { "command": "docker", "args": ["run", "-i"] }, // keep me
\t\t/* and me */
\t},
\t"other": [1, 2, /* three */ 3,],
}
"""


@pytest.mark.parametrize("client", ["claude-desktop", "claude-code", "cursor", "windsurf"])
def test_what_was_there_stays_with_its_comments(client: str) -> None:
    path = CLIENTS[client].user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(COMMENTED)

    assert installed(client) == 0

    text = path.read_text()
    for line in COMMENTED.splitlines():
        assert line.rstrip("{}, ") in text
    assert path.with_name(f"{path.name}.bak").read_text() == COMMENTED
    servers = read(text).member("mcpServers")
    assert servers is not None
    assert [name for name, _, _ in servers.members] == ["github", "posthog"]


def test_codex_keeps_its_comments_and_other_tables() -> None:
    path = CLIENTS["codex"].user_file()
    path.parent.mkdir(parents=True)
    old = '# mine\nmodel = "x"  # best\n\n[mcp_servers.other]\ncommand = "a"\n'
    path.write_text(old)

    assert installed("codex") == 0

    text = path.read_text()
    assert text.startswith(old)
    assert tomllib.loads(text)["mcp_servers"]["other"] == {"command": "a"}
    assert entry_of("codex")["command"] == "uvx"


def test_vs_code_keeps_other_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", "phx_mine")
    path = CLIENTS["vscode"].user_file()
    path.parent.mkdir(parents=True)
    path.write_text('{"inputs": [{"id": "a", "type": "promptString"} /* a */], "servers": {}}')

    assert installed("vscode") == 0

    text = path.read_text()
    assert "/* a */" in text
    assert text.count("posthog-key") == 2


@pytest.mark.parametrize("client", JSON_CLIENTS)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{\n  "mcpServers": {\n    "a": 1\n    "b": 2\n  }\n}', "line 4, column 5"),
        ('{"a": }', "line 1, column 7"),
        ("{'a': 1}", "line 1, column 2"),
        ('{"a": 1} x', "line 1, column 10"),
        ("[" * 500, "line 1, column"),
        ("{", "line 1, column 2"),
    ],
)
def test_wrong_json_is_refused_with_the_place(
    client: str, text: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = CLIENTS[client].user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)

    assert installed(client) == 2

    told = capsys.readouterr().err
    assert place in told
    assert str(path) in told
    assert path.read_text() == text


@pytest.mark.parametrize("text", ['{"mcpServers": []}', '{"mcpServers": "x"}', "[]"])
def test_another_shape_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = CLIENTS["cursor"].user_file()
    path.parent.mkdir(parents=True)
    path.write_text(text)

    assert installed("cursor") == 2
    assert "object is needed" in capsys.readouterr().err


def test_wrong_toml_is_refused_with_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    path = CLIENTS["codex"].user_file()
    path.parent.mkdir(parents=True)
    path.write_text("a = 1\nb = = 2\n")

    assert installed("codex") == 2
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_print_changes_nothing(client: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert installed(client, "--print") == 0

    out = capsys.readouterr().out
    found = tomllib.loads(out) if client == "codex" else json.loads(out)
    assert found[CLIENTS[client].servers[0]]["posthog"]["command"] == "uvx"
    assert not CLIENTS[client].user_file().exists()


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_remote_server_is_an_address(client: str) -> None:
    assert installed(client, "--url", "https://mcp.example.com/mcp") == 0

    assert "https://mcp.example.com/mcp" in json.dumps(entry_of(client))


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_remote_server_gets_key_project_and_region(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", "phx_mine")
    monkeypatch.setenv("POSTHOG_PROJECT_ID", "7")
    monkeypatch.setenv("POSTHOG_REGION", "eu")

    assert installed(client, "--url", "https://mcp.example.com/mcp") == 0

    entry = entry_of(client)
    sent = {"Authorization": "Bearer phx_mine", "X-PostHog-Project-Id": "7", "X-PostHog-Region": "eu"}
    if client == "claude-desktop":
        given = ["Authorization:${POSTHOG_LOGIN}", "X-PostHog-Project-Id:7", "X-PostHog-Region:eu"]
        args = [
            "-y",
            "mcp-remote",
            "https://mcp.example.com/mcp",
            *(word for each in given for word in ("--header", each)),
        ]
        assert (entry["args"], entry["env"]) == (args, {"POSTHOG_LOGIN": "Bearer phx_mine"})
    elif client == "codex":
        del sent["Authorization"]
        assert (entry["bearer_token_env_var"], entry["http_headers"]) == ("POSTHOG_API_KEY", sent)
    else:
        key = "${input:posthog-key}" if client == "vscode" else "phx_mine"
        assert entry["headers"] == {**sent, "Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("client", CLIENT_NAMES)
def test_a_remote_server_without_a_key_is_not_sent_one(client: str) -> None:
    assert installed(client, "--url", "https://mcp.example.com/mcp") == 0

    assert not {"headers", "env", "bearer_token_env_var"} & set(entry_of(client))


def test_a_key_in_a_projects_file_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", "phx_mine")

    assert installed("claude-code", "--scope", "project") == 0
    assert "version control" in capsys.readouterr().out
    assert installed("vscode", "--scope", "project") == 0
    assert "version control" not in capsys.readouterr().out


def test_a_comment_before_the_first_member_does_not_deepen_the_indent() -> None:
    text = '{\n\t// mine\n\t"servers": {\n\t\t"a": {}\n\t}\n}\n'

    assert with_member(text, ("servers", "b"), {"c": 1}) == text.replace("{}", '{},\n\t\t"b": {\n\t\t\t"c": 1\n\t\t}')


def test_a_projects_own_file(home: Path) -> None:
    assert installed("claude-code", "--scope", "project") == 0

    assert "posthog" in json.loads((home / ".mcp.json").read_text())["mcpServers"]
    assert installed("windsurf", "--scope", "project") == 2


def test_a_linked_file_stays_a_link(home: Path) -> None:
    real = home / "dotfiles.json"
    real.write_text("{}")
    path = CLIENTS["cursor"].user_file()
    path.parent.mkdir(parents=True)
    path.symlink_to(real)

    assert installed("cursor") == 0

    assert path.is_symlink()
    assert "posthog" in real.read_text()


def test_links_install_without_the_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", "phx_mine")

    assert installed("cursor", "--link") == 0
    cursor = urlsplit(capsys.readouterr().out.strip())
    assert installed("vscode", "--link") == 0
    vscode = capsys.readouterr().out.strip()

    assert cursor.scheme == "cursor"
    assert json.loads(base64.b64decode(parse_qs(cursor.query)["config"][0]))["command"] == "uvx"
    assert json.loads(unquote(vscode.partition("?")[2]))["name"] == "posthog"
    assert "phx_mine" not in cursor.query + vscode
    assert installed("windsurf", "--link") == 2


TEXTS = st.text("ab01 \"'\\/\n\t\0{}[],:é\u2028\U0001f600", max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.sampled_from([None, 2, "\t"]))
def test_any_json_keeps_its_members(document: dict[str, object], indent: int | str | None) -> None:
    text = json.dumps(document, indent=indent)

    new = json.loads(with_member(text, ("mcpServers\0", "posthog"), {"a": [1]}))

    assert new.pop("mcpServers\0") == {"posthog": {"a": [1]}}
    assert new == document
