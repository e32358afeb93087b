"""What a shape is, and the reading that readers are handed.

Values go down (`items`, `parts`), messages and parts come back. Readers get a copy of the object and may pop from it.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from posthog_mcp.results import Json
from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.payloads import decoded
from posthog_mcp.traces.structure import arguments, is_vector, readable, scalar

Fields = dict[str, Json]
Item = Message | Part


class Opened(dict[str, Json]):
    """An object that a reader takes from, and the objects within that it opened."""

    def __init__(self, value: Mapping[str, Json]) -> None:
        super().__init__(value)
        self.inner: list[Opened] = []


Reader = Callable[[Fields, "Reading"], "Iterable[Item] | None"]
"""None: this object is not mine after all."""

Known = dict[tuple[str, bytes], list[Item]]
"""Messages of a trace that were read, by role and bytes: histories repeat them in every step."""

DEEPEST = 16
"""Levels of messages within messages; deeper ones are shown as structure."""
NOISE = frozenset(
    """id object created created_at index type role logprobs cache_control signature thought_signature thoughtSignature
    usage usage_metadata usageMetadata response_metadata system_fingerprint service_tier sequence_number item_id
    output_index content_index tool_call_chunks avgLogprobs tokenCount modelVersion responseId createTime
    document_index start_char_index end_char_index
    start_page_number end_page_number start_block_index end_block_index start_index end_index encrypted_index
    search_result_index providerOptions providerMetadata experimental_providerMetadata provider_specific_fields
    lc example block_type total_duration load_duration prompt_eval_count prompt_eval_duration eval_count
    eval_duration""".split()  # noqa: SIM905
)
"""Bookkeeping of known objects: ids, counters, caching marks. Tokens and models are told by the event."""
SETTLED = (None, "", "completed", "complete", "succeeded", "success", "in_progress", "output-available", "done")
"""Values of `status` and `state` that say nothing went wrong."""
WRAPPERS = frozenset("output outputs result results response data value kwargs input inputs return state body".split())  # noqa: SIM905
"""Keys whose name says nothing about what is in them."""


@dataclass(frozen=True)
class Shape:
    """A family. `typed`: readers by the value of `type`; `keyed`: by a key; `joined`: makes one of stream chunks."""

    name: str
    typed: Mapping[str, Reader] = field(default_factory=dict[str, Reader])
    keyed: Mapping[str, Reader] = field(default_factory=dict[str, Reader])
    joined: Callable[[Sequence[Fields]], Json] | None = None


@dataclass(frozen=True)
class Readers:
    """Every shape's readers, indexed; of two for one mark the earlier shape's is asked first."""

    typed: Mapping[str, Sequence[Reader]]
    keyed: Mapping[str, Sequence[tuple[int, Reader]]]
    joined: Sequence[Callable[[Sequence[Fields]], Json]]

    def for_object(self, value: Mapping[str, Json]) -> list[Reader]:
        """Readers to ask of an object, first to last."""
        kind = value.get("type")
        found = list(self.typed.get(kind, ())) if isinstance(kind, str) else []
        marks = [mark for key in value for mark in self.keyed.get(key, ())]
        return [*found, *(reader for _, reader in sorted(marks, key=lambda mark: mark[0]))]


@dataclass
class Reading:
    """One value being read. `role` is whose words stand there where nothing says it."""

    readers: Readers
    role: str
    depth: int = 0
    unknown: set[str] = field(default_factory=set[str])
    """Marks of objects that no reader took: their `type`, or their keys."""
    known: Known = field(default_factory=dict[tuple[str, bytes], list[Item]])

    def messages(self, value: Json) -> list[Message]:
        """A whole payload as messages: pieces that belong to nobody in particular become one by `role`."""
        found: list[Message] = []
        loose: list[Part] = []
        for item in self.items(value):
            if isinstance(item, Part):
                loose.append(item)
                continue
            if loose:
                found.append(Message(self.role, tuple(loose)))
                loose = []
            found.append(item)
        if loose:
            found.append(Message(self.role, tuple(loose)))
        return [each for each in found if each.parts or each.stop]

    def items(self, value: Json) -> list[Item]:
        """A payload, or a piece of one: text is opened where it holds JSON or a repr."""
        if isinstance(value, str):
            opened = decoded(value)
            return self.items(opened) if not isinstance(opened, str) else list(text_parts(opened))
        if isinstance(value, list):
            return self.listed(value)
        if isinstance(value, dict):
            return self.object(value)
        return [] if value is None else [Part("data", scalar(value))]

    def listed(self, value: list[Json]) -> list[Item]:
        """A list: stream chunks become one, plain texts a message each, numbers a vector."""
        if is_vector(value):
            return [Part("data", readable(value))]
        chunks = [each for each in value if isinstance(each, dict)]
        if len(chunks) == len(value) and chunks:
            for join in self.readers.joined:
                whole = join(chunks)
                if whole is not None:
                    return self.items(whole)
        found: list[Item] = []
        for each in value:
            if isinstance(each, str) and len(value) > 1 and isinstance(decoded(each), str):
                found += [Message(self.role, tuple(text_parts(each)))] if each else []
            else:
                found += self.remembered(each) if isinstance(each, dict) and self.depth == 0 else self.items(each)
        return found

    def remembered(self, value: dict[str, Json]) -> list[Item]:
        """A message of a payload, read once however often it is sent."""
        try:
            key = (self.role, marshal.dumps(value, 2))
        except ValueError:
            return self.object(value)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.object(value)
        return found

    def parts(self, value: Json) -> list[Part]:
        """What a message holds: text stays text, also where it looks like JSON."""
        if isinstance(value, str):
            return text_parts(value)
        if isinstance(value, list) and not is_vector(value):
            return [part for each in value for part in self.parts(each)]
        if isinstance(value, dict):
            return flattened(self.object(value))
        return [] if value is None else [Part("data", readable(value))]

    def object(self, value: dict[str, Json]) -> list[Item]:
        """One object, by the first reader that takes it."""
        if self.depth >= DEEPEST:
            return [Part("data", readable(value))]
        self.depth += 1
        try:
            for reader in self.readers.for_object(value):
                fields = Opened(value)
                found = reader(fields, self)
                if found is not None:
                    return self.with_left(list(found), fields)
            return self.unknown_object(value)
        finally:
            self.depth -= 1

    def with_left(self, items: list[Item], fields: Opened) -> list[Item]:
        """What a reader made of an object, and what it has left of it and of the objects within that it opened."""
        left: list[Part] = []
        waiting = [fields]
        while waiting:
            each = waiting.pop()
            left += self.rest(each)
            waiting += reversed(each.inner)
        last = items[-1] if items else None
        if not left or not isinstance(last, Message):
            return [*items, *left]
        return [*items[:-1], replace(last, parts=(*last.parts, *left))]

    def unknown_object(self, value: dict[str, Json]) -> list[Item]:
        """Messages in it as messages, named by their key; the rest as structure."""
        kind = value.get("type")
        self.unknown.add(kind if isinstance(kind, str) else ",".join(sorted(value)[:6]))
        return self.apart(value)

    def apart(self, value: Mapping[str, Json]) -> list[Item]:
        """An object's entries: those that hold messages are read, the others shown together."""
        told: list[Item] = []
        plain: dict[str, Json] = {}
        for key, each in value.items():
            opened = decoded(each) if isinstance(each, str) else each
            if not isinstance(opened, dict | list) or not self.recognises(opened):
                plain[key] = each
                continue
            label = "" if key in WRAPPERS or key == "messages" else key
            told += [labelled(item, label) for item in self.items(opened)]
        return [*told, *([Part("data", readable(plain))] if plain else [])]

    def recognises(self, value: Json, levels: int = 3) -> bool:
        """Whether messages stand somewhere in it. Looks at the first few entries only."""
        if isinstance(value, list):
            return any(self.recognises(each, levels - 1) for each in value[:3]) if levels else False
        if not isinstance(value, dict):
            return False
        kind = value.get("type")
        if (isinstance(kind, str) and kind in self.readers.typed) or any(key in SPEAKING for key in value):
            return True
        return any(self.recognises(each, levels - 1) for each in list(value.values())[:12]) if levels else False

    def rest(self, fields: Fields, *noise: str) -> list[Part]:
        """What a reader has left of an object, without bookkeeping, `noise` and empty values; nothing is left then.

        What a reader does not ask for is added behind what it gives.
        """
        left: Fields = {
            key: value
            for key, value in fields.items()
            if key not in NOISE and key not in noise and value is not False and value not in (None, "", [], {})
        }
        for name in ("status", "state"):
            if name in left and left[name] in SETTLED:
                del left[name]
        fields.clear()
        return [Part("data", readable(left))] if left else []


SPEAKING = frozenset("role parts choices candidates generations tool_calls functionCall toolUse page_content".split())  # noqa: SIM905
"""Keys that mark an object as part of a conversation wherever it stands."""


def text_parts(value: Json, name: str = "") -> list[Part]:
    """Text, with nothing for none."""
    if isinstance(value, str):
        return [Part("text", value, name)] if value.strip() else []
    return [Part("data", readable(value), name)] if value not in (None, [], {}) else []


def flattened(items: Iterable[Item]) -> list[Part]:
    """The parts of items that stand within a message; a speaker within it is named."""
    found: list[Part] = []
    for item in items:
        if isinstance(item, Part):
            found.append(item)
        else:
            found += [Part("data", f"{item.role}:"), *item.parts]
    return found


def labelled(item: Item, label: str) -> Item:
    return replace(item, name=item.name or label) if label and isinstance(item, Message) else item


def text_in(fields: Fields, *names: str) -> str:
    """The first of these fields that is text or a number, taken out of the object."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            del fields[name]
            return str(value)
    return ""


def object_in(fields: Fields, *names: str) -> Fields | None:
    """A copy of the first of these fields that is an object, taken out."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, dict):
            del fields[name]
            return opened(fields, value)
    return None


def opened(fields: Fields, value: Mapping[str, Json]) -> Fields:
    """A copy of an object within another, of which nothing gets lost either."""
    made = Opened(value)
    if isinstance(fields, Opened):
        fields.inner.append(made)
    return made


def instead(fields: Fields, value: Mapping[str, Json]) -> Fields:
    """What takes the place of an object that was written anew."""
    fields.clear()
    if isinstance(fields, Opened):
        fields.inner.clear()
    return opened(fields, value)


def list_in(fields: Fields, *names: str) -> list[Json]:
    """The first of these fields that is a list, taken out."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, list):
            del fields[name]
            return value
    return []


def objects_in(fields: Fields, *names: str) -> list[Fields]:
    """The objects of the first of these fields that is a list, opened."""
    return [opened(fields, each) for each in list_in(fields, *names) if isinstance(each, dict)]


def any_in(fields: Fields, *names: str) -> Json:
    """The first of these fields that is there and not null, taken out."""
    for name in names:
        if fields.get(name) is not None:
            return fields.pop(name)
    return None


def call_part(name: str, given: Json, call_id: str = "") -> Part:
    """A tool call."""
    return Part("tool_call", arguments(given), name or "unnamed", call_id)


def result_part(reading: Reading, value: Json, *, name: str = "", call_id: str = "", failed: bool = False) -> Part:
    """A tool's result, whatever it holds, as one part. MCP's say themselves that they failed."""
    if isinstance(value, dict) and "isError" in value:
        failed = failed or truthy(value["isError"])
        value = {
            key: each for key, each in value.items() if key not in ("isError", "_meta") and each not in (None, [], {})
        }
        value = value["content"] if [*value] == ["content"] else value
    return Part("tool_result", result_text(reading, value), name, call_id, failed)


def result_text(reading: Reading, value: Json) -> str:
    """Blocks of known kinds as what they say; anything else as structure; text as it is, unless it holds blocks."""
    if isinstance(value, str):
        opened = decoded(value) if value.lstrip()[:9].replace(" ", "").startswith(('[{"type"', "[{'type'")) else value
        if isinstance(opened, str):
            return value
        value = opened
    if isinstance(value, dict | list) and (reading.recognises(value, 2) or are_blocks(value)):
        return "\n".join(said(part) for part in reading.parts(value))
    return readable(value) if value is not None else ""


def are_blocks(value: Json) -> bool:
    """Whether a result is a list of blocks without a type, as Bedrock's are."""
    return isinstance(value, list) and all(isinstance(each, dict) and {*each} and {*each} <= BLOCKS for each in value)


BLOCKS = frozenset(("json", "text", "image", "document", "video"))


def said(part: Part) -> str:
    """A part within another, in words."""
    if part.kind in ("media", "citation"):
        return f"[{part.name}{': ' if part.name and part.text else ''}{part.text}]"
    if part.kind == "tool_call":
        return f"→ {part.name}({part.text})"
    return f"{part.name}: {part.text}" if part.name and part.kind in ("tool_result", "data") else part.text


def truthy(value: Json) -> bool:
    """A flag that may be sent as text."""
    return value.lower() == "true" if isinstance(value, str) else bool(value)
