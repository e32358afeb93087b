"""Expressions of plain HogQL: precedence climbing in the order of PostHog's grammar.

From loose to tight: OR, AND, NOT, IS NULL, comparisons, + and -, * / and %, then what stands after a value (`[i]`,
`.1`). A node in parentheses keeps its own place; what it is part of begins at the parenthesis, so that parts are
handed up as (node, start).
"""

from __future__ import annotations

import re

from posthog_mcp.hogql.plain_tokens import NotPlain, Reader, Tree
from posthog_mcp.results import Json

UNITS = frozenset({"second", "minute", "hour", "day", "week", "month", "quarter", "year"})
COMPARISONS = {"=": "==", "==": "==", "!=": "!=", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
WORDY = {"in": "in", "like": "like", "ilike": "ilike"}
LARGEST = 2**53
QUOTED = re.compile(r"''|\\(.)", re.DOTALL)
Part = tuple[Tree, int]
"""A node, and where its text begins with its parentheses."""


class Expressions(Reader):
    """Reads expressions; `plain_select.Plain` adds the queries that may stand in them."""

    def subquery(self) -> Tree:
        """A query in an expression, its opening parenthesis behind.

        Raises:
            NotPlain: not here.
        """
        raise NotPlain

    def expression(self) -> Tree:
        """A whole expression, without an alias."""
        return self.joined("or", "Or")[0]

    def joined(self, word: str, kind: str) -> Part:
        """Parts joined by OR or AND; one in parentheses that joins alike is part of the same list, as in PostHog."""
        below = self.negated if word == "and" else lambda: self.joined("and", "And")
        part, start = below()
        while self.takes(word):
            right, _ = below()
            both = [*exprs_of(part, kind), *exprs_of(right, kind)]
            part = self.node(kind, start, exprs=both)
        return part, start

    def negated(self) -> Part:
        start = self.start
        if self.word() == "not" and self.sign(1) != "(":
            self.next()
            inner, _ = self.negated()
            return self.node("Not", start, expr=inner), start
        return self.nullness()

    def nullness(self) -> Part:
        part, start = self.compared()
        while self.takes("is"):
            op = "!=" if self.takes("not") else "=="
            self.needs("null")
            null: Tree = {"node": "Constant", "value": None}
            part = self.node("CompareOperation", start, left=part, right=null, op=op, is_null_comparison_style=True)
        return part, start

    def compared(self) -> Part:
        part, start = self.added()
        op = self.comparison()
        if not op:
            return part, start
        right, _ = self.added()
        part = self.node("CompareOperation", start, left=part, right=right, op=op)
        if self.sign() in COMPARISONS or self.word() in (*WORDY, "between"):
            raise NotPlain
        return part, start

    def comparison(self) -> str:
        """The operator that comes next, behind now; empty where there is none.

        Raises:
            NotPlain: one that is not read here.
        """
        sign = self.sign()
        if sign in COMPARISONS:
            self.next()
            if self.sign() in ("~", "=", "*"):
                raise NotPlain
            return COMPARISONS[sign]
        if sign in ("~", "!"):
            raise NotPlain
        found = "not " if self.word() == "not" and self.word(1) in WORDY else ""
        word = self.word(1 if found else 0)
        if word not in WORDY:
            if word in ("between", "global", "not"):
                raise NotPlain
            return ""
        self.at += 2 if found else 1
        if word == "in" and self.takes("cohort"):
            return f"{found}in cohort"
        return f"{found}{WORDY[word]}"

    def added(self) -> Part:
        part, start = self.multiplied()
        while self.sign() in ("+", "-"):
            op = self.next().text
            right, _ = self.multiplied()
            part = self.node("ArithmeticOperation", start, left=part, right=right, op=op)
        return part, start

    def multiplied(self) -> Part:
        part, start = self.reached()
        while self.sign() in ("*", "/", "%"):
            op = self.next().text
            right, _ = self.reached()
            part = self.node("ArithmeticOperation", start, left=part, right=right, op=op)
        return part, start

    def reached(self) -> Part:
        """A value with what is reached in it: `[i]`, `.1`.

        Raises:
            NotPlain: it is reached or called in another way.
        """
        part, start = self.value()
        while True:
            if self.takes_sign("["):
                inner = self.expression()
                self.needs_sign("]")
                part = self.node("ArrayAccess", start, array=part, property=inner)
            elif self.kind() == "number" and self.tokens[self.at].text[0] == "." and self.start == self.end:
                index = self.next().text[1:]
                if not index.isdigit():
                    raise NotPlain
                part = self.node("TupleAccess", start, tuple=part, index=int(index))
            elif self.sign() in (".", "(", "{"):
                raise NotPlain
            else:
                return part, start

    def value(self) -> Part:
        """One operand.

        Raises:
            NotPlain: it is none that is read here.
        """
        start, kind, sign, word = self.start, self.kind(), self.sign(), self.word()
        if kind == "number":
            return self.number(start, 1), start
        if kind == "string":
            text = unquoted(self.next().text)
            return self.node("Constant", start, value=text), start
        if sign == "-" and self.kind(1) == "number" and self.tokens[self.at + 1].start == start + 1:
            self.next()
            return self.number(start, -1), start
        if sign == "(":
            return self.parenthesised(start), start
        if sign == "[":
            self.next()
            exprs = self.listed("]")
            return self.node("Array", start, exprs=exprs), start
        if sign == "{":
            return self.placeholder(start), start
        if sign == "*":
            self.next()
            if self.word() in ("except", "exclude", "replace"):
                raise NotPlain
            return self.node("Field", start, chain=["*"]), start
        if kind in ("word", "name"):
            return (self.worded(start, word) if word else self.named(start)), start
        raise NotPlain

    def worded(self, start: int, word: str) -> Tree:
        """What begins with a word."""
        if word in ("null", "true", "false") and self.sign(1) != "(":
            self.next()
            return self.node("Constant", start, value={"null": None, "true": True, "false": False}[word])
        if word == "not" and self.sign(1) == "(":
            name = self.next().text
            self.next()
            return self.node("Call", start, name=name, args=self.listed(")"))
        if word == "case":
            return self.case(start)
        if word == "interval" and self.kind(1) == "number":
            return self.interval(start)
        if self.sign(1) == "->":
            name = self.name()
            self.next()
            return self.lambda_of(start, [name])
        return self.named(start)

    def number(self, start: int, factor: int) -> Tree:
        """A whole number or a plain fraction.

        Raises:
            NotPlain: one that is written or kept in another way.
        """
        text = self.next().text
        if text.isdigit() and (text == "0" or text[0] != "0") and int(text) < LARGEST:
            return self.node("Constant", start, value=factor * int(text))
        whole, dot, fraction = text.partition(".")
        if not dot or not whole.isdigit() or not fraction.isdigit() or (len(whole) > 1 and whole[0] == "0"):
            raise NotPlain
        return self.node("Constant", start, value=factor * float(text))

    def parenthesised(self, start: int) -> Tree:
        """A subquery, a lambda's arguments, a tuple, or an expression in parentheses."""
        self.next()
        if self.word() in ("select", "with"):
            query = self.subquery()
            self.needs_sign(")")
            return query
        names = self.argument_names()
        if names:
            return self.lambda_of(start, names)
        inner = self.expression()
        if self.sign() == ",":
            self.next()
            return self.node("Tuple", start, exprs=[inner, *self.listed(")")])
        self.needs_sign(")")
        return inner

    def argument_names(self) -> list[str]:
        """The names of a lambda with several arguments, the arrow behind; nothing where there is none."""
        ahead, names = 0, list[str]()
        while self.kind(ahead) == "word" and self.word(ahead):
            names.append(self.tokens[self.at + ahead].text)
            if self.sign(ahead + 1) == ")" and self.sign(ahead + 2) == "->":
                self.at += ahead + 3
                return names
            if self.sign(ahead + 1) != ",":
                return []
            ahead += 2
        return []

    def lambda_of(self, start: int, names: list[str]) -> Tree:
        body = self.expression()
        return self.node("Lambda", start, args=[*names], expr=body)

    def placeholder(self, start: int) -> Tree:
        self.next()
        inner = self.start
        chain: list[Json] = [self.name()]
        while self.takes_sign("."):
            chain.append(self.name(clear=True))
        field = self.node("Field", inner, chain=chain)
        self.needs_sign("}")
        return self.node("Placeholder", start, expr=field)

    def listed(self, closing: str) -> list[Json]:
        """Expressions up to the closing sign, which is behind then.

        Raises:
            NotPlain: a comma stands before it.
        """
        found: list[Json] = []
        if self.takes_sign(closing):
            return found
        while True:
            found.append(self.expression())
            if self.takes_sign(closing):
                return found
            self.needs_sign(",")

    def case(self, start: int) -> Tree:
        self.next()
        subject = None if self.word() == "when" else self.expression()
        args: list[Json] = [] if subject is None else [subject]
        while self.takes("when"):
            args.append(self.expression())
            self.needs("then")
            args.append(self.expression())
        if self.takes("else"):
            args.append(self.expression())
        else:
            args.append({"node": "Constant", "value": None})
        self.needs("end")
        plain = "if" if len(args) == 3 else "multiIf"
        return self.node("Call", start, name=plain if subject is None else "_caseWithExpression", args=args)

    def interval(self, start: int) -> Tree:
        self.next()
        count = self.number(self.start, 1)
        unit = self.word()
        if unit not in UNITS:
            raise NotPlain
        self.next()
        return self.node("Call", start, name=f"toInterval{unit.capitalize()}", args=[count])

    def named(self, start: int) -> Tree:
        """A name with its dots, or a call."""
        chain: list[Json] = [self.name()]
        if self.sign() == "(":
            return self.call(start, str(chain[0]))
        while self.sign() == "." and self.start == self.end:
            self.next()
            if self.takes_sign("*"):
                chain.append("*")
                break
            chain.append(self.name(clear=True))
        return self.node("Field", start, chain=chain)

    def call(self, start: int, name: str) -> Tree:
        self.next()
        distinct = self.takes("distinct")
        args, params = self.listed(")"), None
        if self.sign() == "(":
            self.next()
            if distinct:
                raise NotPlain
            params, distinct = args, self.takes("distinct")
            args = self.listed(")")
        if self.word() in ("filter", "within", "respect", "ignore"):
            raise NotPlain
        if self.takes("over"):
            if distinct:
                raise NotPlain
            return self.windowed(start, name, args, params)
        return self.node("Call", start, name=name, args=args, params=params, distinct=distinct)

    def windowed(self, start: int, name: str, args: list[Json], params: list[Json] | None) -> Tree:
        self.needs_sign("(")
        begun = self.start
        partition: list[Json] | None = None
        if self.takes("partition", "by"):
            partition = self.several()
        order = self.ordered() if self.takes("order", "by") else None
        window = self.node("WindowExpr", begun, partition_by=partition, order_by=order)
        self.needs_sign(")")
        exprs, rest = (args, list[Json]()) if params is None else (params, args)
        return self.node("WindowFunction", start, name=name, exprs=exprs, args=rest, over_expr=window)

    def several(self) -> list[Json]:
        found: list[Json] = [self.expression()]
        while self.takes_sign(","):
            found.append(self.expression())
        return found

    def ordered(self) -> list[Json]:
        found: list[Json] = []
        while True:
            start = self.start
            expr = self.expression()
            order = "DESC" if self.takes("desc") else "ASC"
            if order == "ASC":
                self.takes("asc")
            if self.word() in ("nulls", "collate", "with"):
                raise NotPlain
            found.append(self.node("OrderExpr", start, expr=expr, order=order))
            if not self.takes_sign(","):
                return found


def exprs_of(part: Tree, kind: str) -> list[Json]:
    """A list's parts, or the part itself."""
    exprs = part.get("exprs")
    return exprs if part["node"] == kind and isinstance(exprs, list) else [part]


def unquoted(text: str) -> str:
    """What a string stands for.

    Raises:
        NotPlain: it has escapes of other signs than quotes and backslashes.
    """
    return QUOTED.sub(sign_of, text[1:-1])


def sign_of(found: re.Match[str]) -> str:
    """The sign that an escape stands for.

    Raises:
        NotPlain: it is PostHog's to read.
    """
    if found.group() == "''":
        return "'"
    if found.group(1) not in ("'", "\\"):
        raise NotPlain
    return found.group(1)
