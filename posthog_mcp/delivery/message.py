"""What is sent: sections of text with light marks (`**bold**`, `code`), pictures, facts; and its texts."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from posthog_mcp.results import Json


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with its title and what it shows in words."""

    title: str
    alt: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs and then points. An empty title: no heading."""

    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `subject_id` is the report, alert or campaign that it belongs to."""

    subject_id: str
    title: str
    sections: tuple[Section, ...]
    footer: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict[str, Json])

    @property
    def pictures(self) -> list[Picture]:
        return [each for section in self.sections for each in section.pictures]

    def digest(self) -> str:
        """Of everything that a reader sees."""
        shown = [
            self.title,
            self.footer,
            markdown(self),
            *(hashlib.sha256(each.png).hexdigest() for each in self.pictures),
        ]
        return hashlib.sha256(json.dumps(shown).encode("utf-8", "surrogatepass")).hexdigest()


def markdown(message: Message) -> str:
    """The whole message as Markdown, pictures by their words."""
    parts = [f"# {message.title}"]
    for section in message.sections:
        parts += [f"## {section.title}"] if section.title else []
        parts += section.paragraphs
        if section.points:
            parts.append("\n".join(f"- {point}" for point in section.points))
    return "\n\n".join([*parts, *([f"_{message.footer}_"] if message.footer else [])]) + "\n"


def plain(message: Message) -> str:
    """The whole message as text for a mail reader without HTML."""
    lines = [message.title, "=" * min(len(message.title), 78), ""]
    for section in message.sections:
        lines += [section.title.upper(), ""] if section.title else []
        for paragraph in section.paragraphs:
            lines += [unmarked(paragraph), ""]
        lines += [f"* {unmarked(point)}" for point in section.points]
        lines += [""] if section.points else []
    return "\n".join([*lines, message.footer]).strip() + "\n"


def unmarked(text: str) -> str:
    """Without the marks for bold and code."""
    return re.sub(r"\*\*(.+?)\*\*|`(.+?)`", lambda found: found[1] or found[2], text)


STYLE = (
    "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5;"
    "color:#1d1f27;max-width:680px;margin:0 auto;padding:16px"
)


def as_html(message: Message, sources: Sequence[str]) -> str:
    """A page that mail readers show; `sources` are the addresses of the pictures, in their order."""
    taken = iter(sources)
    parts = [f'<h1 style="font-size:22px">{inline(message.title)}</h1>']
    for section in message.sections:
        parts += [f'<h2 style="font-size:17px;margin:24px 0 8px">{inline(section.title)}</h2>'] if section.title else []
        parts += [f"<p>{inline(paragraph)}</p>" for paragraph in section.paragraphs]
        if section.points:
            parts.append(f"<ul>{''.join(f'<li>{inline(point)}</li>' for point in section.points)}</ul>")
        parts += [
            f'<p><img src="{next(taken)}" alt="{html.escape(each.alt)}" style="max-width:100%;border:0"></p>'
            for each in section.pictures
        ]
    if message.footer:
        parts.append(f'<p style="color:#6b6f7b;font-size:12px">{inline(message.footer)}</p>')
    head = f'<meta charset="utf-8"><title>{html.escape(message.title)}</title>'
    return f'<!doctype html><html><head>{head}</head><body style="{STYLE}">{"".join(parts)}</body></html>'


def inline(text: str) -> str:
    """Escaped, then the marks as tags: nothing in the text can become a tag of its own."""
    escaped = html.escape(text)
    escaped = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escaped)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escaped)


def quoted(text: str, most: int = 200) -> str:
    """A text from events or people inside a sentence: one line, no marks, no links, no mentions."""
    plain_text = " ".join(re.sub(r"[\x00-\x1f\x7f​‎‏‪-‮⁠-⁩﻿]", " ", text).split())
    harmless = re.sub(r"[*`\[\]<>|]", "", plain_text).replace("://", "[:]//")
    return harmless if len(harmless) <= most else f"{harmless[: most - 1]}…"
