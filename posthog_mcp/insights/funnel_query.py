"""The HogQL of a funnel's views: people who reached each step, the time to convert, and the rate by entry.

Source: PostHog's `hogql_queries/insights/funnels`: times of 0 seconds are left out of a step's average and median,
breakdown values are ranked by the people at the last step, bins are the cube root of the people (at most 60).
"""

from __future__ import annotations

from collections.abc import Callable

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.frame import OTHER, Frame
from posthog_mcp.insights.funnel_direct import SLOTS, direct_people
from posthog_mcp.insights.funnel_events import NANOSECONDS, moments, window
from posthog_mcp.insights.funnel_unordered import TURNS, Gathering
from posthog_mcp.insights.funnel_walk import Walk
from posthog_mcp.insights.question import Question, Series
from posthog_mcp.insights.trends import cohort_name

MOST_BINS = 60
MOST_ROWS = 200
"""More than there are breakdown values or bins. A query with a limit is read once, not again with one."""
MICROSECONDS = 1_000_000
"""In a second."""
MOST_CHARACTERS = 12_000
"""Of a fold. PostHog's parser in C++ gives up earlier, at some 5,000; the one in Rust does not."""

ALL_BEFORE = "bitShiftLeft(_toInt64(1), length(best)) - 1"
"""All steps before the one that would come next, a bit each."""

Parts = Callable[[str, list[str]], str]


def per_split(frame: Frame, part: Parts) -> str:
    """A SELECT, or one a cohort of the breakdown; `part` makes it of the breakdown's HogQL and further conditions."""
    breakdowns = frame.question.breakdowns
    if not breakdowns or breakdowns[0].type != "cohort":
        return part(frame.value(breakdowns[0]) if breakdowns else "", [])
    found: list[str] = []
    for each in breakdowns:
        name, conditions = "all", list[str]()
        if each.property != "all":
            name, conditions = cohort_name(frame, each), [f"person_id IN COHORT {int(each.property)}"]
        found.append(part(text_literal(name), conditions))
    return " UNION ALL ".join(found)


def people(frame: Frame) -> str:
    """A SELECT of the people who entered: person_id, breakdown, `reached` (a bit a step), `gaps` (microseconds from
    the step before to each step that is not optional, 0 for the first)."""
    if is_direct(frame.question):
        return per_split(frame, lambda value, more: direct_people(frame, value, more))
    return per_split(frame, lambda value, more: walked(frame, moments(frame, value, more)))


def is_direct(question: Question) -> bool:
    """The funnel needs no walk through each moment."""
    ordinary = question.funnel_order == "ordered" and not question.exclusions and not rivals_of(question)
    return ordinary and len(question.series) < SLOTS and not any(each.optional for each in question.series)


def walked(frame: Frame, source: str) -> str:
    question = frame.question
    walk = walk_of(question)
    header, entered = walk.header, "notEmpty(best)"
    if question.funnel_order == "unordered":
        gathering = gathering_of(question)
        last, full = gathering.bests("state")
        found = f"SELECT person_id, breakdown, {bounded(gathering.fold('moments'))} AS state FROM ({source})"
        found = f"SELECT person_id, breakdown, {last} AS last, {full} AS full FROM ({found})"
        best, reached, header = "CASE WHEN length(last) > length(full) THEN last ELSE full END", ALL_BEFORE, 0
    else:
        found = f"SELECT person_id, breakdown, {bounded(walk.fold('moments'))} AS state FROM ({source})"
        best, reached = walk.best("state"), walk.reached("best")
        entered += " AND NOT has(best, 0)" if question.exclusions else ""
    found = f"SELECT person_id, breakdown, {best} AS best FROM ({found})"
    keys = f"arraySlice(best, {header + 1}) AS keys"
    found = f"SELECT person_id, breakdown, {reached} AS reached, {keys} FROM ({found}) WHERE {entered}"
    times = "arrayMap(key -> intDiv(key, 1000), keys) AS times"
    found = f"SELECT person_id, breakdown, reached, {times} FROM ({found})"
    return f"SELECT person_id, breakdown, reached, arrayDifference(times) AS gaps FROM ({found})"


def bounded(fold: str) -> str:
    """The fold.

    Raises:
        InvalidInput: it is too long to be read.
    """
    if len(fold) > MOST_CHARACTERS:
        fix = "Use fewer steps, or fewer that are optional or have exclusions before them."
        raise InvalidInput("This funnel is too long for one query.", fix=fix)
    return fold


def gathering_of(question: Question) -> Gathering:
    return Gathering(len(question.series), rivals_of(question))


def rivals_of(question: Question) -> frozenset[tuple[int, int]]:
    """Pairs of steps that one event can be both of."""
    series = list(enumerate(question.series, start=1))
    return frozenset(
        (at, other) for at, each in series for other, later in series if at < other and can_be_both(each, later)
    )


def can_be_both(one: Series, other: Series) -> bool:
    """One event can be both steps."""
    named = one.action is None and other.action is None and one.event and other.event
    return not named or one.event == other.event


def walk_of(question: Question) -> Walk:
    return Walk(
        steps=len(question.series),
        rivals=rivals_of(question),
        strict=question.funnel_order == "strict",
        optional=frozenset(at for at, each in enumerate(question.series, start=1) if each.optional),
        exclusions=bool(question.exclusions),
        entries=question.funnel_view == "trend",
    )


def mandatory(question: Question) -> list[int]:
    """The numbers (from 0) of the steps that cannot be left out."""
    return [at for at, each in enumerate(question.series) if not each.optional]


def steps_query(frame: Frame) -> str:
    """Rows of a breakdown, the people at each step, then average and median seconds from the step before, each."""
    question, source = frame.question, people(frame)
    counts = [f"countIf(bitTest(reached, {at})) AS n{at}" for at in range(len(question.series))]
    timed = {at: place for place, at in enumerate(mandatory(question), start=1) if place > 1}
    if not ranked(frame):
        times = [
            f"{function}OrNullIf(gaps[{place}], gaps[{place}] > 0) / {MICROSECONDS} AS {function}{at}"
            for function in ("avg", "median")
            for at, place in timed.items()
        ]
        if not question.breakdowns:
            return f"SELECT '' AS breakdown, {', '.join([*counts, *times])} FROM ({source}) LIMIT {MOST_ROWS}"
        found = f"SELECT breakdown, {', '.join([*counts, *times])} FROM ({source})"
        return f"{found} GROUP BY breakdown ORDER BY breakdown LIMIT {MOST_ROWS}"
    gaps = [f"groupArrayIf(gaps[{place}], gaps[{place}] > 0) AS g{at}" for at, place in timed.items()]
    grouped = f"SELECT breakdown, {', '.join([*counts, *gaps])} FROM ({source}) GROUP BY breakdown"
    biggest = ", ".join([f"n{at} DESC" for at in reversed(range(len(counts)))])
    place = f"SELECT *, row_number() OVER (ORDER BY {biggest}, breakdown) AS place FROM ({grouped})"
    sums = [f"sum(n{at}) AS people{at}" for at in range(len(counts))]
    merged = [
        f"{function}ArrayOrNull(g{at}) / {MICROSECONDS} AS {function}{at}"
        for function in ("avg", "median")
        for at in timed
    ]
    shown = f"if(place <= {question.breakdown_limit}, breakdown, {text_literal(OTHER)}) AS shown"
    return (
        f"SELECT {shown}, {', '.join([*sums, *merged])} FROM ({place}) GROUP BY shown ORDER BY shown LIMIT {MOST_ROWS}"
    )


def ranked(frame: Frame) -> bool:
    """The breakdown has values of which only the biggest are shown."""
    breakdowns = frame.question.breakdowns
    return bool(breakdowns) and breakdowns[0].type != "cohort"


def time_query(frame: Frame) -> str:
    """Rows of a bin's first second, its people, and the average of all."""
    steps = len(frame.question.series)
    came = f"FROM ({people(frame)}) WHERE bitTest(reached, {steps - 1})"
    found = f"SELECT groupArray(arraySum(gaps) / {MICROSECONDS}) AS times {came}"
    bins = f"least({MOST_BINS}, greatest(1, ceil(cbrt(length(times))))) AS bins"
    bounds = "floor(arrayMin(times)) AS least_time, ceil(arrayMax(times)) AS most_time"
    found = f"SELECT times, {bins}, {bounds} FROM ({found})"
    wide = "CASE WHEN most_time > least_time THEN most_time - least_time ELSE bins * 60 END AS spread"
    found = f"SELECT times, bins, least_time, {wide} FROM ({found})"
    widths = "assumeNotNull(ceil(spread / nullIf(bins, 0))) AS width, range(0, _toInt64(bins) + 1) AS numbers"
    found = f"SELECT times, least_time, {widths} FROM ({found})"
    rows = f"SELECT times, width, least_time + width * arrayJoin(numbers) AS first FROM ({found})"
    counted = "arrayCount(each -> each >= first AND each < first + width, times) AS people"
    average = "CASE WHEN empty(times) THEN 0 ELSE arrayAvg(times) END AS average"
    return f"SELECT first, {counted}, {average} FROM ({rows}) ORDER BY first LIMIT {MOST_ROWS}"


def trend_query(frame: Frame) -> str:
    """Rows of a breakdown, an interval, the people who entered in it, and those of them who came to the end."""
    question = frame.question
    entries = gathered_entries if question.funnel_order == "unordered" else walked_entries
    source = per_split(frame, lambda value, more: entries(frame, moments(frame, value, more)))
    counts = "count() AS entered, countIf(done) AS came"
    grouped = f"SELECT breakdown, entry, {counts} FROM ({source}) GROUP BY breakdown, entry"
    if not ranked(frame):
        return grouped
    sized = f"SELECT *, sum(entered) OVER (PARTITION BY breakdown) AS size FROM ({grouped})"
    place = f"SELECT *, dense_rank() OVER (ORDER BY size DESC, breakdown) AS place FROM ({sized})"
    shown = f"if(place <= {question.breakdown_limit}, breakdown, {text_literal(OTHER)}) AS shown"
    return f"SELECT {shown}, entry, sum(entered) AS people, sum(came) AS done FROM ({place}) GROUP BY shown, entry"


def moment_of(frame: Frame, second: str) -> str:
    """A second as a time in the project's zone."""
    return f"toTimeZone(fromUnixTimestamp({second}), {text_literal(frame.project.timezone)})"


def walked_entries(frame: Frame, source: str) -> str:
    """A SELECT of breakdown, entry and done: each person once in each interval in which they entered."""
    question = frame.question
    steps = len(question.series)
    walk = walk_of(question)
    kept = "person_id, breakdown, moments"
    found = f"SELECT {kept}, arrayFilter(x -> bitTest(x[2], 0), moments) AS firsts FROM ({source})"
    found = f"SELECT {kept}, firsts, arrayMap(x -> intDiv(x[1], {NANOSECONDS}), firsts) AS seconds FROM ({found})"
    found = f"SELECT {kept}, firsts, arrayMap(at -> {moment_of(frame, 'at')}, seconds) AS starts FROM ({found})"
    found = f"SELECT {kept}, firsts, arrayMap(at -> toString({frame.bucket('at')}), starts) AS entries FROM ({found})"
    found = f"SELECT {kept}, entries, firsts, arrayJoin(arrayDistinct(entries)) AS entry FROM ({found})"
    own = "arrayFilter((x, of) -> of = entry, firsts, entries) AS own"
    found = f"SELECT {kept}, entry, {own} FROM ({found})"
    found = f"SELECT {kept}, entry, own[1][1] AS since, own[-1][1] AS until FROM ({found})"
    near = f"arrayFilter(x -> x[1] >= since AND x[1] <= until + {window(question)}, moments) AS moments"
    found = f"SELECT person_id, breakdown, entry, since, until, {near} FROM ({found})"
    mark = "CASE WHEN bitTest(x[2], 0) AND x[1] >= since AND x[1] <= until THEN 1 ELSE 0 END"
    marked = f"arrayMap(x -> arrayPushBack(x, {mark}), moments) AS moments"
    found = f"SELECT person_id, breakdown, entry, {marked} FROM ({found})"
    found = f"SELECT person_id, breakdown, entry, {bounded(walk.fold('moments'))} AS state FROM ({found})"
    found = f"SELECT person_id, breakdown, entry, {walk.best('state')} AS best FROM ({found})"
    if not question.exclusions:
        return f"SELECT breakdown, entry, length(best) = {steps + 1} AS done FROM ({found})"
    done = f"length(best) = {steps + 1} AND NOT has(best, 0) AS done"
    broken = "best[-1] = 0 AS broken, best[-1] != 0 AND has(best, 0) AS on_the_way"
    found = f"SELECT person_id, breakdown, entry, {done}, {broken} FROM ({found})"
    # As on PostHog: one attempt that was broken on its way takes all that did not come to the end out of the count.
    found = f"SELECT *, max(on_the_way) OVER (PARTITION BY person_id, breakdown) AS spoilt FROM ({found})"
    return f"SELECT breakdown, entry, done FROM ({found}) WHERE done OR NOT broken AND spoilt = 0"


def gathered_entries(frame: Frame, source: str) -> str:
    """The same for steps in any order: whoever does any step enters with it."""
    question = frame.question
    steps = len(question.series)
    gathering = gathering_of(question)
    flags = steps * (2 if question.exclusions else 1)
    # A moment of no step, after the last window, takes the rest out of the queues.
    found = f"SELECT person_id, breakdown, moments, moments[-1][1] + 1 AS since FROM ({source})"
    last = f"arrayMap(turn -> [since, 0, 1, since, since{', 0' * flags}, turn], {list(TURNS)})"
    found = f"SELECT person_id, breakdown, arrayConcat(moments, {last}) AS moments FROM ({found})"
    fold = bounded(gathering.fold_entries("moments"))
    found = f"SELECT person_id, breakdown, {fold} AS state FROM ({found})"
    gone, done = gathering.gone("state")
    found = f"SELECT person_id, breakdown, arrayJoin(arrayZip({gone}, {done})) AS left FROM ({found})"
    found = f"SELECT person_id, breakdown, intDiv(left.1, {NANOSECONDS}) AS second, left.2 AS came FROM ({found})"
    found = f"SELECT person_id, breakdown, {moment_of(frame, 'second')} AS start, came FROM ({found})"
    found = f"SELECT person_id, breakdown, toString({frame.bucket('start')}) AS entry, came FROM ({found})"
    return f"SELECT breakdown, entry, max(came) = {steps} AS done FROM ({found}) GROUP BY person_id, breakdown, entry"
