"""HogQL that walks one person's moments where the steps may come in any order: how many are done within a window.

An `arrayFold` over the moments, each of which comes in four turns (the last number of its tuple): look, draw a line,
make room, join. Its state is a queue of times for each step, and more (see `fold`). A moment joins the queue of the
step it can be whose last time is the oldest, so one event is one step only; an exclusion empties all queues; the window
leaves times behind, and so does a completed funnel, until a step is missing. Source: PostHog's `funnel-udf`
(`unordered_steps.rs`, `unordered_trends.rs`); that leaves out the inner ones of equal events in a row first, which may
change times, not counts.
"""

from __future__ import annotations

from dataclasses import dataclass

FLAGS = 5
"""The numbers of a moment before its flags."""
LOOK, DRAW, MAKE_ROOM, JOIN = TURNS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Gathering:
    """`rivals`: pairs of steps (from 1, the smaller first) that one event can be both of."""

    steps: int
    rivals: frozenset[tuple[int, int]]

    def fold(self, moments: str) -> str:
        """The queues; the first times of the steps that are done; those of the fullest window that has passed."""
        first, full = self.place(1), self.place(2)
        passed = f"length({first}) = {self.steps} OR {first}[1] < e[5]"
        kept = f"e[-1] = {MAKE_ROOM} AND length({first}) > length({full}) AND ({passed})"
        more = [
            f"CASE WHEN e[-1] = {LOOK} THEN {self.firsts('acc')} ELSE {first} END",
            f"CASE WHEN {kept} THEN {first} ELSE {full} END",
        ]
        return self.folded(moments, "time >= e[5]", more)

    def bests(self, state: str) -> tuple[str, str]:
        """The first times of the steps that are done at the end, and those of the fullest window before: the longer
        one, the second where they are as long, is the best."""
        return self.firsts(state), f"{state}[{self.steps + 2}]"

    def fold_entries(self, moments: str) -> str:
        """The queues; their last times; the line, which is before the window or, of a completed funnel, the time of
        the step that will be missing first; the times up to the line; all that have left; how many steps were done
        from each of these on."""
        last, line, leaving, gone, done = (self.place(at) for at in (1, 2, 3, 4, 5))
        counts = f"arrayMap(time -> arrayCount(last -> last >= time, {last}), {leaving})"
        more = [
            f"CASE WHEN e[-1] = {LOOK} THEN {self.lasts('acc')} ELSE {last} END",
            f"CASE WHEN e[-1] = {DRAW} THEN [arrayMax([e[5] - 1, arrayMin({last})])] ELSE {line} END",
            f"CASE WHEN e[-1] = {MAKE_ROOM} THEN arrayFilter(time -> time <= {line}[1], {self.all('acc')}) "
            f"ELSE {leaving} END",
            f"CASE WHEN e[-1] = {JOIN} THEN arrayConcat({gone}, {leaving}) ELSE {gone} END",
            f"CASE WHEN e[-1] = {JOIN} THEN arrayConcat({done}, {counts}) ELSE {done} END",
        ]
        return self.folded(moments, f"time > {line}[1]", more)

    def gone(self, state: str) -> tuple[str, str]:
        """The times that have left, and how many steps were done from each on."""
        return f"{state}[{self.steps + 4}]", f"{state}[{self.steps + 5}]"

    def folded(self, moments: str, stays: str, more: list[str]) -> str:
        """`stays` is the condition for a time to stay in its queue; `more` is the rest of the state."""
        queues = [self.after(step, stays) for step in range(1, self.steps + 1)]
        none = f"arrayWithConstant({self.steps + len(more)}, arrayWithConstant(0, _toInt64(0)))"
        return f"arrayFold((acc, e) -> [{', '.join([*queues, *more])}], {moments}, {none})"

    def place(self, at: int) -> str:
        return f"acc[{self.steps + at}]"

    def queues(self, state: str) -> list[str]:
        return [f"{state}[{step}]" for step in range(1, self.steps + 1)]

    def all(self, state: str) -> str:
        """All times that wait."""
        return f"arrayConcat({', '.join(self.queues(state))})"

    def lasts(self, state: str) -> str:
        """The last time of each step, 0 where there is none."""
        return f"[{', '.join([f'{queue}[-1]' for queue in self.queues(state)])}]"

    def firsts(self, state: str) -> str:
        """The first time of each step that is done, in order."""
        return f"arraySort(arrayConcat({', '.join([f'arraySlice({queue}, 1, 1)' for queue in self.queues(state)])}))"

    def after(self, step: int, stays: str) -> str:
        """A step's queue after a turn of the moment."""
        queue = f"acc[{step}]"
        room = f"WHEN e[-1] = {MAKE_ROOM} THEN arrayFilter(time -> {stays}, {queue})"
        joins = f"WHEN e[-1] = {JOIN} AND {self.chosen(step)} THEN arrayPushBack({queue}, e[1])"
        emptied = f"WHEN e[-1] = {JOIN} AND e[2] = 0 THEN []"
        return f"CASE {room} {joins} {emptied} ELSE {queue} END"

    def chosen(self, step: int) -> str:
        """The moment counts as this step."""
        found = [f"e[{FLAGS + step}] = 1"]
        for other in range(1, self.steps + 1):
            if (min(step, other), max(step, other)) in self.rivals:
                older = f"acc[{step}][-1] {'<' if other < step else '<='} acc[{other}][-1]"
                found.append(f"(e[{FLAGS + other}] = 0 OR {older})")
        return " AND ".join(found)
