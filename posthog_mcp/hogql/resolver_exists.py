"""EXISTS with a look at the outer query, which PostHog does not allow: the IN that means the same.

`EXISTS (SELECT 1 FROM persons p WHERE p.id = e.person_id AND …)` is `e.person_id IN (SELECT p.id FROM persons p
WHERE …)`, as long as one comparison, and nothing else in there, names the outer query.
"""

from __future__ import annotations

from posthog_mcp.hogql.clauses import clause_spans
from posthog_mcp.hogql.diagnostics import Edit
from posthog_mcp.hogql.lint_subject import conditions_of
from posthog_mcp.hogql.resolver_scopes import SelectScope
from posthog_mcp.hogql.resolver_state import State
from posthog_mcp.hogql.tree import walk
from posthog_mcp.hogql.tree_expressions import Call, CompareOperation, Expr, Field
from posthog_mcp.hogql.tree_queries import JoinExpr, SelectQuery


def refuse_correlated(state: State, node: Call, scope: SelectScope) -> bool:
    """Report an EXISTS that names the outer query, with the IN to write instead; False when it does not."""
    query = node.args[0] if node.args else None
    if not isinstance(query, SelectQuery) or query.select_from is None:
        return False
    outer = {name for source in scope.sources for name in source.names} - inner_names(query)
    seen = [each for each in walk(query) if is_of(each, outer)]
    if not seen:
        return False
    parts = conditions_of(query.where)
    links = [each for each in parts if isinstance(each, CompareOperation) and each.op == "==" and link(each, outer)]
    edit = None
    if len(links) == 1 and len(seen) == 1:
        edit = membership(state, node, query, links[0], [each for each in parts if each is not links[0]], outer)
    fix = f"Write {edit.text[:200]}." if edit else "Write x IN (SELECT …), or join."
    state.error(node, "EXISTS cannot look at the outer query.", fix, edit)
    return True


def inner_names(query: SelectQuery) -> set[str]:
    """What the subquery's own sources are called."""
    names: set[str] = set()
    join: JoinExpr | None = query.select_from
    while join:
        table = str(join.table.chain[-1]) if isinstance(join.table, Field) else ""
        names.add(join.alias or table)
        join = join.next_join
    return names


def is_of(node: object, names: set[str]) -> bool:
    return isinstance(node, Field) and len(node.chain) > 1 and str(node.chain[0]) in names


def link(node: CompareOperation, outer: set[str]) -> tuple[Expr, Expr] | None:
    """(outer side, inner side) of a comparison between the two queries."""
    if is_of(node.left, outer):
        return node.left, node.right
    return (node.right, node.left) if is_of(node.right, outer) else None


def membership(
    state: State, node: Call, query: SelectQuery, tie: CompareOperation, rest: list[Expr], outer: set[str]
) -> Edit | None:
    sides, source = link(tie, outer), clause_spans(state.query, query).get("from")
    if not sides or not source or query.group_by or query.having or query.limit:
        return None
    texts = [state.query[each.start : each.end] for each in (*sides, *rest)]
    where = f" WHERE {' AND '.join(texts[2:])}" if rest else ""
    tables = state.query[source.start : source.end]
    return Edit(node.start, node.end, f"{texts[0]} IN (SELECT {texts[1]} {tables}{where})")
