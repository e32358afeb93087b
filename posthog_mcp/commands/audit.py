"""`audit verify|export`: whether the record of calls is whole, and all of it as lines of JSON or CSV."""

from __future__ import annotations

import argparse
import csv
import json
import sys

from posthog_mcp.errors import InvalidInput
from posthog_mcp.runtime import open_audit
from posthog_mcp.settings import Settings
from posthog_mcp.state.audit import Audit


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Verify or export.

    Raises:
        InvalidInput: the audit is off.
    """
    audit = open_audit(settings)
    if audit is None:
        raise InvalidInput("The audit is off.", fix="Set POSTHOG_MCP_AUDIT=on.")
    return verify(audit) if arguments.action == "verify" else export(audit, arguments.format)


def verify(audit: Audit) -> int:
    """Print the verdict; 1 where a record was changed or is missing."""
    found = audit.verify()
    if found.broken_at is not None:
        sys.stdout.write(f"BROKEN at record {found.broken_at}: {found.why}; {found.records} records before it hold\n")
        return 1
    erased = f"; {found.erased_texts} texts were erased on request" if found.erased_texts else ""
    sys.stdout.write(f"ok: {found.records} records, each bound to the one before{erased}\n")
    return 0


def export(audit: Audit, form: str) -> int:
    """Write every record to stdout."""
    writer = None
    for row in audit.export():
        if form == "jsonl":
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            continue
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return 0
