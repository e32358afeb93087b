"""Which columns of a query carry personal data, told by where they come from and not by what they are called.

`SELECT properties.email AS e` is an e-mail column; so is `JSONExtractString(properties, 'email')`, or a name that a
subquery, CTE or ARRAY JOIN gave to one of them. The whole of `properties` is `WHOLE`: its keys decide, value by value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthog_mcp.hogql.tree import children, walk
from posthog_mcp.hogql.tree_expressions import Alias, Call, ColumnsExpr, CompareOperation, Constant, Expr, Field, Node
from posthog_mcp.hogql.tree_queries import CTE, Query, SelectQuery, SelectSetQuery
from posthog_mcp.safety.keys import Keys

WHOLE = "whole"
ALLOWED = "allowed"
BAGS = frozenset({"properties", "person_properties", "group_properties"})
NUMERIC = ("count", "uniq", "length", "empty", "notempty", "isnull", "isnotnull", "position", "match", "like", "ilike")
ROUNDS = 6


def labels(tree: Node | None, names: Sequence[str], keys: Keys) -> list[str | None]:
    """One label a column: of `Keys`, WHOLE, ALLOWED, or None."""
    if not isinstance(tree, (SelectQuery, SelectSetQuery)):
        return [by_name(name, keys) or WHOLE for name in names]
    known = named(tree, keys)
    found = [by_name(name, keys) or known.get(name) for name in names]
    for select in selects(tree):
        if len(select.select) == len(names) and not any(stars(each) for each in select.select):
            for place, each in enumerate(select.select):
                found[place] = stronger(found[place], origin(each, known, keys))
    return found


def by_name(name: str, keys: Keys) -> str | None:
    """A column's own name, where nothing better is known."""
    if name in BAGS:
        return WHOLE
    return ALLOWED if keys.allows(name) else keys.label(name)


def stars(expr: Expr) -> bool:
    return isinstance(expr, ColumnsExpr) or (isinstance(expr, Field) and expr.chain[-1:] == ["*"])


def selects(tree: Query) -> list[SelectQuery]:
    """The SELECTs whose rows come out."""
    if isinstance(tree, SelectQuery):
        return [tree]
    return [each for member in tree.queries() for each in selects(member)]


def named(tree: Node, keys: Keys) -> dict[str, str]:
    """Names given inside the query to something personal."""
    given = [(each.alias, each.expr) for each in walk(tree) if isinstance(each, Alias)]
    given += [(each.name, each.expr) for each in walk(tree) if isinstance(each, CTE) and each.cte_type == "column"]
    known: dict[str, str] = {}
    for _ in range(ROUNDS):
        before = dict(known)
        for name, expr in given:
            label = stronger(known.get(name), origin(expr, known, keys))
            if label:
                known[name] = label
        for each in walk(tree):
            if isinstance(each, SelectQuery):
                known |= plain_columns(each, known, keys)
        if known == before:
            break
    return known


def plain_columns(select: SelectQuery, known: Mapping[str, str], keys: Keys) -> dict[str, str]:
    """`SELECT properties.name FROM …` inside: outside it is called `name`."""
    found = {
        str(each.chain[-1]): origin(each, known, keys)
        for each in select.select
        if isinstance(each, Field) and each.chain
    }
    return {name: label for name, label in found.items() if label and not known.get(name)}


def origin(expr: Node, known: Mapping[str, str], keys: Keys) -> str | None:
    """The strongest label among what an expression's value is made of."""
    if isinstance(expr, CompareOperation) or (isinstance(expr, Call) and expr.name.lower().startswith(NUMERIC)):
        return None
    if isinstance(expr, Field):
        return of_chain([str(part) for part in expr.chain], known, keys)
    label: str | None = None
    parts = children(expr) if not isinstance(expr, SelectQuery) else expr.select
    for each in parts:
        label = stronger(label, origin(each, known, keys))
    if label == WHOLE:
        texts = [each.value for each in walk(expr) if isinstance(each, Constant) and isinstance(each.value, str)]
        for text in texts:
            label = stronger(keys.label(text, person=True) or (ALLOWED if keys.allows(text) else None), label)
    return label


def of_chain(chain: Sequence[str], known: Mapping[str, str], keys: Keys) -> str | None:
    for place, part in enumerate(chain):
        if part in BAGS:
            rest = chain[place + 1 :]
            if not rest:
                return WHOLE
            if any(keys.allows(each) for each in rest):
                return ALLOWED
            return next(filter(None, (keys.label(each, person=place + 2 == len(chain)) for each in rest)), None)
    if len(chain) <= 2 and (label := known.get(chain[-1])):
        return label
    if chain and chain[0] in known and len(chain) == 1:
        return known[chain[0]]
    return by_name(chain[-1], keys) if chain else None


def stronger(first: str | None, second: str | None) -> str | None:
    """A label beats WHOLE, which beats ALLOWED, which beats nothing."""
    ranked = {None: 0, ALLOWED: 1, WHOLE: 2}
    return first if ranked.get(first, 3) >= ranked.get(second, 3) else second
