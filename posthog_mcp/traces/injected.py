"""Context that an application put into a person's message, told apart from what the person wrote.

An agent that is judged by its transcript is otherwise judged against its own instructions. Only whole tagged blocks
at the top level are marked; the text itself stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from posthog_mcp.traces.messages import Message, Part

TAGS = """
system-reminder system_reminder system-instructions environment_details environment_context environment context
attached_context attached_files attached-files additional_context additional_data project_context project_layout
user_instructions user_custom_instructions user_info user_rules rules memory memories retrieved_context
documents retrieved_documents search_results open_files current_file editor_context git_status task_notification
command-name command-message local-command-stdout ide_selection ide_opened_file recommended_plugins ui_context
"""
"""Names that agents and editors give such blocks."""
BLOCK = re.compile(
    rf"<(?P<tag>{'|'.join(map(re.escape, TAGS.split()))})(?:\s[^<>]*)?>(?P<inside>.*?)(?:</(?P=tag)>|\Z)", re.DOTALL
)


def marked(message: Message) -> Message:
    """A user's message with injected blocks as parts of their own."""
    if message.role not in ("user", "input") or not any(
        "<" in part.text for part in message.parts if part.kind == "text"
    ):
        return message
    return replace(message, parts=tuple(piece for part in message.parts for piece in pieces(part)))


def pieces(part: Part) -> Iterator[Part]:
    if part.kind != "text":
        yield part
        return
    at = 0
    for found in BLOCK.finditer(part.text):
        if part.text[at : found.start()].strip():
            yield replace(part, text=part.text[at : found.start()])
        yield Part("context", found["inside"], found["tag"])
        at = found.end()
    if at == 0 or part.text[at:].strip():
        yield replace(part, text=part.text[at:])
