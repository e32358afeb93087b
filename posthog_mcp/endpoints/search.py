"""Plain words to the few endpoints that fit: words and their other forms, weighed by how rare they are in the table.

No network and no model; a search takes about a millisecond. What a word of the question says about the method (delete,
create, list) counts beside what it says about the family.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from posthog_mcp.endpoints.table import Absent, Endpoint, Method, shortened, table, words
from posthog_mcp.results import Json

Entry = Endpoint | Absent
SYNONYMS: Mapping[str, str] = {
    "user": "person",
    "customer": "person",
    "people": "person",
    "ab": "experiment",
    "split": "experiment",
    "toggle": "flag",
    "replay": "recording",
    "video": "recording",
    "crash": "error",
    "exception": "error",
    "bug": "error",
    "board": "dashboard",
    "segment": "cohort",
    "audience": "cohort",
    "company": "group",
    "account": "group",
    "chart": "insight",
    "graph": "insight",
    "hook": "webhook",
    "teammate": "member",
    "colleague": "member",
    "audit": "activity",
    "history": "activity",
    "nps": "survey",
    "feedback": "survey",
    "beta": "early",
    "taxonomy": "definition",
    "dump": "download",
    "wrong": "fail",
    "broken": "fail",
    "error-log": "log",
    "sql": "hogql",
    "notify": "alert",
    "notification": "alert",
    "deploy": "annotation",
    "release": "annotation",
    "campaign": "workflow",
    "journey": "workflow",
    "invitation": "invite",
    "cost": "cost",
    "whoami": "me",
    "myself": "me",
}
"""A word → the table's word that it also stands for."""

VERBS: Mapping[Method, frozenset[str]] = {
    "POST": frozenset(words("create add new make start launch send invite duplicate copy simulate")),
    "PATCH": frozenset(
        words("update change edit rename set modify enable disable turn toggle mark archive resolve move assign pin")
    ),
    "DELETE": frozenset(words("delete remove drop erase forget destroy")),
    "GET": frozenset(words("list show get see find read which what who all fetch look view how when where why many")),
}
STOP = frozenset(
    words(
        "a an the of in on to for from with by is are was were be do does did i we our my me it its this that "
        "these those there and or can could please posthog api endpoint have has one ones into out "
        "over at as their them they if so up any some each want need would should about exist really list "
        "show get what which who how when where why many all fetch look see was were new make other another"
    )
) - {"me"}
NUMBER = re.compile(r"[a-z0-9@]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A found entry; a bigger `score` fits better."""

    entry: Entry
    score: float


def search(question: str, limit: int = 5) -> list[Hit]:
    """The entries that fit best, best first; none where no word of the question is known."""
    asked = terms(question)
    verbs = methods_of(question)
    found: list[Hit] = []
    for entry, weights in index():
        points = sum(weights.get(word, 0.0) * rarity().get(word, 0.0) for word in asked)
        if points > 0:
            fit = max(method_fit(entry, verbs), own_verb(entry, asked))
            found.append(Hit(entry, points * fit * plainness(entry, asked)))
    found.sort(key=lambda hit: -hit.score)
    return [hit for hit in found[:limit] if hit.score > found[0].score * 0.3]


def methods_of(question: str) -> frozenset[Method]:
    """Methods that the question's verbs speak of."""
    said = set(NUMBER.findall(question.lower()))
    return frozenset(method for method, verbs in VERBS.items() if verbs & said)


def method_fit(entry: Entry, verbs: frozenset[Method]) -> float:
    """Reading unless the words say otherwise; deleting is PATCH where PostHog only marks."""
    writing = verbs - {"GET"}
    if isinstance(entry, Absent):
        return 1.1 if (entry.method in writing if writing else entry.method == "GET") else 0.5
    if not writing:
        return 1.0 if entry.method == "GET" else 0.45
    if entry.method in writing:
        return 1.0 if entry.role else 1.05
    if "DELETE" in writing and entry.role == "update" and f"{entry.path}" in table().soft:
        return 0.95
    return 0.55 if entry.method != "GET" else 0.45


def own_verb(entry: Entry, asked: Sequence[str]) -> float:
    """An endpoint that does one thing, such as pausing, is meant where that word is said."""
    if isinstance(entry, Absent) or entry.method == "GET":
        return 0.0
    own = "" if entry.role else re.split("[_-]", entry.path.rstrip("/").rpartition("/")[2])[0]
    named = terms(f"{own} {entry.does.partition(' ')[0]}")
    return 1.2 if any(word in asked for word in named) else 0.0


def plainness(entry: Entry, asked: Sequence[str]) -> float:
    """The list and the item of a family come before its side paths where the words fit both."""
    if isinstance(entry, Absent):
        return 1.0
    one = {"one", "id", "single", "detail"} & set(asked)
    return {"list": 1.15 if not one else 0.95, "get": 1.0 if not one else 1.1, "create": 1.06, "update": 1.04}.get(
        entry.role, 1.0
    )


@cache
def index() -> tuple[tuple[Entry, Mapping[str, float]], ...]:
    """Weights of the words of each entry; the best place of a word counts."""
    endpoints: Iterable[Entry] = table().endpoints
    return tuple((entry, weights_of(entry)) for entry in (*endpoints, *table().absent))


def weights_of(entry: Entry) -> dict[str, float]:
    if isinstance(entry, Absent):
        places = [(entry.words, 3.0), (entry.path, 1.0)]
        return weighed(places)
    own = not entry.role
    places = [
        (entry.does, 3.0 if own else 2.2),
        (entry.family.replace("_", " "), 2.2 if own else 3.0),
        (last_words(entry.path), 2.0),
        (entry.title, 1.0 if own else 2.0),
        (entry.words, 1.0 if own else 2.0),
        (" ".join((*entry.filters, *entry.fields, *entry.writes)).replace("_", " "), 0.5),
    ]
    return weighed(places)


def weighed(places: Sequence[tuple[str, float]]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for text, weight in places:
        for word in terms(text):
            weights[word] = max(weights.get(word, 0.0), weight)
    return weights


def last_words(path: str) -> str:
    """The path's own words, without the common beginning and the placeholders."""
    rest = path.split("/")[4:] if "{" in path else path.split("/")[2:]
    return " ".join(each for each in rest if "{" not in each).replace("_", " ").replace("-", " ")


@cache
def rarity() -> Mapping[str, float]:
    """How much a word tells: the logarithm of how few entries have it."""
    counts = Counter(word for _, weights in index() for word in weights)
    total = len(index())
    return {word: math.log(1 + total / count) for word, count in counts.items()}


def terms(text: str) -> list[str]:
    """Words in their plain form, each with what it also stands for, once."""
    found: list[str] = []
    for word in NUMBER.findall(text.lower().replace("a/b", "ab")):
        plain = stem(word)
        if word in STOP or plain in STOP:
            continue
        found += [plain, *([stem(SYNONYMS[plain])] if plain in SYNONYMS else [])]
    return list(dict.fromkeys(found))


def stem(word: str) -> str:
    """Without plural and -ing, -ed: enough for English of this size."""
    for ending, kept in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) > 2 and not word.endswith(("ss", "us")):
            return word.removesuffix(ending) + kept
    return word


def described(entry: Entry) -> dict[str, Json]:
    """An entry as search_api shows it: only what is there."""
    if isinstance(entry, Absent):
        missing = f"{entry.method} {shortened(entry.path)}"
        return {"endpoint": missing, "exists": False, "says": entry.says, "instead": entry.instead}
    shown: dict[str, Json] = {
        "endpoint": f"{entry.method} {entry.short}",
        "does": entry.does,
        "scope": entry.scope,
        "path_params": list(entry.parameters),
        "query": [f"{name} (required)" if name in entry.needs else name for name in entry.query],
        "body": [f"{name} (required)" if name in entry.required else name for name in entry.writes],
        "returns": list(entry.fields),
        "shape": entry.shape,
        "use_instead": entry.use,
        "changes": "needs POSTHOG_MCP_ALLOW_WRITES" if entry.changes else "",
        "admin": f"{entry.admin} management: needs POSTHOG_MCP_ALLOW_ADMIN" if entry.admin and entry.changes else "",
        "note": entry.note,
    }
    return {name: value for name, value in shown.items() if value}
