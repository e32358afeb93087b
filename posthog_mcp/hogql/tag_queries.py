"""`<HogQLQuery query='…' />` in FROM: the query inside the tag, parsed and put where the tag stands.

Every place of the inner query becomes the tag's: its text is not part of the author's.
"""

from __future__ import annotations

from typing import cast

from posthog_mcp.errors import HogQLSyntaxError
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.results import Json

DEEPEST_TAG = 3


async def expand_tags(parser: Parser, node: Json, query: str, depth: int = 0) -> None:
    """Put the query of each `<HogQLQuery query='…' />` where the tag stands, at the tag's place.

    Raises:
        HogQLSyntaxError: such a query does not parse, or holds another one too deep.
    """
    if "<" not in query:
        return
    for join in joins_with_tags(node):
        tag = cast("dict[str, Json]", join["table"])
        text = tag_query(tag)
        if text is None or depth > DEEPEST_TAG:
            continue
        try:
            inner = await parser.parse(text)
            await expand_tags(parser, inner, text, depth + 1)
        except HogQLSyntaxError as error:
            place = {"start": offset(tag, "start"), "end": offset(tag, "end")}
            raise HogQLSyntaxError(f"<HogQLQuery />: {error.message}", fix=error.fix, context=place) from None
        join["table"] = moved(inner, tag)


def joins_with_tags(node: Json) -> list[dict[str, Json]]:
    """The JoinExprs of a parsed query whose table is a HogQLQuery tag."""
    found: list[dict[str, Json]] = []
    waiting: list[Json] = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            table = each.get("table")
            if each.get("node") == "JoinExpr" and isinstance(table, dict) and table.get("kind") == "HogQLQuery":
                found.append(each)
            waiting += each.values()
    return found


def tag_query(tag: dict[str, Json]) -> str | None:
    """The text of a tag's `query` attribute."""
    attributes = tag.get("attributes")
    for each in attributes if isinstance(attributes, list) else []:
        value = each.get("value") if isinstance(each, dict) and each.get("name") == "query" else None
        text = value.get("value") if isinstance(value, dict) else None
        if isinstance(text, str):
            return text
    return None


def offset(node: dict[str, Json], edge: str) -> int:
    place = node.get(edge)
    found = place.get("offset") if isinstance(place, dict) else None
    return found if isinstance(found, int) else 0


def moved(node: Json, tag: dict[str, Json]) -> Json:
    """A parsed query with every place set to a tag's."""
    if isinstance(node, list):
        return [moved(each, tag) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: each if name in ("start", "end") else moved(each, tag) for name, each in node.items()}
    if "node" in made:
        made |= {"start": tag.get("start"), "end": tag.get("end")}
    return made
