"""What an expression's value is: a kind, an array's element, a tuple's items, and whose properties a JSON holds.

Kinds are the catalogue's `DataType`. Types decide how constants are read beside a column, which conversion a
function prints, and what `properties.x` may be followed by. Nullability is the printer's business: it depends on
the physical columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from posthog_mcp.hogql.catalogue import DataType, FieldDef, PropertyType

PropertyOwner = Literal["event", "person", "group", "other"]


@dataclass(frozen=True, slots=True)
class PropertyScope:
    """Whose property definitions type a JSON column; `group` is the group type's index where known."""

    owner: PropertyOwner
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Type:
    """`properties` is set on JSON columns that hold event, person or group properties."""

    kind: DataType = "unknown"
    element: Type | None = None
    items: tuple[Type, ...] = ()
    properties: PropertyScope | None = None

    def text(self) -> str:
        """As shown to people: `datetime`, `array(string)`."""
        if self.kind == "array" and self.element:
            return f"array({self.element.text()})"
        if self.kind == "tuple" and self.items:
            return f"tuple({', '.join(item.text() for item in self.items)})"
        return self.kind


UNKNOWN = Type()
STRING = Type("string")
INTEGER = Type("integer")
FLOAT = Type("float")
BOOLEAN = Type("boolean")
DATETIME = Type("datetime")
DATE = Type("date")
INTERVAL = Type("interval")
UUID = Type("uuid")
NUMBERS = frozenset({"integer", "float", "decimal"})

OF_PROPERTY: dict[PropertyType, Type] = {
    "String": STRING,
    "Numeric": FLOAT,
    "Duration": FLOAT,
    "Boolean": BOOLEAN,
    "DateTime": DATETIME,
}


def of_field(field: FieldDef) -> Type:
    """The type of a catalogue field."""
    return Type(field.type, Type(field.element) if field.element else None)


def of_constant(value: bool | int | float | str | None, value_type: str | None) -> Type:
    """The type of a literal."""
    if value_type == "number":
        return FLOAT
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, float):
        return FLOAT
    return STRING if isinstance(value, str) else UNKNOWN


def common(types: Sequence[Type]) -> Type:
    """The type of `if`, `coalesce`, UNION and array elements; unknown when they differ."""
    known = [each for each in types if each.kind != "unknown"]
    if not known:
        return UNKNOWN
    if all(each == known[0] for each in known):
        return known[0]
    if all(each.kind in NUMBERS for each in known):
        return FLOAT
    if all(each.kind == known[0].kind for each in known):
        return Type(known[0].kind)
    return UNKNOWN


# fmt: off
_RETURNS: tuple[tuple[re.Pattern[str], Type], ...] = tuple(
    (re.compile(pattern), result)
    for pattern, result in (
        (r"^(_?toDateTime\w*|parseDateTime\w*|now\w*|toTimeZone|fromUnixTimestamp\w*)$", DATETIME),
        (r"^(toStartOf(Second|Minute|Hour|FiveMinutes|TenMinutes|FifteenMinutes|Day)|date_trunc|dateTrunc)$", DATETIME),
        (r"^(_?toDate\w*|today|yesterday|toMonday|toStartOf(Week|Month|Quarter|Year|ISOYear)|toLastDayOf\w+)$", DATE),
        (r"^toInterval\w+$", INTERVAL),
        (r"^(count|countIf|countDistinct\w*|uniq\w*|windowFunnel\w*|sequenceCount\w*)$", INTEGER),
        (r"^(row_number|rank|dense_rank|ntile)$", INTEGER),
        (r"^(_?toU?Int\w*|length|lengthUTF8|toYear|toMonth|toDayOf\w+|toHour|toMinute|toSecond|toYYYYMM\w*)$", INTEGER),
        (r"^(dateDiff|date_diff|toUnixTimestamp\w*|cityHash64|intDiv|indexOf|position\w*|JSONLength)$", INTEGER),
        (r"^(avg\w*|quantile(?!s)\w*|median\w*|stddev\w*|var(Pop|Samp)\w*|toFloat\w*|divide|corr)$", FLOAT),
        (r"^JSONExtractFloat$", FLOAT),
        (r"^(toString|concat|lower|upper|substring\w*|replace\w*|trim\w*|formatDateTime)$", STRING),
        (r"^JSONExtract(String|Raw)$", STRING),
        (r"^(extract|dateName|hex|base64\w+|splitPart|domain\w*|path|protocol|cutQueryString\w*)$", STRING),
        (r"^(arrayStringConcat|extractURLParameter|MD5|SHA256|monthName|toTypeName|JSONType|left|right)$", STRING),
        (r"^(toUUID\w*|generateUUIDv\w+)$", UUID),
        (r"^(not|and|or|isNull|isNotNull|empty|notEmpty|has\w*|startsWith|endsWith|match\w*|i?like)$", BOOLEAN),
        (r"^(equals|notEquals|less\w*|greater\w*|in|notIn|notLike|notILike|arrayExists|arrayAll|JSONHas)$", BOOLEAN),
        (r"^(toBool|exists)$", BOOLEAN),
        (r"^(splitBy\w+|extractAll|JSONExtractArrayRaw|JSONExtractKeys|alphaTokens)$", Type("array", STRING)),
        (r"^(range|arrayEnumerate\w*)$", Type("array", INTEGER)),
    )
)
# fmt: on
_SAME_AS_FIRST = frozenset(
    [
        "min",
        "max",
        "any",
        "anyLast",
        "anyHeavy",
        "first_value",
        "last_value",
        "sum",
        "lag",
        "lead",
        "lagInFrame",
        "leadInFrame",
        "nth_value",
        "assumeNotNull",
        "toNullable",
        "nullIf",
        "abs",
        "round",
        "floor",
        "ceil",
        "arrayDistinct",
        "arraySort",
        "arrayReverse",
        "arraySlice",
        "arrayConcat",
        "arrayFilter",
        "minIf",
        "maxIf",
        "anyIf",
        "anyLastIf",
        "sumIf",
        "argMin",
        "argMax",
        "argMinIf",
        "argMaxIf",
        "addDays",
        "addMonths",
        "subtractDays",
        "addHours",
        "subtractHours",
        "addWeeks",
        "subtractWeeks",
        "subtractMonths",
        "addYears",
        "subtractYears",
        "addMinutes",
        "subtractMinutes",
        "arrayCompact",
        "arrayPushBack",
        "arrayPushFront",
        "arrayResize",
    ]
)
_COMMON = frozenset({"coalesce", "ifNull", "least", "greatest"})
_ELEMENT = frozenset({"arrayJoin", "arrayElement", "arrayFirst", "arrayLast", "arrayMin", "arrayMax"})
_ARRAY_OF = frozenset({"groupArray", "groupUniqArray", "groupArrayIf", "groupUniqArrayIf", "array_agg", "topK"})


def of_call(name: str, args: Sequence[Type]) -> Type:
    """What a function gives for these argument types; unknown where we cannot say."""
    if name in _SAME_AS_FIRST and args:
        return args[0] if not name.startswith("arrayFilter") else args[-1]
    if name in _COMMON:
        return common(args)
    if name == "if" and len(args) == 3:
        return common(args[1:])
    if name == "multiIf":
        return common([*args[1::2], *args[-1:]])
    if name in _ELEMENT and args:
        return args[-1 if name in ("arrayFirst", "arrayLast") else 0].element or UNKNOWN
    if name in _ARRAY_OF and args:
        return Type("array", args[0])
    if name == "array":
        return Type("array", common(args))
    if name == "tuple":
        return Type("tuple", items=tuple(args))
    for pattern, result in _RETURNS:
        if pattern.match(name):
            return result
    return UNKNOWN


def arithmetic(op: str, left: Type, right: Type) -> Type:
    """The type of `left op right`."""
    kinds = {left.kind, right.kind}
    if "interval" in kinds:
        other = right if left.kind == "interval" else left
        return DATETIME if other.kind == "date" else other
    if kinds <= {"datetime", "date"}:
        return INTEGER if op == "-" else UNKNOWN
    if kinds & {"datetime", "date"}:
        return left if left.kind in ("datetime", "date") else right
    if op == "/":
        return FLOAT
    return INTEGER if kinds == {"integer"} else FLOAT if kinds <= NUMBERS else UNKNOWN
