"""Messages of a whole trace numbered, each once: what a later step repeats is a reference to what stands before.

Two messages are the same when their parts are (ids of tool calls aside) and their roles agree; the second time a text
occurs within one conversation it is a message of its own. Numbers depend on the events alone, not on any budget.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from posthog_mcp.traces.messages import Message, Part

ANYBODY = ("input", "output", "unknown")
"""Roles that say nothing of who speaks."""
Key = tuple[tuple[str, str, str, bool], ...]


@dataclass(slots=True)
class Entry:
    """A message at its first place. `same_as`: the anchor of an earlier one with this text, by another or again."""

    number: int
    message: Message
    role: str
    same_as: str = ""
    calls: list[Call] = field(default_factory=list["Call"])
    """Of its tool calls, in order."""
    results: list[str] = field(default_factory=list[str])
    """Labels of the calls that its tool results answer, in order."""

    @property
    def anchor(self) -> str:
        return f"m{self.number}"


@dataclass(slots=True)
class Call:
    """A tool call: `label` is short (`c3`), `answered` tells whether its result was captured."""

    label: str
    name: str
    answered: bool = False


@dataclass(slots=True)
class Threads:
    """Numbers messages as they come."""

    entries: list[Entry] = field(default_factory=list[Entry])
    _by_role: dict[tuple[str, Key, int], Entry] = field(default_factory=dict[tuple[str, Key, int], Entry])
    _by_text: dict[tuple[Key, int], Entry] = field(default_factory=dict[tuple[Key, int], Entry])
    _calls: dict[str, Call] = field(default_factory=dict[str, Call])
    _waiting: dict[str, deque[Call]] = field(default_factory=dict[str, "deque[Call]"])
    """Calls without an id, by the tool's name."""
    _count: int = 0
    _keys: dict[int, tuple[Message, Key]] = field(default_factory=dict[int, tuple[Message, Key]])
    """By a message's identity: histories hold the same ones again and again."""

    def conversation(self) -> Conversation:
        """One step's messages; texts that occur in it again are counted."""
        return Conversation(self)

    def key(self, message: Message) -> Key:
        found = self._keys.get(id(message))
        if found is None:
            found = self._keys[id(message)] = (message, key_of(message))
        return found[1]

    def place(self, message: Message, key: Key, occurrence: int) -> tuple[Entry, bool]:
        """The entry of a message, and whether it is new."""
        known = self._by_role.get((message.role, key, occurrence))
        same = self._by_text.get((key, occurrence))
        if known is None and same is not None and (message.role in ANYBODY or same.role in ANYBODY):
            known = same
        if known is not None:
            if known.role in ANYBODY and message.role not in ANYBODY:
                known.role = message.role
                self._by_role[message.role, key, occurrence] = known
            return known, False
        earlier = same or (self._by_text.get((key, 1)) if occurrence > 1 else None)
        entry = Entry(len(self.entries) + 1, message, message.role, earlier.anchor if earlier else "")
        self.entries.append(entry)
        self._by_role[message.role, key, occurrence] = entry
        self._by_text.setdefault((key, occurrence), entry)
        self.pair(entry)
        return entry, True

    def pair(self, entry: Entry) -> None:
        """Label the calls of a message, and find those that its results answer: by id, else by name and order."""
        for part in entry.message.parts:
            if part.kind == "tool_call":
                self._count += 1
                call = Call(f"c{self._count}", part.name)
                entry.calls.append(call)
                if part.id:
                    self._calls[part.id] = call
                self._waiting.setdefault(part.name, deque[Call]()).append(call)
            elif part.kind == "tool_result":
                answered = self._calls.get(part.id) or self.waiting(part)
                if answered:
                    answered.answered = True
                entry.results.append(f"{answered.label} {answered.name}" if answered else "")

    def waiting(self, part: Part) -> Call | None:
        """The oldest call by that name that has no result yet; without a name or id, the oldest of all."""
        names = [part.name] if part.name else ([*self._waiting] if not part.id else [])
        first: list[Call] = []
        for name in names:
            calls = self._waiting.get(name, deque[Call]())
            while calls and calls[0].answered:
                calls.popleft()
            first += [calls[0]] if calls else []
        return min(first, key=lambda call: int(call.label[1:]), default=None)


@dataclass(slots=True)
class Conversation:
    """What one step was given and gave."""

    threads: Threads
    seen: Counter[Key] = field(default_factory=Counter[Key])

    def entries(self, messages: Iterable[Message]) -> Iterator[tuple[Entry, bool]]:
        """Each message's entry, and whether it is new."""
        for message in messages:
            key = self.threads.key(message)
            self.seen[key] += 1
            yield self.threads.place(message, key, self.seen[key])


def key_of(message: Message) -> Key:
    return tuple(
        (part.kind, part.text, part.name if part.kind != "text" else "", part.failed) for part in message.parts
    )


def ranges(entries: Iterable[Entry]) -> str:
    """`m1–m7, m9`."""
    numbers = [entry.number for entry in entries]
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"m{first}" if first == last else f"m{first}–m{last}" for first, last in runs)
