"""What `*`, `t.*`, `* EXCLUDE (…)`, `(* REPLACE (…))` and `COLUMNS(…)` stand for.

Hidden fields and columns that USING merged are left out. A table that does not exist gives the column `*`, so that
names read from it stay silent.
"""

from __future__ import annotations

import re

from posthog_mcp.hogql.diagnostics import Span
from posthog_mcp.hogql.resolver_names import member_of
from posthog_mcp.hogql.resolver_scopes import (
    ColumnTarget,
    LocalTarget,
    Output,
    OutputTarget,
    QuerySource,
    SelectScope,
    Source,
    StarTarget,
    TableSource,
)
from posthog_mcp.hogql.resolver_state import State, did_you_mean
from posthog_mcp.hogql.tokens import tokens
from posthog_mcp.hogql.tree_expressions import ColumnsExpr, Expr, Field
from posthog_mcp.hogql.types import UNKNOWN, Type

Columns = list[tuple[str, Expr]]


def resolve_star(state: State, node: Field, scope: SelectScope) -> Type:
    """`*` of every source, or of the one named before it."""
    sources = scope.sources
    if len(node.chain) > 1:
        name = ".".join(map(str, node.chain[:-1]))
        sources = [source for source in scope.sources if name in source.names]
        if not sources:
            names = [each for source in scope.sources for each in source.names]
            fix = did_you_mean(name, names)
            return state.error(state.part(node, 0), f"`{name}` is not a table of this query.", fix)
    if not sources:
        return state.error(node, "`*` needs a FROM clause.", "Add FROM events.")
    if len(node.chain) == 1 and len(sources) > 1:
        names = [source.names[0] for source in sources if source.names]
        form = ", ".join(f"{name}.*" for name in names)
        edit = form if len(names) == len(sources) else None
        fix = f"Write {form}." if edit else "Name each table, and write name.*."
        return state.error(node, "`*` needs a table's name when FROM has several.", fix, edit)
    if scope.clause != "SELECT":
        return state.error(node, f"`*` cannot stand in {scope.clause}.", "Name the columns.")
    node.target = StarTarget(tuple(columns_of(state, node, sources)))
    return UNKNOWN


def columns_of(state: State, node: Expr, sources: list[Source]) -> Columns:
    found: Columns = []
    for source in sources:
        if isinstance(source, QuerySource):
            merged = source.using if len(sources) > 1 else set[str]()
            found += [
                (each.name, output_field(node, source, each)) for each in source.outputs if each.name not in merged
            ]
            continue
        names = ["*"]
        if isinstance(source, TableSource):
            back = {field: name for name, field in source.renames.items()}
            names = [back.get(name, name) for name, each in source.table.fields.items() if not each.hidden]
        left = [name for name in names if name not in source.using or len(sources) == 1]
        found += [(name, column_field(state, node, source, name)) for name in left]
    return found


def output_field(node: Expr, source: QuerySource, output: Output) -> Field:
    return Field([output.name], target=OutputTarget(source, output), type=output.type, **node.place)


def column_field(state: State, node: Expr, source: Source, name: str) -> Field:
    """A field node that points straight at a source's column."""
    field = Field([name], **node.place)
    field.type = UNKNOWN
    if isinstance(source, TableSource):
        member = member_of(state, source, name)
        target, kind = getattr(member, "target", None), getattr(member, "type", UNKNOWN)
        if isinstance(target, (ColumnTarget, LocalTarget)) and isinstance(kind, Type):
            field.target, field.type = target, kind
    return field


def resolve_columns_expr(state: State, node: ColumnsExpr, scope: SelectScope) -> Type:
    """`COLUMNS('re')`, `COLUMNS(a, b)`, EXCLUDE and REPLACE."""
    if not scope.sources:
        return state.error(node, "`*` needs a FROM clause.", "Add FROM events.")
    columns = chosen_columns(state, node, scope)
    names = [name for name, _ in columns]
    for name in [*(node.exclude or []), *(node.replace or {})]:
        if name not in names and "*" not in names:
            state.error(named_in(state, node, name), f"`{name}` is not a column of `*`.", did_you_mean(name, names))
    for expr in (node.replace or {}).values():
        state.expr(expr, scope)
    replaced = node.replace or {}
    kept = [(name, replaced.get(name, expr)) for name, expr in columns if name not in (node.exclude or [])]
    if not kept and not node.may_be_empty:
        return state.error(node, "No column is left.", "Loosen the pattern or the EXCLUDE list.")
    node.target = StarTarget(tuple(kept))
    return UNKNOWN


def named_in(state: State, node: ColumnsExpr, name: str) -> Span:
    """Where a name stands in EXCLUDE or REPLACE."""
    found = [each for each in tokens(state.query[: node.end], node.start) if each.text.strip('`"') == name]
    return Span(found[-1].start, found[-1].end) if found else node.span


def chosen_columns(state: State, node: ColumnsExpr, scope: SelectScope) -> Columns:
    if node.columns is not None:
        listed: Columns = []
        for each in node.columns:
            state.expr(each, scope)
            inner = each.target if isinstance(each, (Field, ColumnsExpr)) else None
            name = str(each.chain[-1]) if isinstance(each, Field) else state.query[each.start : each.end]
            listed += list(inner.columns) if isinstance(inner, StarTarget) else [(name, each)]
        return listed
    columns = columns_of(state, node, star_sources(state, node, scope))
    if node.regex is None:
        return columns
    try:
        pattern = re.compile(node.regex)
    except re.error as bad:
        state.error(node, f"COLUMNS: '{node.regex}' is not a regular expression: {bad}.", "Write COLUMNS('^name').")
        return columns
    return [(name, expr) for name, expr in columns if pattern.search(name)]


def star_sources(state: State, node: ColumnsExpr, scope: SelectScope) -> list[Source]:
    """The parsers drop the table of `t.* EXCLUDE (…)`; the text still has it."""
    written = re.match(
        r"[\s(]*(?:columns\s*\(\s*)?[`\"]?([\w$]+)[`\"]?\s*\.\s*\*", state.query[node.start :], re.IGNORECASE
    )
    named = [source for source in scope.sources if written and written[1] in source.names]
    return named or scope.sources
