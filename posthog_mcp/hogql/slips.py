"""From where a parser stopped to what the author did: one wording for both parsers, with a place and a mend.

The parsers agree on where they stop, almost, and on nothing else; so a slip is told from the tokens around that
place. `RULES` are tried in order and the first that knows the slip answers; the last resort names the token.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches

from posthog_mcp.hogql.diagnostics import Edit
from posthog_mcp.hogql.slips_foreign import FOREIGN, fits
from posthog_mcp.hogql.slips_mends import CLAUSES, case_end, closed, plain_characters, select_first, unwrapped
from posthog_mcp.hogql.slips_place import Place, Slip
from posthog_mcp.hogql.tokens import CLOSING, OPENING, tokens

NOT_READ = "alter attach begin call commit copy create delete drop exchange grant insert kill merge optimize rename"
NOT_READ_TOO = "replace revoke rollback set system truncate update upsert use vacuum"
WRITES = frozenset([*NOT_READ.split(), *NOT_READ_TOO.split()])
SHOWS = frozenset({"explain", "show", "describe", "desc"})
BEGINS = frozenset({"select", "with", "(", "{", "<"})
MORE_WORDS = "and or not in is like ilike between as on by then when else case using over interval"
WANTS_MORE = frozenset(MORE_WORDS.split(" "))
UNITS = frozenset({"second", "minute", "hour", "day", "week", "month", "quarter", "year"})
KEYWORDS = (*CLAUSES, "distinct", "between", "interval", "prewhere", "array", "final", "sample", "asc", "desc")
BAD_ESCAPE = re.compile(r"\\[^'0ABFNRTVabfnrtv\\}{]")
OTHER_CHARACTERS = {
    **dict.fromkeys("“”„«»", ("a typographic quotation mark", "Write '…' for text, or \"…\" for a name.")),
    **dict.fromkeys("‘’‚`´", ("a typographic quotation mark", "Write '…' with straight quotes.")),
    **dict.fromkeys("–—−", ("a typographic dash", "Write - (a plain hyphen).")),
    **dict.fromkeys("≥≤≠", ("a typographic sign", "Write >=, <= or !=.")),
    "&": ("the sign &", "Write AND."),
    "!": ("the sign !", "Write NOT, or != to compare."),
    "@": ("the sign @", "Write a placeholder: {name}."),
    "\u200b": ("an invisible character (zero width space)", "Remove it."),
}


Rule = Callable[[Place], Slip | None]


def explain(query: str, message: str, offset: int, is_select: bool = True) -> Slip:
    """Name the slip behind a parser's message; `offset` is where the parser stopped."""
    place = Place(query, message, max(0, min(offset, len(query))), list(tokens(query)))
    while place.at < len(place.all) and place.all[place.at].end <= place.offset:
        place.at += 1
    for rule in RULES:
        slip = rule(place) if is_select or rule is not not_a_select else None
        if slip:
            return slip
    token = place.token()
    fix = "Check just before this place: a comma, operator, bracket or quote is missing, or one is too many."
    return place.slip(f"Syntax error at `{token.text[:60] if token else ''}`.", fix, token)


def too_deep(place: Place) -> Slip | None:
    if "deeply nested" not in place.message:
        return None
    return place.slip(
        "The query is nested too deeply.", "Flatten it, or split the query.", place.token(), place.token()
    )


def unclosed(place: Place) -> Slip | None:
    """A text, quoted name or comment without its end swallows the rest."""
    token = next((each for each in place.all if each.kind == "unclosed"), None)
    if token is None or token.start > place.offset + 1:
        return None
    if token.text.startswith("/*"):
        return place.slip("This comment is not closed.", "Close it with */.", token)
    quote = token.text[0]
    if quote != "'":
        return place.slip(f"This quoted name is not closed by {quote}.", f"Close it with {quote}.", token)
    fix = "Close it with '. A quote inside a text is doubled: 'it''s'."
    if "\\'" in token.text:
        fix = "A backslash before a quote makes it part of the text: write '\\\\' for one backslash."
    return place.slip("This text is not closed by a quotation mark.", fix, token)


def escape(place: Place) -> Slip | None:
    """One backslash before a character that has no such escape."""
    token = place.token()
    if token is None or token.kind not in ("string", "name"):
        return None
    found = BAD_ESCAPE.search(token.text.replace("\\\\", "  "))
    if not found:
        return None
    start = token.start + found.start()
    message = f"`{found.group()}` is not an escape that HogQL knows."
    doubled = re.sub(r"(\\\\)|\\(?=[^'0ABFNRTVabfnrtv\\}{])", r"\\\\", token.text)
    edit = Edit(token.start, token.end, doubled)
    return place.slip(message, f"Double the backslash: `\\{found.group()}`.", start, start + 2, edit)


def not_a_select(place: Place) -> Slip | None:
    """Another kind of statement, or a wrapping around one."""
    first, word = place.token(), place.text()
    if first is None or place.at > 0 or word in BEGINS or "Unsupported" in place.message:
        return None
    if word in WRITES:
        return place.slip("HogQL only reads: a query is one SELECT.", "Write a SELECT.", first)
    if word in SHOWS:
        fix = "Write a SELECT; for a table's fields use get_object_fields."
        return place.slip("HogQL has no EXPLAIN, SHOW or DESCRIBE.", fix, first)
    if word == "from":
        message = "A query starts with SELECT, not FROM."
        return place.slip(message, "Write SELECT … FROM ….", first, edit=select_first(place))
    if "select" in word or "select" in (place.text(1), place.text(2), place.text(3)):
        fix = "Send the query alone: no quotes, code fences or names around it."
        return place.slip("A query starts with SELECT or WITH.", fix, first, edit=unwrapped(place.query))
    near = get_close_matches(word, ["select", "with"], 1)
    fix = f"Did you mean {near[0].upper()}?" if near else "Write SELECT … FROM …."
    message = f"A query starts with SELECT or WITH, not `{first.text[:60]}`."
    return place.slip(message, fix, first, edit=near[0].upper() if near else None)


def second_statement(place: Place) -> Slip | None:
    for i, token in enumerate(place.all[: place.at + 1]):
        if token.text == ";" and i + 1 < len(place.all):
            first, last = place.all[i + 1], place.all[-1]
            return place.slip(
                "There is more after `;`: one call takes one SELECT.", "Send them one by one.", first, last
            )
    return None


def character(place: Place) -> Slip | None:
    """A character that HogQL does not use."""
    sign = place.query[place.offset : place.offset + 1]
    if "nexpected character" not in place.message or not sign:
        return None
    what, fix = OTHER_CHARACTERS.get(sign, (f"the character `{sign}` (U+{ord(sign):04X})", "Quote names: `…`."))
    message = f"HogQL does not use {what} here."
    return place.slip(message, fix, place.offset, place.offset + 1, edit=plain_characters(place.query, place.offset))


def foreign(place: Place) -> Slip | None:
    """A construct of another SQL, standing where the parser stopped."""
    for each in FOREIGN:
        blamed = each.anywhere and ("Unsupported" in place.message or place.at == 0)
        size = len(each.pattern)
        starts = range(len(place.all)) if blamed else range(max(0, place.at - size - 1), place.at + 1)
        for start in starts:
            found = place.all[start : start + size]
            a_part = start > 0 and place.all[start - 1].text == "."
            if len(found) == size and not a_part and all(map(fits, each.pattern, found)):
                edit = each.rewrite(place.all, start, start + size - 1) if each.rewrite else None
                return place.slip(each.message, each.fix, found[0], found[-1], edit)
    return None


def interval(place: Place) -> Slip | None:
    """INTERVAL 7 days: the unit is one word, in the singular."""
    for step in (-2, -1, 0):
        count, unit = place.token(step + 1), place.token(step + 2)
        if place.text(step) == "interval" and count and count.kind == "number" and not (unit and unit.lowered in UNITS):
            one = unit.lowered.removesuffix("s") if unit else ""
            wanted = f"INTERVAL {count.text} {(one if one in UNITS else 'day').upper()}"
            message = "INTERVAL takes a number and a unit: second, minute, hour, day, week, month, quarter, year."
            last = unit if one in UNITS else count
            return place.slip(message, f"Write {wanted}.", place.token(step), last, wanted)
    count, one = place.token(-1), place.text().removesuffix("s")
    if count and count.kind == "number" and one in UNITS:
        message = f"`{count.text} {place.text()}` is not a span of time."
        wanted = f"INTERVAL {count.text} {one.upper()}"
        return place.slip(message, f"Write {wanted}.", count, place.token(), wanted)
    return None


def trailing_comma(place: Place) -> Slip | None:
    """A comma with a clause, another comma, a bracket or nothing after it; the parser may have read on a little."""
    ends = {*CLAUSES, ")", "]", ",", ""}
    for step in (0, -1, -2):
        comma = place.token(step)
        if comma and comma.text == "," and place.text(step + 1) in ends:
            return place.slip("There is a comma with nothing after it.", "Remove the comma.", comma, edit="")
    return None


def no_columns(place: Place) -> Slip | None:
    if not place.message.startswith("Cannot use"):
        return None
    for i, token in enumerate(place.all):
        if token.lowered == "from" and i and place.all[i - 1].lowered in ("select", "distinct"):
            edit = Edit(token.start, token.start, "* ")
            return place.slip("SELECT lists no columns.", "Write what to select, such as count().", token, edit=edit)
    return None


def case(place: Place) -> Slip | None:
    """CASE without THEN or END; one parser stops at WHEN, the other where the missing word should be."""
    opened = [token for token in place.all[: place.at] if token.lowered == "case"]
    ended = [token for token in place.all if token.lowered == "end"]
    if not opened or (len(ended) >= len(opened) and place.text() not in ("when", "else")):
        return None
    message, fix = "This CASE is not complete.", "Write CASE WHEN condition THEN value ELSE value END."
    edit = case_end(place, opened[-1]) if len(ended) < len(opened) else None
    return place.slip(message, fix, opened[-1], edit=edit)


def brackets(place: Place) -> Slip | None:
    """A bracket that nothing closes, or that closes nothing."""
    stack, token = place.open_brackets(), place.token()
    if token and token.text in CLOSING and (not stack or stack[-1].text != CLOSING[token.text]):
        if not stack:
            message = f"This `{token.text}` closes nothing."
            return place.slip(message, "Remove it, or open it before.", token, edit="")
        wanted = OPENING[stack[-1].text]
        message = f"`{token.text}` stands where `{wanted}` is expected."
        return place.slip(message, f"Write `{wanted}`.", token, edit=wanted)
    if not stack:
        return None
    inside = place.all[place.all.index(stack[-1]) : place.at]
    misread = place.text(-1) in CLAUSES and not any(each.lowered == "select" for each in inside)
    if token is None or place.text() in CLAUSES or misread:
        closing = OPENING[stack[-1].text]
        message = f"This `{stack[-1].text}` is not closed."
        return place.slip(message, f"Add `{closing}` where it ends.", stack[-1], edit=closed(place, stack[-1], closing))
    return None


def end_of_query(place: Place) -> Slip | None:
    """The query stops in the middle; one parser then blames the last word."""
    last = place.all[-1] if place.all else None
    if last and last.text == ";":
        last = place.all[-2] if len(place.all) > 1 else None
    token, more = place.token(), place.text(1) == "not" and place.token(2) is None
    blames_last = token is not None and token is last and token.lowered in WANTS_MORE
    if token and token.text != ";" and not blames_last and not (token.lowered == "is" and more):
        return None
    after = f" after `{last.text[:60]}`" if last else ""
    return place.slip("Unexpected end of query.", f"Complete the query{after}.", last, last)


def misspelled(place: Place) -> Slip | None:
    """A keyword with a slip of the pen was read as a name or alias, and the parser stopped right after."""
    for step in (0, -1, -2):
        token = place.token(step)
        if token and token.kind == "word" and len(token.text) > 2 and token.lowered not in KEYWORDS:
            near = get_close_matches(token.lowered, KEYWORDS, 1, 0.75)
            if near:
                fix = f"Did you mean {near[0].upper()}?"
                return place.slip(f"Syntax error at `{token.text}`.", fix, token, edit=near[0].upper())
    for step in (0, -1):
        if place.text(step) in ("group", "order") and place.text(step + 1) != "by":
            word = place.text(step).upper()
            return place.slip(f"{word} is missing its BY.", f"Write {word} BY.", place.token(step), edit=f"{word} BY")
    return None


def prefixed_text(place: Place) -> Slip | None:
    """E'…' of other SQLs, F'…', or a template text whose bracket is open."""
    token, before = place.token(), place.token(-1)
    if not token or token.kind != "string" or not before or before.end != token.start or len(before.text) != 1:
        return None
    if before.text == "f":
        return place.slip(
            "A `{` in this template text is not closed.", "Close it, or write \\{ for the sign.", before, token
        )
    if before.kind != "word":
        return None
    fix = "Write '…', or f'…{expression}…'."
    return place.slip(f"`{before.text}'…'` is not HogQL.", fix, before, token, token.text)


RULES: tuple[Rule, ...] = (
    too_deep,
    unclosed,
    character,
    escape,
    not_a_select,
    second_statement,
    foreign,
    interval,
    trailing_comma,
    no_columns,
    case,
    brackets,
    end_of_query,
    prefixed_text,
    misspelled,
)
