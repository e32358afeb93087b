"""Settings: what is taken from where, and how a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.settings import Settings, unknown_variables


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without `.env` and an environment without PostHog's variables."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_set_means_the_embedded_project() -> None:
    settings = Settings.load()

    assert not settings.uses_posthog
    assert (settings.max_rows, settings.query_timeout, settings.cache_ttl) == (10_000, 30, 300)
    assert settings.data_dir.is_absolute()


def test_flags_beat_the_environment_which_beats_dotenv(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_folder / ".env").write_text("POSTHOG_REGION=eu\nPOSTHOG_MCP_MAX_ROWS=5\nPOSTHOG_MCP_MODE=compact\n")
    monkeypatch.setenv("POSTHOG_MCP_MAX_ROWS", "7")
    monkeypatch.setenv("POSTHOG_MCP_MODE", "compact")

    settings = Settings.load(mode="tools", max_rows=None)

    assert (settings.region, settings.max_rows, settings.mode) == ("eu", 7, "tools")


def test_a_key_connects_to_posthog_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", " phx_hidden\n")

    settings = Settings.load()

    assert settings.uses_posthog
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "phx_hidden"
    assert "phx_hidden" not in repr(settings)


@pytest.mark.parametrize(
    "given", ["https://ph.example.com", "https://ph.example.com/api", "https://ph.example.com/api/"]
)
def test_a_base_url_is_taken_with_or_without_api(given: str) -> None:
    assert Settings.load(base_url=given).host == "https://ph.example.com"


def test_no_claim_narrows_projects_until_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().projects_claim is None

    monkeypatch.setenv("POSTHOG_MCP_PROJECTS_CLAIM", "posthog_projects")

    assert Settings.load().projects_claim == "posthog_projects"


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POSTHOG_API_KEY", "POSTHOG_PROJECT_ID", "POSTHOG_REGION", "POSTHOG_MCP_TOOLSETS"):
        monkeypatch.setenv(name, "")

    assert not Settings.load().uses_posthog


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("POSTHOG_REGION", "mars", "'us' or 'eu'"),
        ("POSTHOG_PROJECT_ID", "zero", "valid integer"),
        ("POSTHOG_PROJECT_ID", "77", "needs POSTHOG_API_KEY"),
        ("POSTHOG_BASE_URL", "posthog.example.com", "https://"),
        ("POSTHOG_BASE_URL", "https://key@posthog.example.com", "POSTHOG_API_KEY"),
        ("POSTHOG_API_KEY", "phc_abc", "personal API key"),
        ("POSTHOG_API_KEY", "phx_a\r\nX-Evil: 1", "characters that no API key has"),
        ("POSTHOG_MCP_BACKEND", "posthog", "needs POSTHOG_API_KEY"),
        ("POSTHOG_MCP_TOOLSETS", "discover,insight", "discover, query"),
        ("POSTHOG_MCP_MAX_ROWS", "1000000", "less than or equal to 50000"),
        ("POSTHOG_MCP_QUERY_TIMEOUT", "nan", "POSTHOG_MCP_QUERY_TIMEOUT"),
        ("POSTHOG_MCP_MASK", "some", "'off', 'pii' or 'strict'"),
        ("POSTHOG_MCP_SECRET", "hunter2", "32 characters"),
        ("POSTHOG_MCP_STATE_KEY", f"{'k' * 32},hunter2", "32 characters"),
        ("POSTHOG_MCP_TELEMETRY_KEY", "phx_hunter2", "project token"),
        ("POSTHOG_MCP_TELEMETRY_HOST", "posthog.example.com", "https://"),
        ("POSTHOG_MCP_EXECUTION", "docker", "'direct' or 'e2b'"),
        ("POSTHOG_MCP_STATE_URL", "mysql://u:hunter2@h/d", "sqlite:///"),
        ("POSTHOG_MCP_CLICKHOUSE_URL", "mysql://u:hunter2@h/d", "clickhouse://USER"),
        ("POSTHOG_MCP_CLICKHOUSE_URL", "clickhouse://u:hunter2@h:9000/d", "8123"),
        ("POSTHOG_MCP_LLM", "gemini:x", "anthropic:MODEL or openai:MODEL"),
        ("POSTHOG_MCP_EMBEDDINGS", "magic", "hashed, minilm"),
        ("LOG_LEVEL", "loud", "'DEBUG'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidInput) as caught:
        Settings.load()

    text = caught.value.as_text()
    assert text.startswith("[invalid_input]")
    assert name in text
    assert says in text
    assert not any(secret in text for secret in ("phc_abc", "phx_a", "hunter2", "key@"))


def test_a_dotenv_that_is_not_text_is_told(own_folder: Path) -> None:
    (own_folder / ".env").write_bytes(b"POSTHOG_REGION=\xff\xfe")

    with pytest.raises(InvalidInput, match=r"\.env cannot be read"):
        Settings.load()


def test_misspelt_variables_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_MCP_MAXROWS", "5")

    assert unknown_variables() == ["POSTHOG_MCP_MAXROWS"]
