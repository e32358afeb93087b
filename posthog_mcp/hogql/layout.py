"""Lay out a query: clauses on their own lines, long lists one item a line, keywords in capitals, comments kept.

Works on tokens, not on the tree: the parsers read over some words (NULLS FIRST, COLLATE, …) that a print of the tree
would lose. Nothing but white space and the case of keywords changes; where that cannot be promised, the text comes back
as it was. sqlglot's and sqlfluff's formatters do not read HogQL (`$name`, `?.`, `=~`, tags, IN COHORT), hence our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from posthog_mcp.hogql.tokens import CLOSING, OPENING, Token, tokens
from posthog_mcp.hogql.tree import Node, walk
from posthog_mcp.hogql.tree_expressions import Alias, Call, ColumnsExpr, Field, Lambda, NamedArgument, WindowFunction
from posthog_mcp.hogql.tree_queries import CTE, JoinExpr, SelectQuery

WIDTH = 100
STEP = 2
_JOINS = "left right inner full cross outer any asof semi anti all positional global array join"
JOINS = frozenset(_JOINS.split())
_STARTS = "select from prewhere where group having qualify window order limit offset union intersect except with"
STARTS = frozenset(_STARTS.split())
LISTS = frozenset({"select", "group", "order", "with", "window"})
CONDITIONS = frozenset({"where", "prewhere", "having", "qualify"})
_CAPITALS = (
    "select distinct from prewhere where group by having qualify order limit offset union all intersect except with as "
    "on using join left right inner full outer cross asof semi anti array and or not in is null like ilike between "
    "case when then else end asc desc over partition rows range preceding following unbounded current row interval "
    "exclude ties recursive window"
)
CAPITALS = frozenset(_CAPITALS.split())
SPACED = frozenset({"=", "==", "!=", "<>", "<=", ">=", "<", ">", "||", "->"})


@dataclass(frozen=True, slots=True)
class Bracket:
    """What stands between two brackets, both included."""

    opening: Token
    items: tuple[Item, ...]
    closing: Token


Item: TypeAlias = "Token | Bracket"


def format_hogql(query: str, tree: Node | None = None) -> str:
    """The query laid out; unchanged when it holds tags, or brackets that do not match.

    With the query's tree, keywords are put in capitals, but for words that the query also uses as names. Idempotent.
    """
    all_ = list(tokens(query, comments=True))
    if not all_ or any(each.kind == "unclosed" for each in all_) or has_tags(all_):
        return query
    items = nested(iter(all_))
    if items is None:
        return query
    writer = Writer(query, names_in(tree) if tree else None)
    text = writer.query(items, 0).strip("\n")
    same = [(each.kind, each.lowered) for each in tokens(text, comments=True)]
    return text if same == [(each.kind, each.lowered) for each in all_] else query


def has_tags(all_: Sequence[Token]) -> bool:
    """`<name …` or `</name`: what is inside is not ours to lay out."""
    return any(a.text == "<" and a.end == b.start and (b.kind == "word" or b.text == "/") for a, b in pairwise(all_))


def nested(stream: Iterator[Token], opening: Token | None = None) -> list[Item] | None:
    """Tokens with their brackets as items; None when they do not match."""
    stack: list[tuple[Token | None, list[Item]]] = [(None, [])]
    for token in stream:
        if token.text in OPENING:
            stack.append((token, []))
        elif token.text in CLOSING:
            opened, items = stack.pop()
            if opened is None or OPENING[opened.text] != token.text:
                return None
            stack[-1][1].append(Bracket(opened, tuple(items), token))
        else:
            stack[-1][1].append(token)
    return stack[0][1] if len(stack) == 1 else None


def names_in(tree: Node) -> frozenset[str]:
    """Every word that the query uses as a name, in lower case."""
    found: set[str] = set()
    for node in walk(tree):
        if isinstance(node, Field):
            found |= {str(part).lower() for part in node.chain}
        elif isinstance(node, (Call, WindowFunction, CTE, NamedArgument)):
            found.add(node.name.lower())
        elif isinstance(node, Lambda):
            found |= {name.lower() for name in node.args}
        elif isinstance(node, JoinExpr):
            found |= {name.lower() for name in (node.alias or "", *(node.column_aliases or []))}
        elif isinstance(node, Alias):
            found.add(node.alias.lower())
        elif isinstance(node, ColumnsExpr):
            found |= {name.lower() for name in (*(node.exclude or []), *(node.replace or {}))}
        elif isinstance(node, SelectQuery):
            found |= {name.lower() for name in node.window_exprs or {}}
    return frozenset(found)


def word(item: Item) -> str:
    return item.lowered if isinstance(item, Token) and item.kind == "word" else ""


def first(item: Item) -> Token:
    return item if isinstance(item, Token) else item.opening


def last(item: Item) -> Token:
    return item if isinstance(item, Token) else item.closing


def is_query(item: Item) -> bool:
    """A bracket around a SELECT."""
    inside = [each for each in item.items if first(each).kind != "comment"] if isinstance(item, Bracket) else []
    return bool(inside) and (word(inside[0]) in ("select", "with") or is_query(inside[0]))


def line_comment(item: Item) -> bool:
    return isinstance(item, Token) and item.kind == "comment" and not item.text.startswith("/*")


def breaks(items: Sequence[Item]) -> bool:
    """Whether something in there ends a line."""
    return any(breaks(each.items) if isinstance(each, Bracket) else line_comment(each) for each in items)


@dataclass(slots=True)
class Writer:
    """Writes items back. `names` are the words that keep their case; None: all do."""

    source: str
    names: frozenset[str] | None

    def text(self, token: Token, before: Item | None, after: Item | None) -> str:
        """A token; a keyword in capitals, unless it stands where a name or a function may."""
        low = token.lowered
        if self.names is None or token.kind != "word" or low not in CAPITALS or low in self.names:
            return token.text
        named = (before is not None and last(before).text == ".") or (after is not None and first(after).text == ".")
        return token.text if named else token.text.upper()

    def gap(self, before: Item, after: Item) -> str:
        """What stands between two items of one line."""
        left, right = last(before), first(after)
        adjacent = left.end == right.start
        if right.text in (",", ";") or left.text == ".":
            return "" if left.kind != "comment" else " "
        if left.text == ",":
            return " "
        signs = left.kind == "sign" and right.kind == "sign" and not isinstance(before, Bracket)
        if adjacent and signs and not isinstance(after, Bracket):
            return ""
        if (left.text in SPACED or right.text in SPACED) and not (signs and adjacent):
            return " "
        return "" if adjacent else " "

    def line(self, items: Sequence[Item]) -> str:
        """Items on one line; brackets hug what they hold."""
        parts: list[str] = []
        for i, item in enumerate(items):
            before, after = items[i - 1] if i else None, items[i + 1] if i + 1 < len(items) else None
            if before is not None:
                parts.append(self.gap(before, item))
            if isinstance(item, Bracket):
                parts.append(f"{item.opening.text}{self.line(item.items)}{item.closing.text}")
            else:
                parts.append(self.text(item, before, after))
        return "".join(parts)

    def fits(self, items: Sequence[Item], room: int) -> bool:
        return not breaks(items) and "\n" not in self.line(items) and len(self.line(items)) <= room

    def query(self, items: Sequence[Item], indent: int) -> str:
        """A query, one clause after another; a short one without comments stays on one line."""
        if indent and self.fits(items, WIDTH - indent):
            return " " * indent + self.line(items)
        return "\n".join(self.clause(part, indent) for part in clauses(items))

    def clause(self, items: Sequence[Item], indent: int) -> str:
        pad = " " * indent
        if self.fits(items, WIDTH - indent) and not any(is_query(each) and len(items) > 1 for each in items):
            return pad + self.line(items)
        head = heading(items)
        start = word(items[0])
        body = items[head:]
        if start in LISTS and body:
            return f"{pad}{self.line(items[:head])}\n{self.rows(comma_parts(body), indent + STEP)}"
        if start in CONDITIONS and body:
            return f"{pad}{self.line(items[:head])}\n{self.rows(condition_parts(body), indent + STEP)}"
        return pad + self.wrapped(items, indent)

    def rows(self, parts: Sequence[Sequence[Item]], indent: int) -> str:
        return "\n".join(" " * indent + self.wrapped(part, indent) for part in parts)

    def wrapped(self, items: Sequence[Item], indent: int) -> str:
        """Items from a line on, brackets opened where they do not fit, a new line after each line comment."""
        parts: list[str] = []
        for i, item in enumerate(items):
            before, after = items[i - 1] if i else None, items[i + 1] if i + 1 < len(items) else None
            if before is not None:
                parts.append(
                    "\n" + " " * indent if line_comment(before) or self.alone(item) else self.gap(before, item)
                )
            if isinstance(item, Token):
                parts.append(self.text(item, before, after))
                continue
            column = len("".join(parts).rpartition("\n")[2]) + indent
            if self.fits([item], WIDTH - column) and not (is_query(item) and len(self.line([item])) > WIDTH // 2):
                parts.append(self.line([item]))
            else:
                parts.append(self.opened(item, indent))
        return "".join(parts)

    def alone(self, item: Item) -> bool:
        """A line comment that has its line for itself in the source."""
        if not line_comment(item):
            return False
        before = self.source[: first(item).start].rpartition("\n")[2]
        return not before.strip()

    def opened(self, item: Bracket, indent: int) -> str:
        """A bracket over several lines."""
        inner = indent + STEP
        rows = comma_parts(item.items)
        body = self.query(item.items, inner) if is_query(item) else self.rows(rows, inner)
        return f"{item.opening.text}\n{body}\n{' ' * indent}{item.closing.text}" if item.items else self.line([item])


def clauses(items: Sequence[Item]) -> list[list[Item]]:
    """A query's items by clause; joins and set operations begin one too."""
    parts: list[list[Item]] = [[]]
    for i, item in enumerate(items):
        before = items[i - 1] if i else None
        if parts[-1] and begins_clause(items, i, before):
            parts.append([])
        parts[-1].append(item)
    return [part for part in parts if part]


def begins_clause(items: Sequence[Item], i: int, before: Item | None) -> bool:
    low, previous = word(items[i]), word(before) if before else ""
    if before and (last(before).text in (".", ",") or previous in ("as", "within")):
        return False
    if low == "with" and i:
        return False  # WITH TIES, WITH FILL
    joins = low in JOINS and previous not in JOINS and leads_to_join(items, i)
    return low in STARTS or joins


def leads_to_join(items: Sequence[Item], i: int) -> bool:
    """LEFT, ANY, … that begin a join, and are no functions or names."""
    while i < len(items) and word(items[i]) in JOINS:
        if word(items[i]) == "join":
            return True
        i += 1
    return False


def heading(items: Sequence[Item]) -> int:
    """How many items a clause's keywords take: SELECT DISTINCT, GROUP BY, WITH RECURSIVE."""
    pairs = {"select": ("distinct",), "group": ("by",), "order": ("by",), "with": ("recursive",)}
    follows = pairs.get(word(items[0]), ())
    return 2 if len(items) > 1 and word(items[1]) in follows else 1


def comma_parts(items: Sequence[Item]) -> list[list[Item]]:
    """A list's members, each with its comma, and with the comment that ends its line."""
    parts: list[list[Item]] = [[]]
    for i, item in enumerate(items):
        after_comma = i > 0 and first(items[i - 1]).text == "," and not isinstance(items[i - 1], Bracket)
        if (after_comma and not line_comment(item)) or (
            i > 1 and line_comment(items[i - 1]) and first(items[i - 2]).text == ","
        ):
            parts.append([])
        parts[-1].append(item)
    return [part for part in parts if part]


def condition_parts(items: Sequence[Item]) -> list[list[Item]]:
    """Conditions, each from its AND or OR on; not the AND of BETWEEN, nor those inside CASE."""
    parts: list[list[Item]] = [[]]
    between = cases = 0
    for item in items:
        low = word(item)
        between += low == "between"
        cases += (low == "case") - (low == "end")
        if low in ("and", "or") and cases <= 0:
            if low == "and" and between:
                between -= 1
            elif parts[-1]:
                parts.append([])
        parts[-1].append(item)
    return [part for part in parts if part]
