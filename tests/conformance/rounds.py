"""The suite's fixture tools that need the client: on the stream (to 2025-11-25), or by InputRequiredResult."""

from __future__ import annotations

import json
from typing import Any

from mcp.types import (
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field

from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published
from tests.conformance.contents import said

Round = CallToolResult | InputRequiredResult


class Answered(BaseModel):
    """Any text."""

    response: str = Field(description="the answer")


class Defaults(BaseModel):
    """A default for each primitive type."""

    name: str = Field(default="John Doe")
    age: int = Field(default=30)
    score: float = Field(default=95.5)
    status: str = Field(default="active", json_schema_extra={"enum": ["active", "inactive", "pending"]})
    verified: bool = Field(default=True)


def titled(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"const": value, "title": title} for value, title in pairs]


class Enums(BaseModel):
    """Every way to write a choice."""

    untitledSingle: str = Field(json_schema_extra={"enum": ["option1", "option2", "option3"]})
    titledSingle: str = Field(json_schema_extra={"oneOf": titled(("value1", "First"), ("value2", "Second"))})
    untitledMulti: list[str] = Field(
        json_schema_extra={"items": {"type": "string", "enum": ["option1", "option2", "option3"]}}
    )
    titledMulti: list[str] = Field(
        json_schema_extra={"items": {"anyOf": titled(("value1", "First"), ("value2", "Second"))}}
    )
    legacyEnum: str = Field(json_schema_extra={"enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]})


def message(text: str) -> SamplingMessage:
    return SamplingMessage(role="user", content=TextContent(type="text", text=text))


async def test_sampling(ctx: Ctx, prompt: str) -> CallToolResult:
    """Asks the client's model on the stream."""
    answer = await ctx.session.create_message(
        messages=[message(prompt)], max_tokens=100, related_request_id=ctx.request_id
    )
    return said(f"LLM response: {answer.content.text if isinstance(answer.content, TextContent) else '?'}")


async def elicited(ctx: Ctx, text: str, schema: type[BaseModel]) -> CallToolResult:
    answer = await ctx.elicit(message=text, schema=schema)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return said(f"User response: action={answer.action}, content={content}")


async def test_elicitation(ctx: Ctx, message: str) -> CallToolResult:
    """Asks the person on the stream."""
    return await elicited(ctx, message, Answered)


async def test_elicitation_sep1034_defaults(ctx: Ctx) -> CallToolResult:
    """Asks with defaults."""
    return await elicited(ctx, "Check these values", Defaults)


async def test_elicitation_sep1330_enums(ctx: Ctx) -> CallToolResult:
    """Asks with choices."""
    return await elicited(ctx, "Choose", Enums)


def ask(text: str, field: str = "name", kind: str = "string") -> ElicitRequest:
    """A form with one field."""
    schema: dict[str, Any] = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=text, requested_schema=schema))


def sample(text: str) -> CreateMessageRequest:
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message(text)], max_tokens=100))


def required(requests: dict[str, InputRequest], state: str | None = None) -> InputRequiredResult:
    return InputRequiredResult(input_requests=requests, request_state=state)


def field(answer: object, name: str) -> object:
    """A field of an accepted form."""
    return (answer.content or {}).get(name) if isinstance(answer, ElicitResult) else None


async def test_input_required_result_elicitation(ctx: Ctx) -> Round:
    """One form."""
    answer = (ctx.input_responses or {}).get("user_name")
    return said(f"Hello, {field(answer, 'name')}!") if answer else required({"user_name": ask("What is your name?")})


async def test_streaming_elicitation(ctx: Ctx) -> Round:
    """Progress, then one form."""
    await ctx.report_progress(1, 2, "asking")
    return await test_input_required_result_elicitation(ctx)


async def test_input_required_result_sampling(ctx: Ctx) -> Round:
    """One question to the client's model."""
    answer = (ctx.input_responses or {}).get("capital_question")
    if isinstance(answer, CreateMessageResult) and isinstance(answer.content, TextContent):
        return said(f"The model said: {answer.content.text}")
    return required({"capital_question": sample("What is the capital of France?")})


async def test_input_required_result_list_roots(ctx: Ctx) -> Round:
    """The client's roots."""
    answer = (ctx.input_responses or {}).get("client_roots")
    if isinstance(answer, ListRootsResult):
        return said(f"{len(answer.roots)} roots")
    return required({"client_roots": ListRootsRequest()})


async def test_input_required_result_request_state(ctx: Ctx) -> Round:
    """A state that must come back."""
    if ctx.request_state == "nonce" and "confirm" in (ctx.input_responses or {}):
        return said("state-ok")
    return required({"confirm": ask("Please confirm", "ok", "boolean")}, "nonce")


async def test_input_required_result_tampered_state(ctx: Ctx) -> Round:
    """A state that the SDK refuses when it was changed."""
    if ctx.request_state is not None:
        return said("state-ok")
    return required({"confirm": ask("Please confirm", "ok", "boolean")}, "round-1")


async def test_input_required_result_multiple_inputs(ctx: Ctx) -> Round:
    """Three questions at once."""
    wanted: dict[str, InputRequest] = {
        "user_name": ask("What is your name?"),
        "greeting": sample("Generate a greeting"),
        "client_roots": ListRootsRequest(),
    }
    complete = wanted.keys() <= (ctx.input_responses or {}).keys()
    return said("All inputs received.") if complete else required(wanted, "three questions")


async def test_input_required_result_multi_round(ctx: Ctx) -> Round:
    """Two forms one after the other; a missing answer starts again."""
    answers = ctx.input_responses or {}
    state: dict[str, Any] = json.loads(ctx.request_state) if ctx.request_state else {}
    if state.get("round") == 2 and "step2" in answers:
        return said(f"{state['name']} likes {field(answers['step2'], 'color')}.")
    if state.get("round") == 1 and "step1" in answers:
        following = json.dumps({"round": 2, "name": field(answers["step1"], "name")})
        return required({"step2": ask("What is your favourite colour?", "color")}, following)
    return required({"step1": ask("What is your name?")}, json.dumps({"round": 1}))


async def test_input_required_result_capabilities(ctx: Ctx) -> Round:
    """Asks only what the client can answer."""
    can = ctx.client_capabilities
    requests: dict[str, InputRequest] = {}
    if can is None or can.sampling is not None:
        requests["sample"] = sample("Say hello")
    if can is None or can.elicitation is not None:
        requests["ask"] = ask("What is your name?")
    return required(requests, "by capability")


ROUNDS = tuple(
    Published(function, "Conformance fixture")
    for function in (
        test_sampling,
        test_elicitation,
        test_elicitation_sep1034_defaults,
        test_elicitation_sep1330_enums,
        test_streaming_elicitation,
        test_input_required_result_elicitation,
        test_input_required_result_sampling,
        test_input_required_result_list_roots,
        test_input_required_result_request_state,
        test_input_required_result_tampered_state,
        test_input_required_result_multiple_inputs,
        test_input_required_result_multi_round,
        test_input_required_result_capabilities,
    )
)
