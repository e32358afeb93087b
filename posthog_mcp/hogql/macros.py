"""PostHog's own functions as HogQL: what a call stands for, built as a tree in its place.

A macro takes the call and gives the expression that it means, from PostHog's published definitions; the resolver
resolves that where the call stands. `matchesAction` is in `macros_actions.py`, the names of crawlers, languages and
sources in `data/lookups.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.tree_expressions import (
    And,
    Array,
    ArrayAccess,
    Call,
    CompareOp,
    CompareOperation,
    Constant,
    Expr,
    Field,
    Lambda,
    Literals,
    Tuple,
)
from posthog_mcp.hogql.tree_queries import JoinExpr, SelectQuery

Macro: TypeAlias = Callable[["Builder", Call], Expr]


@dataclass(frozen=True, slots=True)
class Lookups:
    """What `data/lookups.json` holds. A bot: user agent pattern, name, category, traffic type, operator."""

    about: str
    bots: list[tuple[str, str, str, str, str]]
    languages: Mapping[str, str]
    sources: Mapping[str, str]
    mediums: Mapping[str, Mapping[str, str]]


@cache
def lookups() -> Lookups:
    return Lookups(**json.loads(files("posthog_mcp.hogql").joinpath("data/lookups.json").read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes nodes in a call's place. `events` is the name of the events table in this SELECT, empty where it needs
    none; `has_properties`: some table of the SELECT has them."""

    place: Expr
    events: str = ""
    has_properties: bool = True

    def const(self, value: Literals) -> Constant:
        return Constant(value, **self.place.place)

    def field(self, *parts: str) -> Field:
        """A column of the events table."""
        return Field([*([self.events] if self.events else []), *parts], **self.place.place)

    def call(self, name: str, *args: Expr) -> Call:
        return Call(name, list(args), **self.place.place)

    def compare(self, left: Expr, op: CompareOp, right: Expr) -> CompareOperation:
        return CompareOperation(left, right, op, **self.place.place)

    def all(self, *exprs: Expr) -> Expr:
        return And(list(exprs), **self.place.place)

    def texts(self, values: list[str]) -> Array:
        return Array([self.const(value) for value in values], **self.place.place)

    def tag(self, kind: str, *parts: Expr) -> Tuple:
        """A HogQLX tag as PostHog's front end reads it."""
        return Tuple([self.const("__hx_tag"), self.const(kind), *parts], **self.place.place)

    def refuse(self, message: str, fix: str) -> HogQLResolutionError:
        context = {"start": self.place.start, "end": self.place.end}
        return HogQLResolutionError(message, fix=fix, context=context)


def sparkline(b: Builder, node: Call) -> Expr:
    labels = [b.const("labels"), node.args[1]] if len(node.args) > 1 else []
    return b.tag("Sparkline", b.const("data"), node.args[0], *labels)


def recording_button(b: Builder, node: Call) -> Expr:
    own = b.field("properties", "$recording_status") if b.has_properties else None
    status = node.args[1] if len(node.args) > 1 else own
    rest = [b.const("recordingStatus"), status] if status else []
    return b.tag("RecordingButton", b.const("sessionId"), node.args[0], *rest)


def explain_csp_report(b: Builder, node: Call) -> Expr:
    return b.tag("ExplainCSPReport", b.const("properties"), node.args[0])


def looked_up(values: Mapping[str, str], default: str | None) -> Macro:
    """The value for a text; the default for any other."""

    def macro(b: Builder, node: Call) -> Expr:
        text = b.call("lower", b.call("ifNull", b.call("toString", node.args[0]), b.const("")))
        listed = [b.texts(list(values)), b.texts(list(values.values()))]
        return b.call("transform", text, *listed, b.const(default))

    return macro


def language_name(b: Builder, node: Call) -> Expr:
    names = lookups().languages
    text = b.call("ifNull", b.call("toString", node.args[0]), b.const(""))
    return b.call("transform", text, b.texts(list(names)), b.texts(list(names.values())), b.const("Unknown"))


def domain_type(b: Builder, node: Call) -> Expr:
    return looked_up(lookups().sources, None)(b, node)


def source_type(word: str) -> Macro:
    """`Paid Search`, `Organic Social`, …; an assistant's traffic is `AI` either way."""

    def macro(b: Builder, node: Call) -> Expr:
        named = {source: kind if kind == "AI" else f"{word} {kind}" for source, kind in lookups().sources.items()}
        return looked_up(named, None)(b, node)

    return macro


def medium_type(word: str) -> Macro:
    def macro(b: Builder, node: Call) -> Expr:
        return looked_up(lookups().mediums[word], None)(b, node)

    return macro


BOT_COLUMNS = {"name": 1, "category": 2, "traffic_type": 3, "operator": 4}


def bot_index(b: Builder, user_agent: Expr, patterns: list[str]) -> Expr:
    """The number of the first pattern that matches, 0 when none does."""
    matches = b.call("match", b.call("ifNull", user_agent, b.const("")), Field(["pattern"], **b.place.place))
    return b.call("arrayFirstIndex", Lambda(["pattern"], matches, **b.place.place), b.texts(patterns))


def bot(column: str, default: str, empty: str) -> Macro:
    """What a user agent is called; `empty` is for no user agent at all."""

    def macro(b: Builder, node: Call) -> Expr:
        bots = lookups().bots
        labels = [str(each[BOT_COLUMNS[column]]) for each in bots]
        index = bot_index(b, node.args[0], [*(each[0] for each in bots), "^$"])
        named = ArrayAccess(b.texts([default, *labels, empty]), b.call("plus", index, b.const(1)), **b.place.place)
        return b.call("assumeNotNull", named)

    return macro


def is_bot(b: Builder, node: Call) -> Expr:
    index = bot_index(b, node.args[0], [*(each[0] for each in lookups().bots), "^$"])
    return b.call("toBool", b.compare(index, "!=", b.const(0)))


def survey_response(b: Builder, node: Call) -> Expr:
    """getSurveyResponse(index, question id?, multiple choice?): by question id, else by index.

    Raises:
        HogQLResolutionError: the index is not a whole number that is written out.
    """
    given = node.args[0].value if isinstance(node.args[0], Constant) else None
    if not str(given).lstrip("-").isdigit() or isinstance(given, bool):
        raise b.refuse(
            "getSurveyResponse() takes the question's index as its first argument.", "Write 0 for the first."
        )
    index = int(str(given))
    question = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], Constant) else None
    multiple = len(node.args) > 2 and isinstance(node.args[2], Constant) and bool(node.args[2].value)
    by_index = b.const("$survey_response" if index == 0 else f"$survey_response_{index}")
    properties = b.field("properties")
    if question:
        by_id: Expr = b.const(f"$survey_response_{question}")
    else:
        questions = b.call("JSONExtractArrayRaw", properties, b.const("$survey_questions"))
        nth = ArrayAccess(questions, b.const(index + 1), **b.place.place)
        by_id = b.call("concat", b.const("$survey_response_"), b.call("JSONExtractString", nth, b.const("id")))
    if not multiple:
        texts = [b.call("JSONExtractString", properties, key) for key in (by_id, by_index)]
        return b.call("coalesce", *(b.call("nullIf", text, b.const("")) for text in texts))
    by_id_list = b.call("JSONExtractArrayRaw", properties, by_id)
    filled = b.compare(b.call("length", by_id_list), ">", b.const(0))
    there = b.all(b.call("JSONHas", properties, by_id), filled)
    return b.call("if", there, by_id_list, b.call("JSONExtractArrayRaw", properties, by_index))


def unique_submissions(b: Builder, node: Call) -> Expr:
    """uniqueSurveySubmissionsFilter(survey id, from?, to?): the last event of each submission.

    Raises:
        HogQLResolutionError: an argument is not written out.
    """
    if any(not isinstance(each, Constant) for each in node.args):
        raise b.refuse("uniqueSurveySubmissionsFilter() takes constants only.", "Write the survey's id as a text.")
    inner = Builder(b.place)
    conditions: list[Expr] = [
        inner.compare(inner.field("event"), "==", inner.const("survey sent")),
        inner.compare(inner.field("properties", "$survey_id"), "==", node.args[0]),
    ]
    bounds: tuple[CompareOp, CompareOp] = (">=", "<=")
    for op, moment in zip(bounds, node.args[1:], strict=False):
        conditions.append(inner.compare(inner.field("timestamp"), op, moment))
    submission = inner.field("properties", "$survey_submission_id")
    missing = inner.compare(inner.call("coalesce", submission, inner.const("")), "==", inner.const(""))
    key = inner.call("if", missing, inner.call("toString", inner.field("uuid")), submission)
    at = b.place.place
    last = inner.call("argMax", inner.field("uuid"), inner.field("timestamp"))
    events = JoinExpr(table=Field(["events"], **at), **at)
    query = SelectQuery([last], select_from=events, where=inner.all(*conditions), group_by=[key], **at)
    return b.compare(b.field("uuid"), "in", query)


TRAFFIC = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "__preview_")
    for name in (
        "getTrafficType",
        "getTrafficCategory",
        "getBotType",
        "getBotName",
        "getBotOperator",
        "isLikelyBot",
        "isBot",
    )
)
"""What classifies user agents. With an address as second argument they need PostHog's list of crawler networks."""
MACROS: Mapping[str, Macro] = {
    "sparkline": sparkline,
    "recordingButton": recording_button,
    "recording_button": recording_button,
    "explainCSPReport": explain_csp_report,
    "languageCodeToName": language_name,
    "getSurveyResponse": survey_response,
    "uniqueSurveySubmissionsFilter": unique_submissions,
    **dict.fromkeys(("lookupDomainType", "hogql_lookupDomainType"), domain_type),
    **dict.fromkeys(
        ("lookupPaidSourceType", "hogql_lookupPaidSourceType", "hogql_lookupPaidDomainType"), source_type("Paid")
    ),
    **dict.fromkeys(
        ("lookupOrganicSourceType", "hogql_lookupOrganicSourceType", "hogql_lookupOrganicDomainType"),
        source_type("Organic"),
    ),
    **dict.fromkeys(("lookupPaidMediumType", "hogql_lookupPaidMediumType"), medium_type("paid")),
    **dict.fromkeys(("lookupOrganicMediumType", "hogql_lookupOrganicMediumType"), medium_type("organic")),
    **{
        f"{prefix}{name}": macro
        for prefix in ("", "__preview_")
        for name, macro in (
            ("getTrafficType", bot("traffic_type", "Regular", "Automation")),
            ("getTrafficCategory", bot("category", "regular", "no_user_agent")),
            ("getBotType", bot("category", "", "no_user_agent")),
            ("getBotName", bot("name", "", "")),
            ("getBotOperator", bot("operator", "", "")),
        )
    },
    **dict.fromkeys(("isLikelyBot", "__preview_isBot"), is_bot),
}
