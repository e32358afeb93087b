"""Names of groups from the words that tell them apart: c-TF-IDF over words and word pairs.

Source: BERTopic's class-based TF-IDF (Grootendorst 2022): a word's share of a group times log(1 + mean size / its count
in all groups).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log

from posthog_mcp.traces.vectors import tokens

MOST_TERMS = 6


CLAUSE = re.compile(r"[.:;,!?()\n“”\"]+")


def terms(text: str) -> list[str]:
    """Words, and pairs of neighbours within a clause."""
    found: list[str] = []
    for clause in CLAUSE.split(text):
        words = tokens(clause)
        found += [*words, *(f"{first} {second}" for first, second in pairwise(words) if first != second)]
    return found


def distinctive(groups: Sequence[Sequence[str]], most: int = MOST_TERMS) -> list[list[str]]:
    """For each group of texts the terms that mark it, most telling first; a word within a chosen pair is left out."""
    counts = [Counter(term for text in texts for term in set(terms(text))) for texts in groups]
    every: Counter[str] = Counter()
    for each in counts:
        every.update(each)
    mean = sum(map(sum, (each.values() for each in counts))) / (len(counts) or 1)
    return [chosen(each, every, mean, len(texts), most) for each, texts in zip(counts, groups, strict=True)]


def chosen(own: Counter[str], every: Counter[str], mean: float, texts: int, most: int) -> list[str]:
    """Of one group. A term that only one text of several has is chance."""
    least = 2 if texts > 3 else 1
    scores = {
        term: count / texts * log(1 + mean / every[term]) * (1.15 if " " in term else 1.0)
        for term, count in own.items()
        if count >= least
    }
    found: list[str] = []
    for term in sorted(scores, key=lambda each: (-scores[each], each)):
        words = set(term.split())
        if not any(words <= set(other.split()) or set(other.split()) <= words for other in found):
            found.append(term)
        if len(found) == most:
            break
    return found
