"""FROM and WITH: tables, subqueries, CTEs, table functions and joins become the sources of a scope.

A CTE that is a query is resolved once, where it is written; each use adds the tables it reads to the work done.
A table that does not exist becomes a plain Source, whose columns resolve silently: one fault, one finding.
"""

from __future__ import annotations

from posthog_mcp.hogql.catalogue import TableDef
from posthog_mcp.hogql.diagnostics import Edit
from posthog_mcp.hogql.resolver_names import field_names, member_of
from posthog_mcp.hogql.resolver_pivot import query_of
from posthog_mcp.hogql.resolver_scopes import Cte, Output, QuerySource, SelectScope, Source, TableSource
from posthog_mcp.hogql.resolver_state import Mend, State, did_you_mean
from posthog_mcp.hogql.spelling import dotted
from posthog_mcp.hogql.tokens import tokens
from posthog_mcp.hogql.tree_expressions import Constant, Expr, Field, HogQLXTag, Placeholder, Tuple
from posthog_mcp.hogql.tree_queries import (
    CTE,
    JoinExpr,
    PivotExpr,
    SelectQuery,
    SelectSetQuery,
    UnpivotExpr,
    ValuesQuery,
)
from posthog_mcp.hogql.types import INTEGER, common

MAX_NUMBERS = 10_000_000
"""Rows of one numbers()."""


def resolve_ctes(state: State, ctes: list[CTE], scope: SelectScope) -> None:
    """Add the WITH entries in order; each sees those before it."""
    for node in ctes:
        cte = Cte(node.name, state.fresh(), node)
        if node.cte_type == "subquery":
            resolve_cte(state, cte, scope)
        scope.ctes[node.name] = cte
        scope.own_ctes.append(cte)


def resolve_cte(state: State, cte: Cte, scope: SelectScope) -> None:
    node, before, faults = cte.node, state.reads, len(state.errors)
    if not isinstance(node.expr, (SelectQuery, SelectSetQuery)):
        state.error(node, f"WITH {node.name} AS (…) needs a query.", f"Write WITH … AS {node.name} for an expression.")
        cte.known = False
        return
    check_hints(state, node)
    if node.recursive and isinstance(node.expr, SelectSetQuery):
        cte.outputs = named_outputs(state, cte, state.outputs(node.expr.initial_select_query, scope))
        scope.ctes[node.name] = cte
    cte.outputs = named_outputs(state, cte, state.outputs(node.expr, scope))
    cte.reads, state.reads = max(1, state.reads - before), before
    cte.known = bool(cte.outputs) or len(state.errors) == faults


def check_hints(state: State, node: CTE) -> None:
    """What other databases say of WITH, and PostHog's engine does not take."""
    if node.materialized is not None:
        state.refused_by_posthog(node, "MATERIALIZED hints", "Leave the hint out.")
    if node.using_key:
        state.refused_by_posthog(node, "USING KEY", "Leave it out.")
    if node.columns:
        state.refused_by_posthog(node, "column lists of WITH", "Name the columns with AS inside the query.")


def named_outputs(state: State, cte: Cte, outputs: list[Output]) -> list[Output]:
    """The columns under the names of `WITH name(a, b) AS …`."""
    return renamed(state, cte.node, cte.node.columns, outputs)


def renamed(state: State, node: Expr, names: list[str] | None, outputs: list[Output]) -> list[Output]:
    if not names:
        return outputs
    if len(names) > len(outputs):
        state.error(node, f"{len(names)} column names for {len(outputs)} columns.", "Name as many as the query gives.")
    new = [Output(name, each.printed, each.type, each.expr) for name, each in zip(names, outputs, strict=False)]
    return new + outputs[len(new) :]


def resolve_from(state: State, join: JoinExpr | None, scope: SelectScope) -> None:
    """Add every table of FROM, then what joins it."""
    while join:
        scope.clause = "FROM"
        source = source_of(state, join, scope)
        check_names(state, join, source, scope)
        scope.sources.append(source)
        join.source = source
        if join.constraint:
            resolve_constraint(state, join, source, scope)
        if join.table_final:
            state.refused_by_posthog(join, "FINAL", "Leave it out.", without_final(state, join))
        if join.sample:
            check_sample(state, join, source)
        join = join.next_join


def without_final(state: State, join: JoinExpr) -> Edit | None:
    """The word after the table's name taken out."""
    start = join.table.end if join.table else join.start
    word = next((each for each in tokens(state.query, start) if each.lowered == "final"), None)
    return Edit(word.start, word.end, "") if word else None


def check_names(state: State, join: JoinExpr, source: Source, scope: SelectScope) -> None:
    """Two tables of one SELECT cannot have the same name."""
    first = source.names[0] if source.names else None
    if first and any(each.names and each.names[0] == first for each in scope.sources):
        fix = f"Write {first} AS a second name."
        state.error(join.table or join, f"`{first}` is joined already under that name.", fix)


def check_sample(state: State, join: JoinExpr, source: Source) -> None:
    if not isinstance(source, TableSource) and join.sample:
        state.error(join.sample, "SAMPLE works on tables only.", "Sample inside the subquery.")


def resolve_constraint(state: State, join: JoinExpr, source: Source, scope: SelectScope) -> None:
    constraint = join.constraint
    if not constraint:
        return
    scope.clause = "JOIN ON"
    if constraint.constraint_type == "ON":
        state.expr(constraint.expr, scope)
        return
    scope.clause = "USING"
    for column in constraint.expr.exprs if isinstance(constraint.expr, Tuple) else [constraint.expr]:
        if not isinstance(column, Field):
            state.error(column, "USING takes column names.", "Write ON a.x = b.y for anything else.")
            continue
        name = str(column.chain[-1])
        if isinstance(source, (TableSource, QuerySource)) and member_of(state, source, name) is None:
            fix = did_you_mean(name, field_names(state, source))
            state.error(column, f"USING: the joined table has no column `{name}`.", fix)
        state.expr(column, scope)
        source.using.add(name)
        if "RIGHT" in set((join.join_type or "").upper().split()):
            source.outer.add(name)


def source_of(state: State, join: JoinExpr, scope: SelectScope) -> Source:
    table, alias = join.table, join.alias
    names = (alias,) if alias else ()
    if isinstance(table, (SelectQuery, SelectSetQuery)):
        outputs = renamed(state, join, join.column_aliases, state.outputs(table, SelectScope(ctes=scope.ctes)))
        return QuerySource(state.fresh(), names, query=table, outputs=outputs)
    if isinstance(table, ValuesQuery):
        return values_source(state, join, table, scope)
    if isinstance(table, Field):
        return table_source(state, join, [str(part) for part in table.chain], scope)
    if isinstance(table, Placeholder):
        state.error(table, "A placeholder cannot stand for a table here.", "Write the table's name.")
    elif isinstance(table, (PivotExpr, UnpivotExpr)):
        return pivot_source(state, join, table, scope)
    elif isinstance(table, HogQLXTag):
        state.error(table, f"<{table.kind} /> is no table.", "Only <HogQLQuery query='SELECT …' /> can stand in FROM.")
    return Source(state.fresh(), names)


def pivot_source(state: State, join: JoinExpr, table: PivotExpr | UnpivotExpr, scope: SelectScope) -> Source:
    """PIVOT and UNPIVOT as the subquery that they stand for."""
    query = query_of(table)
    names = (join.alias,) if join.alias else ()
    if query is None:
        state.error(table, "This form of PIVOT is not known here.", "Write countIf(…) and GROUP BY.")
        return Source(state.fresh(), names)
    word = "PIVOT" if isinstance(table, PivotExpr) else "UNPIVOT"
    state.refused_by_posthog(table, word, "Write countIf(…) and GROUP BY, or ARRAY JOIN.")
    table.meaning = query
    outputs = renamed(state, join, join.column_aliases, state.outputs(query, SelectScope(ctes=scope.ctes)))
    return QuerySource(state.fresh(), names, query=query, outputs=outputs)


def values_source(state: State, join: JoinExpr, table: ValuesQuery, scope: SelectScope) -> Source:
    state.refused_by_posthog(table, "VALUES in FROM", "Write SELECT … UNION ALL SELECT ….")
    width = len(table.rows[0]) if table.rows else 0
    if any(len(row) != width for row in table.rows):
        state.error(table, "The rows of VALUES differ in length.", f"Give each row {width} values.")
    rows = [state.exprs(row, scope) for row in table.rows]
    outputs = [
        Output(f"c{i + 1}", f"c{i + 1}", common([row[i] for row in rows if i < len(row)]), table.rows[0][i])
        for i in range(width)
    ]
    outputs = renamed(state, join, join.column_aliases, outputs)
    return QuerySource(state.fresh(), (join.alias,) if join.alias else (), outputs=outputs)


def table_source(state: State, join: JoinExpr, chain: list[str], scope: SelectScope) -> Source:
    alias = (join.alias,) if join.alias else ()
    if join.table_args is not None:
        return function_source(state, join, chain, alias, scope)
    cte = scope.ctes.get(chain[0]) if len(chain) == 1 else None
    if cte and cte.node.cte_type == "subquery":
        return cte_source(state, join, cte, alias or (cte.name,))
    found = find_table(state, chain)
    if not found and chain == ["numbers"]:
        state.error(join, "Table function 'numbers' expects 1 to 2 arguments, found 0.", "Write numbers(10).")
        return Source(state.fresh(), alias)
    if not found:
        fix = table_fix(state, chain, scope)
        state.error(join.table or join, f"Unknown table `{'.'.join(chain)}`.", fix)
        return Source(state.fresh(), alias or (chain[-1], ".".join(chain)))
    state.tables[found.name] = None
    state.read(join)
    names = alias or tuple(dict.fromkeys((chain[-1], ".".join(chain), found.name)))
    renames = dict(zip(join.column_aliases or [], visible(found), strict=False))
    return TableSource(state.fresh(), names, table=found, renames=renames)


def table_fix(state: State, chain: list[str], scope: SelectScope) -> str:
    """The table of that name under another prefix, else the nearest ones."""
    known = [*state.catalogue.tables, *scope.ctes]
    elsewhere = [name for name in known if name.rpartition(".")[2] == chain[-1]]
    if elsewhere:
        return Mend(f"Did you mean {' or '.join(f'`{name}`' for name in elsewhere)}?", dotted(elsewhere[0]))
    return did_you_mean(".".join(chain), known, "List the tables with discover_objects.")


def visible(table: TableDef) -> list[str]:
    return [name for name, each in table.fields.items() if not each.hidden]


def find_table(state: State, chain: list[str]) -> TableDef | None:
    """By full name; `posthog.` before a root table's name means the same table."""
    tables = state.catalogue.tables
    name = ".".join(chain)
    return tables.get(name) or (tables.get(name.removeprefix("posthog.")) if name.startswith("posthog.") else None)


def cte_source(state: State, join: JoinExpr, cte: Cte, names: tuple[str, ...]) -> Source:
    cte.used = True
    state.read(join, cte.reads)
    if not cte.known:
        return Source(state.fresh(), names)
    outputs = renamed(state, join, join.column_aliases, cte.outputs)
    return QuerySource(state.fresh(), names, cte=cte, outputs=outputs)


def function_source(
    state: State, join: JoinExpr, chain: list[str], alias: tuple[str, ...], scope: SelectScope
) -> Source:
    """numbers(count) or numbers(start, count)."""
    args = join.table_args or []
    if find_table(state, chain):
        message = f"Table '{'.'.join(chain)}' expects 0 arguments, found {len(args)}."
        state.error(join, message, f"Write FROM {'.'.join(chain)}.")
        return Source(state.fresh(), alias)
    if chain != ["numbers"]:
        state.error(join, f"Unknown table function `{'.'.join(chain)}`.", "Only numbers(n) and numbers(start, n).")
        return Source(state.fresh(), alias)
    state.exprs(args, scope)
    values = [each.value for each in args if isinstance(each, Constant) and type(each.value) is int]
    if not 1 <= len(args) <= 2 or not all(0 <= each <= 2**53 for each in values):
        state.error(join, "numbers() takes one or two whole numbers.", "Write numbers(10) or numbers(5, 10).")
    elif len(values) == len(args) and values[-1] > MAX_NUMBERS:
        state.error(join, f"numbers() gives at most {MAX_NUMBERS:,} rows.", "Ask for fewer.")
    outputs = renamed(state, join, join.column_aliases, [Output("number", "number", INTEGER)])
    return QuerySource(state.fresh(), alias or ("numbers",), outputs=outputs)
