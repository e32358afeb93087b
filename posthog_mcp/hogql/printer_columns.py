"""Print columns and properties: physical columns, hot copies of properties, JSON reads, virtual fields.

A property reads as PostHog reads it: NULL when missing or JSON null, text without its quotes but with JSON's escapes,
objects and arrays as JSON; then converted by its defined type. Plain extraction is cheaper and differs only for text
that holds a quote, a backslash or a control character, so it is used where that cannot show.
"""

from __future__ import annotations

from posthog_mcp.hogql.printer_state import PrintState, Pulled, Sql, literal, quote
from posthog_mcp.hogql.profile import PhysicalColumn
from posthog_mcp.hogql.resolver_scopes import (
    AliasTarget,
    ColumnTarget,
    LocalTarget,
    Output,
    OutputTarget,
    PathPart,
    PropertyTarget,
    QuerySource,
    TableSource,
    Target,
)
from posthog_mcp.hogql.tree_expressions import Expr, Node
from posthog_mcp.hogql.types import Type

ESCAPED = r"""'["\\\\\\x00-\\x1f\\x{2028}\\x{2029}]'"""
"""A pattern for text that JSON writes with escapes."""

VIRTUAL: dict[tuple[str, str], str] = {
    ("events", "elements_chain_href"): 'extract({elements_chain}, \'(?::|")href="(.*?)"\')',
    ("events", "elements_chain_texts"): 'arrayDistinct(extractAll({elements_chain}, \'(?::|")text="(.*?)"\'))',
    ("events", "elements_chain_ids"): 'arrayDistinct(extractAll({elements_chain}, \'(?::|")attr_id="(.*?)"\'))',
    ("events", "elements_chain_elements"): (
        "arrayDistinct(extractAll({elements_chain}, '(?:^|;)(a|button|form|input|select|textarea|label)(?:\\\\.|$|:)'))"
    ),
    ("events", "issue_id"): "toUUIDOrNull(JSONExtractString({properties}, '$exception_issue_id'))",
    ("sessions", "id"): "{session_id}",
    ("sessions", "duration"): "{$session_duration}",
}
"""Fields that PostHog computes, over the physical columns of the same table."""


def print_target(state: PrintState, node: Expr, target: Target | None) -> Sql:
    """What a name stands for."""
    if isinstance(target, ColumnTarget):
        return in_timezone(state, column(state, target.source, target.name, node), node)
    if isinstance(target, OutputTarget):
        return output_column(state, target.source, target.output)
    if isinstance(target, AliasTarget):
        return Sql(quote(target.named.printed), nullable_alias(state, target))
    if isinstance(target, LocalTarget):
        return Sql(target.printed, True)
    if isinstance(target, PropertyTarget):
        return print_property(state, node, target)
    raise state.refuse(node, "This name cannot run embedded.")


def nullable_alias(state: PrintState, target: AliasTarget) -> bool:
    """Printed again to know: what an alias reads was already noted when it was printed in its place."""
    known = state.alias_nulls.get(id(target.named.expr))
    return True if known is None else known


def output_column(state: PrintState, source: QuerySource, output: Output) -> Sql:
    """A column of a subquery or CTE."""
    query = source.cte.node.expr if source.cte else source.query
    nullable = state.nulls.get((id(query), output.printed), query is not None or output.expr is not None)
    return Sql(f"{source.printed}.{quote(output.printed)}", nullable)


def column(state: PrintState, source: TableSource, name: str, place: Node | None = None) -> Sql:
    """A table's field as it is stored; virtual fields as their formula.

    Raises:
        HogQLResolutionError: when this layout does not have it.
    """
    table = state.physical(source, place)
    found = table.columns.get(name)
    if found:
        return stored(state, source, found)
    if name == "team_id":
        return Sql(str(state.profile.project_id))
    formula = VIRTUAL.get((source.table.name, name))
    if formula is None:
        raise state.refuse(place, f"`{source.table.name}.{name}` does not exist in the embedded project.")
    nullable = "OrNull" in formula
    for base in [part.split("}")[0] for part in formula.split("{")[1:]]:
        sql = column(state, source, base, place)
        formula, nullable = formula.replace("{" + base + "}", sql.text), nullable or sql.nullable
    return Sql(formula, nullable)


def stored(state: PrintState, source: TableSource, found: PhysicalColumn) -> Sql:
    state.read.setdefault(id(source), {})[found.name] = None
    return Sql(f"{source.printed}.{quote(found.name)}", "Nullable" in found.type)


def in_timezone(state: PrintState, sql: Sql, node: Expr) -> Sql:
    """Times are stored in UTC and read in the project's zone; text that holds a time is parsed."""
    target = getattr(node, "target", None)
    if not node.type or node.type.kind != "datetime" or not isinstance(target, ColumnTarget):
        return sql
    stored_as = state.physical(target.source).columns.get(target.name)
    if stored_as and "DateTime" not in stored_as.type:
        return Sql(f"parseDateTime64BestEffortOrNull({sql.text}, 6, {state.timezone})", True)
    return sql if state.catalogue.timezone == "UTC" else Sql(f"toTimeZone({sql.text}, {state.timezone})", sql.nullable)


def instant(state: PrintState, node: Expr) -> Sql:
    """A time for a comparison: which zone it is shown in does not matter, and files are skipped by it."""
    target = getattr(node, "target", None)
    if isinstance(target, ColumnTarget) and node.type and node.type.kind == "datetime":
        found = state.physical(target.source).columns.get(target.name)
        if found and "DateTime64" in found.type:
            return column(state, target.source, target.name, node)
    return state.expr(node)


def print_property(state: PrintState, node: Expr, target: PropertyTarget, *, plain: bool = False) -> Sql:
    """A property converted to its type. `plain`: its escapes cannot show, as beside a simple constant."""
    base, path = target.base, target.path
    kind = node.type or Type("string")
    if isinstance(base, ColumnTarget):
        hot = hot_column(state, base, path, kind)
        if hot:
            return hot
        if id(base.source) in state.joined or base.source.join:
            return pulled(state, node, base, path, kind)
        text = column(state, base.source, base.name, node).text
    else:
        text = (state.expr(base) if isinstance(base, Expr) else print_target(state, node, base)).text
    return converted(state, text, path, kind, plain)


def hot_column(state: PrintState, base: ColumnTarget, path: tuple[PathPart, ...], kind: Type) -> Sql | None:
    """The typed copy of a property, when there is one that reads as this type."""
    table = state.physical(base.source)
    found = table.hot.get(base.name, {}).get(str(path[0])) if len(path) == 1 and isinstance(path[0], str) else None
    if not found:
        return None
    inner = found.type.removeprefix("LowCardinality(").removeprefix("Nullable(").rstrip(")")
    same = {"string": ("String",), "float": ("Float64",), "boolean": ("Bool", "UInt8")}.get(kind.kind, ())
    if inner in same:
        return stored(state, base.source, found)
    return of_text(state, stored(state, base.source, found).text, kind) if inner == "String" else None


def pulled(state: PrintState, node: Expr, base: ColumnTarget, path: tuple[PathPart, ...], kind: Type) -> Sql:
    """A property of a joined table, extracted on its side of the join."""
    source = base.source
    known = state.pulled.setdefault(id(source), {})
    entry = known.get((base.name, path, kind.kind))
    if entry is None:
        physical = state.physical(source, node).columns.get(base.name)
        if physical is None:
            column(state, source, base.name, node)
        text = f"{source.printed}.{quote(physical.name if physical else base.name)}"
        entry = Pulled(state.fresh(), converted(state, text, path, kind, False))
        known[base.name, path, kind.kind] = entry
    return Sql(f"{source.printed}.{entry.printed}", True)


def pulled_columns(state: PrintState, source: TableSource, *, always: bool = False) -> str:
    """What a joined table's subquery selects; empty when the plain table will do."""
    pulls = state.pulled.get(id(source), {}).values()
    if not pulls and not always:
        return ""
    plain = [f"{source.printed}.{quote(name)} AS {quote(name)}" for name in state.read.get(id(source), {})]
    return ", ".join([*plain, *(f"{each.sql.text} AS {each.printed}" for each in pulls)])


def converted(state: PrintState, text: str, path: tuple[PathPart, ...], kind: Type, plain: bool) -> Sql:
    """Read a JSON path out of `text` and convert it."""
    keys = "".join(f", {state.bind(part) if isinstance(part, str) else part}" for part in path)
    value = f"JSONExtract({text}{keys}, 'Nullable(String)')"
    if kind.kind != "string":
        return of_text(state, value, kind)
    if plain:
        return Sql(value, True)
    exact = f"replaceRegexpAll(nullIf(nullIf(JSONExtractRaw({text}{keys}), ''), 'null'), '^\"|\"$', '')"
    return Sql(f"if(match({value}, {ESCAPED}), {exact}, {value})", True)


def of_text(state: PrintState, text: str, kind: Type) -> Sql:
    """Convert a property's text to its defined type; what does not convert is NULL."""
    if kind.kind == "float":
        return Sql(f"accurateCastOrNull({text}, 'Float64')", True)
    if kind.kind == "boolean":
        return Sql(f"transform({text}, ['true', 'false'], [true, false], NULL)", True)
    if kind.kind == "datetime":
        return Sql(f"parseDateTime64BestEffortOrNull({text}, 6, {literal(state.catalogue.timezone)})", True)
    return Sql(text, True)
