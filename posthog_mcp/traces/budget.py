"""A trace's text within a number of tokens: errors first, then beginnings and ends, every gap announced.

Heads of blocks stay. Bodies share what is left: one cap for all, higher for failures, for the first question, the last
answer and for what people said; a body over its cap keeps its beginning and its end. Where even the heads are too many,
steps in the middle are left out and counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from posthog_mcp.traces.render import Block
from posthog_mcp.traces.tokens import tokens_of

SHARES = (0.5, 0.65, 0.8)
"""Of a budget that heads of blocks may take, the smallest first that fills it."""
FULL, URGENT, SAID = 0.85, 0.85, 60
"""When a budget counts as filled; what failures may take of it, and the tokens of each that are reckoned with."""
LEAST = 12
"""Tokens of a body that are worth printing."""
GAP = 14
"""Tokens of the note of a cut."""
LINE = 110
"""Characters of a body in the outline."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Blocks that fit. `cut`: something was left out."""

    blocks: list[Block]
    cut: bool


def fitted(blocks: Sequence[Block], budget: int) -> Fitted:
    """Within a budget in tokens (estimated); 0: whole. At least the first block's head is kept."""
    if budget <= 0:
        return Fitted(list(blocks), cut=False)
    sizes = [tokens_of(block.body) for block in blocks]
    heads = [tokens_of(block.head) + 2 for block in blocks]
    if sum(sizes) + sum(heads) <= budget:
        return Fitted(list(blocks), cut=False)
    kept = without_small_gaps(kept_blocks(blocks, heads, sizes, budget), heads, sizes)
    left = (
        budget
        - sum(heads[index] for index in kept)
        - GAP * (1 + sum(after - before > 1 for before, after in pairs(kept)))
    )
    cap = common_cap([(sizes[index], blocks[index].weight) for index in kept], left)
    made: list[Block] = []
    last = -1
    for index in [*kept, len(blocks)]:
        if index - last > 1:
            made.append(gap(blocks[last + 1 : index], sum(sizes[last + 1 : index]) + sum(heads[last + 1 : index])))
        if index < len(blocks):
            made.append(shortened(blocks[index], sizes[index], int(cap * blocks[index].weight)))
        last = index
    return Fitted(made, cut=True)


def without_small_gaps(kept: Sequence[int], heads: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """What is left out stays out only where it is longer than the note of it."""
    found: list[int] = []
    for before, after in [(-1, kept[0]), *pairs(kept), (kept[-1], len(heads))]:
        missing = range(before + 1, after)
        if sum(heads[index] + sizes[index] for index in missing) <= GAP:
            found += missing
        found += [after] if after < len(heads) else []
    return found


def pairs(kept: Sequence[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(kept))


def kept_blocks(blocks: Sequence[Block], heads: Sequence[int], sizes: Sequence[int], budget: int) -> list[int]:
    """Blocks to keep, in order: as many heads as leave bodies room, and more where the bodies do not need it."""
    kept: list[int] = []
    for share in SHARES:
        kept = within(blocks, heads, sizes, budget, share)
        if len(kept) == len(blocks) or sum(heads[index] + sizes[index] for index in kept) >= budget * FULL:
            break
    return kept


def within(blocks: Sequence[Block], heads: Sequence[int], sizes: Sequence[int], budget: int, share: float) -> list[int]:
    """The head, failures, opinions, then the beginning and the end by turns, while they fit a share of the budget."""
    failures = [index for index, block in enumerate(blocks) if block.weight >= 6]
    opinions = [index for index, block in enumerate(blocks) if 4 <= block.weight < 6]
    told = [each for index in (*both_ends(failures), *both_ends(opinions)) for each in (step_of(blocks, index), index)]
    urgent = {0, *told}
    kept: set[int] = set()
    spent = 0
    for index in dict.fromkeys([0, *told, *both_ends(range(len(blocks)))]):
        cost = heads[index] + (min(sizes[index], SAID) + GAP if index in urgent else min(sizes[index], LEAST))
        if not kept or spent + cost <= budget * (URGENT if index in urgent else share):
            kept.add(index)
            spent += cost
    return sorted(kept)


def step_of(blocks: Sequence[Block], index: int) -> int:
    """The line of the step that a block belongs to, so that a failure says whose it is."""
    anchor = blocks[index].anchor if blocks[index].kind == "error" else ""
    while index > 0 and not (
        blocks[index].kind in ("step", "opinion") and (not anchor or blocks[index].anchor == anchor)
    ):
        index -= 1
    return index


def both_ends(indices: Sequence[int]) -> list[int]:
    """First, last, second, last but one, …"""
    return [index for pair in zip(indices, reversed(indices), strict=True) for index in pair]


def common_cap(bodies: Sequence[tuple[int, float]], budget: int) -> float:
    """The most tokens for a body of weight 1 that all bodies fit with."""
    low, high = 0.0, float(max((size for size, _ in bodies), default=0)) + 1
    for _ in range(40):
        middle = (low + high) / 2
        spent = sum(size if size <= middle * weight else middle * weight + GAP for size, weight in bodies)
        low, high = (middle, high) if spent <= budget else (low, middle)
    return low


def shortened(block: Block, size: int, limit: int) -> Block:
    """A block whose body keeps its beginning and its end, and says how much is missing."""
    if size <= limit:
        return block
    if limit < LEAST:
        return replace(block, body=f"[{size:,} tokens cut]") if size > LEAST else block
    length = len(block.body) * limit // size
    first, last = length * 2 // 3, length // 3
    return replace(block, body=without_middle(block.body, first, last))


def without_middle(text: str, first: int, last: int) -> str:
    missing = len(text) - first - last
    return f"{text[:first]} […{missing:,} characters cut…] {text[len(text) - last :]}"


def gap(blocks: Sequence[Block], size: int) -> Block:
    """A note in place of blocks that were left out."""
    steps = sum(block.kind in ("step", "opinion") and bool(block.anchor) for block in blocks)
    messages = [block.anchor for block in blocks if block.kind == "message"]
    names = f" ({messages[0]}–{messages[-1]})" if len(messages) > 1 else f" ({messages[0]})" if messages else ""
    parts = [counted(steps, "step"), f"{counted(len(messages), 'message')}{names}" if messages else ""]
    said = ", ".join(filter(None, [*parts, f"about {size:,} tokens"]))
    return Block("history", "", f"[… {said} left out …]")


def counted(number: int, name: str) -> str:
    return f"{number} {name}{'s' if number > 1 else ''}" if number else ""


def outlined(blocks: Sequence[Block]) -> Fitted:
    """Each body as the beginning of its first line; errors and opinions longer."""
    made: list[Block] = []
    cut = False
    for block in blocks:
        length = LINE * 6 if block.kind in ("error", "opinion") else LINE
        line = " ".join(block.body.split()) if block.kind not in ("head",) else block.body
        if len(line) > length:
            cut = True
            line = f"{line[:length]}… ({len(block.body):,} characters)"
        made.append(replace(block, body=line))
    return Fitted(made, cut)
