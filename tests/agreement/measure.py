"""Our side: the checker's verdict on a case, whether it agrees, and the report.

We report every error and PostHog the first one it meets, so a case agrees when PostHog's verdict is among ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from posthog_mcp.errors import HogQLSyntaxError
from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checker
from posthog_mcp.hogql.diagnostics import Diagnostic
from posthog_mcp.hogql.parsing import Parser
from tests.agreement.cases import Case, Verdict

CATALOGUE = Catalogue(
    builtin_tables(),
    "1",
    group_types=("organization", "company", "instance", "project"),
    cohorts={1: "first", 2: "second"},
    actions={1: "first", 2: "second"},
)
OUR_ARITY = re.compile(r"expects .*(argument|parameter)|requires parameters|takes one or two whole numbers")
OUR_UNKNOWN = re.compile(
    r"^Unknown |is not a column of|is not a table of|^Unsupported (function|aggregat)|^There is no |"
    r"the joined table has no column|belongs to the outer query|it has no `"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case and what we said: the verdicts of all our errors (none when the checker crashed), and the first message."""

    case: Case
    ours: tuple[Verdict, ...]
    message: str

    @property
    def agrees(self) -> bool:
        expected = self.case.verdict
        if expected == "parses":
            return bool(self.ours) and "syntax" not in self.ours
        return self.ours not in ((), ("valid",)) if expected == "refused" else expected in self.ours

    @property
    def accepted_alike(self) -> bool:
        """Both accept, or both refuse."""
        if self.case.verdict == "parses" or not self.ours:
            return self.agrees
        return (self.case.verdict == "valid") == (self.ours == ("valid",))


async def measure(cases: Iterable[Case]) -> list[Outcome]:
    """Check every case that needs nothing of a particular project."""
    parser = Parser(plain=False)
    checker = Checker(parser, catalogue)
    try:
        return [await survived(case, parser, checker) for case in cases if not case.needs]
    finally:
        await parser.aclose()


async def catalogue() -> Catalogue:
    return CATALOGUE


async def survived(case: Case, parser: Parser, checker: Checker) -> Outcome:
    """The outcome of a case; a crash of the checker is no verdict at all, and must not end the measurement."""
    try:
        return await outcome(case, parser, checker)
    except Exception as crash:
        return Outcome(case, (), f"THE CHECKER CRASHED: {crash!r}")


async def outcome(case: Case, parser: Parser, checker: Checker) -> Outcome:
    """Our verdict. An expression must parse alone, as PostHog's `parse_expr` has it; then it is selected, in brackets
    where what follows would change its meaning (`a<b FROM` opens a tag)."""
    query = case.text
    if case.kind == "expr":
        try:
            await parser.parse(query, "expr")
        except HogQLSyntaxError as error:
            return Outcome(case, ("syntax",), error.message)
        query = f"SELECT {case.text}\nFROM events"
    checked = await checker.check(query)
    if case.kind == "expr" and any(each.code == "hogql_syntax" for each in checked.errors):
        checked = await checker.check(f"SELECT ({case.text}\n) FROM events")
    if not checked.errors:
        return Outcome(case, ("valid",), "")
    found: list[Verdict] = []
    for error in checked.errors:
        if our_verdict(error) not in found:
            found.append(our_verdict(error))
    return Outcome(case, tuple(found), checked.errors[0].message)


def our_verdict(error: Diagnostic) -> Verdict:
    """The class of one of our own errors."""
    if error.code == "hogql_syntax":
        return "syntax"
    if OUR_ARITY.search(error.message):
        return "arity"
    return "unknown_name" if OUR_UNKNOWN.search(error.message) else "other_error"


def report(outcomes: Sequence[Outcome], left_out: int, width: int = 300) -> str:
    """Counts, the agreement in percent, then every disagreement."""
    asked = Counter[str](each.case.verdict for each in outcomes)
    agreed = Counter[str]()
    for each in outcomes:
        agreed[each.case.verdict] += each.agrees
    lines = ["| PostHog's verdict | queries | we agree |", "| --- | --- | --- |"]
    lines += [
        f"| {verdict} | {asked[verdict]} | {share(agreed[verdict], asked[verdict])} |" for verdict in sorted(asked)
    ]
    four = [each for each in outcomes if each.case.verdict in ("valid", "syntax", "unknown_name", "arity", "parses")]
    alike = sum(each.accepted_alike for each in outcomes)
    lines += [
        f"Agreement on valid, syntax, unknown_name and arity: {share(sum(e.agrees for e in four), len(four))}",
        f"Agreement on every verdict: {share(sum(agreed.values()), len(outcomes))}",
        f"Accepted or refused alike: {share(alike, len(outcomes))}",
        f"Left out, since they need something of a project: {left_out}",
    ]
    return "\n".join([*lines, "", *(shown(each, width) for each in outcomes if not each.agrees)])


def share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.2f} %)" if whole else "none"


def shown(each: Outcome, width: int) -> str:
    """One disagreement in four lines."""
    text = " ".join(each.case.text.split())
    short = text if len(text) <= width else f"{text[:width]}…"
    expected = f"{each.case.verdict} {each.case.message}".strip()
    return f"{each.case.source}\n  {short}\n  PostHog: {expected}\n  ours: {', '.join(each.ours)} {each.message}\n"
