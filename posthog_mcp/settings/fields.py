"""Every setting: its variable, meaning, default and bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Backend = Literal["auto", "posthog", "local"]
TOOLSETS = ("discover", "query", "insights", "analysis", "knowledge", "traces", "reports", "audience", "api")
"""Toolsets of this version, in the order that they are listed."""
DEFAULT_TOOLSETS = ("discover", "query", "insights", "analysis", "knowledge", "traces")
REGIONS = {"us": "https://us.posthog.com", "eu": "https://eu.posthog.com"}
Names = Annotated[tuple[str, ...], NoDecode]
"""A comma-separated list."""


def setting(
    variable: str,
    meaning: str,
    default: Any,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Any:
    """A field that is read from `variable`; `meaning` stands in the README."""
    return Field(default, alias=variable, description=meaning, ge=ge, gt=gt, le=le)


class Fields(BaseSettings):
    """What can be set; the rules are in `loading.Settings`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        frozen=True,
    )

    api_key: SecretStr | None = setting(
        "POSTHOG_API_KEY", "personal API key (phx_…); without one: the embedded project", None
    )
    project_id: int | None = setting("POSTHOG_PROJECT_ID", "the project; default the key's own", None, ge=1)
    region: Literal["us", "eu"] = setting("POSTHOG_REGION", "PostHog Cloud region: us or eu", "us")
    base_url: str | None = setting("POSTHOG_BASE_URL", "a self-hosted PostHog's address, with or without /api", None)
    backend: Backend = setting("POSTHOG_MCP_BACKEND", "auto, posthog or local; auto: posthog when a key is set", "auto")
    data_dir: Path = setting(
        "POSTHOG_MCP_DATA_DIR",
        "folder of the embedded project, history and results; default the platform's user-data folder",
        user_data_path("posthog-mcp"),
    )
    state_url: str | None = setting(
        "POSTHOG_MCP_STATE_URL",
        "sqlite:///FILE or postgresql://… of history and audit; default in the data folder",
        None,
    )
    knowledge_dir: Path | None = setting(
        "POSTHOG_MCP_KNOWLEDGE_DIR", "folder of the team's own entries and definitions, such as one in git", None
    )
    toolsets: Annotated[tuple[str, ...], NoDecode] = setting(
        "POSTHOG_MCP_TOOLSETS", "toolsets to publish, comma-separated, or all", DEFAULT_TOOLSETS
    )
    allow_writes: bool = setting("POSTHOG_MCP_ALLOW_WRITES", "publish tools that write to the project", False)
    allow_admin: bool = setting(
        "POSTHOG_MCP_ALLOW_ADMIN", "call_api may also change members, roles, keys and settings of the account", False
    )
    mode: Literal["tools", "compact"] = setting(
        "POSTHOG_MCP_MODE", "tools, or compact: two tools (find_tool, use_tool) for clients that pay a schema", "tools"
    )
    max_rows: int = setting("POSTHOG_MCP_MAX_ROWS", "most rows of a result, 1 to 50,000", 10_000, ge=1, le=50_000)
    query_timeout: float = setting(
        "POSTHOG_MCP_QUERY_TIMEOUT", "seconds a query may run, up to 600", 30.0, gt=0, le=600
    )
    cache_ttl: float = setting(
        "POSTHOG_MCP_CACHE_TTL", "seconds that a result is served again; 0 turns the cache off", 300.0, ge=0, le=86_400
    )
    execution: Literal["direct", "e2b"] = setting(
        "POSTHOG_MCP_EXECUTION", "where queries to PostHog run: direct, or e2b as scripts in a sandbox", "direct"
    )
    e2b_api_key: SecretStr | None = setting("E2B_API_KEY", "key of E2B; with one, run_python is published", None)
    e2b_domain: str | None = setting("E2B_DOMAIN", "E2B's domain, where it is not e2b.app", None)
    e2b_api_url: str | None = setting("E2B_API_URL", "address of E2B's API, where the domain does not tell it", None)
    e2b_sandbox_url: str | None = setting("E2B_SANDBOX_URL", "address of its sandboxes, likewise", None)
    sandbox_template: str = setting(
        "POSTHOG_MCP_SANDBOX_TEMPLATE", "E2B template with python3, and pandas for run_python", "code-interpreter-v1"
    )
    sandbox_timeout: float = setting(
        "POSTHOG_MCP_SANDBOX_TIMEOUT", "seconds that run_python may take, up to 600", 60.0, gt=0, le=600
    )
    sandbox_memory: int = setting(
        "POSTHOG_MCP_SANDBOX_MEMORY", "megabytes that run_python may take, 64 to 65,536", 1024, ge=64, le=65_536
    )
    sandbox_idle: int = setting(
        "POSTHOG_MCP_SANDBOX_IDLE", "seconds after which an unused sandbox ends, up to 3,600", 300, ge=1, le=3_600
    )
    sandbox_fallback: bool = setting(
        "POSTHOG_MCP_SANDBOX_FALLBACK", "run queries directly where no sandbox can be made", False
    )
    reports: Path | None = setting(
        "POSTHOG_MCP_REPORTS",
        "YAML file of destinations, dashboards and schedules; default reports.yaml, data folder",
        None,
    )
    slack_bot_token: SecretStr | None = setting(
        "SLACK_BOT_TOKEN", "bot token (xoxb-…), scopes chat:write, files:write", None
    )
    slack_channel: str | None = setting("SLACK_CHANNEL", "where the target slack posts with the bot token", None)
    slack_webhook_url: SecretStr | None = setting("SLACK_WEBHOOK_URL", "or an incoming webhook (no pictures)", None)
    slack_api_url: str = setting("SLACK_API_URL", "address of Slack's API", "https://slack.com/api")
    smtp_url: SecretStr | None = setting(
        "SMTP_URL",
        "smtp://USER:PASSWORD@HOST:587?from=A&to=B for the target email; smtps:// for TLS from the start",
        None,
    )
    report_webhook_url: SecretStr | None = setting("REPORT_WEBHOOK_URL", "https address of the target webhook", None)
    report_webhook_secret: SecretStr | None = setting(
        "REPORT_WEBHOOK_SECRET", "key of the HMAC-SHA256 signature of webhooks", None
    )
    allow_private_targets: bool = setting(
        "POSTHOG_MCP_ALLOW_PRIVATE_TARGETS", "webhooks may go to http and private addresses of your own network", False
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR; logs go to stderr", "WARNING"
    )
    log_format: Literal["text", "json"] = setting("LOG_FORMAT", "text or json", "text")

    mask: Literal["off", "pii", "strict"] = setting(
        "POSTHOG_MCP_MASK",
        "off, pii (e-mails, names, phones, IPs, cards, tokens become pseudonyms) or strict (also distinct_ids, places)",
        "off",
    )
    mask_allow: Names = setting("POSTHOG_MCP_MASK_ALLOW", "properties that are never masked, comma-separated", ())
    mask_deny: Names = setting("POSTHOG_MCP_MASK_DENY", "properties that are always masked, comma-separated", ())
    secret: SecretStr | None = setting(
        "POSTHOG_MCP_SECRET",
        "32 characters or more, equal on all replicas: pseudonyms, tokens, audit; default one in the data folder",
        None,
    )
    state_key: SecretStr | None = setting(
        "POSTHOG_MCP_STATE_KEY",
        "32 characters or more: what is kept is encrypted (extra encryption); NEW,OLD changes the key",
        None,
    )
    audit: Literal["on", "off", "required"] = setting("POSTHOG_MCP_AUDIT", "on, off, or required to answer", "on")
    retention_days: int = setting(
        "POSTHOG_MCP_RETENTION_DAYS", "days that history, results and audit are kept; 0: no limit", 0, ge=0, le=36_500
    )
    auth: Literal["auto", "key", "oauth", "open"] = setting(
        "POSTHOG_MCP_AUTH",
        "over HTTP: auto (a request's PostHog key, else the server's own project), key (its key, always), oauth, open",
        "auto",
    )
    allowed_hosts: Names = setting("POSTHOG_MCP_ALLOWED_HOSTS", "host names that HTTP requests may come for", ())
    allowed_origins: Names = setting("POSTHOG_MCP_ALLOWED_ORIGINS", "web origins that may call from a browser", ())
    public_url: str | None = setting("POSTHOG_MCP_PUBLIC_URL", "address that clients use, such as https://h/mcp", None)
    oauth_issuer: str | None = setting("POSTHOG_MCP_OAUTH_ISSUER", "authorization server whose tokens are taken", None)
    oauth_jwks_url: str | None = setting("POSTHOG_MCP_OAUTH_JWKS_URL", "its keys; default what its metadata says", None)
    oauth_audience: str | None = setting(
        "POSTHOG_MCP_OAUTH_AUDIENCE", "their audience; default the public address", None
    )
    oauth_scopes: Names = setting("POSTHOG_MCP_OAUTH_SCOPES", "scopes that tokens must have, comma-separated", ())
    roles_claim: str = setting("POSTHOG_MCP_ROLES_CLAIM", "claim of a token that holds roles", "roles")
    projects_claim: str | None = setting(
        "POSTHOG_MCP_PROJECTS_CLAIM",
        "claim of a token that lists the projects its bearer may use; unset: every one",
        None,
    )
    default_role: Literal["viewer", "analyst", "editor", "admin"] = setting(
        "POSTHOG_MCP_DEFAULT_ROLE", "role of who brings none: viewer, analyst, editor or admin", "editor"
    )
    telemetry_key: SecretStr | None = setting(
        "POSTHOG_MCP_TELEMETRY_KEY",
        "project token (phc_…) of your own PostHog that gets an event a tool call; without one: none",
        None,
    )
    telemetry_host: str | None = setting(
        "POSTHOG_MCP_TELEMETRY_HOST", "its address; default the PostHog of the other settings", None
    )
    request_rate: str = setting("POSTHOG_MCP_REQUEST_RATE", "HTTP requests that one principal may make", "1200/min")
    request_timeout: float = setting(
        "POSTHOG_MCP_REQUEST_TIMEOUT", "seconds that an HTTP request may take, up to 3,600", 660.0, gt=0, le=3_600
    )
    max_body: int = setting(
        "POSTHOG_MCP_MAX_BODY", "bytes that a request may have, over HTTP and stdio", 4_194_304, ge=1_024, le=67_108_864
    )
    drain_seconds: float = setting(
        "POSTHOG_MCP_DRAIN_SECONDS", "seconds between /ready saying no and the end, at SIGTERM", 0.0, ge=0, le=300
    )
    rate_limit: str = setting("POSTHOG_MCP_RATE_LIMIT", "requests of a key, such as 240/min", "240/min,1200/h")
    clickhouse_url: SecretStr | None = setting(
        "POSTHOG_MCP_CLICKHOUSE_URL",
        "clickhouse(s)://USER:PASSWORD@HOST:PORT/DATABASE: run the embedded project's SQL there instead of on chDB",
        None,
    )
    clickhouse_load_url: SecretStr | None = setting(
        "POSTHOG_MCP_CLICKHOUSE_LOAD_URL",
        "the same with a user that may write: `local import`, `sync`, `demo-data` and `clickhouse-load` fill it",
        None,
    )
    cache_url: str | None = setting(
        "POSTHOG_MCP_CACHE_URL", "redis://… of the results and limits that replicas share; default in process", None
    )
    llm: str | None = setting(
        "POSTHOG_MCP_LLM",
        "model of unattended themes and reports: anthropic:MODEL or openai:MODEL; without one: rules",
        None,
    )
    anthropic_api_key: SecretStr | None = setting("ANTHROPIC_API_KEY", "key for anthropic: models", None)
    anthropic_base_url: str | None = setting("ANTHROPIC_BASE_URL", "another address of Anthropic's API", None)
    openai_api_key: SecretStr | None = setting("OPENAI_API_KEY", "key for openai: models and embeddings", None)
    openai_base_url: str | None = setting("OPENAI_BASE_URL", "an OpenAI-compatible endpoint, with its /v1", None)
    embeddings: str = setting(
        "POSTHOG_MCP_EMBEDDINGS",
        "vectors of summaries: hashed (no model), minilm or minilm:FOLDER (extra semantic), or openai:MODEL",
        "hashed",
    )
