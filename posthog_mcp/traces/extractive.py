"""The writer without a model: an answer in the theme's format, put together from signs and quotations.

It can quote and count; it cannot judge. Relevance is whether a sign that belongs to the theme is there; a theme of a
person's own is relevant where its name's or description's words are said. Every answer is marked `extractive`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.results import Json
from posthog_mcp.traces.picking import Candidate
from posthog_mcp.traces.readings import Reading
from posthog_mcp.traces.signals import Sign, SignKind, quote
from posthog_mcp.traces.themes import AnalysisTheme, built_in

WRITER = "extractive"
ASKED = "asked"
"""What a trace's first request is kept as, beside the answer."""
Weights = Mapping[SignKind, int]
"""Sign → how much it says for a theme; 3 stands alone, 1 only supports."""
PROBLEMS: Weights = {
    "error": 3,
    "failed_tool": 3,
    "loop": 3,
    "empty_answer": 3,
    "truncated": 2,
    "abandoned": 3,
    "bad_feedback": 2,
    "correction": 2,
    "retry": 1,
    "unrecovered": 2,
    "apology": 1,
    "refusal": 2,
    "complaint": 2,
    "repeated_ask": 2,
}
WEIGHTS: Mapping[str, Weights] = {
    "error_analysis": PROBLEMS,
    "ux_issues": {
        "complaint": 3,
        "correction": 3,
        "repeated_ask": 3,
        "bad_feedback": 3,
        "refusal": 2,
        "abandoned": 2,
        "apology": 2,
        "empty_answer": 2,
        "loop": 1,
    },
    "feature_requests": {"request": 3, "refusal": 2, "bad_feedback": 1},
    "performance_issues": {"loop": 3, "retry": 2, "truncated": 2, "slow_step": 1, "error": 1},
    "success_patterns": {"praise": 3, "good_feedback": 3},
}
RELEVANT = 2
WORDS = {
    "error": "error",
    "failed_tool": "tool failed",
    "retry": "retry",
    "unrecovered": "never succeeded",
    "loop": "loop",
    "truncated": "answer cut",
    "empty_answer": "empty answer",
    "abandoned": "no answer at the end",
    "apology": "assistant apologised",
    "refusal": "refused",
    "correction": "user corrected",
    "repeated_ask": "asked again",
    "complaint": "user complained",
    "bad_feedback": "bad feedback",
    "good_feedback": "good feedback",
    "praise": "user praised",
    "request": "wished for",
    "slow_step": "slow step",
}
RATE_LIMIT = re.compile(r"\b(?:429|rate.?limit|timed? ?out|timeout|overloaded|529|503)\b", re.IGNORECASE)
COMMON = frozenset(
    "about after again also analysis anything because been being could does from have having issue issues "  # noqa: SIM905
    "into more most must only other patterns problem problems should some such that their them there these "
    "they things this those what when where which while with would your".split()
)
OUTLIER = 3.0
"""Times the median, beyond the 95th percentile, from which a trace is slow or costly."""
MOST_TITLE = 120


def extract(theme: AnalysisTheme, reading: Reading, about: Candidate, norms: Mapping[str, float]) -> dict[str, Json]:
    """An answer for one trace. `norms` are the project's p95_… and median_… of latency (s) and cost (USD)."""
    weights = WEIGHTS.get(theme.id if theme.id in built_in() else "")
    signs = list(reading.signs)
    if weights is None:
        return by_words(theme, reading, about)
    if theme.id == "performance_issues":
        signs = [each for each in signs if each.kind != "error" or RATE_LIMIT.search(each.text)]
    counted = [each for each in signs if weights.get(each.kind)]
    extra = outliers(about, norms) if theme.id == "performance_issues" else []
    strongest = max((weights[each.kind] for each in counted), default=0)
    score = RELEVANT if extra else max(strongest, len({each.kind for each in counted}))
    if theme.id == "success_patterns" and failed(signs):
        score = 0
    return composed(theme, reading, about, counted, extra, score >= RELEVANT, weights)


def failed(signs: Sequence[Sign]) -> bool:
    return any(each.kind in ("error", "loop", "empty_answer", "bad_feedback", "complaint") for each in signs)


def outliers(about: Candidate, norms: Mapping[str, float]) -> list[tuple[str, str]]:
    """Figures of the trace that stand far out of this project's, each in words that others share, and exactly."""
    found: list[tuple[str, str]] = []
    for name, value, unit in (("latency", about.latency_s, "s"), ("cost", about.cost_usd, "USD")):
        usual, high = norms.get(f"median_{name}", 0.0), norms.get(f"p95_{name}", 0.0)
        if usual and value >= high and value >= OUTLIER * usual:
            title = "far slower than usual" if name == "latency" else "far more costly than usual"
            found.append((title, f"{name} {value:.3g} {unit}, {value / usual:.1f} times the median"))
    return found


def composed(
    theme: AnalysisTheme,
    reading: Reading,
    about: Candidate,
    signs: Sequence[Sign],
    extra: Sequence[tuple[str, str]],
    relevant: bool,
    weights: Weights,
) -> dict[str, Json]:
    """Title from the weightiest sign, summary from all, the first failure from the earliest."""
    order = {anchor: index for index, anchor in enumerate(reading.anchors)}
    first = sorted(signs, key=lambda each: (-weights[each.kind], order.get(each.anchor, len(order))))
    earliest = sorted(
        (each for each in signs if PROBLEMS.get(each.kind, 0) >= 2), key=lambda each: order.get(each.anchor, len(order))
    )
    lead = f"{WORDS[first[0].kind]}: {first[0].text}" if first else "nothing found by rules"
    if extra and not (first and weights[first[0].kind] > 1):
        lead = f"{' and '.join(title for title, _ in extra)}; {lead}" if first else extra[0][0]
    evidence = list(dict.fromkeys(each.anchor for each in first if each.anchor in order))[:8]
    return {
        "trace_id": reading.trace_id,
        "theme_relevant": relevant,
        "title": short(lead, MOST_TITLE),
        "summary": told(reading, first, extra),
        "evidence": cast("list[Json]", evidence or list(reading.anchors[:1])),
        "severity": severity(theme, about, signs) if relevant else "none",
        "first_failure": f"{earliest[0].anchor} {WORDS[earliest[0].kind]}: {earliest[0].text}".strip()
        if earliest and relevant and theme.id != "success_patterns"
        else "",
        **{name: empty(schema) for name, schema in theme.answer_fields.items()},
    }


def told(reading: Reading, signs: Sequence[Sign], extra: Sequence[tuple[str, str]]) -> str:
    """What was asked, what the signs say, how it ended."""
    parts = [f"Asked: “{reading.asked}”."] if reading.asked else []
    counts = Counter(each.kind for each in signs)
    for kind in dict.fromkeys(each.kind for each in signs):
        one = next(each for each in signs if each.kind == kind)
        times = f" ({counts[kind]}×)" if counts[kind] > 1 else ""
        at = f" at {one.anchor}" if one.anchor else ""
        parts.append(f"{WORDS[kind].capitalize()}{times}{at}: {one.text.rstrip('.')}.")
    parts += [f"{exact.capitalize()}." for _, exact in extra]
    if reading.answered:
        parts.append(f"Last answer: “{reading.answered}”.")
    return short(" ".join(parts) or "Nothing was said.", 1_200)


def severity(theme: AnalysisTheme, about: Candidate, signs: Sequence[Sign]) -> str:
    """How bad, by rule: an end without an answer is high, a failure that was got over is low."""
    kinds = {each.kind for each in signs}
    if theme.id == "success_patterns":
        return "none"
    if kinds & {"abandoned", "empty_answer", "unrecovered"} or {"error", "bad_feedback"} <= kinds:
        return "high"
    if theme.id == "feature_requests":
        return "low"
    if kinds & {"loop", "complaint", "bad_feedback", "refusal"} or about.errors > 1 or len(kinds) > 2:
        return "medium"
    return "low"


def by_words(theme: AnalysisTheme, reading: Reading, about: Candidate) -> dict[str, Json]:
    """A theme of a person's own: where its words stand in the text, and what signs there are besides."""
    text = reading.text.lower()
    words = keywords(f"{theme.name} {theme.description}")
    said = [word for word in words if re.search(rf"\b{re.escape(word)}", text)]
    needed = 1 if len(words) < 4 else 2
    relevant = len(said) >= needed or not words
    weights: Weights = {**PROBLEMS, "request": 2}
    found = composed(
        theme, reading, about, [each for each in reading.signs if weights.get(each.kind)], [], relevant, weights
    )
    if relevant and said:
        found["title"] = short(f"says {', '.join(said[:4])}: {reading.asked or reading.name}", MOST_TITLE)
    return found


def keywords(text: str) -> list[str]:
    """Stems of the words that say what a theme is about."""
    words = re.findall(r"[a-z]{4,}", text.lower())
    stems = [re.sub(r"(?:ies|es|s|ing|ed)$", "", word) for word in words if word not in COMMON]
    return list(dict.fromkeys(each for each in stems if len(each) > 3))


def empty(schema: Mapping[str, Json]) -> Json:
    """A value of the schema's type that says nothing: rules cannot fill a field that they do not know."""
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return "unknown" if "unknown" in choices else choices[-1]
    kinds: dict[Json, Json] = {"string": "", "number": 0.0, "integer": 0, "boolean": False, "array": []}
    return kinds.get(schema.get("type"))


def short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{quote(line[: most - 1])[: most - 1]}…"
