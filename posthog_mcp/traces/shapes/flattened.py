"""Attributes that were flattened into one property a leaf: `gen_ai.prompt.0.content`, `llm.tools.0.name`.

Traceloop, OpenInference and early OpenTelemetry. They are put back into lists and objects, which the readers know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from posthog_mcp.results import Json

Tree = dict[str, "Tree | Json"]


def unflattened(properties: Mapping[str, Json], prefix: str) -> Json:
    """What stands under a prefix (`gen_ai.prompt.`), None for nothing. Keys that are all numbers make a list."""
    root: Tree = {}
    for key, value in properties.items():
        if key.startswith(prefix) and len(key) > len(prefix):
            place(root, key[len(prefix) :].split("."), value)
    return listed(root) if root else None


def place(root: Tree, path: list[str], value: Json) -> None:
    """Put a leaf at its path; a leaf that stands where another needs a branch goes under `value`."""
    here = root
    for name in path[:-1]:
        inner = here.get(name)
        if not isinstance(inner, dict):
            inner = here[name] = cast("Tree", {} if inner is None else {"value": inner})
        here = cast("Tree", inner)
    last = here.get(path[-1])
    if isinstance(last, dict):
        cast("Tree", last)["value"] = value
    else:
        here[path[-1]] = value


def listed(tree: Tree) -> Json:
    made = {key: listed(cast("Tree", value)) if isinstance(value, dict) else value for key, value in tree.items()}
    if made and all(key.isdecimal() and len(key) < 6 for key in made):
        return [made[key] for key in sorted(made, key=int)]
    return cast("Json", made)
