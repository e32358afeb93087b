"""Definitions of the tools that a model could call, in every provider's spelling, as names and signatures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from posthog_mcp.results import Json
from posthog_mcp.traces.messages import ToolDefinition
from posthog_mcp.traces.payloads import decoded

LISTS = ("tools", "functionDeclarations", "function_declarations", "functions")
SCHEMAS = ("parameters", "input_schema", "inputSchema", "parametersJsonSchema", "args_schema", "parameter_definitions")


def tool_definitions(value: Json) -> tuple[ToolDefinition, ...]:
    """Every tool of a payload, in order, each once."""
    return tuple(dict.fromkeys(definitions(value, 0)))


def definitions(value: Json, depth: int) -> Iterator[ToolDefinition]:
    if isinstance(value, str):
        opened = decoded(value)
        if isinstance(opened, str):
            yield from [ToolDefinition(value)] if value.strip() else []
        else:
            yield from definitions(opened, depth)
    elif isinstance(value, list):
        for each in value:
            yield from definitions(each, depth)
    elif isinstance(value, dict) and depth < 4:
        yield from of_object(value, depth)


def of_object(value: dict[str, Json], depth: int) -> Iterator[ToolDefinition]:
    """One tool, a provider's own tool by its type, a group of them, or an object from name to tool."""
    inner = next((value[key] for key in LISTS if isinstance(value.get(key), list)), None)
    if inner is not None:
        yield from definitions(inner, depth + 1)
        return
    wrapped = next((value[key] for key in ("function", "toolSpec", "custom") if isinstance(value.get(key), dict)), None)
    own = cast("dict[str, Json]", wrapped) if isinstance(wrapped, dict) else value
    name = own.get("name") or own.get("toolName") or own.get("server_label")
    if isinstance(name, str):
        yield ToolDefinition(name, signature(own), first_sentence(own.get("description")))
    elif isinstance(value.get("type"), str):
        yield ToolDefinition(str(value["type"]))
    else:
        for key, each in value.items():
            if isinstance(each, dict):
                yield from of_object({"name": key, **each}, depth + 1)
            else:
                yield ToolDefinition(key)


def signature(tool: dict[str, Json]) -> str:
    """`query: string, limit?: integer`; a question mark where it may be left out."""
    schema = next((tool[key] for key in SCHEMAS if isinstance(tool.get(key), str | dict)), None)
    opened = decoded(schema) if isinstance(schema, str) else schema
    if not isinstance(opened, dict):
        return ""
    inner = opened.get("json", opened.get("jsonSchema", opened))
    inner = inner if isinstance(inner, dict) else opened
    fields = inner.get("properties", inner if "type" not in inner else None)
    if not isinstance(fields, dict):
        return ""
    required = inner.get("required")
    needed = {str(each) for each in required} if isinstance(required, list) else set[str]()
    return ", ".join(f"{name}{'' if name in needed else '?'}{kind_of(each)}" for name, each in fields.items())


def kind_of(field: Json) -> str:
    kind = field.get("type") if isinstance(field, dict) else field
    if isinstance(kind, list):
        kind = "|".join(map(str, kind))
    return f": {str(kind).lower()}" if isinstance(kind, str) else ""


def first_sentence(text: Json) -> str:
    if not isinstance(text, str):
        return ""
    line = text.strip().split("\n", 1)[0]
    return line.split(". ", 1)[0].rstrip(".")
