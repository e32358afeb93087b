"""Print a checked query as ClickHouse SQL for one physical layout.

`print_clickhouse` is the way in. SELECT and set operations are printed here; FROM and WITH in `printer_from.py`,
expressions in `printer_expressions.py`, comparisons in `printer_compare.py`, columns and properties in
`printer_columns.py`, calls in `printer_calls.py`. What cannot run on this layout is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checked
from posthog_mcp.hogql.printer_calls import print_window
from posthog_mcp.hogql.printer_columns import instant
from posthog_mcp.hogql.printer_compare import condition
from posthog_mcp.hogql.printer_expressions import print_expr
from posthog_mcp.hogql.printer_from import prepare_from, print_ctes, print_from
from posthog_mcp.hogql.printer_state import Parameter, PrintState, quote
from posthog_mcp.hogql.profile import Profile
from posthog_mcp.hogql.resolver_scopes import SelectScope
from posthog_mcp.hogql.tree_expressions import Alias, Array, Constant, Expr, Field, InterpolateExpr, OrderExpr
from posthog_mcp.hogql.tree_queries import GroupingSet, Query, SelectQuery, SelectSetQuery

__all__ = ["Parameter", "Printed", "print_clickhouse"]

GROUP_MODES = {"rollup": "ROLLUP ", "cube": "CUBE ", "grouping_sets": "GROUPING SETS "}


@dataclass(frozen=True, slots=True)
class Printed:
    """SQL with `{name:Type}` placeholders. `columns` are the author's names in order, which may repeat; the SQL's own
    column names are the same unless one had to be made unique."""

    sql: str
    parameters: Mapping[str, Parameter]
    columns: tuple[str, ...]


def print_clickhouse(checked: Checked, catalogue: Catalogue, profile: Profile) -> Printed:
    """Print what the check resolved, against the same catalogue.

    Raises:
        HogQLSyntaxError: the check found one.
        HogQLResolutionError: the check found one, or the query uses what this layout has not.
    """
    checked.raise_for_errors()
    if not isinstance(checked.tree, (SelectQuery, SelectSetQuery)):
        raise HogQLResolutionError("Only queries can be run.", fix="Write a SELECT.")
    state = PrintState(checked.query, catalogue, profile, print_expr, print_query)
    sql = state.select(checked.tree)
    return Printed(sql, state.parameters, tuple(column.name for column in checked.columns))


def print_query(state: PrintState, query: Query) -> str:
    return print_set(state, query) if isinstance(query, SelectSetQuery) else print_select(state, query)


def print_set(state: PrintState, query: SelectSetQuery) -> str:
    """Members side by side; a limit of the whole goes around them."""
    if any("BY NAME" in part.set_operator for part in query.subsequent_select_queries):
        text = print_by_name(state, query)
    else:
        text = member(state, query.initial_select_query)
        for part in query.subsequent_select_queries:
            text += f" {part.set_operator} {member(state, part.select_query)}"
    for printed, nulls in set_nulls(state, query).items():
        state.nulls[id(query), printed] = nulls
    limit = limits(state, query)
    return f"SELECT * FROM ({text}){limit}" if limit else text  # noqa: S608 (literals are bound)


def set_nulls(state: PrintState, query: SelectSetQuery) -> dict[str, bool]:
    """A column can be NULL when it can in any member; the first member names the columns."""
    members = [[flag for (key, _), flag in state.nulls.items() if key == id(each)] for each in query.queries()]
    names = [name for (key, name) in state.nulls if key == id(query.initial_select_query)]
    return {name: any(flags[i] if i < len(flags) else True for flags in members) for i, name in enumerate(names)}


def member(state: PrintState, query: Query) -> str:
    text = state.select(query)
    return f"({text})" if isinstance(query, SelectSetQuery) else text


def print_by_name(state: PrintState, query: SelectSetQuery) -> str:
    """UNION BY NAME: columns are matched by name, missing ones are NULL."""
    texts = [state.select(each) for each in query.queries()]
    outputs = [each.scope.outputs if isinstance(each, SelectQuery) and each.scope else None for each in query.queries()]
    if any(each is None for each in outputs):
        raise state.refuse(query, "UNION BY NAME of nested set operations cannot run embedded.", "Write plain SELECTs.")
    known = [each or [] for each in outputs]
    names = list(dict.fromkeys(output.name for each in known for output in each))
    parts: list[str] = []
    for text, each in zip(texts, known, strict=True):
        printed = {output.name: quote(output.printed) for output in each}
        columns = ", ".join(f"{printed.get(name, 'NULL')} AS {quote(name)}" for name in names)
        parts.append(f"SELECT {columns} FROM ({text})")  # noqa: S608 (literals are bound)
    operators = [part.set_operator.replace(" BY NAME", "") for part in query.subsequent_select_queries]
    return parts[0] + "".join(f" {operator} {part}" for operator, part in zip(operators, parts[1:], strict=True))


def print_select(state: PrintState, node: SelectQuery) -> str:
    """The clauses in ClickHouse's order. FROM is assembled last: it selects what the others turned out to read."""
    scope = node.scope or SelectScope()
    ctes = print_ctes(state, scope)
    prepared = prepare_from(state, node)
    columns = print_columns(state, node, scope)
    clauses = [*filters(state, node), *grouping(state, node), *tail(state, node)]
    source = print_from(state, node, scope, prepared)
    distinct = "DISTINCT " if node.distinct else ""
    return " ".join(part for part in (ctes, f"SELECT {distinct}{columns}", source, *clauses) if part)


def print_columns(state: PrintState, node: SelectQuery, scope: SelectScope) -> str:
    texts: list[str] = []
    for output in scope.outputs:
        expr = output.expr
        inner = expr.expr if isinstance(expr, Alias) else expr
        sql = state.expr(inner) if inner else state.expr(Constant())
        state.nulls[id(node), output.printed] = state.alias_nulls[id(inner)] = sql.nullable
        texts.append(f"{sql.text} AS {quote(output.printed)}")
    return ", ".join(texts)


def filters(state: PrintState, node: SelectQuery) -> list[str]:
    """PREWHERE joins WHERE: Parquet files have no separate step for it."""
    parts = [condition(state, each) for each in (node.prewhere, node.where) if each]
    return [f"WHERE {' AND '.join(parts)}"] if parts else []


def grouping(state: PrintState, node: SelectQuery) -> list[str]:
    clauses: list[str] = []
    if node.group_by_mode == "all":
        clauses.append("GROUP BY ALL")
    elif node.group_by:
        sets = [
            f"({', '.join(key(state, each) for each in group.exprs)})"
            if isinstance(group, GroupingSet)
            else key(state, group)
            for group in node.group_by
        ]
        mode = {"rollup": "ROLLUP ", "cube": "CUBE ", "grouping_sets": "GROUPING SETS "}.get(
            node.group_by_mode or "", ""
        )
        clauses.append(f"GROUP BY {mode}({', '.join(sets)})" if mode else f"GROUP BY {', '.join(sets)}")
    if node.having:
        clauses.append(f"HAVING {condition(state, node.having)}")
    windows = [f"{quote(name)} AS ({print_window(state, each)})" for name, each in (node.window_exprs or {}).items()]
    if windows:
        clauses.append(f"WINDOW {', '.join(windows)}")
    if node.qualify:
        clauses.append(f"QUALIFY {condition(state, node.qualify)}")
    return clauses


def key(state: PrintState, expr: Expr) -> str:
    """A grouping key; a bare number is a position and stays one, a truth value must not become one."""
    return no_position(state.expr(expr).text)


def no_position(text: str) -> str:
    return f"toBool({text})" if text in ("true", "false") else text


def tail(state: PrintState, node: SelectQuery) -> list[str]:
    clauses: list[str] = []
    if node.order_by:
        clauses.append(f"ORDER BY {', '.join(order(state, each, node) for each in node.order_by)}")
        if node.interpolate:
            clauses.append(f"INTERPOLATE ({', '.join(interpolated(state, each, node) for each in node.interpolate)})")
    if node.limit_by:
        by = ", ".join(key(state, each) for each in node.limit_by.exprs)
        skip = f" OFFSET {state.expr(node.limit_by.offset_value).text}" if node.limit_by.offset_value else ""
        clauses.append(f"LIMIT {state.expr(node.limit_by.n).text}{skip} BY {by}")
    return [*clauses, limits(state, node).strip()]


def order(state: PrintState, node: OrderExpr, select: SelectQuery) -> str:
    """A sorting key; a stored time sorts as it is, unless GROUP BY or DISTINCT know it by its zone."""
    plain = not (select.group_by or select.group_by_mode or select.distinct)
    sql = instant(state, node.expr) if plain else state.expr(node.expr)
    text = f"{no_position(sql.text)} {node.order}"
    fill = node.with_fill
    if not fill:
        return text
    parts = (("FROM", fill.from_value), ("TO", fill.to_value), ("STEP", fill.step_value))
    return text + " WITH FILL" + "".join(f" {word} {state.expr(each).text}" for word, each in parts if each)


def interpolated(state: PrintState, node: Expr, select: SelectQuery) -> str:
    """A column that WITH FILL continues, by the name it has in this SELECT."""
    field = node.expr if isinstance(node, InterpolateExpr) else node
    name = field.chain[-1] if isinstance(field, Field) else ""
    outputs = select.scope.outputs if select.scope else []
    printed = next((each.printed for each in outputs if each.name == name), str(name))
    value = node.value if isinstance(node, InterpolateExpr) else None
    return f"{quote(printed)} AS {state.expr(value).text}" if value else quote(printed)


def limits(state: PrintState, node: SelectQuery | SelectSetQuery) -> str:
    text = ""
    if node.limit:
        if isinstance(node.limit, Array):
            raise state.refuse(node.limit, "LIMIT takes a number.", "Write LIMIT 100.")
        amount = state.expr(node.limit).text
        if node.limit_percent:
            value = node.limit.value if isinstance(node.limit, Constant) else None
            if not isinstance(value, (int, float)) or not 0 < value < 100:
                raise state.refuse(node.limit, "LIMIT … % takes a number between 0 and 100.", "Write LIMIT 40 %.")
            amount = repr(value / 100)
        text = f" LIMIT {amount}"
    if node.offset:
        text += f" OFFSET {state.expr(node.offset).text}"
    return text + (" WITH TIES" if node.limit_with_ties else "")
