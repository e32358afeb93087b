"""`python -m tests.agreement CORPUS.jsonl… [--posthog CHECKOUT] [--width N]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import anyio

from tests.agreement.cases import Case, distinct, read_corpus
from tests.agreement.measure import measure, report
from tests.agreement.posthog_source import extract


def gathered(corpora: list[Path], checkout: Path | None) -> list[Case]:
    """Every case once, of all the corpora and of the checkout."""
    cases = [case for corpus in corpora for case in read_corpus(corpus)]
    return distinct([*cases, *(extract(checkout) if checkout else ())])


async def main(corpora: list[Path], checkout: Path | None, width: int) -> None:
    cases = gathered(corpora, checkout)
    outcomes = await measure(cases)
    sys.stdout.write(report(outcomes, len(cases) - len(outcomes), width) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Agreement with PostHog on queries that others wrote.")
    parser.add_argument("corpora", nargs="*", type=Path, metavar="CORPUS.jsonl")
    parser.add_argument("--posthog", type=Path, default=None, metavar="CHECKOUT", help="a checkout of PostHog's source")
    parser.add_argument("--width", type=int, default=300, help="characters of a query shown")
    given = parser.parse_args()
    anyio.run(main, given.corpora, given.posthog, given.width)
