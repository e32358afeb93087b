"""`posthog://guide/intent-to-query`: the decision tree, and what every intent means, on one page."""

from __future__ import annotations

import re
from functools import cache

from posthog_mcp.knowledge.entries import entries, entry
from posthog_mcp.knowledge.models import Page

GUIDE = "intent-to-query"
PARAGRAPH = re.compile(r"\*\*(Means|Tell it apart|Ask back|Use)\.\*\* (.*?)\n", re.DOTALL)


@cache
def guide_page() -> str:
    """The page as Markdown; made of the intents' own pages, so that there is one source. Blocks."""
    tree = entry(GUIDE)
    lines = [f"# {tree.title}", "", tree.body.strip(), "", "| intent | means | not | with |", "|---|---|---|---|"]
    return "\n".join([*lines, *(row_of(page) for page in intent_pages())]) + "\n"


def intent_pages() -> list[Page]:
    """The pages of the intents, whose questions also teach the classifier."""
    return [page for page in entries() if page.kind == "guide" and "intent" in page.tags]


def row_of(page: Page) -> str:
    told = dict(PARAGRAPH.findall(page.body))
    cells = [page.intents[0], told["Means"], told["Tell it apart"], told["Use"]]
    return "| " + " | ".join(cell.replace("|", "/").strip() for cell in cells) + " |"
