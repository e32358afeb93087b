"""Check a query: parse, fill placeholders, resolve, lint. One answer with every finding, cached.

`Checker.check` never raises for bad HogQL; `Checked.raise_for_errors` does, for callers that go on to run it. A
check is cached by its text, its values, the catalogue's version and the minute, since `now()` bounds date ranges.
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

from anyio import to_thread

from posthog_mcp.errors import HogQLResolutionError, HogQLSyntaxError, PostHogMcpError
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import Diagnostic, Edit, Span, diagnostic
from posthog_mcp.hogql.estimate import Estimate, estimate
from posthog_mcp.hogql.limits import bounded as limited
from posthog_mcp.hogql.lints import lint, subject_of
from posthog_mcp.hogql.lints_cost import DEFAULT_ROWS
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.hogql.placeholders import Filling, fill
from posthog_mcp.hogql.repair import MENDED_WARNINGS, applied, chosen, repaired
from posthog_mcp.hogql.resolver import Resolved, resolve
from posthog_mcp.hogql.tag_queries import expand_tags
from posthog_mcp.hogql.timerange import range_of
from posthog_mcp.hogql.tree import Node, from_json
from posthog_mcp.hogql.tree_expressions import Constant
from posthog_mcp.hogql.tree_queries import Query, SelectQuery, SelectSetQuery
from posthog_mcp.results import Column, DateRange, Json

CACHED_CHECKS = 256
BOUNDING_ROUNDS = 20
"""Tables of one query that may need a time range."""
MAX_ROWS = 50_000
"""PostHog's own cap."""
RECURSION = 10_000
"""Python frames: a tree of the parser's greatest depth needs about 3,000, and only the heap bounds them."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `tree` is None when the text does not parse; it is resolved when there are no errors.

    `limit` is the outermost LIMIT when it is a number.
    """

    query: str
    tree: Node | None
    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    columns: tuple[Column, ...] = ()
    tables: tuple[str, ...] = ()
    date_range: DateRange | None = None
    limit: int | None = None
    corrected: str | None = None
    """The query with its faults mended, checked and ready to run; None when there is nothing to mend, or no way."""
    estimate: Estimate | None = None
    """What the query will read; None while it has errors, or nothing is known of the tables' sizes."""

    def raise_for_errors(self) -> None:
        """Turn the errors into one exception, which names them all.

        Raises:
            HogQLSyntaxError: the text does not parse.
            HogQLResolutionError: a name, type or arity is wrong.
        """
        if not self.errors:
            return
        first = self.errors[0]
        lines = [f"line {each.line}, column {each.column}: {each.message}" for each in self.errors[:20]]
        fix = " ".join(dict.fromkeys(each.fix for each in self.errors[:20] if each.fix))
        context = {"line": first.line, "column": first.column, "text": first.text, "corrected": self.corrected}
        error = HogQLSyntaxError if first.code == "hogql_syntax" else HogQLResolutionError
        raise error("; ".join(lines), fix=fix, context=context)


class Checker:
    """Checks against the project's catalogue as it is at each call; safe to share between tasks."""

    def __init__(
        self,
        parser: Parser,
        catalogue: Callable[[], Awaitable[Catalogue]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._parser = parser
        self._catalogue = catalogue
        self._now = now
        self._cache: OrderedDict[str, Checked] = OrderedDict()

    async def check(
        self,
        query: str,
        *,
        values: Mapping[str, Json] | None = None,
        filters: Mapping[str, Json] | None = None,
        variables: Mapping[str, Json] | None = None,
        mend_warnings: bool = False,
    ) -> Checked:
        """Everything that is wrong with a query, and what it reads and gives.

        `mend_warnings`: `corrected` is also for a query that runs but names what the project lacks. To find it the
        query is looked at again some times, so only who shows it asks.
        """
        catalogue = await self._catalogue()
        now = self._now().astimezone(ZoneInfo(catalogue.timezone))
        filling = Filling(dict(values or {}), dict(filters or {}), dict(variables or {}), now)
        key = cache_key(query, filling, catalogue)
        checked = self._cache.get(key)
        if checked is None:
            checked = await self._look(query, filling, catalogue)
            if checked.errors:
                checked = await self._mended(checked, filling, catalogue)
        if mend_warnings and not checked.errors and checked.corrected is None and names_unknown(checked):
            checked = await self._mended(checked, filling, catalogue)
        self._cache[key] = checked
        self._cache.move_to_end(key)
        while len(self._cache) > CACHED_CHECKS:
            self._cache.popitem(last=False)
        return checked

    async def bounded(self, query: str, values: Mapping[str, Json] | None = None) -> str | None:
        """The query with a time range on every table that lacks one, and a LIMIT; None when it has errors."""
        catalogue = await self._catalogue()
        filling = Filling(dict(values or {}), {}, {}, self._now().astimezone(ZoneInfo(catalogue.timezone)))
        text = query
        for _ in range(BOUNDING_ROUNDS):
            found = await self._look(text, filling, catalogue)
            if found.errors or not isinstance(found.tree, (SelectQuery, SelectSetQuery)):
                return None
            edits = chosen([each for each in found.warnings if each.code == "no_time_range"])
            if not edits:
                return limited(text, found.tree, default=DEFAULT_ROWS, cap=MAX_ROWS).query
            text = applied(text, edits[:1])
        return None

    async def _mended(self, checked: Checked, filling: Filling, catalogue: Catalogue) -> Checked:
        """With every error that comes to light by mending, and the corrected query where one was reached."""
        errors, corrected = await repaired(checked.query, checked, lambda text: self._look(text, filling, catalogue))
        return replace(checked, errors=errors, corrected=corrected)

    async def _look(self, query: str, filling: Filling, catalogue: Catalogue) -> Checked:
        """One look at one text, nothing mended."""
        try:
            parsed = await self._parser.parse(query)
            await expand_tags(self._parser, parsed, query)
        except HogQLSyntaxError as error:
            return refused(query, error)
        return await to_thread.run_sync(examine, query, parsed, filling, catalogue)


def names_unknown(checked: Checked) -> bool:
    """Whether a query that runs names what the project lacks, and what was meant is known."""
    return any(each.edit and each.code in MENDED_WARNINGS for each in checked.warnings)


def cache_key(query: str, filling: Filling, catalogue: Catalogue) -> str:
    minute = filling.now.strftime("%Y%m%d%H%M")
    given = [filling.values, filling.filters, filling.variables, catalogue.version, minute, query]
    return json.dumps(given, sort_keys=True)


def refused(query: str, error: PostHogMcpError) -> Checked:
    """A query that cannot be read, as one finding."""
    start, end = error.context.get("start"), error.context.get("end")
    first = start if isinstance(start, int) else 0
    span = Span(first, end if isinstance(end, int) else first)
    given = error.context.get("edit")
    edit = Edit(*cast("tuple[int, int, str]", given)) if given else None
    return Checked(query, None, (diagnostic("error", error.code, error.message, query, span, error.fix, edit),))


def examine(query: str, parsed: dict[str, Json], filling: Filling, catalogue: Catalogue) -> Checked:
    """Resolve and lint a parsed query; pure Python, bounded by the parser's caps and the resolver's budget."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION))
    try:
        tree = cast(Query, from_json(parsed))
        notes = fill(tree, query, filling, catalogue)
        resolved = resolve(tree, query, catalogue)
    except HogQLResolutionError as error:
        return refused(query, error)
    except RecursionError:
        deep = HogQLResolutionError("The query is nested too deeply.", fix="Flatten it, or split it.")
        return refused(query, deep)
    return described(query, tree, resolved, notes, filling, catalogue)


def described(
    query: str, tree: Query, resolved: Resolved, notes: list[Diagnostic], filling: Filling, catalogue: Catalogue
) -> Checked:
    """The answer; lints and the time range only where every name is right."""
    subject = None if resolved.errors else subject_of(query, tree, catalogue, filling.now)
    lints = lint(subject) if subject else []
    warnings = sorted([*resolved.warnings, *notes, *lints], key=lambda each: each.span.start)
    return Checked(
        query,
        tree,
        resolved.errors,
        tuple(warnings),
        tuple(Column(each.name, each.type.text()) for each in resolved.outputs),
        resolved.tables,
        range_of(subject.scans, catalogue) if subject else None,
        limit_of(tree),
        estimate=estimate(subject) if subject else None,
    )


def limit_of(tree: Query) -> int | None:
    limit = tree.limit
    value = limit.value if isinstance(limit, Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and not tree.limit_percent else None
