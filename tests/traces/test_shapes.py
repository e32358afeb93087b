"""Every provider's and framework's shape: all that is said stands in the text once, and nothing unreadable does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.traces.cases import Case
from tests.traces.payloads import EVERY, STREAMS
from tests.traces.said import body, event, no_bytes, once, written


def text_of(case: Case) -> str:
    return body(event(input=case.given, output_choices=case.made))


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_all_that_is_said_stands_there_once(case: Case) -> None:
    text = text_of(case)

    once(text, *case.says)
    assert [piece for piece in case.not_says if piece in text] == []
    no_bytes(text)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_shapes_read_the_same_as_text(case: Case) -> None:
    """SDKs send payloads as JSON texts too."""
    given, made = json.dumps(case.given), json.dumps(case.made, ensure_ascii=False)

    assert body(event(input=given, output_choices=made)) == text_of(case)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_no_shape_is_unknown(case: Case) -> None:
    unread = written(event(input=case.given, output_choices=case.made)).facts["unread_shapes"]

    assert unread in ([], ["customer_tier,docs,messages,next"]) or case.id in OPEN


def with_extras(value: Any, extras: list[str], path: str = "") -> Any:
    """The payload with a key of somebody's own in each of its objects."""
    if isinstance(value, list):
        return [with_extras(each, extras, path) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {key: with_extras(each, extras, f"{path}.{key}") for key, each in value.items()}
    if any(name in path for name in COUNTED):
        return inner
    extras.append(f"{path}: extra {len(extras)} said")
    return {**inner, f"own_{len(extras)}": extras[-1]}


@pytest.mark.parametrize("case", [case for case in EVERY if case not in STREAMS], ids=lambda case: case.id)
def test_what_a_reader_does_not_know_is_shown(case: Case) -> None:
    extras: list[str] = []
    text = body(event(input=with_extras(case.given, extras), output_choices=with_extras(case.made, extras)))

    assert [extra for extra in extras if extra not in text] == []


COUNTED = (
    "additional_kwargs.tool_calls",
    "provider_specific_fields",
    "usage",
    "response_metadata",
    "metrics",
    "usageMetadata",
)
"""Figures that the event tells itself, and calls that stand beside the same ones."""
OPEN = (
    "langgraph state",
    "batch of texts",
    "whole response object",
    "embedding vectors",
    "responses items",
    "agent steps",
    "numbers and truth",
)
"""Cases with objects of somebody's own."""
