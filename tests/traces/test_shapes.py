"""Every provider's and framework's shape: all that is said stands in the text once, and nothing unreadable does."""

from __future__ import annotations

import json

import pytest

from tests.traces.payloads import EVERY, Case
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


OPEN = (
    "langgraph state",
    "batch of texts",
    "whole response object",
    "embedding vectors",
    "responses items",
    "agent steps",
)
"""Cases with objects of somebody's own."""
