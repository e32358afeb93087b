"""Reads the settings and says what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from posthog_mcp.errors import InvalidInput
from posthog_mcp.settings.fields import REGIONS, TOOLSETS, Fields


class Settings(Fields):
    """Everything that can be set. Read it with `Settings.load`, which words the errors."""

    @classmethod
    def load(cls, **flags: object) -> Settings:
        """Read the settings; flags that are None count as not given.

        Raises:
            InvalidInput: naming each wrong setting and what it takes.
        """
        given = {cls.variable(name): value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)  # pyright: ignore[reportArgumentType]
        except ValidationError as error:
            problems = "; ".join(worded(problem) for problem in error.errors())
        except (UnicodeDecodeError, OSError) as error:
            problems = f".env cannot be read ({error})"
        raise InvalidInput(
            f"Wrong settings: {problems}.", fix="Correct the flag, the environment variable or the line in .env."
        )

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a field."""
        return cls.model_fields[name].alias or name

    @field_validator("api_key")
    @classmethod
    def personal_key(cls, value: SecretStr | None) -> SecretStr | None:
        """A project token looks alike and can only write; a line break would split the HTTP header."""
        if value is None:
            return None
        text = value.get_secret_value().strip()
        if text.startswith("phc_"):
            raise ValueError("a phc_ project token can only send events; a personal API key (phx_…) is needed")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("it holds characters that no API key has")
        return SecretStr(text) if text else None

    @field_validator("slack_bot_token", "slack_webhook_url", "smtp_url", "report_webhook_url", "report_webhook_secret")
    @classmethod
    def one_line(cls, value: SecretStr | None) -> SecretStr | None:
        """A line break would split a header."""
        text = value.get_secret_value().strip() if value else ""
        if not text.isprintable():
            raise ValueError("it holds characters that cannot be in it")
        return SecretStr(text) if text else None

    @field_validator("telemetry_key")
    @classmethod
    def project_token(cls, value: SecretStr | None) -> SecretStr | None:
        """A personal key could read everything; sending needs the public token alone."""
        text = value.get_secret_value().strip() if value else ""
        if text and not re.fullmatch(r"phc_\w+", text):
            raise ValueError("a project token (phc_…) is needed, not a personal key")
        return SecretStr(text) if text else None

    @field_validator("base_url", "telemetry_host")
    @classmethod
    def plain_base_url(cls, value: str | None) -> str | None:
        """A trailing `/api` is what people copy; the client adds it itself."""
        if value is None:
            return None
        address = urlsplit(value.strip())
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("an address such as https://posthog.example.com is needed")
        if address.username or address.query or address.fragment:
            raise ValueError("only scheme, host, port and path belong here; the key goes in POSTHOG_API_KEY")
        return value.strip().rstrip("/").removesuffix("/api").rstrip("/")

    @field_validator("rate_limit", "request_rate")
    @classmethod
    def rates(cls, value: str) -> str:
        """Numbers and units of time, comma-separated."""
        if not re.fullmatch(r"(\s*[1-9]\d*\s*/\s*(s|sec|second|min|minute|h|hour|d|day)s?\s*,?)+", value.lower()):
            raise ValueError("rates such as 240/min,1200/h are needed")
        return value

    @field_validator("data_dir")
    @classmethod
    def absolute_folder(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("state_url")
    @classmethod
    def known_state(cls, value: str | None) -> str | None:
        """SQLite or PostgreSQL; the driver for PostgreSQL is psycopg."""
        if value is None or value.startswith("sqlite:///"):
            return value
        scheme, found, rest = value.partition("://")
        if not found or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise ValueError("sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE is needed")
        return f"postgresql+psycopg://{rest}"

    @field_validator("cache_url")
    @classmethod
    def known_cache(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://")):
            raise ValueError("redis://HOST:PORT/NUMBER is needed")
        return value

    @field_validator("clickhouse_url", "clickhouse_load_url")
    @classmethod
    def known_server(cls, value: SecretStr | None) -> SecretStr | None:
        """ClickHouse's HTTP interface; the native port is another protocol."""
        if value is None:
            return None
        text = value.get_secret_value().strip()
        parts = urlsplit(text)
        if parts.scheme not in ("clickhouse", "clickhouses", "http", "https") or not parts.hostname:
            raise ValueError("clickhouse://USER:PASSWORD@HOST:PORT/DATABASE is needed, clickhouses:// for TLS")
        if parts.port in (9000, 9440):
            raise ValueError("the port of ClickHouse's HTTP interface is needed, mostly 8123, or 8443 for TLS")
        if parts.query or parts.fragment or "/" in parts.path.strip("/"):
            raise ValueError("only user, password, host, port and database belong here; escape others with %")
        return SecretStr(text)

    @field_validator("llm")
    @classmethod
    def known_provider(cls, value: str | None) -> str | None:
        """Which client library talks to the model."""
        if value is not None and not re.fullmatch(r"(anthropic|openai):\S+", value):
            raise ValueError("anthropic:MODEL or openai:MODEL is needed")
        return value

    @field_validator("embeddings")
    @classmethod
    def known_embedder(cls, value: str) -> str:
        if not re.fullmatch(r"hashed|minilm(:.+)?|openai:\S+", value):
            raise ValueError("hashed, minilm, minilm:FOLDER or openai:MODEL is needed")
        return value

    @field_validator("toolsets", mode="before")
    @classmethod
    def split_toolsets(cls, value: object) -> object:
        """`discover,query`, or `all`."""
        if not isinstance(value, str):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        return TOOLSETS if names == ("all",) else names

    @field_validator("toolsets")
    @classmethod
    def know_toolsets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = ", ".join(name for name in value if name not in TOOLSETS)
        if unknown or not value:
            raise ValueError(f"no toolset {unknown!r}; this version has {', '.join(TOOLSETS)}, or all")
        return value

    @field_validator("mask_allow", "mask_deny", "allowed_hosts", "allowed_origins", "oauth_scopes", mode="before")
    @classmethod
    def split_names(cls, value: object) -> object:
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    @field_validator("secret")
    @classmethod
    def long_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("32 characters or more are needed, such as `openssl rand -hex 32` gives")
        return value

    @field_validator("state_key")
    @classmethod
    def long_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and any(len(key) < 32 for key in keys_of(value)):
            raise ValueError("32 characters or more are needed in each key, such as `openssl rand -hex 32` gives")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def complete(self) -> Settings:
        """What no single setting can tell.

        Raises:
            ValueError: a setting is of no use in this version or without another one.
        """
        if self.auth == "oauth" and not (self.oauth_issuer and (self.oauth_audience or self.public_url)):
            raise ValueError("POSTHOG_MCP_AUTH=oauth needs POSTHOG_MCP_OAUTH_ISSUER and POSTHOG_MCP_PUBLIC_URL")
        if self.clickhouse_url is not None and self.uses_posthog:
            raise ValueError("POSTHOG_MCP_CLICKHOUSE_URL beside POSTHOG_API_KEY needs POSTHOG_MCP_BACKEND=local")
        if self.api_key is None and self.backend == "posthog":
            raise ValueError("POSTHOG_MCP_BACKEND=posthog needs POSTHOG_API_KEY")
        if self.api_key is None and self.backend == "auto" and self.project_id not in (None, 1):
            raise ValueError(f"POSTHOG_PROJECT_ID={self.project_id} needs POSTHOG_API_KEY; without it: the demo")
        return self

    @property
    def reports_file(self) -> Path:
        """The YAML file of destinations, dashboards and schedules."""
        return (self.reports or self.data_dir / "reports.yaml").expanduser().absolute()

    @property
    def state_keys(self) -> tuple[str, ...]:
        """Keys of the encrypted state: the first writes, all read."""
        return keys_of(self.state_key) if self.state_key else ()

    @property
    def uses_posthog(self) -> bool:
        """Whether queries go to a PostHog host; otherwise to the embedded project."""
        return self.backend == "posthog" or (self.backend == "auto" and self.api_key is not None)

    @property
    def host(self) -> str:
        """The PostHog host's address, without `/api`."""
        return self.base_url or REGIONS[self.region]


def keys_of(value: SecretStr) -> tuple[str, ...]:
    return tuple(key.strip() for key in value.get_secret_value().split(","))


def worded(problem: ErrorDetails) -> str:
    """`POSTHOG_REGION: Input should be 'us' or 'eu' (got 'mars')`; a secret's value is never told."""
    name = ".".join(map(str, problem["loc"]))
    text = problem["msg"].removeprefix("Value error, ")
    given = cast(object, problem.get("input"))
    secret = name.endswith(("_KEY", "_URL", "_TOKEN", "_SECRET"))
    shown = name and not secret and isinstance(given, str | int | float)
    return f"{name}: {text}".removeprefix(": ") + (f" (got {given!r:.60})" if shown else "")
