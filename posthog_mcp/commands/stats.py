"""`stats`: who used which tools, how often, how fast, at what cost, and what was slow, counted from the audit."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import cast

from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json
from posthog_mcp.runtime import open_audit
from posthog_mcp.settings import Settings
from posthog_mcp.state.usage import COLUMNS, usage

DECIMALS = {"query_s": 1, "sandbox_s": 1, "usd": 4}


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the figures.

    Raises:
        InvalidInput: the audit is off, so nothing is counted.
    """
    audit = open_audit(settings)
    if audit is None:
        raise InvalidInput("The audit is off, so nothing is counted.", fix="Set POSTHOG_MCP_AUDIT=on.")
    found = usage(audit, days=arguments.days)
    if arguments.json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return 0
    print_table("all", [["all calls", *cast("list[Json]", found["total"])]])
    print_table("tool", cast("list[list[Json]]", found["tools"]))
    print_table("person", cast("list[list[Json]]", found["people"]))
    for took, at, query_id, hogql in cast("list[list[Json]]", found["slowest"]):
        sys.stdout.write(f"{took:>9.0f} ms  {at}  {query_id}  {' '.join(str(hogql).split())[:100]}\n")
    return 0


def shown(column: str, cell: Json) -> str:
    """A figure; what is money or seconds keeps its decimals."""
    if not isinstance(cell, int | float):
        return str(cell)
    return f"{cell:,.{DECIMALS.get(column, 0)}f}"


def print_table(title: str, rows: Sequence[Sequence[Json]]) -> None:
    head = [title, *COLUMNS]
    texts = [head, *([shown(name, cell) for name, cell in zip(head, row, strict=True)] for row in rows)]
    wide = [max(len(row[place]) for row in texts) for place in range(len(head))]
    for row in texts:
        cells = [row[0].ljust(wide[0]), *(cell.rjust(width) for cell, width in zip(row[1:], wide[1:], strict=True))]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.write("\n")
