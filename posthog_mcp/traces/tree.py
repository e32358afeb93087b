"""The steps of a trace as a tree: from parents, whatever is missing, doubled or in a circle, in order of start.

As PostHog nests them (`nest_children` of its `trace_formatter.py`): a step is known by its generation, span or event
id; one whose parent is not there becomes a root, and a circle is opened at its earliest step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from posthog_mcp.traces.trace import Trace, TraceEvent, text_of


@dataclass(slots=True)
class Node:
    """A step. `orphan`: it names a parent that was not captured."""

    event: TraceEvent
    children: list[Node] = field(default_factory=list["Node"])
    orphan: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A node as it is met walking the tree: when it begins, and, where it has children, when it ends."""

    node: Node
    depth: int
    ends: bool = False


def roots_of(trace: Trace) -> list[Node]:
    """The trees of a trace; mostly one, under its `$ai_trace`."""
    nodes = [Node(each) for each in trace.events]
    known: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in names_of(node.event, trace.id):
            known.setdefault(name, index)
    root = next((index for index, node in enumerate(nodes) if node.event.event == "$ai_trace"), None)
    parents = [parent_of(index, nodes, known, root, trace.id) for index in range(len(nodes))]
    open_circles(parents)
    roots: list[Node] = []
    for index, node in enumerate(nodes):
        above = parents[index]
        (roots if above is None else nodes[above].children).append(node)
    return sorted(roots, key=lambda node: node.event.event != "$ai_trace")


def names_of(event: TraceEvent, trace_id: str) -> list[str]:
    """Everything a child may call its parent."""
    own = [text_of(event.properties, f"$ai_{name}_id") for name in ("generation", "span")]
    return [*filter(None, own), event.uuid, *([trace_id] if event.event == "$ai_trace" else [])]


def parent_of(index: int, nodes: Sequence[Node], known: dict[str, int], root: int | None, trace_id: str) -> int | None:
    """The index of a node's parent: the one it names, else the trace's own event."""
    if index == root:
        return None
    node = nodes[index]
    named = node.event.parent_id
    found = known.get(named) if named else root
    if found is None:
        node.orphan = named not in ("", trace_id)
        found = root
    return None if found == index else found


def open_circles(parents: list[int | None]) -> None:
    """Let the first step of every circle have no parent. `parents` is in order of start."""
    settled = set[int]()
    for start in range(len(parents)):
        path: list[int] = []
        seen = set[int]()
        here: int | None = start
        while here is not None and here not in settled and here not in seen:
            path.append(here)
            seen.add(here)
            here = parents[here]
        if here is not None and here in seen:
            parents[min(path[path.index(here) :])] = None
        settled |= seen


def walk(roots: Sequence[Node]) -> list[Step]:
    """Every step, parents before children; the end of a step after its children."""
    found: list[Step] = []
    waiting = [Step(node, 0) for node in reversed(roots)]
    while waiting:
        step = waiting.pop()
        found.append(step)
        if step.node.children and not step.ends:
            waiting.append(Step(step.node, step.depth, ends=True))
            waiting += [Step(child, step.depth + 1) for child in reversed(step.node.children)]
    return found
