"""Files: Markdown, a page with its pictures inside, and the facts as JSON, in a folder of the person's own."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path

import anyio

from posthog_mcp.delivery.channel import NotDelivered, Parcel
from posthog_mcp.delivery.message import Message, as_html, markdown
from posthog_mcp.results import Json


class Files:
    """Writes into the target's folder; the same key writes the same files."""

    dedupes = True

    def __init__(self, default: Path) -> None:
        self._default = default

    def preview(self, parcel: Parcel) -> dict[str, Json]:
        folder, name = self._place(parcel)
        files: list[Json] = [
            {"name": f"{name}{suffix}", "bytes": len(text.encode())}
            for suffix, text in texts_of(parcel.message).items()
        ]
        return {"method": "write", "to": str(folder), "files": files, "text": markdown(parcel.message)}

    async def hand_over(self, parcel: Parcel) -> str:
        """Write the files.

        Raises:
            NotDelivered: the folder cannot be written.
        """
        folder, name = self._place(parcel)
        try:
            await anyio.to_thread.run_sync(write, folder, name, parcel)
        except OSError as error:
            raise NotDelivered(f"{folder} cannot be written: {error.strerror}.", again=False) from None
        return str(folder / f"{name}.md")

    async def arrived(self, parcel: Parcel) -> bool | None:
        """Writing again is harmless."""
        return False

    def _place(self, parcel: Parcel) -> tuple[Path, str]:
        folder = Path(parcel.target.to[0]).expanduser() if parcel.target.to else self._default
        return folder.absolute(), re.sub(r"[^\w.-]+", "-", parcel.key)[:120].strip("-.")


def texts_of(message: Message) -> dict[str, str]:
    """What is written, by the ending of its file."""
    inside = [f"data:image/png;base64,{base64.b64encode(each.png).decode()}" for each in message.pictures]
    facts = {"id": message.subject_id, "title": message.title, **message.facts}
    return {
        ".md": markdown(message),
        ".html": as_html(message, inside),
        ".json": json.dumps(facts, ensure_ascii=False, indent=1),
    }


def write(folder: Path, name: str, parcel: Parcel) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, text in texts_of(parcel.message).items():
        path = folder / f"{name}{suffix}"
        part = path.with_suffix(f"{suffix}.part")
        part.write_bytes(text.encode())
        os.replace(part, path)
