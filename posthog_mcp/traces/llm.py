"""The configured model, through its provider's own client library (extra `[llm]`), with structured output.

The libraries retry, time out and reuse connections; here are only which model, one question with a JSON Schema, what it
cost, and our errors. What is sent are trace texts that the operator chose to send by setting POSTHOG_MCP_LLM.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from opentelemetry.trace import Span, SpanKind

from posthog_mcp.errors import Forbidden, InvalidInput, PostHogMcpError, RateLimited, Unavailable
from posthog_mcp.observing.cost import Cost, spend
from posthog_mcp.observing.spans import span
from posthog_mcp.results import Json, read_json
from posthog_mcp.settings import Settings

if TYPE_CHECKING:
    from pydantic import SecretStr

RETRIES = 4
SECONDS = 120.0
MOST_OUT = 8_000
"""Tokens of one reply."""
PRICES = {
    "gpt-5-nano": (0.05, 0.4),
    "gpt-5-mini": (0.25, 2.0),
    "gpt-5": (1.25, 10.0),
    "gpt-4.1-nano": (0.1, 0.4),
    "gpt-4.1-mini": (0.4, 1.6),
    "gpt-4.1": (2.0, 8.0),
    "gpt-4o-mini": (0.15, 0.6),
    "gpt-4o": (2.5, 10.0),
    "claude-haiku": (1.0, 5.0),
    "claude-3-5-haiku": (0.8, 4.0),
    "claude-sonnet": (3.0, 15.0),
    "claude-opus": (15.0, 75.0),
}
"""Beginning of a model's name → USD a million tokens in, out (list prices of 2025). The longest beginning counts."""
ASSUMED = (3.0, 15.0)
"""For a model that is not listed: a cap on cost must hold all the same."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The object that a model gave, and what it took."""

    content: Json
    tokens_in: int
    tokens_out: int


Ask = Callable[[str, str, Mapping[str, Json]], Awaitable[Reply]]
"""(instructions, text, JSON Schema) → reply."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model of one provider."""

    provider: Literal["anthropic", "openai"]
    name: str

    @property
    def label(self) -> str:
        return f"{self.provider}:{self.name}"

    @property
    def price(self) -> tuple[float, float]:
        """USD a million tokens, in and out."""
        known = [each for each in PRICES if self.name.startswith(each)]
        return PRICES[max(known, key=len)] if known else ASSUMED

    @property
    def price_is_assumed(self) -> bool:
        return not any(map(self.name.startswith, PRICES))

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """USD."""
        return (tokens_in * self.price[0] + tokens_out * self.price[1]) / 1_000_000


def configured_model(settings: Settings) -> Model | None:
    """What POSTHOG_MCP_LLM names."""
    if not settings.llm:
        return None
    provider, _, name = settings.llm.partition(":")
    return Model(cast("Literal['anthropic', 'openai']", provider), name)


class LanguageModel:
    """A client of one model; close it with `aclose`."""

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model = model
        self._client: Any = openai_client(settings) if model.provider == "openai" else anthropic_client(settings)

    async def ask(self, instructions: str, text: str, schema: Mapping[str, Json]) -> Reply:
        """One object of this schema; whether it fits, the caller checks.

        Raises:
            Forbidden: the key is refused.
            RateLimited: the provider's limit holds after all retries.
            InvalidInput: the provider refuses the request, or the reply is no JSON.
            Unavailable: it does not answer.
            PostHogMcpError: one of these.
        """
        ask = self._ask_openai if self.model.provider == "openai" else self._ask_anthropic
        about = {"gen_ai.provider.name": self.model.provider, "gen_ai.request.model": self.model.name}
        try:
            with span("model", about, kind=SpanKind.CLIENT) as traced:
                reply = await ask(instructions, text, schema)
                self._paid(reply, traced)
                return reply
        except PostHogMcpError:
            raise
        except Exception as error:
            told = self._told(error)
            if told is None:
                raise
            raise told from None

    def _paid(self, reply: Reply, traced: Span) -> None:
        """Tell what a reply took."""
        used_in, used_out = reply.tokens_in, reply.tokens_out
        traced.set_attribute("gen_ai.usage.input_tokens", used_in)
        traced.set_attribute("gen_ai.usage.output_tokens", used_out)
        spend(Cost(tokens_in=used_in, tokens_out=used_out, usd=self.model.cost(used_in, used_out)))

    async def aclose(self) -> None:
        await self._client.close()

    async def _ask_openai(self, instructions: str, text: str, schema: Mapping[str, Json]) -> Reply:
        """Chat completions with a JSON Schema: what OpenAI-compatible servers have in common."""
        found = await self._client.chat.completions.create(
            model=self.model.name,
            messages=[{"role": "system", "content": instructions}, {"role": "user", "content": text}],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "answers", "schema": dict(schema), "strict": False},
            },
        )
        usage = found.usage
        content = parsed(found.choices[0].message.content or "")
        return Reply(content, usage.prompt_tokens if usage else 0, usage.completion_tokens if usage else 0)

    async def _ask_anthropic(self, instructions: str, text: str, schema: Mapping[str, Json]) -> Reply:
        """A tool that must be called: its input is the object.

        Raises:
            InvalidInput: the reply holds no call.
        """
        tool = {"name": "give_answers", "description": "Give the answers.", "input_schema": dict(schema)}
        found = await self._client.messages.create(
            model=self.model.name,
            max_tokens=MOST_OUT,
            system=instructions,
            messages=[{"role": "user", "content": text}],
            tools=[tool],
            tool_choice={"type": "tool", "name": "give_answers"},
        )
        calls = [block.input for block in found.content if block.type == "tool_use"]
        if not calls:
            raise InvalidInput(f"{self.model.label} gave no answer ({found.stop_reason}).", fix="Try again.")
        return Reply(cast("Json", calls[0]), found.usage.input_tokens, found.usage.output_tokens)

    def _told(self, error: Exception) -> PostHogMcpError | None:
        """A library's error as ours; both libraries name them alike. None for what is no error of theirs."""
        kind, status = type(error).__name__, getattr(error, "status_code", None)
        label = self.model.label
        if kind in ("AuthenticationError", "PermissionDeniedError"):
            name = "OPENAI_API_KEY" if self.model.provider == "openai" else "ANTHROPIC_API_KEY"
            return Forbidden(f"{label} refuses the key ({status}).", fix=f"Check {name}.")
        if kind == "RateLimitError":
            return RateLimited(f"{label} is at its limit after {RETRIES} retries.", fix="Try again later.")
        if kind in ("BadRequestError", "NotFoundError", "UnprocessableEntityError"):
            return InvalidInput(f"{label} refuses the request ({status}).", fix="Check the name in POSTHOG_MCP_LLM.")
        if kind in ("APITimeoutError", "APIConnectionError", "InternalServerError") or status is not None:
            return Unavailable(f"{label} does not answer ({status or kind}).", fix="Try again later.")
        return None


def secret(value: SecretStr | None, variable: str) -> str:
    """A key.

    Raises:
        InvalidInput: it is not set.
    """
    if value is None:
        raise InvalidInput(f"The model that is set needs {variable}.", fix=f"Set {variable}.")
    return value.get_secret_value()


def openai_client(settings: Settings) -> object:
    """OpenAI's client; an endpoint of one's own may need no key.

    Raises:
        Unavailable: it is not installed.
        InvalidInput: there is no key.
    """
    try:
        from openai import AsyncOpenAI
    except ImportError:
        raise Unavailable("The openai library is not installed.", fix=INSTALL) from None
    own = settings.openai_base_url is not None and settings.openai_api_key is None
    key = "none" if own else secret(settings.openai_api_key, "OPENAI_API_KEY")
    return AsyncOpenAI(api_key=key, base_url=settings.openai_base_url, max_retries=RETRIES, timeout=SECONDS)


def anthropic_client(settings: Settings) -> object:
    """Anthropic's client.

    Raises:
        Unavailable: it is not installed.
        InvalidInput: there is no key.
    """
    try:
        from anthropic import AsyncAnthropic
    except ImportError:
        raise Unavailable("The anthropic library is not installed.", fix=INSTALL) from None
    key = secret(settings.anthropic_api_key, "ANTHROPIC_API_KEY")
    return AsyncAnthropic(api_key=key, base_url=settings.anthropic_base_url, max_retries=RETRIES, timeout=SECONDS)


INSTALL = 'Run: pip install "posthog-mcp[llm]".'


def parsed(text: str) -> Json:
    """A reply's JSON, also where it stands in a code fence.

    Raises:
        InvalidInput: there is none.
    """
    plain = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return read_json(plain)
    except (ValueError, RecursionError):
        raise InvalidInput("The model's reply is no JSON.", fix="Try again, or use another model.") from None
