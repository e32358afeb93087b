"""HogQL that walks one person's moments in order and tells how far they came: ordered and strict funnels.

An `arrayFold` over the moments, each of which is steps or exclusions, never both. Its state is an array for each
step, the latest attempt that came so far (empty: none), and one for the furthest attempt of all. An attempt is the time
of its first step, then its steps as bits (with optional steps only), then the keys of its moments, without optional
ones; a 0 among them is an exclusion that broke it.

Source: PostHog's `funnel-udf` (`steps.rs`, `trends.rs`): an attempt starts anew with every first step, each moment is
one step of an attempt at most, the window counts from the first step and includes its end, and the furthest attempt
stays the one that was there first. Written with CASE and arrays: PostHog's parser in C++ reads a text again for every
call that it is nested in.
"""

from __future__ import annotations

from dataclasses import dataclass

FLAGS = 5
"""The numbers of a moment before its flags."""


@dataclass(frozen=True, slots=True)
class Walk:
    """`rivals`: pairs of steps (from 1, the smaller first) that one event can be both of; `optional`: the steps that
    may be left out; `exclusions` says that there are any. `entries`: a first step counts only in the interval that is
    looked at (the moment's last number)."""

    steps: int
    rivals: frozenset[tuple[int, int]]
    strict: bool = False
    optional: frozenset[int] = frozenset()
    exclusions: bool = False
    entries: bool = False

    def fold(self, moments: str) -> str:
        """The final state: see `best`."""
        attempts = [self.attempt(step) for step in range(1, self.steps + 1)]
        state = ", ".join([*attempts, self.furthest()])
        none = f"arrayWithConstant({self.steps + 1}, arrayWithConstant(0, _toInt64(0)))"
        return f"arrayFold((acc, e) -> [{state}], {moments}, {none})"

    def best(self, state: str) -> str:
        """The furthest attempt."""
        return f"{state}[{self.steps + 1}]" if self.exclusions else self.longest(state)

    def reached(self, best: str) -> str:
        """The furthest attempt's steps, a bit each."""
        if self.optional:
            return f"{best}[2]"
        return f"bitShiftLeft(_toInt64(1), length({best}) - 1) - 1"

    @property
    def header(self) -> int:
        """How many values an attempt has before its moments."""
        return 2 if self.optional else 1

    def times(self, step: int) -> str:
        return f"acc[{step}]"

    def longest(self, state: str) -> str:
        """The furthest attempt, looked for among those of the moment before."""
        best = f"{state}[{self.steps + 1}]"
        cases = [f"WHEN {self.beyond(step, best, state)} THEN {state}[{step}]" for step in range(self.steps, 0, -1)]
        return f"CASE {' '.join(cases)} ELSE {best} END"

    def beyond(self, step: int, best: str, state: str) -> str:
        """An attempt has come to a step that the furthest one has not."""
        if self.optional:
            return f"length({state}[{step}]) > 0 AND {best}[2] < {1 << (step - 1)}"
        return f"length({state}[{step}]) > length({best})"

    def is_step(self, step: int) -> str:
        """The moment can be this step."""
        return "e[-1] = 1" if self.entries and step == 1 else f"e[{FLAGS + step}] = 1"

    def excludes(self, step: int) -> str:
        """The moment must not come before this step."""
        return f"e[{FLAGS + self.steps + step}] = 1"

    def open(self, step: int) -> str:
        """An attempt that came to this step is still in its window. Where there is none its time is 0, long ago."""
        return f"{self.times(step)}[1] >= e[5]"

    def before(self, step: int) -> list[int]:
        """The steps that this one can follow, the nearest first."""
        found = [step - 1]
        while found[-1] in self.optional:
            found.append(found[-1] - 1)
        return found

    def previous(self, step: int) -> str:
        """The attempt that waits for this step."""
        steps = self.before(step)
        if len(steps) == 1:
            return self.times(steps[0])
        cases = [f"WHEN {self.open(at)} THEN {self.times(at)}" for at in steps[:-1]]
        return f"(CASE {' '.join(cases)} ELSE {self.times(steps[-1])} END)"

    def follows(self, step: int) -> str:
        """An attempt in its window waits for this step, and none of the same start has it already."""
        previous = self.previous(step)
        return f"{previous}[1] >= e[5] AND {previous}[1] != {self.times(step)}[1]"

    def comes(self, step: int) -> str:
        """The moment takes an attempt to this step."""
        if step == 1:
            return f"{self.is_step(1)} AND {self.times(1)}[1] != e[1]"
        comes = f"{self.is_step(step)} AND {self.follows(step)}"
        if any(later == step for _, later in self.rivals):
            comes += f" AND NOT has({self.previous(step)}, e[4])"
        return comes

    def extended(self, step: int) -> str:
        """An attempt that comes to this step with the moment."""
        if step == 1:
            return f"[e[1], {'1, ' if self.optional else ''}e[4]]"
        previous = self.previous(step)
        if not self.optional:
            return f"arrayPushBack({previous}, e[4])"
        head = f"[{previous}[1], {previous}[2] + {1 << (step - 1)}]"
        more = "[]" if step in self.optional else "[e[4]]"
        return f"arrayConcat({head}, arraySlice({previous}, 3), {more})"

    def attempt(self, step: int) -> str:
        """The latest attempt at a step, after the moment; in strict funnels other events end it."""
        whole = f" AND {self.previous(step)}[-1] != 0" if self.exclusions and step > 1 else ""
        cases = [f"WHEN {self.comes(step)}{whole} THEN {self.extended(step)}"]
        if self.exclusions and step < self.steps:
            broken = f"arrayPushBack({self.times(step)}, 0)"
            if self.strict:
                broken = f"CASE WHEN {self.lasts(step)} THEN {broken} ELSE [] END"
            cases.append(f"WHEN {self.breaks(step)} THEN {broken}")
        if self.strict:
            cases.append(f"WHEN NOT ({self.lasts(step)}) THEN []")
        return f"CASE {' '.join(cases)} ELSE {self.times(step)} END"

    def lasts(self, step: int) -> str:
        """The moment does not end attempts at this step: it can be the step itself, or shares an instant."""
        return f"e[{FLAGS + step}] = 1 OR bitTest(e[3], {self.steps})"

    def breaks(self, step: int) -> str:
        """The moment is an exclusion after this step, for an unbroken attempt that waits for one that follows."""
        found: list[str] = []
        for later in range(step + 1, self.steps + 1):
            if step in self.before(later):
                waits = f" AND {self.previous(later)}[1] = {self.times(step)}[1]" if self.optional else ""
                found.append(f"{self.excludes(later)} AND {self.follows(later)}{waits}")
        whole = f"{self.times(step)}[-1] != 0"
        return f"{whole} AND {found[0]}" if len(found) == 1 else f"{whole} AND ({' OR '.join(found)})"

    def furthest(self) -> str:
        """The furthest attempt after the moment. Without exclusions it is one of those of the moment before."""
        if not self.exclusions:
            return self.longest("acc")
        best = f"acc[{self.steps + 1}]"
        cases: list[str] = []
        for step in range(self.steps, 0, -1):
            cases.append(f"WHEN {self.comes(step)} AND {self.goes_further(step, best)} THEN {self.extended(step)}")
        # As in PostHog's function the window counts from the last step where entries are looked at.
        near = f"arrayMax({best}) >= e[5]" if self.entries else f"{best}[1] >= e[5]"
        broken = f"arrayConcat(arrayFilter(key -> key > 0, {best}), [0])"
        for step in range(1, self.steps):
            cases.append(f"WHEN {self.breaks(step)} AND {near} AND {self.ends_with(step, best)} THEN {broken}")
        return f"CASE {' '.join(cases)} ELSE {best} END"

    def goes_further(self, step: int, best: str) -> str:
        """A step beyond the furthest attempt, or the same step where that one is broken: in its end, for entries."""
        if self.optional:
            return f"{best}[2] * (1 - has({best}, 0)) < {1 << (step - 1)} AND {best}[2] < {1 << step}"
        ends = f"equals({best}[-1], 0)" if self.entries else f"has({best}, 0)"
        return f"length({best}) - has({best}, 0) - {ends} < {step + 1}"

    def ends_with(self, step: int, best: str) -> str:
        """The furthest attempt ends with this step."""
        if self.optional:
            return f"{best}[2] >= {1 << (step - 1)} AND {best}[2] < {1 << step}"
        return f"length({best}) - has({best}, 0) = {step + 1}"
