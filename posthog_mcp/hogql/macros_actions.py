"""`matchesAction(id or name)` as HogQL: the steps of one of the project's actions as conditions on events.

A step holds when all its parts do, an action when one step does. Selectors are matched on the chain of elements,
innermost first, as PostHog stores it: `button.primary:text="Buy"nth-child="1";div:…`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from posthog_mcp.hogql.filters import property_condition
from posthog_mcp.hogql.macros import Builder
from posthog_mcp.hogql.tree_expressions import CompareOp, Expr, Field, Lambda, Or
from posthog_mcp.results import Json

AUTOCAPTURE = "$autocapture"
MATCHING: Mapping[str, CompareOp] = {"exact": "==", "contains": "ilike", "regex": "=~"}
SELECTOR_PART = re.compile(
    r"(?P<attribute>\[[^\]]*\])|(?P<class>\.[\w-]+)|(?P<id>#[\w-]+)|(?P<nth>:nth-child\(\d+\))|(?P<tag>[\w*-]+)"
)


def action_condition(b: Builder, steps: list[Mapping[str, Json]]) -> Expr:
    """An action's steps; one without steps matches every event.

    Raises:
        HogQLResolutionError: a step filters by something that has no HogQL form here.
    """
    found = [step_condition(b, step) for step in steps]
    if not found:
        return b.const(True)
    return found[0] if len(found) == 1 else Or(found, **b.place.place)


def step_condition(b: Builder, step: Mapping[str, Json]) -> Expr:
    parts: list[Expr] = []
    event = step.get("event")
    if event:
        parts.append(b.compare(b.field("event"), "==", b.const(str(event))))
    if event == AUTOCAPTURE:
        parts += element_conditions(b, step)
    if step.get("url"):
        how = str(step.get("url_matching") or "contains")
        parts.append(compared(b, b.field("properties", "$current_url"), how, str(step["url"])))
    properties = step.get("properties")
    for each in properties if isinstance(properties, list) else []:
        prefix = [b.events] if b.events else []
        expr = property_condition(each, prefix, b.place.place, "events") if isinstance(each, dict) else None
        if expr is None:
            raise b.refuse("A property filter of this action has no HogQL form here.", "Write the condition itself.")
        parts.append(expr)
    if not parts:
        return b.const(True)
    return parts[0] if len(parts) == 1 else b.all(*parts)


def compared(b: Builder, value: Expr, how: str, wanted: str) -> Expr:
    op = MATCHING.get(how, "==")
    return b.compare(value, op, b.const(f"%{wanted}%" if op == "ilike" else wanted))


def element_conditions(b: Builder, step: Mapping[str, Json]) -> list[Expr]:
    """What an autocaptured click must have hit."""
    parts: list[Expr] = []
    chain = b.field("elements_chain")
    if step.get("selector"):
        parts.append(b.call("match", chain, b.const(selector_pattern(str(step["selector"])))))
    if step.get("tag_name"):
        parts.append(b.call("match", chain, b.const(f"(^|;){re.escape(str(step['tag_name']))}(\\.|$|;|:)")))
    if step.get("href"):
        how = str(step.get("href_matching") or "exact")
        parts.append(compared(b, b.field("elements_chain_href"), how, str(step["href"])))
    if step.get("text"):
        one: Expr = Field(["__text"], **b.place.place)
        how = str(step.get("text_matching") or "exact")
        test = Lambda(["__text"], compared(b, one, how, str(step["text"])), **b.place.place)
        parts.append(b.call("arrayExists", test, b.field("elements_chain_texts")))
    return parts


def selector_pattern(selector: str) -> str:
    """A CSS selector as a pattern of the chain, which runs from the innermost element outwards."""
    steps: list[str] = []
    direct = True
    for part in reversed(selector.replace(">", " > ").split()):
        if part == ">":
            direct = True
            continue
        between = "" if direct else "(?:[^;]*;)*"
        steps.append(between + element_pattern(part))
        direct = False
    return "(?:^|;)" + "".join(steps)


def element_pattern(part: str) -> str:
    """One element: its tag, then classes in the order they are stored, then attributes."""
    tag, classes, attributes = "[^;.:]*", list[str](), list[str]()
    for found in SELECTOR_PART.finditer(part):
        text = found.group()
        if found["tag"]:
            tag = "[^;.:]*" if text == "*" else re.escape(text)
        elif found["class"]:
            classes.append(re.escape(text[1:]))
        elif found["id"]:
            attributes.append(f'attr_id="{re.escape(text[1:])}"')
        elif found["nth"]:
            attributes.append(f'nth-child="{text[11:-1]}"')
        else:
            name, _, value = text[1:-1].partition("=")
            stored = name if name in ("href", "text") else f"(?:attr__)?{re.escape(name)}"
            attributes.append(f'{stored}="{re.escape(value.strip(chr(34) + chr(39)))}"')
    pattern = tag + "".join(rf"(?:\.[^;:]*)?\.{each}\b" for each in sorted(classes))
    return pattern + "[^;]*?" + "[^;]*?".join(attributes) + "[^;]*(?:;|$)"
