"""Signs in a trace that something went wrong, annoyed somebody, was wished for or went well; found by rules.

A sign names the message or step where it stands. The rules look at structure first (failed results, equal calls,
unanswered ends) and at fixed English phrases (`phrases.py`) second; what a trace means, they do not know.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.phrases import (
    APOLOGY,
    BAD,
    COMPLAINT,
    CORRECTION,
    FAILED,
    GOOD,
    PRAISE,
    REFUSAL,
    REQUEST,
)
from posthog_mcp.traces.trace import Trace, TraceEvent, number, text_of

SignKind = Literal[
    "error",
    "failed_tool",
    "retry",
    "unrecovered",
    "loop",
    "truncated",
    "empty_answer",
    "abandoned",
    "apology",
    "refusal",
    "correction",
    "repeated_ask",
    "complaint",
    "bad_feedback",
    "good_feedback",
    "praise",
    "request",
    "slow_step",
]


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign. `anchor` is empty where it stands at no one place; `text` is a short quotation or fact."""

    kind: SignKind
    anchor: str
    text: str


Said = Sequence[tuple[str, Message]]
"""Each message once, with its anchor, in the order in which they were said."""

QUOTE = 160
FAILED_LOOK = 400
"""Characters at the start of a tool's result: further on, such words are contents."""
CUT_STOPS = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "MAX_TOKENS"})
REFUSED_STOPS = frozenset({"refusal", "content_filter", "safety", "SAFETY", "guardrail_intervened"})
SAME_ASK = 0.6
"""Share of words that two requests have in common when they are one asked twice."""
LOOP = 3
SLOW_SHARE = 0.6


def signs_of(trace: Trace, said: Said, steps: dict[str, str]) -> list[Sign]:
    """All signs, in the order of their rules. `steps`: an event's uuid → its anchor in the text."""
    return [
        *step_signs(trace, steps),
        *tool_signs(said),
        *assistant_signs(said),
        *user_signs(said),
        *ending(said),
        *opinions(trace, steps),
    ]


def step_signs(trace: Trace, steps: dict[str, str]) -> Iterator[Sign]:
    """Failed steps, cut answers, and the step that took most of the time."""
    for each in trace.events:
        at = steps.get(each.uuid, "")
        if each.is_error:
            yield Sign("error", at, f"{step_name(each)} failed: {quote(error_text(each))}")
        stop = text_of(each.properties, "$ai_stop_reason")
        if stop in CUT_STOPS:
            yield Sign("truncated", at, f"{step_name(each)} stopped at its token limit")
        if stop in REFUSED_STOPS:
            yield Sign("refusal", at, f"{step_name(each)} stopped: {stop}")
        if each.event == "$ai_generation" and not each.is_error and number(each.properties, "$ai_output_tokens") == 0:
            yield Sign("empty_answer", at, f"{step_name(each)} gave no tokens")
    generations = [each for each in trace.events if each.event == "$ai_generation"]
    if generations and generations[-1].is_error:
        yield Sign(
            "abandoned", steps.get(generations[-1].uuid, ""), "the last generation failed and none came after it"
        )
    timed = [each for each in trace.events if each.event in ("$ai_generation", "$ai_span") and each.latency]
    whole = trace.totals.latency or 0.0
    slowest = max(timed, key=lambda each: each.latency or 0.0, default=None)
    if slowest is not None and whole and (slowest.latency or 0.0) >= SLOW_SHARE * whole:
        yield Sign("slow_step", steps.get(slowest.uuid, ""), f"{step_name(slowest)} took {slowest.latency:.1f} s")


def step_name(event: TraceEvent) -> str:
    """Its name, or what it is. Not its model: equal failures of two models should read alike."""
    return text_of(event.properties, "$ai_span_name") or event.event.removeprefix("$ai_")


def error_text(event: TraceEvent) -> str:
    """What an error says, also where it is an object, or only a status."""
    found = event.properties.get("$ai_error_normalized") or event.properties.get("$ai_error")
    if isinstance(found, dict):
        inner = found.get("error")
        message = found.get("message") or (inner.get("message") if isinstance(inner, dict) else inner)
        found = message or str(found)
    status = number(event.properties, "$ai_http_status") or 0
    return (
        str(found) if found not in (None, "", "null") else (f"HTTP {status:.0f}" if status >= 400 else "no error text")
    )


def tool_signs(said: Said) -> Iterator[Sign]:
    """Failed results, a call that is made again after its failure or never succeeds, and equal calls over and over."""
    names: dict[str, str] = {}
    calls: Counter[tuple[str, str]] = Counter()
    failed_last: dict[str, str] = {}
    waiting: list[str] = []
    for anchor, part in parts_of(said):
        if part.kind == "tool_call":
            names[part.id] = part.name
            waiting.append(part.name)
            call = (part.name, " ".join(part.text.split()))
            calls[call] += 1
            if calls[call] == LOOP:
                yield Sign("loop", anchor, f"{part.name} called {LOOP} times or more with the same arguments")
            if part.name in failed_last:
                yield Sign("retry", anchor, f"{part.name} tried again after it failed")
        elif part.kind == "tool_result":
            name = names.get(part.id) or part.name or (waiting[0] if waiting else "tool")
            waiting = waiting[1:]
            if part.failed or FAILED.search(part.text[:FAILED_LOOK]):
                failed_last[name] = anchor
                yield Sign("failed_tool", anchor, f"{name}: {quote(part.text)}")
            else:
                failed_last.pop(name, None)
    for name, anchor in failed_last.items():
        yield Sign("unrecovered", anchor, f"the last call of {name} failed")


def parts_of(said: Said) -> Iterator[tuple[str, Part]]:
    for anchor, message in said:
        for part in message.parts:
            yield anchor, part


def text_in(message: Message) -> str:
    """What a message says itself: no context, reasoning or tool traffic."""
    said = "\n".join(part.text for part in message.parts if part.kind == "text")
    return said.replace("’", "'").strip()


def assistant_signs(said: Said) -> Iterator[Sign]:
    """Apologies, refusals, and the same answer said again."""
    seen: Counter[str] = Counter()
    for anchor, message in said:
        if message.role not in ("assistant", "output", "model"):
            continue
        for part in message.parts:
            if part.kind == "refusal":
                yield Sign("refusal", anchor, quote(part.text) or "refused")
        text = text_in(message)
        for kind, rule in (("apology", APOLOGY), ("refusal", REFUSAL)):
            found = rule.search(text)
            if found:
                yield Sign("apology" if kind == "apology" else "refusal", anchor, quote(sentence(text, found.start())))
        same = " ".join(text.lower().split())
        seen[same] += 1
        if same and seen[same] == LOOP:
            yield Sign("loop", anchor, f"the same answer {LOOP} times: {quote(text)}")


def user_signs(said: Said) -> Iterator[Sign]:
    """Corrections, complaints, wishes, thanks, and a request that is asked again."""
    earlier: list[set[str]] = []
    for anchor, message in said:
        if message.role not in ("user", "human"):
            continue
        text = text_in(message)
        rules: tuple[tuple[SignKind, re.Pattern[str]], ...] = (
            ("correction", CORRECTION),
            ("complaint", COMPLAINT),
            ("request", REQUEST),
            ("praise", PRAISE),
        )
        for kind, rule in rules:
            found = rule.search(text)
            if found and not (kind == "correction" and not earlier):
                yield Sign(kind, anchor, quote(sentence(text, found.start())))
        words = set(re.findall(r"\w+", text.lower()))
        if len(words) > 3 and any(overlap(words, other) >= SAME_ASK for other in earlier):
            yield Sign("repeated_ask", anchor, quote(text))
        earlier.append(words)


def overlap(first: set[str], second: set[str]) -> float:
    return len(first & second) / (len(first | second) or 1)


def ending(said: Said) -> Iterator[Sign]:
    """Nobody answered at the end: the last word is the user's, a tool's, or a call without result."""
    spoken = [(anchor, message) for anchor, message in said if message.role not in ("system", "developer")]
    if not spoken:
        return
    anchor, last = spoken[-1]
    calls = [part.name for part in last.parts if part.kind == "tool_call"]
    if calls:
        yield Sign("abandoned", anchor, f"ends with a call of {', '.join(calls)} and no result")
    elif last.role in ("user", "human", "tool", "function", "input"):
        text = text_in(last)
        if not (PRAISE.search(text) and len(text) < 200):
            yield Sign("abandoned", anchor, f"ends without an answer to: {quote(text or last.role)}")
    elif not text_in(last) and not any(part.text or part.kind == "media" for part in last.parts):
        yield Sign("empty_answer", anchor, "the last answer is empty")


def opinions(trace: Trace, steps: dict[str, str]) -> Iterator[Sign]:
    """What people and metrics said of the trace."""
    for each in trace.events:
        if each.event not in ("$ai_feedback", "$ai_metric"):
            continue
        words = " ".join(
            text_of(each.properties, name) for name in ("$ai_feedback_text", "$ai_metric_name", "$ai_metric_value")
        ).strip()
        kind: SignKind | None = "bad_feedback" if BAD.search(words) else "good_feedback" if GOOD.search(words) else None
        if kind:
            yield Sign(kind, steps.get(each.uuid, ""), quote(words))


def quote(text: str) -> str:
    """The start of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= QUOTE else f"{line[: QUOTE - 1]}…"


def sentence(text: str, at: int) -> str:
    """The sentence around a place."""
    start = max(text.rfind(mark, 0, at) for mark in (". ", "! ", "? ", "\n"))
    return text[start + 1 :].strip() if start >= 0 else text
