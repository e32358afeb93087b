"""Lints about meaning: queries that run, and probably do not answer what was asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from posthog_mcp.hogql.clauses import clause_spans
from posthog_mcp.hogql.diagnostics import Diagnostic, Edit, Span
from posthog_mcp.hogql.lint_subject import (
    Lint,
    Subject,
    column_of,
    filters_of,
    is_aggregate,
    is_time,
    own_nodes,
    plain,
    tables_of,
    text_of,
)
from posthog_mcp.hogql.resolver_scopes import OutputTarget
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.hogql.tokens import tokens
from posthog_mcp.hogql.tree_expressions import (
    ArithmeticOperation,
    BetweenExpr,
    Call,
    CompareOperation,
    Constant,
    Expr,
    Field,
    Node,
)
from posthog_mcp.hogql.tree_queries import SelectQuery, SelectSetQuery

DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
SHORT_WINDOW = 60
"""Seconds: nobody's funnel is shorter."""
CLOCKS = frozenset({"now", "today", "yesterday", "current_timestamp", "now64"})
CHANCE = frozenset({"rand", "rand32", "rand64", "randCanonical", "randUniform", "randomString"})


def union_limit(subject: Subject) -> Iterator[Diagnostic]:
    """LIMIT after the last part of a UNION belongs to that part."""
    tree = subject.tree
    last = tree.queries()[-1] if isinstance(tree, SelectSetQuery) else None
    if isinstance(last, SelectQuery) and last.limit and subject.query[: last.start].rstrip()[-1:] != "(":
        message = "This LIMIT binds the last SELECT only, not the whole."
        yield subject.finding(last.limit, "union_limit", message, "Put the parts in brackets: (… UNION ALL …) LIMIT n.")


def limit_comma(subject: Subject) -> Iterator[Diagnostic]:
    """`LIMIT a, b` is read as a rows from row b on, the reverse of MySQL and ClickHouse."""
    for select in subject.selects:
        limit, offset = select.limit, select.offset
        if limit and offset and subject.query[limit.end : offset.start].strip() == ",":
            rows, skipped = subject.text(limit), subject.text(offset)
            message = f"HogQL reads LIMIT {rows}, {skipped} as {rows} rows after skipping {skipped}."
            form = f"{rows} OFFSET {skipped}"
            fix = f"Write LIMIT {form}, or the other way round."
            yield subject.finding(Span(limit.start, offset.end), "limit_comma", message, fix, form)


def count_distinct_distinct_id(subject: Subject) -> Iterator[Diagnostic]:
    """Counting distinct_ids counts devices and logins, not people."""
    for call in subject.calls:
        counts = call.name.startswith("uniq") or (call.name == "count" and call.distinct)
        fields = [each for each in call.args if isinstance(each, Field) and each.chain[-1] == "distinct_id"]
        if counts and fields:
            message = "This counts distinct_ids: one person has several (before and after login, one a device)."
            edit = None
            if column_of(fields[0]) == ("events", "distinct_id"):
                edit = Edit(fields[0].end - len("distinct_id"), fields[0].end, "person_id")
            yield subject.finding(call, "count_distinct_distinct_id", message, "Count person_id to count people.", edit)


def division_by_zero(subject: Subject) -> Iterator[Diagnostic]:
    """Dividing by zero gives infinity or NaN, which spoils every sum after it."""
    for node in subject.nodes:
        divisor = node.right if isinstance(node, ArithmeticOperation) and node.op == "/" else None
        if isinstance(node, Call) and node.name == "divide" and len(node.args) == 2:
            divisor = node.args[1]
        if divisor is not None and may_be_zero(divisor):
            message = f"`{subject.text(divisor)[:60]}` may be 0: the quotient is then infinite or NaN."
            form = f"nullIf({subject.text(divisor)}, 0)"
            yield subject.finding(divisor, "division_by_zero", message, f"Divide by {form}.", form)


def may_be_zero(node: Node) -> bool:
    found = plain(node)
    if isinstance(found, Constant):
        return found.value == 0
    if isinstance(found, Call) and found.name == "greatest":
        return not any(isinstance(each, Constant) and each.value for each in found.args)
    if isinstance(found, Call) and found.name in ("toFloat", "toInt", "toDecimal", "ifNull", "coalesce", "abs"):
        return bool(found.args) and may_be_zero(found.args[0])
    return not (isinstance(found, Call) and (found.name == "nullIf" or found.name.startswith("toInterval")))


def end_of_day_lost(subject: Subject) -> Iterator[Diagnostic]:
    """A day as the upper end of a time is its midnight: the day itself is left out."""
    for node in subject.nodes:
        bound: Expr | None = None
        if isinstance(node, BetweenExpr) and is_time(node.expr) and not node.negated:
            bound = node.high
        elif isinstance(node, CompareOperation) and node.op == "<=" and is_time(node.left):
            bound = node.right
        written = day_of(bound) if bound else None
        if bound is None or written is None:
            continue
        after = (date.fromisoformat(written) + timedelta(days=1)).isoformat()
        message = f"'{written}' is its midnight: what happened on that day is left out."
        fix = f"Write timestamp < '{after}'."
        edit = None
        if isinstance(node, CompareOperation):
            edit = f"{subject.text(node.left)} < '{after}'"
        elif isinstance(node, BetweenExpr):
            name = subject.text(node.expr)
            edit = f"({name} >= {subject.text(node.low)} AND {name} < '{after}')"
        yield subject.finding(node, "end_of_day_lost", message, fix, edit)


def day_of(node: Expr) -> str | None:
    """The day of a literal without a time, toDate('…') and the like included."""
    inner = node.args[0] if isinstance(node, Call) and node.name in ("toDate", "toDateTime") and node.args else node
    value = text_of(inner)
    if not value or not DAY.match(value):
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return None


def timezone_blind(subject: Subject) -> Iterator[Diagnostic]:
    """Days cut out of a text, out of seconds, or in another zone are not the project's days."""
    zone = subject.catalogue.timezone
    for call in subject.calls:
        blind = cuts_text(call) or cuts_seconds(call)
        other = next((text for each in call.args[1:] if (text := text_of(each)) and is_zone(text, zone)), None)
        if other and call.args and call.name.startswith(("toStartOf", "toDate", "toTimeZone", "toMonday")):
            message = f"`{call.name}` counts in {other}; this project's days are those of {zone}."
            yield subject.finding(call, "timezone_blind", message, "Leave the zone out: times are the project's.")
        elif blind:
            message = f"`{subject.text(call)[:60]}` cuts days without a time zone; this project's is {zone}."
            form = f"toStartOfDay({blind})"
            yield subject.finding(call, "timezone_blind", message, f"Write {form}.", form)


def is_zone(text: str, project: str) -> bool:
    return ("/" in text or text == "UTC") and text != project


def cuts_text(call: Call) -> str | None:
    """`substring(toString(timestamp), 1, 10)` and the like: the name of the time."""
    inner = call.args[0] if call.name in ("substring", "left", "splitByChar") and call.args else None
    if isinstance(inner, Call) and inner.name == "toString" and inner.args and is_time(inner.args[0]):
        field = inner.args[0]
        return ".".join(map(str, field.chain)) if isinstance(field, Field) else None
    return None


def cuts_seconds(call: Call) -> str | None:
    """`intDiv(toUnixTimestamp(timestamp), 86400)`: the name of the time."""
    if call.name not in ("intDiv", "floor") or not call.args:
        return None
    days = any(isinstance(each, Constant) and each.value == 86400 for each in own_nodes(call))
    for each in own_nodes(call):
        if days and isinstance(each, Call) and each.name == "toUnixTimestamp" and each.args and is_time(each.args[0]):
            field = each.args[0]
            return ".".join(map(str, field.chain)) if isinstance(field, Field) else None
    return None


def now_in_result(subject: Subject) -> Iterator[Diagnostic]:
    """A result that shows the clock is cached with the clock."""
    for select in subject.selects:
        for column in select.select:
            for node in own_nodes(column):
                if isinstance(node, Call) and node.name in CLOCKS:
                    message = f"`{node.name}()` is part of the result, which is cached: it goes stale with it."
                    fix = "Compute ages where the result is read, or run with refresh."
                    yield subject.finding(node, "now_in_result", message, fix)


def random_sample(subject: Subject) -> Iterator[Diagnostic]:
    """Chance in a condition gives other rows each time, and parts of people."""
    for select in subject.selects:
        for part in (*filters_of(select), *(each.expr for each in select.order_by or [])):
            for node in own_nodes(part):
                if isinstance(node, Call) and node.name in CHANCE:
                    form = "cityHash64(distinct_id)" if tables_of(select) == ["events"] else None
                    message = f"`{node.name}()` picks other rows at every run, and parts of people."
                    fix = "Use SAMPLE 0.1 after the table, or cityHash64(distinct_id) % 10 = 0."
                    yield subject.finding(node, "random_sample", message, fix, form)


def funnel_window(subject: Subject) -> Iterator[Diagnostic]:
    """windowFunnel's window is in seconds."""
    for call in subject.calls:
        window = call.params[0] if call.name.startswith("windowFunnel") and call.params else None
        if isinstance(window, Constant) and isinstance(window.value, int) and 0 < window.value < SHORT_WINDOW:
            message = f"The window is {window.value} seconds; days are probably meant."
            form = str(window.value * 86400)
            yield subject.finding(window, "funnel_window", message, f"Write {form} for {window.value} days.", form)


def average_of_averages(subject: Subject) -> Iterator[Diagnostic]:
    """The mean of group means weighs a small group as much as a large one."""
    for call in subject.calls:
        argument = call.args[0] if call.name in ("avg", "avgIf") and call.args else None
        target = argument.target if isinstance(argument, Field) else None
        inner = plain(target.output.expr) if isinstance(target, OutputTarget) and target.output.expr else None
        if isinstance(inner, Call) and inner.name in ("avg", "avgIf", "median", "quantile") and is_aggregate(inner):
            message = f"`{subject.text(call)[:60]}` averages averages: groups of any size weigh the same."
            yield subject.finding(call, "average_of_averages", message, "Divide the sum of sums by the sum of counts.")


def having_for_where(subject: Subject) -> Iterator[Diagnostic]:
    """A condition without an aggregate belongs before the grouping."""
    for select in subject.selects:
        having = select.having
        if having and select.group_by and not uses_aggregate(having):
            message = "HAVING holds no aggregate: rows are grouped first and thrown away after."
            fix = "Move the condition to WHERE."
            yield subject.finding(having, "having_for_where", message, fix, moved(subject, select))


def uses_aggregate(node: Node) -> bool:
    return any(is_aggregate(found) for each in own_nodes(node) for found in own_nodes(plain(each)))


def moved(subject: Subject, select: SelectQuery) -> Edit | None:
    """HAVING as WHERE, where there is none yet."""
    spans = clause_spans(subject.query, select)
    group, having = spans.get("group"), spans.get("having")
    if not group or not having or "where" in spans or group.end > having.start:
        return None
    condition = subject.query[having.start + len("having") : having.end].strip()
    between = subject.query[group.start : group.end]
    return Edit(group.start, having.end, f"WHERE {condition} {between}")


def like_without_wildcard(subject: Subject) -> Iterator[Diagnostic]:
    """LIKE without % or _ is an equality, and the search for a part that was meant finds nothing."""
    for node in subject.nodes:
        pattern = text_of(node.right) if isinstance(node, CompareOperation) and node.op in ("like", "ilike") else None
        if pattern is None or not isinstance(node, CompareOperation) or any(each in pattern for each in "%_\\"):
            continue
        message = f"{node.op.upper()} '{pattern[:60]}' has no % or _: only equal text matches."
        form = f"{subject.text(node.left)} {node.op.upper()} {text_literal(f'%{pattern}%')}"
        yield subject.finding(node, "like_without_wildcard", message, f"Write {form}, or use =.", form)


def limit_without_order(subject: Subject) -> Iterator[Diagnostic]:
    """Groups without an order: LIMIT keeps any of them."""
    for select in subject.selects:
        if select.limit and (select.group_by or select.group_by_mode) and not select.order_by:
            message = "LIMIT without ORDER BY keeps any groups, not the largest."
            fix = "Add ORDER BY, such as ORDER BY count() DESC."
            yield subject.finding(select.limit, "limit_without_order", message, fix)


DROPPED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("nulls", "first"), "NULLS FIRST"),
    (("nulls", "last"), "NULLS LAST"),
    (("collate",), "COLLATE"),
    (("with", "totals"), "WITH TOTALS"),
    (("with", "rollup"), "WITH ROLLUP"),
    (("with", "cube"), "WITH CUBE"),
    (("format",), "FORMAT"),
)


MAYBE_DROPPED = re.compile(r"\b(nulls|collate|totals|rollup|cube|format)\b", re.IGNORECASE)


def dropped_words(subject: Subject) -> Iterator[Diagnostic]:
    """Words that PostHog's parsers read over: they change nothing."""
    if not MAYBE_DROPPED.search(subject.query):
        return
    found = list(tokens(subject.query))
    for words, shown in DROPPED:
        for i in range(1, len(found) - len(words) + 1):
            part = found[i : i + len(words)]
            if tuple(each.lowered for each in part) != words or found[i - 1].text in (".", ",", "("):
                continue
            if any(each.start <= part[0].start < each.end and isinstance(each, Field) for each in subject.nodes):
                continue
            after = found[i + len(words)] if i + len(words) < len(found) else None
            named = shown == "FORMAT"
            if (named and (after is None or after.kind != "word")) or (not named and after and after.text == "("):
                continue
            last = after if named and after else part[-1]
            if shown == "COLLATE" and after and after.kind == "string":
                last = after
            message = f"{shown} is read over by HogQL's parser: it changes nothing."
            edit = Edit(found[i - 1].end, last.end, "")
            yield subject.finding(Span(part[0].start, last.end), "dropped_words", message, "Remove it.", edit)


def repeated_condition(subject: Subject) -> Iterator[Diagnostic]:
    """One column equal to two different values at once: no row can match."""
    for select in subject.selects:
        equal = [each for each in filters_of(select) if isinstance(each, CompareOperation) and each.op == "=="]
        values: dict[str, tuple[str, CompareOperation]] = {}
        for each in equal:
            value = text_of(each.right)
            name = subject.text(each.left)
            before = values.setdefault(name, (value or "", each))
            if value is not None and before[1] is not each and before[0] != value:
                message = f"`{name}` cannot be '{before[0][:40]}' and '{value[:40]}' at once: no row matches."
                form = f"{name} IN ({text_literal(before[0])}, {text_literal(value)})"
                yield subject.finding(each, "repeated_condition", message, f"Write {form}.")


MEANING: tuple[Lint, ...] = (
    union_limit,
    limit_comma,
    count_distinct_distinct_id,
    division_by_zero,
    end_of_day_lost,
    timezone_blind,
    now_in_result,
    random_sample,
    funnel_window,
    average_of_averages,
    having_for_where,
    like_without_wildcard,
    limit_without_order,
    dropped_words,
    repeated_condition,
)
