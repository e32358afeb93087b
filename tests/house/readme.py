"""The README's generated tables: tools, settings and error codes. `python -m tests.house.readme` writes them."""

from __future__ import annotations

import re

from posthog_mcp import errors
from posthog_mcp.server.app import TOOLSETS
from posthog_mcp.settings import Settings
from tests.house.rules import ROOT

README = ROOT / "README.md"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tools() -> str:
    rows = [
        (name, f"`{tool.name}`", ", ".join(f"`{each}`" for each in tool.argument_names), sentence(tool.description))
        for name, published in TOOLSETS.items()
        for tool in published
    ]
    return table(("toolset", "tool", "arguments", "what it gives"), rows)


def sentence(text: str) -> str:
    """The first sentence, on one line."""
    plain = " ".join(text.split())
    return re.split(r"(?<=[.])\s", plain, maxsplit=1)[0].replace("|", "\\|")


def settings() -> str:
    rows: list[tuple[str, ...]] = []
    for name, field in Settings.model_fields.items():
        shown = "" if field.default is None or name == "data_dir" else plain(field.default)
        rows.append((f"`{field.alias}`", str(field.description), shown))
    return table(("variable", "meaning", "default"), rows)


def plain(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def error_codes() -> str:
    family = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__base__ is errors.PostHogMcpError
    ]
    return table(("code", "meaning"), [(f"`[{kind.code}]`", sentence(kind.__doc__ or "")) for kind in family])


TABLES = {"tools": tools, "settings": settings, "errors": error_codes}


def filled(text: str) -> str:
    """The text with every `<!-- name -->…<!-- /name -->` filled again."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        head, found, rest = text.partition(begin)
        if not found or end not in rest:
            raise ValueError(f"the README has no place for {name}")
        text = f"{head}{begin}\n\n{make()}\n\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
