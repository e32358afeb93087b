"""A case of a shape: what is sent, and the pieces that a text of it must hold once."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4).decode()
WAV = base64.b64encode(b"RIFF" + bytes(range(255, -1, -1)) * 4).decode()
SEALED = base64.b64encode(bytes((i * 37 + 11) % 256 for i in range(600))).decode()


@dataclass(frozen=True)
class Case:
    """`given` and `made` are `$ai_input` and `$ai_output_choices`; `says` stands in the text once, `not_says` never."""

    id: str
    given: Any
    made: Any
    says: tuple[str, ...]
    not_says: tuple[str, ...] = ()


def call(name: str, arguments: Any, call_id: str = "call_1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
