"""Who writes summaries unattended: the configured model, or rules.

A writer gets traces that are leased, and gives for each an answer or why there is none. It neither stores nor marks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import anyio

from posthog_mcp.errors import Forbidden, InvalidInput, PostHogMcpError
from posthog_mcp.queries.shape import fenced
from posthog_mcp.results import Json
from posthog_mcp.traces import extractive
from posthog_mcp.traces.collect import ANSWER_TOKENS, PROMPT_TOKENS, Handed
from posthog_mcp.traces.llm import LanguageModel, Reply
from posthog_mcp.traces.summaries import answer_schema, instructions, problem_of
from posthog_mcp.traces.themes import AnalysisTheme

AT_ONCE = 4
TRACES_A_REQUEST = 5
TOKENS_A_REQUEST = 20_000


@dataclass(slots=True)
class Written:
    """Answers by trace id; what failed, with why; what it took. `stopped`: the cost cap was reached before the rest."""

    answers: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    stopped: bool = False


class Writer(Protocol):
    """`name` is kept with every summary; `cost_usd` is what was spent so far."""

    name: str
    cost_usd: float
    tokens: int

    async def write(self, theme: AnalysisTheme, handed: Sequence[Handed]) -> Written: ...


class Rules:
    """The extractive writer: no network, no cost."""

    name = extractive.WRITER
    cost_usd = 0.0
    tokens = 0

    def __init__(self, norms: Mapping[str, float]) -> None:
        self._norms = norms

    async def write(self, theme: AnalysisTheme, handed: Sequence[Handed]) -> Written:
        def work() -> dict[str, dict[str, Json]]:
            return {
                each.about.trace_id: extractive.extract(theme, each.reading, each.about, self._norms) for each in handed
            }

        return Written(await anyio.to_thread.run_sync(work))


class ByModel:
    """Several traces a request, several requests at once, up to a cost; an invalid answer is asked for once more."""

    def __init__(self, model: LanguageModel, most_usd: float) -> None:
        self.name = model.model.label
        self.cost_usd = 0.0
        self.tokens = 0
        self._model = model
        self._most = most_usd
        self._planned = 0.0

    async def write(self, theme: AnalysisTheme, handed: Sequence[Handed]) -> Written:
        """All of them, or as many as the cost allows.

        Raises:
            Forbidden: the provider refuses the key: nothing would be answered.
        """
        written = Written()
        refused: list[Forbidden] = []
        limiter = anyio.CapacityLimiter(AT_ONCE)

        async def one(group: Sequence[Handed]) -> None:
            async with limiter:
                if refused or not self._affordable(group):
                    written.stopped = written.stopped or not refused
                    return
                try:
                    await self._request(theme, group, written)
                except Forbidden as error:
                    refused.append(error)
                except PostHogMcpError as error:
                    written.failed.update((each.about.trace_id, error.message) for each in group)

        async with anyio.create_task_group() as tasks:
            for group in requests(handed):
                tasks.start_soon(one, group)
        if refused:
            raise refused[0]
        return written

    def _affordable(self, group: Sequence[Handed]) -> bool:
        """Whether the request stays under the cap, as estimated; what runs already is counted as estimated."""
        tokens = PROMPT_TOKENS + sum(each.reading.tokens for each in group)
        likely = self._model.model.cost(tokens, ANSWER_TOKENS * len(group))
        if self._planned + likely > self._most or self.cost_usd + likely > self._most:
            return False
        self._planned += likely
        return True

    async def _request(self, theme: AnalysisTheme, group: Sequence[Handed], written: Written) -> None:
        """Ask; what is not valid is asked again, told what is wrong."""
        waiting = {each.about.trace_id: each for each in group}
        wrong: dict[str, str] = {}
        for _ in range(2):
            told = "".join(f"\nYour answer for {name} was refused: {why}" for name, why in wrong.items())
            text = "\n\n".join(
                f"trace_id: {each.about.trace_id}\n{fenced(each.reading.text)}" for each in waiting.values()
            )
            try:
                reply = await self._model.ask(instructions(theme), text + told, answers_schema(theme))
            except InvalidInput as error:
                wrong = dict.fromkeys(waiting, error.message)
                continue
            self._count(reply)
            good, wrong = sorted_out(theme, reply.content, waiting)
            written.answers.update(good)
            waiting = {name: each for name, each in waiting.items() if name not in good}
            if not waiting:
                return
        written.failed.update((name, wrong.get(name, "the model left it out")) for name in waiting)

    def _count(self, reply: Reply) -> None:
        self.cost_usd += self._model.model.cost(reply.tokens_in, reply.tokens_out)
        self.tokens += reply.tokens_in + reply.tokens_out


def requests(handed: Sequence[Handed]) -> list[list[Handed]]:
    """Groups that fit a request."""
    groups: list[list[Handed]] = []
    used = 0
    for each in handed:
        full = groups and (len(groups[-1]) >= TRACES_A_REQUEST or used + each.reading.tokens > TOKENS_A_REQUEST)
        if not groups or full:
            groups.append([])
            used = 0
        groups[-1].append(each)
        used += each.reading.tokens
    return groups


def answers_schema(theme: AnalysisTheme) -> dict[str, Json]:
    """Several answers as one object."""
    return {
        "type": "object",
        "properties": {"answers": {"type": "array", "items": answer_schema(theme)}},
        "required": ["answers"],
        "additionalProperties": False,
    }


def sorted_out(
    theme: AnalysisTheme, content: Json, waiting: Mapping[str, Handed]
) -> tuple[dict[str, dict[str, Json]], dict[str, str]]:
    """Valid answers, and what is wrong with the others."""
    schema = answer_schema(theme)
    given = content.get("answers") if isinstance(content, dict) else content
    good: dict[str, dict[str, Json]] = {}
    wrong: dict[str, str] = {}
    for answer in given if isinstance(given, list) else []:
        name = str(answer.get("trace_id", "")) if isinstance(answer, dict) else ""
        if name not in waiting:
            continue
        problem = problem_of(answer, schema, waiting[name].reading.anchors)
        if problem:
            wrong[name] = f"{problem[0]}: {problem[1]}"
        else:
            good[name] = cast("dict[str, Json]", json.loads(json.dumps(answer)))
    return good, wrong
