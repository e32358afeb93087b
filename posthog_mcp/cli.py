"""The `posthog-mcp` command: reads arguments, loads settings, hands over to `commands`, maps errors to exit codes.

Exit codes: 0 done, 1 the work failed, 2 wrong usage or settings. Without a command it serves MCP over stdio, because
that is what MCP clients start.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Protocol, TypeAlias, cast

from posthog_mcp import __version__
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.observing.exporting import exporting
from posthog_mcp.settings import Settings

DONE, FAILED, WRONG_USAGE = 0, 1, 2
SETTING_FLAGS = (
    "backend",
    "region",
    "base_url",
    "project_id",
    "data_dir",
    "toolsets",
    "allow_writes",
    "mode",
    "log_level",
)
CLIENT_NAMES = ("claude-desktop", "claude-code", "cursor", "vscode", "windsurf", "codex")
Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]


class Command(Protocol):
    """A module of `posthog_mcp.commands`."""

    def run(self, settings: Settings, arguments: argparse.Namespace) -> int:
        """Do it; the exit code. `run` of a module that only prints what it found returns 0 or 1."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words = ["serve", *words]
    arguments = parser().parse_args(words)
    settings: Settings | None = None
    try:
        settings = Settings.load(**{name: getattr(arguments, name, None) for name in SETTING_FLAGS})
        command = cast(Command, importlib.import_module(f"posthog_mcp.commands.{arguments.module}"))
        with exporting():
            return run(command, settings, arguments)
    except PostHogMcpError as error:
        from posthog_mcp.commands.discreet import told

        print(told(error, settings), file=sys.stderr)  # noqa: T201
        return WRONG_USAGE if isinstance(error, InvalidInput) else FAILED
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter complains at exit
        return DONE


def run(command: Command, settings: Settings, arguments: argparse.Namespace) -> int:
    """Run it, on record where it does work, masked where it prints what is the project's."""
    from posthog_mcp.commands.discreet import PRINTING, masked_output
    from posthog_mcp.commands.recording import RECORDED, action_of, recorded

    with contextlib.ExitStack() as around:
        if arguments.module in PRINTING:
            around.enter_context(masked_output(settings))
        if arguments.module in RECORDED:
            around.enter_context(recorded(settings, action_of(arguments)))
        return command.run(settings, arguments)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser("posthog-mcp", description="Product analytics over MCP.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"posthog-mcp {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    anywhere, embedded = setting_flags(connection=True), setting_flags(connection=False)
    add_serve(commands, anywhere)
    add_demo(commands, embedded)
    add_call(commands, anywhere)
    add_local(commands, embedded, anywhere)
    add_keeping(commands, anywhere)
    add_install(commands, anywhere)
    add_themes(commands, anywhere)
    add_reports(commands, anywhere)
    add_knowledge(commands, anywhere)
    doctor = commands.add_parser("doctor", parents=[anywhere], help="check settings, parts and the backend")
    doctor.set_defaults(module="doctor")
    return top


def setting_flags(*, connection: bool) -> argparse.ArgumentParser:
    """Settings as flags. `connection`: the command may talk to PostHog; otherwise it uses the embedded project.

    Never the API key: arguments show in process lists.
    """
    flags = argparse.ArgumentParser(add_help=False)
    group = flags.add_argument_group("settings (they win over the environment and .env)")
    if connection:
        group.add_argument("--backend", metavar="auto|posthog|local", help="where queries run")
        group.add_argument("--region", metavar="us|eu", help="PostHog cloud region")
        group.add_argument("--base-url", metavar="URL", help="address of a self-hosted PostHog")
        group.add_argument("--project-id", metavar="ID")
    else:
        flags.set_defaults(backend="local")
    group.add_argument("--data-dir", metavar="DIR", help="folder of the embedded project, state and cache")
    group.add_argument("--log-level", metavar="LEVEL", help="DEBUG, INFO, WARNING or ERROR; logs go to stderr")
    return flags


def add_serve(commands: Parsers, common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser("serve", parents=[common], help="serve MCP over stdio (the default) or HTTP")
    serve.add_argument("--transport", choices=("stdio", "http"), default="stdio")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on with --transport http")
    serve.add_argument("--port", type=port, default=8000, help="port to listen on with --transport http")
    serve.add_argument("--toolsets", metavar="A,B", help="toolsets to publish, or all")
    serve.add_argument("--allow-writes", action="store_true", default=None, help="publish the tools that write")
    serve.add_argument("--mode", metavar="tools|compact", help="compact publishes two tools: find_tool and use_tool")
    serve.set_defaults(module="serve")


def add_demo(commands: Parsers, common: argparse.ArgumentParser) -> None:
    demo = commands.add_parser("demo", parents=[common], help="a guided tour on the demo project")
    demo.add_argument("--json", action="store_true", help="one JSON object a step")
    demo.set_defaults(module="demo")


def add_call(commands: Parsers, common: argparse.ArgumentParser) -> None:
    call = commands.add_parser("call", parents=[common], help="call one tool and print its structured result")
    call.add_argument("tool")
    call.add_argument("json", nargs="?", default="{}", metavar="JSON", help="the arguments; - reads them from stdin")
    call.add_argument("--text", action="store_true", help="print the text instead of the structured result")
    call.add_argument("--image-dir", type=Path, metavar="DIR", help="save returned images here")
    call.add_argument("--allow-writes", action="store_true", default=None, help="allow tools that write")
    call.set_defaults(module="call")


def add_reports(commands: Parsers, common: argparse.ArgumentParser) -> None:
    report = commands.add_parser("report", parents=[common], help="build a report, print it, send it with --send")
    report.add_argument("kind", choices=("daily", "weekly"))
    report.add_argument("--dashboard", action="append", default=[], metavar="NAME", help="name or id; may be repeated")
    report.add_argument("--days", type=positive, metavar="N", help="how many days; default 1 or 7")
    report.add_argument(
        "--send", action="append", default=[], metavar="TARGET", help="slack, email, webhook, file or a target's name"
    )
    report.add_argument("--dry-run", action="store_true", help="show what would be sent where (stderr)")
    report.add_argument("--even-quiet", action="store_true", help="send a daily report that has nothing to say")
    report.add_argument("--key", metavar="TEXT", default="", help="send at most once under this key, such as a date")
    report.set_defaults(module="report")
    alerts = commands.add_parser("alerts", help="alerts").add_subparsers(metavar="COMMAND", required=True)
    check = alerts.add_parser("check", parents=[common], help="evaluate alerts once and tell their targets")
    check.add_argument("name", nargs="*", help="ids or names; default all")
    check.add_argument("--dry-run", action="store_true", help="tell nobody and keep nothing")
    check.set_defaults(module="alerts")
    schedule = commands.add_parser("schedule", parents=[common], help="run reports, alerts and campaigns when due")
    schedule.add_argument("--once", action="store_true", help="run what is due now, then stop")
    schedule.set_defaults(module="schedule")
    approve = commands.add_parser("approve", parents=[common], help="agree to what waits to be sent, and send it")
    approve.add_argument("code", metavar="CODE")
    approve.add_argument("--yes", action="store_true", help="do not ask again")
    approve.add_argument("--later", action="store_true", help="only approve; the next call of the tool sends")
    approve.set_defaults(module="approve")


def add_local(commands: Parsers, common: argparse.ArgumentParser, anywhere: argparse.ArgumentParser) -> None:
    local = commands.add_parser("local", help="the embedded project")
    parts = local.add_subparsers(title="commands", metavar="COMMAND", required=True)
    serve = parts.add_parser("serve", parents=[common], help="the embedded project as a PostHog REST API")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=port, default=8010)
    serve.set_defaults(module="local", action="serve")
    load = parts.add_parser("import", parents=[common], help="load PostHog batch exports")
    load.add_argument("paths", nargs="+", metavar="PATH", help="files, folders or globs; Parquet or JSONL, gz or zst")
    load.set_defaults(module="local", action="load")
    sync = parts.add_parser("sync", parents=[anywhere], help="pull your own events and persons from PostHog")
    sync.add_argument("--days", type=positive, default=30, metavar="N", help="how many days back; default 30")
    sync.set_defaults(module="sync")
    demo = parts.add_parser("demo-data", parents=[common], help="generate the demo project")
    demo.add_argument("--seed", type=int, default=1)
    demo.add_argument("--events", type=positive, default=None, metavar="N", help="about how many events")
    demo.add_argument("--days", type=positive, default=None, metavar="N", help="how many days of them")
    demo.add_argument("--end", type=date.fromisoformat, default=None, metavar="DATE", help="last day; default now")
    demo.add_argument("--out", type=Path, metavar="DIR", help="write batch-export Parquet here instead")
    demo.set_defaults(module="local", action="demo_data")
    reset = parts.add_parser("reset", parents=[common], help="drop the embedded project")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(module="local", action="reset")
    schema = parts.add_parser("clickhouse-schema", parents=[common], help="print the tables of a ClickHouse server")
    schema.set_defaults(module="clickhouse", action="schema")
    fill = parts.add_parser("clickhouse-load", parents=[common], help="copy the project to a ClickHouse server")
    fill.add_argument("--own-tables", action="store_true", help="copy nothing: read names and types of tables there")
    fill.add_argument("--name", default="ClickHouse project", help="the project's name, with --own-tables")
    fill.add_argument("--timezone", default="UTC", help="the project's time zone, with --own-tables")
    fill.set_defaults(module="clickhouse", action="fill")


def add_keeping(commands: Parsers, common: argparse.ArgumentParser) -> None:
    """What is kept of calls: the audit, the figures, and forgetting."""
    audit = commands.add_parser("audit", help="the record of calls")
    parts = audit.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verify = parts.add_parser("verify", parents=[common], help="check that no record was changed or removed")
    verify.set_defaults(module="audit", action="verify")
    export = parts.add_parser("export", parents=[common], help="write every record to stdout")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    export.set_defaults(module="audit", action="export")
    stats = commands.add_parser("stats", parents=[common], help="usage by tool and by person")
    stats.add_argument("--days", type=positive, default=30, metavar="N", help="how many days back; default 30")
    stats.add_argument("--json", action="store_true", help="print JSON")
    stats.set_defaults(module="stats")
    forget = commands.add_parser("forget", parents=[common], help="remove a person from everything kept here")
    forget.add_argument("person", nargs="+", metavar="PERSON", help="an e-mail, a distinct_id or a name")
    forget.set_defaults(module="forget")
    text = "encrypt what is kept with POSTHOG_MCP_STATE_KEY, or with a new key"
    commands.add_parser("encrypt", parents=[common], help=text).set_defaults(module="encrypt")


def add_install(commands: Parsers, common: argparse.ArgumentParser) -> None:
    install = commands.add_parser("install", parents=[common], help="put this server into an MCP client's settings")
    install.add_argument("client", choices=CLIENT_NAMES, metavar="CLIENT", help=", ".join(CLIENT_NAMES))
    install.add_argument("--print", action="store_true", help="print what to put there; change nothing")
    install.add_argument("--link", action="store_true", help="print a link that installs it (cursor, vscode)")
    install.add_argument("--scope", choices=("user", "project"), default="user", help="whose settings; default yours")
    install.add_argument("--name", default="posthog", help="name of the entry; default posthog")
    install.add_argument("--url", default="", help="a remote server's address, such as https://mcp.example.com/mcp")
    install.add_argument("--using", choices=("auto", "uvx", "python"), default="auto", help="what starts the server")
    install.set_defaults(module="install")


def add_themes(commands: Parsers, common: argparse.ArgumentParser) -> None:
    themes = commands.add_parser("themes", help="themes of LLM traces")
    parts = themes.add_subparsers(title="commands", metavar="COMMAND", required=True)
    run = parts.add_parser("run", parents=[common], help="read a theme's new traces once, then cluster")
    run.add_argument("theme", metavar="NAME", help="name or id; or a theme file, which is saved first")
    run.add_argument("--limit", type=positive, default=None, metavar="N", help="most traces; default 2,000")
    run.add_argument("--max-cost", type=float, default=None, metavar="USD", help="most a model may cost; default 1")
    run.add_argument("--date-from", default="", metavar="DATE", help="instead of the theme's, such as -30d")
    run.add_argument("--rewind", action="store_true", help="read all again, also what was given up")
    run.add_argument("--allow-writes", action="store_true", default=None, help="also write $ai_trace_summary events")
    run.add_argument("--json", action="store_true", help="figures and clusters as JSON")
    run.set_defaults(module="themes", action="run_one")
    listing = parts.add_parser("list", parents=[common], help="what there is, and what was read")
    listing.set_defaults(module="themes", action="listing")
    save = parts.add_parser("save", parents=[common], help="save themes of a YAML or JSON file")
    save.add_argument("file", type=Path, metavar="FILE")
    save.set_defaults(module="themes", action="save")


def add_knowledge(commands: Parsers, common: argparse.ArgumentParser) -> None:
    knowledge = commands.add_parser("knowledge", help="the team's definitions and entries as files")
    parts = knowledge.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for action, does in (("export", "write them to a folder"), ("import", "check the files of a folder and save them")):
        part = parts.add_parser(action, parents=[common], help=does)
        part.add_argument("folder", metavar="DIR")
        part.set_defaults(module="knowledge", action=action)


def port(text: str) -> int:
    """A TCP port; 0 lets the system choose.

    Raises:
        ValueError: not one; argparse words it.
    """
    number = int(text)
    if not 0 <= number <= 65_535:
        raise ValueError(text)
    return number


def positive(text: str) -> int:
    """A whole number above zero; `1_000_000` and `1e6` are read too.

    Raises:
        ValueError: not one; argparse words it.
    """
    number = int(float(text)) if "e" in text.lower() else int(text)
    if number < 1:
        raise ValueError(text)
    return number
