"""SELECT of plain HogQL: CTEs, FROM with joins and subqueries, the clauses in their order, UNION ALL."""

from __future__ import annotations

from itertools import pairwise

from posthog_mcp.hogql.plain_expressions import Expressions
from posthog_mcp.hogql.plain_tokens import STRUCTURE, NotPlain, Tree
from posthog_mcp.results import Json

JOINS = (("join",), ("inner", "join"), ("left", "join"), ("cross", "join"))
SETS = ("union", "intersect", "except")


class Plain(Expressions):
    """One text."""

    def whole(self) -> Tree:
        """The query, up to the end of the text.

        Raises:
            NotPlain: PostHog's parser must read it.
        """
        found = self.query_or_union()
        if self.at < len(self.tokens):
            raise NotPlain
        return found

    def subquery(self) -> Tree:
        return self.query_or_union()

    def query_or_union(self) -> Tree:
        start = self.start
        first = self.select()
        others: list[Json] = []
        while self.takes("union", "all"):
            member: Tree = {"node": "SelectSetNode", "select_query": self.select(), "set_operator": "UNION ALL"}
            others.append(member)
        if self.word() in SETS:
            raise NotPlain
        if not others:
            return first
        return self.node("SelectSetQuery", start, initial_select_query=first, subsequent_select_queries=others)

    def select(self) -> Tree:
        start = self.start
        fields: Tree = {}
        if self.takes("with"):
            fields["ctes"] = self.ctes()
        self.needs("select")
        if self.takes("distinct"):
            fields["distinct"] = True
            if self.word() == "on":
                raise NotPlain
        fields["select"] = self.columns()
        if self.takes("from"):
            fields["select_from"] = self.tables()
        if self.takes("array", "join"):
            fields |= {"array_join_op": "ARRAY JOIN", "array_join_list": self.columns()}
        for clause in ("where", "having"):
            if self.takes(clause):
                fields[clause] = self.expression()
            if clause == "where" and self.takes("group", "by"):
                if self.word() in ("all", "rollup", "cube", "grouping"):
                    raise NotPlain
                fields["group_by"] = self.several()
        if self.takes("order", "by"):
            fields["order_by"] = self.ordered()
        end = self.limits(fields)
        return self.node("SelectQuery", start, end, **fields)

    def ctes(self) -> list[Json]:
        """`name AS (query)`, separated by commas.

        Raises:
            NotPlain: it is written in another way.
        """
        found: list[Json] = []
        while True:
            start = self.start
            name = self.name()
            self.needs("as")
            self.needs_sign("(")
            if self.word() not in ("select", "with"):
                raise NotPlain
            query = self.subquery()
            self.needs_sign(")")
            found.append(self.node("CTE", start, name=name, expr=query, cte_type="subquery"))
            if not self.takes_sign(","):
                return found

    def columns(self) -> list[Json]:
        """Expressions with or without an alias."""
        found: list[Json] = []
        while True:
            expr, start = self.joined("or", "Or")
            if self.takes("as"):
                alias = self.name(clear=True)
                expr = self.node("Alias", start, alias=alias, expr=expr)
            found.append(expr)
            if not self.takes_sign(","):
                return found

    def tables(self) -> Tree:
        """A table with those that are joined to it."""
        tables = [self.table()]
        while True:
            words = next((each for each in JOINS if self.takes(*each)), None)
            if words is None:
                break
            joined = self.table()
            joined["join_type"] = " ".join(words).upper()
            if words != ("cross", "join"):
                start = self.start
                self.needs("on")
                expr = self.expression()
                joined["constraint"] = self.node("JoinConstraint", start, expr=expr, constraint_type="ON")
            tables.append(joined)
        for before, after in pairwise(tables):
            before["next_join"] = after
        return tables[0]

    def table(self) -> Tree:
        """A table or a subquery, with its alias.

        Raises:
            NotPlain: it is written in another way.
        """
        start = self.start
        if self.takes_sign("("):
            if self.word() not in ("select", "with"):
                raise NotPlain
            table = self.subquery()
            self.needs_sign(")")
        else:
            chain: list[Json] = [self.name()]
            while self.takes_sign("."):
                chain.append(self.name(clear=True))
            table = self.node("Field", start, chain=chain)
        alias: str | None = None
        if self.takes("as"):
            alias = self.name(clear=True)
        elif self.kind() == "word" and self.word() not in STRUCTURE:
            alias = self.name()
        if self.sign() in ("(", ",") or self.word() in ("final", "sample"):
            raise NotPlain
        return self.node("JoinExpr", start, table=table, alias=alias)

    def limits(self, fields: Tree) -> int:
        """LIMIT … BY, LIMIT and OFFSET; where the query ends.

        Raises:
            NotPlain: it is written in another way.
        """
        end = self.end
        for _ in range(2):
            start = self.start
            if not self.takes("limit"):
                break
            count = self.expression()
            if self.takes("by"):
                if "limit_by" in fields:
                    raise NotPlain
                exprs = self.several()
                fields["limit_by"] = self.node("LimitByExpr", start, n=count, exprs=exprs)
                end = self.end
                continue
            fields["limit"] = count
            end = self.end
            if self.takes("offset"):
                fields["offset"] = self.expression()
            break
        if self.word() in ("limit", "offset", "with") or self.sign() in ("%", ","):
            raise NotPlain
        return end
