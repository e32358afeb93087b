"""A trace as blocks of text: its head, its steps, and each message once.

Structure begins at the start of a line, contents never do (their further lines are set in by a space), so that nothing
said in a trace can pass for a step or for another message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from posthog_mcp.traces.binary import is_encoded, one_line, size
from posthog_mcp.traces.contents import Contents, Memory, contents_of
from posthog_mcp.traces.messages import Part, ToolDefinition
from posthog_mcp.traces.repeats import Repeats
from posthog_mcp.traces.threads import ANYBODY, Entry, Threads, ranges
from posthog_mcp.traces.trace import OPINIONS, Totals, Trace, TraceEvent, number, text_of
from posthog_mcp.traces.tree import Step, roots_of, walk

Kind = Literal["head", "step", "tools", "history", "message", "error", "opinion"]


@dataclass(slots=True)
class Block:
    """A piece of the text. `head` stays whole; `body` may be cut. `weight`: how much of it a budget should keep."""

    kind: Kind
    anchor: str
    head: str
    body: str = ""
    weight: float = 1.0

    @property
    def text(self) -> str:
        return f"{self.head} {self.body}" if self.body and not self.body.startswith("\n") else self.head + self.body


@dataclass(slots=True)
class Rendered:
    """All blocks of a trace, whole."""

    blocks: list[Block]
    entries: list[Entry]
    steps: int
    unknown: set[str]


@dataclass(slots=True)
class Writer:
    """Goes through the steps once and writes their blocks."""

    threads: Threads = field(default_factory=Threads)
    repeats: Repeats = field(default_factory=Repeats)
    blocks: list[Block] = field(default_factory=list[Block])
    unknown: set[str] = field(default_factory=set[str])
    tools: dict[tuple[ToolDefinition, ...], str] = field(default_factory=dict[tuple[ToolDefinition, ...], str])
    late: list[tuple[Block, Entry]] = field(default_factory=list[tuple[Block, Entry]])
    """Message blocks; written last, when every call knows its result."""

    def step(self, anchor: str, step: Step, contents: Contents) -> None:
        """A step's beginning: what it is, what it could call, what it was given; without children also its end."""
        event = step.node.event
        self.blocks.append(Block("step", anchor, step_line(anchor, step), "", 2.0))
        if contents.opinion:
            self.blocks[-1].body = set_in(contents.opinion)
            self.blocks[-1].kind = "opinion"
            self.blocks[-1].weight = 4.0
            return
        if contents.tools:
            self.offer(anchor, contents.tools)
        conversation = self.threads.conversation()
        self.messages(conversation.entries(contents.inputs), "")
        if step.node.children:
            return
        self.messages(conversation.entries(contents.outputs), "output ")
        self.fail(anchor, event, contents)

    def end(self, anchor: str, step: Step, contents: Contents) -> None:
        """What a step with children gave."""
        first = len(self.blocks)
        self.messages(self.threads.conversation().entries(contents.outputs), "output ")
        self.fail(anchor, step.node.event, contents)
        if len(self.blocks) > first:
            self.blocks.insert(first, Block("step", "", f"{anchor} ends"))

    def offer(self, anchor: str, tools: tuple[ToolDefinition, ...]) -> None:
        """The tools a model had: once a trace for each set."""
        known = self.tools.setdefault(tools, anchor)
        if known != anchor:
            self.blocks.append(Block("tools", "", f"tools: as {known}"))
            return
        self.blocks.append(Block("tools", "", f"tools ({len(tools)}):", set_in(tools_text(tools)), 0.5))

    def messages(self, placed: Iterable[tuple[Entry, bool]], side: str) -> None:
        """New messages in full; what was said before as a reference."""
        before: list[Entry] = []
        for entry, is_new in placed:
            if not is_new:
                before.append(entry)
                continue
            self.history(before, side)
            before = []
            self.late.append((Block("message", entry.anchor, f"{entry.anchor} {side}"), entry))
            self.blocks.append(self.late[-1][0])
        self.history(before, side)

    def history(self, before: Sequence[Entry], side: str) -> None:
        if before:
            self.blocks.append(Block("history", "", f"{side or 'history '}= {ranges(before)}"))

    def fail(self, anchor: str, event: TraceEvent, contents: Contents) -> None:
        if event.is_error:
            self.blocks.append(Block("error", anchor, f"{anchor} ERROR:", set_in(contents.error), 8.0))
        elif contents.error:
            self.blocks.append(
                Block("error", anchor, f"{anchor} error, not marked as one:", set_in(contents.error), 2.0)
            )

    def finish(self) -> None:
        """Write the messages."""
        first_user = next((entry for _, entry in self.late if entry.role == "user"), None)
        last = self.late[-1][1] if self.late else None
        for block, entry in self.late:
            message = entry.message
            name = f" {message.name}" if message.name else ""
            stop = f" [stop: {message.stop}]" if message.stop not in PLAIN_STOPS else ""
            block.head = f"{block.head}{role_of(entry, block.head)}".rstrip() + f"{name}{stop}:"
            block.body = self.body(entry)
            failed = any(part.failed or part.kind == "refusal" for part in message.parts)
            block.weight = 6.0 if failed else 3.0 if entry in (first_user, last) else WEIGHTS.get(entry.role, 1.0)

    def body(self, entry: Entry) -> str:
        if entry.same_as and sum(len(part.text) for part in entry.message.parts) > 60:
            return f"same as {entry.same_as}"
        calls, results = iter(entry.calls), iter(entry.results)
        lines: list[str] = []
        for part in entry.message.parts:
            if part.kind == "tool_call":
                call = next(calls)
                lines.append(f"→ {call.label} {call_text(part)}{'' if call.answered else ' (no result captured)'}")
            elif part.kind == "tool_result":
                lines.append(self.result_text(part, next(results), entry))
            else:
                lines.append(part_text(part, self.repeats.shortened(part.text, entry.anchor)))
        return set_in("\n".join(lines))

    def result_text(self, part: Part, call: str, entry: Entry) -> str:
        text = self.repeats.shortened(part.text, entry.anchor)
        label = call or part.name or "a call that was not captured"
        name = f" {part.name}" if part.name and part.name not in label else ""
        shown = text or "(empty)"
        return f"← {label}{name}{' FAILED' if part.failed else ''}: {shown}"


PLAIN_STOPS = frozenset(
    """stop end_turn STOP eos eos_token complete COMPLETE tool_use tool_calls tool-calls stop_sequence 1""".split()  # noqa: SIM905
) | {""}
"""Reasons to stop that are nothing to speak of."""
WEIGHTS = {"system": 0.5, "developer": 0.5, "tool": 0.7, "user": 1.5}


def role_of(entry: Entry, head: str) -> str:
    """Who speaks; an output of nobody in particular is just that."""
    if entry.role in ANYBODY and head.endswith("output "):
        return ""
    return entry.role


def rendered(trace: Trace) -> Rendered:
    """Write a whole trace."""
    steps = walk(roots_of(trace))
    writer, anchors, memory = Writer(), dict[int, str](), Memory()
    contents: dict[int, Contents] = {}
    for step in steps:
        key = id(step.node)
        if step.ends:
            writer.end(anchors[key], step, contents[key])
            continue
        anchors[key], contents[key] = f"e{len(anchors) + 1}", contents_of(step.node.event, memory)
        writer.unknown |= contents[key].unknown
        writer.step(anchors[key], step, contents[key])
    writer.finish()
    head = Block("head", "", head_text(trace, len(anchors)), "", 10.0)
    return Rendered([head, *writer.blocks], writer.threads.entries, len(anchors), writer.unknown)


def head_text(trace: Trace, steps: int) -> str:
    """Name, time, who, and what it cost."""
    totals = trace.totals
    facts = [f"{trace.timestamp:%Y-%m-%d %H:%M:%S} UTC", f"{steps} step{'s' if steps != 1 else ''}"]
    facts += [f"{totals.latency:.2f} s"] if totals.latency is not None else []
    facts += [f"user {one_line(trace.distinct_id)}"] if trace.distinct_id else []
    facts += [f"session {one_line(trace.session)}"] if trace.session else []
    name = one_line(trace.name) or "without a name"
    own = own_properties(trace)
    return f"trace {name} ({one_line(trace.id)})\n{', '.join(facts)}\n{totals_text(totals)}{own}"


def own_properties(trace: Trace) -> str:
    """What the application says of the trace in properties of its own: plans, versions, ids. Short ones, each once."""
    found: dict[str, str] = {}
    for event in trace.events:
        for key in event.properties:
            if key[:1].isalpha() and "." not in key and 0 < len(said := text_of(event.properties, key)) <= OWN_LENGTH:
                found.setdefault(one_line(key), one_line(said))
    told = [f"{key}={value}" for key, value in list(found.items())[:MOST_OWN]]
    return f"\nproperties: {', '.join(told)}" if told else ""


MOST_OWN, OWN_LENGTH = 12, 80


def totals_text(totals: Totals) -> str:
    """`tokens: 340 in (20 from cache), 137 out; $0.0030; 1 error`."""
    cache = [f"{totals.cache_read_tokens:,} cache read"] if totals.cache_read_tokens else []
    cache += [f"{totals.cache_write_tokens:,} cache written"] if totals.cache_write_tokens else []
    thought = f" ({totals.reasoning_tokens:,} reasoning)" if totals.reasoning_tokens else ""
    stored = f" ({', '.join(cache)})" if cache else ""
    tokens = f"tokens: {totals.input_tokens:,} in{stored}, {totals.output_tokens:,} out{thought}"
    cost = [dollars(totals.cost_usd)] if totals.cost_usd is not None else []
    errors = [f"{totals.errors} error{'s' if totals.errors != 1 else ''}"] if totals.errors else []
    return "; ".join([tokens, *cost, *errors])


def dollars(value: float) -> str:
    return f"${value:.6f}".rstrip("0").rstrip(".") if value < 1 else f"${value:,.2f}"


def step_line(anchor: str, step: Step) -> str:
    """One step on one line: what, by which model, how long, how many tokens, how it ended."""
    event = step.node.event
    properties = event.properties
    kind = one_line(event.event.removeprefix("$ai_"))
    names = [text_of(properties, f"$ai_{name}") for name in ("span_name", "agent_name", "model", "provider")]
    spoken = list(dict.fromkeys(one_line(name) for name in names if name))
    parts = [anchor, ">" * step.depth if step.depth < 10 else f">{step.depth}", kind, *spoken, *measures(event)]
    if step.node.orphan:
        parts.append(f"(parent {one_line(event.parent_id)} was not captured)")
    return " ".join(filter(None, parts))


def measures(event: TraceEvent) -> Iterator[str]:
    """Seconds, tokens with their cache, dollars, why it stopped, status."""
    properties = event.properties
    if event.event in OPINIONS:
        return
    if event.latency is not None:
        yield f"{event.latency:.2f}s"
    first = number(properties, "$ai_time_to_first_token")
    if first is not None:
        yield f"(first token {first:.2f}s)"
    yield from token_texts(event)
    cost = number(properties, "$ai_total_cost_usd")
    if cost is not None:
        yield dollars(cost)
    stop, status = text_of(properties, "$ai_stop_reason"), text_of(properties, "$ai_http_status")
    prompt = " ".join(filter(None, [text_of(properties, f"$ai_prompt_{each}") for each in ("name", "version")]))
    if prompt:
        yield f"prompt={one_line(prompt)}"
    if stop:
        yield f"stop={one_line(stop)}"
    if status and status not in ("200", "200.0"):
        yield f"http={one_line(status)}"
    if event.is_error:
        yield "ERROR"


def token_texts(event: TraceEvent) -> Iterator[str]:
    """`820 in (+4,096 cache read), 30 out`; a plus where cache tokens are not among the input tokens."""
    properties = event.properties
    given, made = number(properties, "$ai_input_tokens"), number(properties, "$ai_output_tokens")
    if given is None and made is None:
        return
    plus = "+" if text_of(properties, "$ai_cache_reporting_exclusive") == "true" else ""
    caches = {"cache read": "cache_read_input_tokens", "cache written": "cache_creation_input_tokens"}
    told = [f"{plus}{count:,.0f} {name}" for name, key in caches.items() if (count := number(properties, f"$ai_{key}"))]
    thought = number(properties, "$ai_reasoning_tokens")
    stored = f" ({', '.join(told)})" if told else ""
    yield f"{given or 0:,.0f} in{stored},"
    yield f"{made or 0:,.0f} out{f' ({thought:,.0f} reasoning)' if thought else ''}"


def tools_text(tools: Sequence[ToolDefinition]) -> str:
    lines = [f"{each.name}({each.signature}){' - ' if each.description else ''}{each.description}" for each in tools]
    return "\n" + "\n".join(lines)


def part_text(part: Part, text: str) -> str:
    """A part that is no call and no result."""
    match part.kind:
        case "reasoning":
            return f"(thinking) {text}"
        case "refusal":
            return f"(refusal) {text}"
        case "context":
            return f"(context put in by the application, <{part.name}>) {text.strip()} (end of context)"
        case "media":
            return media_text(part)
        case "citation":
            return f"[cites {part.name}{': ' if part.name and text else ''}{text}]"
        case _:
            return f"({part.name}) {text}" if part.name else text


def media_text(part: Part) -> str:
    """A file, by kind and by size or address."""
    text = part.text
    if text.startswith("[") and text.endswith("]") and ", " in text and "/" in part.name:
        return f"[{part.name}, {text[1:-1].rsplit(', ', 1)[1]}]"
    if text.startswith("[") and text.endswith("]"):
        return text if part.name in ("", "image", "audio", "file") else f"[{part.name}: {text[1:-1]}]"
    if len(text) >= 64 and "://" not in text and " " not in text and (is_encoded(text) or "/" in part.name):
        return f"[{part.name}, {size(len(text) * 3 // 4)}]"
    return f"[{part.name}{': ' if text and part.name else ''}{text[:300]}]"


def call_text(part: Part) -> str:
    """`name(x=1)`, or the arguments on lines of their own."""
    return f"{part.name}:\n {set_in(part.text)}" if "\n" in part.text else f"{part.name}({part.text})"


def set_in(text: str) -> str:
    """Contents: each line but the first is set in by a space."""
    return text.replace("\n", "\n ")
