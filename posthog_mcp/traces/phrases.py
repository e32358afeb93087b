"""English phrases by which people and models say that something is wrong, wished for, or well.

Tables of alternatives; `signals.py` looks them up in texts whose apostrophes are plain.
"""

from __future__ import annotations

import re


def phrases(*alternatives: str) -> re.Pattern[str]:
    """Whole words, any case."""
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


FAILED = re.compile(
    "|".join(
        (
            r"^\W{0,3}(?:error|exception|traceback|failed|failure|fatal|panic)\b",
            r"\"(?:error|exception)\"\s*:\s*(?!null|false|\"\"|\{\}|\[\])",
            r"\b(?:status|code)\W{1,4}[45]\d\d\b",
            r"\b(?:4[0-2]\d|50\d) [A-Z][a-z]+",
            r"\b(?:timed out|timeout|connection (?:refused|reset)|permission denied|unauthorized|access denied)\b",
            r"\b(?:rate limit(?:ed)?|not found|no such|does not exist|invalid \w+|cannot be|could not be)\b",
        )
    ),
    re.IGNORECASE,
)
"""The start of a tool's result that says it failed."""
APOLOGY = phrases(
    "sorry", "apologi[sz]e", "apologies", "my mistake", "i was wrong", "you're (?:absolutely )?right", "i misunderstood"
)
REFUSAL = phrases(
    "i'm (?:not able|unable|not allowed)",
    "i (?:can't|cannot|can not) (?:help|do|access|provide|assist|create|send|change|delete|process)",
    "i (?:can't|cannot|can not) (?:perform|export|share|add|remove|find|open|read)",
    "i (?:don't|do not) have (?:access|the ability|a tool|permission)",
    "unable to (?:help|assist|comply)",
    "not something i can",
)
CORRECTION = re.compile(
    r"^\W*no\b[,.!]|"
    + phrases(
        "that(?:'s| is) (?:not|wrong|incorrect)",
        "not what i",
        "i (?:already )?(?:said|told you|meant|asked for)",
        "you (?:missed|forgot|ignored|misunderstood|got it wrong)",
        "still (?:not|wrong|doesn|isn|the same)",
        "wrong (?:answer|one|file|number)",
        "you keep",
    ).pattern,
    re.IGNORECASE,
)
COMPLAINT = phrases(
    "useless",
    "ridiculous",
    r"frustrat\w+",
    "terrible",
    "awful",
    r"annoy\w+",
    "waste of (?:my )?time",
    "does(?:n't| not) work",
    "not working",
    r"disappoint\w+",
    "confus(?:ed|ing)",
    "give up",
    "forget it",
    "never mind",
    "(?:speak|talk) to a (?:human|person)",
    "real person",
)
REQUEST = phrases(
    "feature request",
    "i wish",
    "it would be (?:nice|great|good|helpful|useful)",
    "would love",
    "please (?:add|support|implement)",
    "(?:can|could|will) you (?:please )?(?:add|support|implement|integrate)",
    "do you (?:support|plan|offer)",
    "is there (?:a|any) (?:way|option|plan|chance|support)",
    "why can't i",
    "missing feature",
    "we need (?:a|an|the|to be able)",
    "when will (?:you|there)",
)
PRAISE = phrases(
    "thank(?:s| you)",
    "perfect",
    "exactly what",
    "works (?:now|great|perfectly)",
    "that (?:worked|solved|fixed)",
    "awesome",
    "great job",
    "excellent",
    "very helpful",
    "solved",
)
BAD = phrases(
    "not",
    "no",
    "didn't",
    "bad",
    "wrong",
    "poor",
    "useless",
    "slow",
    "never",
    r"fail\w*",
    "terrible",
    "incorrect",
    "thumbs.?down",
    "negative",
)
GOOD = phrases(
    "good", "great", r"thank\w*", "perfect", "solved", "helpful", "excellent", r"love\w*", "thumbs.?up", "positive"
)
