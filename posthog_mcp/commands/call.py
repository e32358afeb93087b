"""`call TOOL JSON`: one tool call through an in-memory MCP client, for scripts and for trying things out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import cast

from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the structured result, or the text; 1 when the tool errs."""
    import anyio

    from posthog_mcp.server.client import Answer, in_memory

    given = tool_arguments(arguments.json)

    async def ask() -> Answer:
        async with in_memory(settings) as session:
            return await session.call(arguments.tool, given)

    answer = anyio.run(ask)
    if answer.is_error:
        sys.stderr.write(answer.text + "\n")
        return 1
    if arguments.image_dir is not None:
        save(answer.images, arguments.image_dir, arguments.tool)
    plain = arguments.text or answer.structured is None
    indent = 2 if sys.stdout.isatty() else None
    shown = answer.text if plain else json.dumps(answer.structured, ensure_ascii=False, indent=indent)
    sys.stdout.write(shown + "\n")
    return 0


def tool_arguments(text: str) -> Mapping[str, Json]:
    """The JSON object given, or read from stdin for `-`.

    Raises:
        InvalidInput: not a JSON object.
    """
    try:
        value: object = json.loads(sys.stdin.read() if text == "-" else text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"The arguments are not JSON: {error}.", fix="""Write them as '{"search": "sign"}'."""
        ) from None
    if not isinstance(value, dict):
        raise InvalidInput("The arguments must be a JSON object.", fix="""Write them as '{"search": "sign"}'.""")
    return cast("dict[str, Json]", value)


def save(images: tuple[tuple[str, bytes], ...], folder: Path, tool: str) -> None:
    """Write `<tool>-1.png`, … beside those of earlier calls, and tell their paths on stderr.

    Raises:
        InvalidInput: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for mime_type, data in images:
            suffix = mime_type.rpartition("/")[2]
            path = next(free for number in count(1) if not (free := folder / f"{tool}-{number}.{suffix}").exists())
            path.write_bytes(data)
            sys.stderr.write(f"{path}\n")
    except OSError as error:
        raise InvalidInput(f"Images cannot be saved in {folder}: {error.strerror}.") from None
