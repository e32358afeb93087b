"""Print WITH and FROM: tables, subqueries, lazy joins, ARRAY JOIN.

Subqueries are printed before the SELECT list, so that it is known which of their columns can be NULL; tables after
it, so that a joined table selects only what was read. A lazy join never changes the number of rows unless it is
one-to-many by nature (`persons.pdi`).
"""

from __future__ import annotations

from posthog_mcp.hogql.printer_columns import column, output_column, pulled_columns
from posthog_mcp.hogql.printer_state import PrintState
from posthog_mcp.hogql.resolver_scopes import QuerySource, SelectScope, Source, TableSource
from posthog_mcp.hogql.tree_expressions import Alias, Constant, Expr, Field, Tuple
from posthog_mcp.hogql.tree_queries import (
    JoinConstraint,
    JoinExpr,
    RatioExpr,
    SampleExpr,
    SelectQuery,
    SelectSetQuery,
    ValuesQuery,
)

JOIN_WORDS = frozenset(
    ["JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "ANY", "ALL", "SEMI", "ANTI", "ASOF"]
)
SAMPLE_STEPS = 1_000_000


def print_ctes(state: PrintState, scope: SelectScope) -> str:
    """WITH: the queries used, and the expressions used in this SELECT."""
    parts: list[str] = []
    recursive = False
    for cte in scope.own_ctes:
        query = cte.node.expr
        if cte.used and isinstance(query, (SelectQuery, SelectSetQuery)) and cte.node.cte_type == "subquery":
            recursive = recursive or cte.node.recursive
            parts.append(f"{cte.printed} AS ({state.select(query)})")
    for named in scope.macros.values():
        sql = state.expr(named.expr)
        state.alias_nulls[id(named.expr)] = sql.nullable
        parts.append(f"{sql.text} AS {named.printed}")
    return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)}" if parts else ""


def prepare_from(state: PrintState, node: SelectQuery) -> dict[int, str]:
    """Print what FROM holds besides tables, by the source's id."""
    texts: dict[int, str] = {}
    join = node.select_from
    first = True
    while join:
        source = join.source
        if isinstance(source, QuerySource):
            texts[id(source)] = query_text(state, join, source)
        elif isinstance(source, TableSource):
            state.physical(source, join.table)
            if not first:
                state.joined.add(id(source))
        else:
            what = type(join.table).__name__.removesuffix("Expr").removesuffix("Tag")
            raise state.refuse(join, f"{what} in FROM cannot run embedded.", "Write it as a plain SELECT.")
        first = False
        join = join.next_join
    return texts


def query_text(state: PrintState, join: JoinExpr, source: QuerySource) -> str:
    if source.cte:
        return source.cte.printed
    if source.query:
        return f"({state.select(source.query)})"
    if isinstance(join.table, ValuesQuery):
        rows = [
            ", ".join(f"{state.expr(each).text} AS c{i + 1}" for i, each in enumerate(row)) for row in join.table.rows
        ]
        return f"({' UNION ALL '.join(f'SELECT {row}' for row in rows)})"
    args = [state.expr(each).text for each in join.table_args or []]
    return f"numbers({', '.join(each if each.isdigit() else f'toUInt64({each})' for each in args)})"


def print_from(state: PrintState, node: SelectQuery, scope: SelectScope, prepared: dict[int, str]) -> str:
    """FROM, the joins in order, each followed by the lazy joins that hang on it, then ARRAY JOIN."""
    parts: list[str] = []
    join = node.select_from
    while join:
        source = join.source or Source("")
        constraint = print_constraint(state, join, source, scope) if join.constraint else ""
        lazy = lazy_joins(state, source) if isinstance(source, TableSource) else []
        table = prepared.get(id(source)) or table_text(state, join, source)
        word = join_words(state, join) if parts else "FROM"
        parts += [f"{word} {table} AS {source.printed}{constraint}", *lazy]
        join = join.next_join
    if node.array_join_list:
        parts.append(f"{node.array_join_op} {array_joins(state, node, scope)}")
    return " ".join(parts)


def array_joins(state: PrintState, node: SelectQuery, scope: SelectScope) -> str:
    arrays = [item.expr for item in node.array_join_list or [] if isinstance(item, Alias)]
    pairs = zip(arrays, scope.array_printed, strict=True)
    return ", ".join(f"{state.expr(array).text} AS {printed}" for array, printed in pairs)


def join_words(state: PrintState, join: JoinExpr) -> str:
    """ClickHouse's PASTE JOIN is HogQL's POSITIONAL JOIN: rows side by side."""
    words = (join.join_type or "JOIN").upper().split()
    if words == ["POSITIONAL", "JOIN"]:
        return "PASTE JOIN"
    if not set(words) <= JOIN_WORDS:
        raise state.refuse(join, f"{join.join_type} cannot run embedded.", "Use LEFT JOIN or INNER JOIN.")
    return " ".join(words)


def print_constraint(state: PrintState, join: JoinExpr, source: Source, scope: SelectScope) -> str:
    constraint = join.constraint or JoinConstraint(Constant(True))
    if constraint.constraint_type == "ON":
        outer, state.in_join = state.in_join, True
        text = state.expr(constraint.expr).text
        state.in_join = outer
        return f" ON {text}"
    if "FULL" in (join.join_type or "").upper().split():
        raise state.refuse(join, f"{join.join_type} with USING cannot run embedded.", "Write ON a.x = b.x.")
    names = constraint.expr.exprs if isinstance(constraint.expr, Tuple) else [constraint.expr]
    return " ON " + " AND ".join(using(state, each, source) for each in names)


def using(state: PrintState, name: Expr, source: Source) -> str:
    left = state.expr(name).text
    written = str(name.chain[-1]) if isinstance(name, Field) else ""
    if isinstance(source, TableSource):
        return f"{left} = {column(state, source, source.renames.get(written, written), name).text}"
    outputs = source.outputs if isinstance(source, QuerySource) else []
    found = next((each for each in outputs if each.name == written), None)
    if not isinstance(source, QuerySource) or found is None:
        raise state.refuse(name, f"USING: the joined table has no column `{written}`.", "Write ON a.x = b.y.")
    return f"{left} = {output_column(state, source, found).text}"


def table_text(state: PrintState, join: JoinExpr, source: Source) -> str:
    """A table, or a subquery that selects from it what the query reads."""
    if not isinstance(source, TableSource):
        raise state.refuse(join, "This FROM cannot run embedded.")
    name = state.physical(source).name
    sample = sample_text(state, join.sample, source) if join.sample else ""
    pulled = pulled_columns(state, source)
    if pulled:
        return f"(SELECT {pulled} FROM {name} AS {source.printed}{sample})"  # noqa: S608 (literals are bound)
    return f"(SELECT * FROM {name} AS {source.printed}{sample})" if sample else name  # noqa: S608 (literals are bound)


def sample_text(state: PrintState, sample: SampleExpr, source: TableSource) -> str:
    """SAMPLE keeps whole users: a share of the hashes of distinct_id."""
    share, skip = ratio(sample.sample_value), ratio(sample.offset_value) if sample.offset_value else 0.0
    if "distinct_id" not in state.physical(source).columns or not 0 < share <= 1:
        raise state.refuse(sample, "This SAMPLE cannot run embedded.", "Write SAMPLE 0.1 on a table with distinct_id.")
    person = f"cityHash64({column(state, source, 'distinct_id', sample).text}) % {SAMPLE_STEPS}"
    low, high = round(skip * SAMPLE_STEPS), round((skip + share) * SAMPLE_STEPS)
    return f" WHERE {person} >= {low} AND {person} < {high}"


def ratio(node: RatioExpr) -> float:
    over = node.right.value if node.right else 1
    left = node.left.value
    if isinstance(left, (int, float)) and isinstance(over, (int, float)) and over:
        return left / over
    return 0.0


def lazy_joins(state: PrintState, source: TableSource) -> list[str]:
    """The joins that hang on a source, those that hang on them after them."""
    parts: list[str] = []
    for lazy in source.lazy.values():
        link = lazy.join
        if not link:
            continue
        own, parent = column(state, lazy, link.key).text, column(state, source, link.parent_key).text
        below = lazy_joins(state, lazy)
        name = state.physical(lazy).name
        where = f" WHERE {lazy.printed}.`index` = {lazy.group}" if lazy.group is not None else ""
        columns = pulled_columns(state, lazy, always=True)
        table = f"(SELECT {columns} FROM {name} AS {lazy.printed}{where})"  # noqa: S608 (literals are bound)
        same = is_uuid(state, lazy, link.key) == is_uuid(state, source, link.parent_key)
        equal = f"{parent} = {own}" if same else f"toString({parent}) = toString({own})"
        kind = "LEFT JOIN" if link.many else "LEFT ANY JOIN"
        parts += [f"{kind} {table} AS {lazy.printed} ON {equal}", *below]
    return parts


def is_uuid(state: PrintState, source: TableSource, name: str) -> bool:
    found = state.physical(source).columns.get(name)
    return bool(found and "UUID" in found.type)
