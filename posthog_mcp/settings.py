"""Settings from flags, the environment and `.env`, in that order; the only room that reads the environment.

A wrong value is one `InvalidInput` that names the variable and what it takes. A setting whose feature does not
exist in this version is refused, not ignored.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from posthog_mcp.errors import InvalidInput

Backend = Literal["auto", "posthog", "local"]
TOOLSETS = ("discover", "query")
"""Toolsets of this version, in the order that they are listed."""
REGIONS = {"us": "https://us.posthog.com", "eu": "https://eu.posthog.com"}


class Settings(BaseSettings):
    """Everything that can be set. Read it with `Settings.load`, which words the errors."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", populate_by_name=True, frozen=True
    )

    api_key: Annotated[SecretStr | None, Field(alias="POSTHOG_API_KEY")] = None
    project_id: Annotated[int | None, Field(alias="POSTHOG_PROJECT_ID", ge=1)] = None
    region: Annotated[Literal["us", "eu"], Field(alias="POSTHOG_REGION")] = "us"
    base_url: Annotated[str | None, Field(alias="POSTHOG_BASE_URL")] = None
    backend: Annotated[Backend, Field(alias="POSTHOG_MCP_BACKEND")] = "auto"
    data_dir: Annotated[Path, Field(alias="POSTHOG_MCP_DATA_DIR")] = user_data_path("posthog-mcp")
    state_url: Annotated[str | None, Field(alias="POSTHOG_MCP_STATE_URL", pattern=r"^(sqlite|postgresql).*://")] = None
    toolsets: Annotated[tuple[str, ...], NoDecode, Field(alias="POSTHOG_MCP_TOOLSETS")] = TOOLSETS
    allow_writes: Annotated[bool, Field(alias="POSTHOG_MCP_ALLOW_WRITES")] = False
    mode: Annotated[Literal["tools", "compact"], Field(alias="POSTHOG_MCP_MODE")] = "tools"
    max_rows: Annotated[int, Field(alias="POSTHOG_MCP_MAX_ROWS", ge=1, le=50_000)] = 10_000
    query_timeout: Annotated[float, Field(alias="POSTHOG_MCP_QUERY_TIMEOUT", gt=0, le=600)] = 30.0
    """Seconds of wall time a query."""
    cache_ttl: Annotated[float, Field(alias="POSTHOG_MCP_CACHE_TTL", ge=0)] = 300.0
    """Seconds that a result is served again; 0 turns the cache off."""
    mask: Annotated[Literal["off"], Field(alias="POSTHOG_MCP_MASK")] = "off"
    execution: Annotated[Literal["direct"], Field(alias="POSTHOG_MCP_EXECUTION")] = "direct"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(alias="LOG_LEVEL")] = "WARNING"
    log_format: Annotated[Literal["text", "json"], Field(alias="LOG_FORMAT")] = "text"

    @classmethod
    def load(cls, **flags: object) -> Settings:
        """Read the settings; flags that are None count as not given.

        Raises:
            InvalidInput: naming each wrong setting and what it takes.
        """
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)  # pyright: ignore[reportArgumentType]
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
            message = "Wrong settings: " + "; ".join(problems) + "."
            raise InvalidInput(message, fix="Correct the environment variable, the .env file, or the flag.") from None

    @field_validator("toolsets", mode="before")
    @classmethod
    def split_toolsets(cls, value: object) -> object:
        """`discover,query`, or `all`."""
        if not isinstance(value, str):
            return value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        return TOOLSETS if names == ("all",) else names

    @field_validator("toolsets")
    @classmethod
    def know_toolsets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in TOOLSETS]
        if unknown or not value:
            raise ValueError(f"unknown toolset {', '.join(unknown)!r}; this version has {', '.join(TOOLSETS)}, or all")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("base_url")
    @classmethod
    def plain_base_url(cls, value: str | None) -> str | None:
        """A trailing `/api` is what people copy; the client adds it itself."""
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://")
        return value.rstrip("/").removesuffix("/api")

    @model_validator(mode="after")
    def complete(self) -> Settings:
        if self.backend == "posthog" and self.api_key is None:
            raise ValueError("POSTHOG_MCP_BACKEND=posthog needs POSTHOG_API_KEY")
        return self

    @property
    def uses_posthog(self) -> bool:
        """Whether queries go to a PostHog host; otherwise to the embedded project."""
        return self.backend == "posthog" or (self.backend == "auto" and self.api_key is not None)

    @property
    def host(self) -> str:
        """The PostHog host's address, without a path."""
        return self.base_url or REGIONS[self.region]


def child_environment(**extra: str) -> dict[str, str]:
    """This process's environment for a child of our own that needs the same settings."""
    return {**os.environ, **extra}
