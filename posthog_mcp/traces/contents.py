"""What one event says: its messages in and out, the tools on offer, its error, and opinions of it.

PostHog's own properties come first; the attributes of OpenTelemetry, OpenInference, Traceloop and Vercel that SDKs
leave beside them only add what those do not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from posthog_mcp.results import Json
from posthog_mcp.traces.binary import one_line, printable
from posthog_mcp.traces.injected import marked
from posthog_mcp.traces.messages import Message, Part, ToolDefinition
from posthog_mcp.traces.payloads import decoded
from posthog_mcp.traces.shapes.flattened import unflattened
from posthog_mcp.traces.shapes.registry import read
from posthog_mcp.traces.shapes.shape import Item, Known
from posthog_mcp.traces.structure import flat, readable
from posthog_mcp.traces.tools import tool_definitions
from posthog_mcp.traces.trace import OPINIONS, Properties, TraceEvent, text_of

INPUTS = (
    "$ai_input",
    "$ai_input_state",
    "gen_ai.system_instructions",
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "ai.prompt.messages",
    "ai.prompt",
    "gen_ai.tool.call.arguments",
    "ai.toolCall.args",
)
OUTPUTS = (
    "$ai_output_choices",
    "$ai_output",
    "$ai_output_state",
    "gen_ai.output.messages",
    "gen_ai.completion",
    "ai.response.reasoning",
    "ai.response.text",
    "ai.response.toolCalls",
    "ai.response.object",
    "gen_ai.tool.call.result",
    "ai.toolCall.result",
)
WHOLE_INPUTS = ("traceloop.entity.input", "input.value")
WHOLE_OUTPUTS = ("traceloop.entity.output", "output.value")
"""A step's arguments and result as one text, which mostly repeat what the others say."""
FLAT_INPUTS = ("gen_ai.prompt.", "llm.input_messages.", "llm.prompts.", "embedding.embeddings.", "retrieval.query.")
FLAT_OUTPUTS = ("gen_ai.completion.", "llm.output_messages.", "llm.completions.", "retrieval.documents.")
TOOLS = ("$ai_tools", "gen_ai.tool.definitions", "ai.prompt.tools", "llm.request.functions")
FLAT_TOOLS = ("llm.request.functions.", "llm.tools.")
SYSTEM = frozenset({"gen_ai.system_instructions"})


@dataclass(frozen=True, slots=True)
class Contents:
    """One event's, fit to print. `unknown`: marks of objects that no reader knows."""

    inputs: tuple[Message, ...] = ()
    outputs: tuple[Message, ...] = ()
    tools: tuple[ToolDefinition, ...] = ()
    error: str = ""
    """Also of a step that is not marked as failed."""
    opinion: str = ""
    unknown: frozenset[str] = frozenset()


@dataclass(slots=True)
class Memory:
    """What was read of a trace so far: a history that every step repeats is read once."""

    items: Known = field(default_factory=dict[tuple[str, bytes], list[Item]])
    printed: dict[int, tuple[Message, Message]] = field(default_factory=dict[int, tuple[Message, Message]])
    """By the identity of a message as it was read: that message, and the one fit to print."""
    tools: dict[str, tuple[ToolDefinition, ...]] = field(default_factory=dict[str, tuple[ToolDefinition, ...]])

    def fit_to_print(self, message: Message) -> Message:
        found = self.printed.get(id(message))
        if found is None:
            found = self.printed[id(message)] = (message, fit_to_print(message))
        return found[1]

    def definitions(self, value: Json) -> tuple[ToolDefinition, ...]:
        if value is None:
            return ()
        try:
            key = value if isinstance(value, str) else json.dumps(value)
            if key not in self.tools:
                self.tools[key] = tuple(map(clean_tool, tool_definitions(value)))
        except RecursionError:
            return (ToolDefinition("[nested too deep to read]"),)
        return self.tools[key]


def contents_of(event: TraceEvent, memory: Memory) -> Contents:
    """Read an event."""
    properties = event.properties
    if event.event in OPINIONS:
        return Contents(opinion=printable(opinion_text(event)))
    unknown = set[str]()
    generates = event.event in ("$ai_generation", "$ai_embedding")
    given = [
        *payloads(properties, INPUTS),
        *flat_payloads(properties, FLAT_INPUTS),
        *payloads(properties, WHOLE_INPUTS),
    ]
    made = [
        *payloads(properties, OUTPUTS),
        *flat_payloads(properties, FLAT_OUTPUTS),
        *payloads(properties, WHOLE_OUTPUTS),
    ]
    return Contents(
        inputs=all_messages(given, "user" if generates else "input", unknown, memory),
        outputs=all_messages(made, "assistant" if generates else "output", unknown, memory),
        tools=memory.definitions(first_payload(properties)),
        error=printable(error_text(properties, event.is_error)),
        unknown=frozenset(unknown),
    )


def payloads(properties: Properties, names: Iterable[str]) -> Iterator[tuple[str, Json]]:
    return ((name, properties[name]) for name in names if properties.get(name) not in (None, "", [], {}))


def flat_payloads(properties: Properties, prefixes: Iterable[str]) -> Iterator[tuple[str, Json]]:
    """Properties under a prefix, put together; the scan is only for events that have such names."""
    if not any(name[:1] in "gler" and "." in name for name in properties):
        return
    for prefix in prefixes:
        found = unflattened(properties, prefix)
        if found is not None:
            yield prefix, found


def first_payload(properties: Properties) -> Json:
    found = [*payloads(properties, TOOLS), *flat_payloads(properties, FLAT_TOOLS)]
    return found[0][1] if found else None


def all_messages(
    given: Sequence[tuple[str, Json]], role: str, unknown: set[str], memory: Memory
) -> tuple[Message, ...]:
    """Messages of several properties, those that an earlier one has told left out."""
    found: list[Message] = []
    told = set[str]()
    for name, value in given:
        raw = read_or_lay_out(value, "system" if name in SYSTEM else role, unknown, memory)
        new = [each for each in map(memory.fit_to_print, raw) if each.parts or each.stop]
        if len(given) == 1:
            return tuple(new)
        found += [each for each in new if not told or not told.issuperset(map(as_told, each.parts))]
        told |= {as_told(part) for each in new for part in each.parts}
    return tuple(found)


def read_or_lay_out(value: Json, role: str, unknown: set[str], memory: Memory) -> list[Message]:
    """A payload's messages; its leaves where it is nested deeper than Python goes."""
    try:
        return read(value, role, unknown, memory.items)
    except RecursionError:
        return [Message(role, (Part("data", flat(value)),))]


def as_told(part: Part) -> str:
    """A part as it is known again under another property."""
    return f"{part.name} {part.text}" if part.kind == "tool_call" else part.text


def fit_to_print(message: Message) -> Message:
    """A message without unreadable characters, and without parts that consist of nothing else."""
    parts = [clean_part(part) for part in marked(message).parts]
    return replace(
        message,
        parts=tuple(part for part in parts if part.text or part.name or part.kind in ("tool_call", "tool_result")),
        role=one_line(message.role) or "unknown",
        name=one_line(message.name),
        stop=one_line(message.stop),
    )


def clean_part(part: Part) -> Part:
    return replace(part, text=printable(part.text).strip(), name=printable(part.name).strip())


def clean_tool(tool: ToolDefinition) -> ToolDefinition:
    return ToolDefinition(one_line(tool.name), printable(tool.signature), printable(tool.description))


def error_text(properties: Properties, failed: bool) -> str:
    """The error in words, structure as lines; nothing where there is none."""
    value = next((properties[name] for name in ERRORS if properties.get(name) not in (None, "", {}, [])), None)
    opened = decoded(value) if isinstance(value, str) else value
    if opened is None:
        return "failed without a message" if failed else ""
    said = readable(opened)
    kind, status = text_of(properties, "$ai_error_type"), text_of(properties, "$ai_http_status")
    head = [kind if kind not in said else "", f"http {status}" if status not in ("", "200") else ""]
    return ": ".join(filter(None, [" ".join(filter(None, head)), said]))


ERRORS = ("$ai_error", "exception.message", "error.message", "otel.status_description", "$ai_error_normalized")


def opinion_text(event: TraceEvent) -> str:
    """Feedback, a metric, or an evaluation, with everything that its `$ai_` properties say."""
    prefix = f"{event.event}_"
    said: dict[str, Json] = {
        name.removeprefix(prefix).removeprefix("$ai_"): value
        for name, value in event.properties.items()
        if name.startswith("$ai_") and name not in STRUCTURE and value not in (None, "")
    }
    own = said.pop("text", None) if event.event == "$ai_feedback" else None
    if event.event == "$ai_metric" and {"name", "value"} <= {*said}:
        own = f"{said.pop('name')}: {said.pop('value')}"
    rest = short_lines(said)
    return "\n".join(filter(None, [str(own) if own is not None else "", rest]))


def short_lines(said: Mapping[str, Json]) -> str:
    return readable(dict(said)) if said else ""


STRUCTURE = frozenset(
    f"$ai_{name}"
    for name in "trace_id session_id span_id generation_id parent_id ingestion_source lib lib_version framework".split()  # noqa: SIM905
)
