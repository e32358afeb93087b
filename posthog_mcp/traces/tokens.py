"""How many tokens a text has, estimated without a tokenizer.

Fitted on o200k_base over chats, JSON and trace texts: −1 to +6 % there, +14 % on code, +22 % on Chinese and Japanese;
a quarter of the characters is 25 % too low on JSON.
"""

from __future__ import annotations

import re

WORD = re.compile(r"[A-Za-z]+")
LONG_WORD = re.compile(r"[A-Za-z]{7,}")
DIGITS = re.compile(r"[0-9]+")
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]+")
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
FOREIGN = re.compile("[^\x00-\x7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
NEWLINES = re.compile(r"\n+")


def tokens_of(text: str) -> int:
    """About the number of tokens that a model of today reads."""
    count = float(len(WORD.findall(text)))
    count += 0.55 * sum((len(word) - 1) // 6 for word in LONG_WORD.findall(text))
    count += sum((len(run) + 2) // 3 for run in DIGITS.findall(text))
    count += 1.05 * len(PUNCTUATION.findall(text)) + 0.6 * len(NEWLINES.findall(text))
    if not text.isascii():
        count += 0.8 * len(CJK.findall(text)) + 0.5 * len(FOREIGN.findall(text))
    return round(count)
