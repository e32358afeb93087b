"""Lints about cost: what makes a valid query read far more than it needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from posthog_mcp.hogql.clauses import clause_spans, condition_edit
from posthog_mcp.hogql.diagnostics import Diagnostic, Edit, Span
from posthog_mcp.hogql.limits import body_end
from posthog_mcp.hogql.lint_subject import (
    Lint,
    Subject,
    column_of,
    filters_of,
    is_aggregate,
    joins_of,
    own_nodes,
    property_of,
    tables_of,
    text_of,
)
from posthog_mcp.hogql.resolver_scopes import ColumnTarget, TableSource
from posthog_mcp.hogql.spelling import identifier
from posthog_mcp.hogql.timerange import Scan
from posthog_mcp.hogql.tree_expressions import Call, CompareOperation, Constant, Field, Node
from posthog_mcp.hogql.tree_queries import JoinExpr, Query, SelectQuery

LONG_RANGE_DAYS = 90
DEFAULT_DAYS = 30
DEFAULT_ROWS = 100
JSON_READS = frozenset({"JSONExtractString", "JSONExtractRaw"})


def no_time_range(subject: Subject) -> Iterator[Diagnostic]:
    """A table with a time field is read from its beginning."""
    for scan in subject.scans:
        if not scan.bounds.low_held and scan.source.table.kind == "posthog":
            field = scan.source.table.time_field
            message = f"`{scan.source.table.name}` is read without a time range: its whole history is scanned."
            fix = f"Add a condition such as {field} >= now() - INTERVAL {DEFAULT_DAYS} DAY."
            yield subject.finding(scan.join.table or scan.join, "no_time_range", message, fix, time_edit(subject, scan))


def time_edit(subject: Subject, scan: Scan, days: int = DEFAULT_DAYS) -> Edit | None:
    """A lower bound on a scan's time field, in the SELECT that reads it."""
    select = subject.owners.get(id(scan.join))
    field = scan.source.table.time_field
    if select is None or field is None:
        return None
    alone = len(list(joins_of(select))) == 1
    prefix = "" if alone or not scan.source.names else f"{identifier(scan.source.names[0])}."
    return condition_edit(subject.query, select, f"{prefix}{identifier(field)} >= now() - INTERVAL {days} DAY")


def long_time_range(subject: Subject) -> Iterator[Diagnostic]:
    """More than 90 days of events."""
    for scan in subject.scans:
        low, high = scan.bounds.low, scan.bounds.high or subject.now
        if low and scan.source.table.kind == "posthog" and high - low > timedelta(days=LONG_RANGE_DAYS, hours=1):
            days = (high - low).days
            message = f"`{scan.source.table.name}` is read over {days} days."
            fix = f"Read {LONG_RANGE_DAYS} days or fewer at once, or add SAMPLE 0.1 while exploring."
            yield subject.finding(scan.join.table or scan.join, "long_time_range", message, fix)


def select_star(subject: Subject) -> Iterator[Diagnostic]:
    """Every column, the whole properties among them."""
    for select in subject.selects:
        for column in select.select:
            if isinstance(column, Field) and column.chain[-1] == "*" and reads_properties(select):
                message = "`*` reads every column, the whole properties JSON among them."
                edit = "* EXCLUDE (properties)" if len(column.chain) == 1 else None
                yield subject.finding(column, "select_star", message, "Name the columns that you need.", edit)


def reads_properties(select: SelectQuery) -> bool:
    sources = [join.source for join in joins_of(select)]
    return any(isinstance(each, TableSource) and "properties" in each.table.fields for each in sources)


def missing_limit(subject: Subject) -> Iterator[Diagnostic]:
    """Without LIMIT a default one is added."""
    if subject.tree.limit is None and not is_one_row(subject.tree):
        end = body_end(subject.query, subject.tree)
        message = "There is no LIMIT: a default one is added when the query runs."
        fix = "Add LIMIT with the number of rows you need."
        edit = f" LIMIT {DEFAULT_ROWS}" if isinstance(subject.tree, SelectQuery) else None
        yield subject.finding(Span(end, end), "missing_limit", message, fix, edit)


def is_one_row(tree: Query) -> bool:
    """Aggregates without GROUP BY give one row."""
    if not isinstance(tree, SelectQuery) or tree.group_by or tree.group_by_mode:
        return False
    if tree.select_from is None and not tree.array_join_list:
        return not any(isinstance(each, Call) and each.name == "arrayJoin" for each in own_nodes(tree))
    return bool(tree.select) and all(any(map(is_aggregate, own_nodes(each))) for each in tree.select)


def property_without_event(subject: Subject) -> Iterator[Diagnostic]:
    """Events are sorted by name: without one, a property is read from every event of the time range."""
    for select in subject.selects:
        if tables_of(select) != ["events"] or reads_event(select):
            continue
        for condition in filters_of(select):
            target = next((found for each in own_nodes(condition) if (found := property_of(each))), None)
            if target and isinstance(target.base, ColumnTarget) and target.scope.owner == "event":
                message = "Events are filtered by a property and not by name: every event's JSON is read."
                fix = "Add event = '…' for the events that have this property."
                yield subject.finding(condition, "property_without_event", message, fix)
                break


def reads_event(select: SelectQuery) -> bool:
    """Whether a condition or a grouping is about the event's name."""
    parts: list[Node] = [*filters_of(select), *(select.group_by or [])]
    return any(column_of(each) == ("events", "event") for part in parts for each in own_nodes(part))


def leading_wildcard(subject: Subject) -> Iterator[Diagnostic]:
    """LIKE '%…' cannot use an order or a prefix: every value is read and searched."""
    for node in subject.nodes:
        if isinstance(node, CompareOperation) and node.op in ("like", "ilike"):
            pattern = text_of(node.right)
            if pattern and len(pattern) > 1 and pattern[0] == "%" and is_stored(node.left):
                message = f"{node.op.upper()} '{pattern[:60]}' begins with %: every value is searched."
                fix = "Compare with = or IN, or begin with the known prefix: LIKE 'prefix%'."
                yield subject.finding(node, "leading_wildcard", message, fix)


def is_stored(node: Node) -> bool:
    return column_of(node) is not None or property_of(node) is not None


def offset_paging(subject: Subject) -> Iterator[Diagnostic]:
    """Rows that OFFSET skips are read and thrown away, page after page."""
    for select in subject.selects:
        if isinstance(select.offset, Constant) and isinstance(select.offset.value, int) and select.offset.value > 0:
            message = "OFFSET reads what it skips, and rows shift between pages while events arrive."
            fix = "Page by key: ORDER BY timestamp DESC, and timestamp < the last one seen."
            yield subject.finding(select.offset, "offset_paging", message, fix)


def cross_join(subject: Subject) -> Iterator[Diagnostic]:
    """Every row beside every other."""
    for select in subject.selects:
        for i, join in enumerate(joins_of(select)):
            joined = i > 0 and join.constraint is None and "POSITIONAL" not in (join.join_type or "")
            if joined and not is_small(join) and not (join.join_type or "").upper().startswith("ASOF"):
                message = "This join has no condition: every row is put beside every other."
                yield subject.finding(join.table or join, "cross_join", message, "Write JOIN … ON a.x = b.x.")


def is_small(join: JoinExpr) -> bool:
    """A subquery of one row."""
    return isinstance(join.table, SelectQuery) and is_one_row(join.table)


def join_on_distinct_id(subject: Subject) -> Iterator[Diagnostic]:
    """People have several distinct_ids: a join on them loses what happened under another one."""
    for select in subject.selects:
        for join in joins_of(select):
            for node in own_nodes(join.constraint) if join.constraint else ():
                if isinstance(node, CompareOperation) and node.op == "==":
                    sides = [column_of(each) for each in (node.left, node.right)]
                    if sides == [("events", "distinct_id")] * 2:
                        message = "Joined on distinct_id: one person has several, before and after login."
                        yield subject.finding(
                            node, "join_on_distinct_id", message, "Join on person_id.", person_join(subject, node)
                        )


def person_join(subject: Subject, node: CompareOperation) -> str | None:
    """The same comparison on person_id, where both sides are events' own columns."""
    fields = [each for each in (node.left, node.right) if isinstance(each, Field)]
    if len(fields) != 2 or any(not isinstance(each.target, ColumnTarget) for each in fields):
        return None
    return " = ".join(".".join([*map(str, each.chain[:-1]), "person_id"]) for each in fields)


def json_extract(subject: Subject) -> Iterator[Diagnostic]:
    """JSONExtract on properties parses the whole JSON; `properties.x` uses a stored column where there is one."""
    for call in subject.calls:
        name = text_of(call.args[1]) if call.name in JSON_READS and len(call.args) == 2 else None
        column = column_of(call.args[0]) if name else None
        if name and column and column[1] == "properties" and column[0] in ("events", "persons", "groups"):
            form = f"{subject.text(call.args[0])}.{identifier(name)}"
            message = f"`{call.name}` parses the whole JSON of every row and misses stored property columns."
            yield subject.finding(call, "json_extract", message, f"Write {form}.", form)


def order_in_subquery(subject: Subject) -> Iterator[Diagnostic]:
    """An inner ORDER BY without LIMIT is work for nothing."""
    for select in subject.selects:
        inner = select is not subject.tree and select.order_by and not (select.limit or select.limit_by)
        if inner and select.order_by and not any(each.with_fill for each in select.order_by):
            span = clause_spans(subject.query, select).get("order", select.order_by[0].span)
            message = "ORDER BY in a subquery without LIMIT sorts for nothing: the outer query keeps no order."
            edit = Edit(span.start, span.end, "")
            yield subject.finding(span, "order_in_subquery", message, "Order the outer query.", edit)


COST: tuple[Lint, ...] = (
    no_time_range,
    long_time_range,
    select_star,
    missing_limit,
    property_without_event,
    leading_wildcard,
    offset_paging,
    cross_join,
    join_on_distinct_id,
    json_extract,
    order_in_subquery,
)
