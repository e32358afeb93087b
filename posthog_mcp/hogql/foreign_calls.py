"""Functions of MySQL, PostgreSQL, BigQuery, Snowflake and SQL Server that HogQL lacks, and what to write instead.

Data: lower-cased name → HogQL by number of arguments (`{0}` the first argument's text; `*` any number, `{all}` all of
them). Only rewrites that mean the same are here; a near-miss name is left to the suggestions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

DATE_UNIT = re.compile(r"'?(second|minute|hour|day|week|month|quarter|year)s?'?\Z", re.IGNORECASE)

FOREIGN_CALLS: Mapping[str, Mapping[str, str]] = {
    "nvl": {"2": "ifNull({0}, {1})"},
    "zeroifnull": {"1": "ifNull({0}, 0)"},
    "iff": {"3": "if({0}, {1}, {2})"},
    "iif": {"3": "if({0}, {1}, {2})"},
    "len": {"1": "length({0})"},
    "char_length": {"1": "length({0})"},
    "character_length": {"1": "length({0})"},
    "getdate": {"0": "now()"},
    "sysdate": {"0": "now()"},
    "localtimestamp": {"0": "now()"},
    "curdate": {"0": "today()"},
    "date": {"1": "toDate({0})"},
    "datetime": {"1": "toDateTime({0})"},
    "timestamp": {"1": "toDateTime({0})"},
    "date_sub": {"2": "({0} - {1})"},
    "dateadd": {"3": "date_add({unit0}, {1}, {2})"},
    "timestampadd": {"3": "date_add({unit0}, {1}, {2})"},
    "datediff": {"2": "dateDiff('day', {1}, {0})", "3": "dateDiff({unit0}, {1}, {2})"},
    "timestampdiff": {"3": "dateDiff({unit0}, {1}, {2})"},
    "datetrunc": {"2": "dateTrunc({unit0}, {1})"},
    "datepart": {"2": "date_part({unit0}, {1})"},
    "date_format": {"2": "formatDateTime({0}, {1})"},
    "strftime": {"2": "formatDateTime({1}, {0})"},
    "str_to_date": {"1": "toDateTime({0})"},
    "unix_timestamp": {"0": "toUnixTimestamp(now())", "1": "toUnixTimestamp({0})"},
    "from_unixtime": {"1": "fromUnixTimestamp({0})"},
    "year": {"1": "toYear({0})"},
    "quarter": {"1": "toQuarter({0})"},
    "month": {"1": "toMonth({0})"},
    "week": {"1": "toISOWeek({0})"},
    "day": {"1": "toDayOfMonth({0})"},
    "dayofmonth": {"1": "toDayOfMonth({0})"},
    "dayofyear": {"1": "toDayOfYear({0})"},
    "dayofweek": {"1": "toDayOfWeek({0})"},
    "weekday": {"1": "(toDayOfWeek({0}) - 1)"},
    "hour": {"1": "toHour({0})"},
    "minute": {"1": "toMinute({0})"},
    "second": {"1": "toSecond({0})"},
    "last_day": {"1": "toLastDayOfMonth({0})"},
    "dayname": {"1": "dateName('weekday', {0})"},
    "monthname": {"1": "dateName('month', {0})"},
    "group_concat": {
        "1": "arrayStringConcat(groupArray({0}), ',')",
        "2": "arrayStringConcat(groupArray({0}), {1})",
    },
    "listagg": {"1": "arrayStringConcat(groupArray({0}), '')", "2": "arrayStringConcat(groupArray({0}), {1})"},
    "approx_count_distinct": {"1": "uniq({0})"},
    "approx_distinct": {"1": "uniq({0})"},
    "count_distinct": {"1": "count(DISTINCT {0})"},
    "countif": {"1": "countIf({0})"},
    "count_if": {"1": "countIf({0})"},
    "sumif": {"2": "sumIf({0}, {1})"},
    "sum_if": {"2": "sumIf({0}, {1})"},
    "avgif": {"2": "avgIf({0}, {1})"},
    "any_value": {"1": "any({0})"},
    "arbitrary": {"1": "any({0})"},
    "bool_or": {"1": "max({0})"},
    "bool_and": {"1": "min({0})"},
    "stddev": {"1": "stddevSamp({0})"},
    "stdev": {"1": "stddevSamp({0})"},
    "variance": {"1": "varSamp({0})"},
    "var_samp": {"1": "varSamp({0})"},
    "approx_percentile": {"2": "quantile({1})({0})"},
    "percentile": {"2": "quantile({1})({0})"},
    "min_by": {"2": "argMin({0}, {1})"},
    "max_by": {"2": "argMax({0}, {1})"},
    "instr": {"2": "position({0}, {1})"},
    "strpos": {"2": "position({0}, {1})"},
    "charindex": {"2": "position({1}, {0})"},
    "contains": {"2": "(position({0}, {1}) > 0)"},
    "starts_with": {"2": "startsWith({0}, {1})"},
    "ends_with": {"2": "endsWith({0}, {1})"},
    "regexp_like": {"2": "match({0}, {1})"},
    "regexp_contains": {"2": "match({0}, {1})"},
    "rlike": {"2": "match({0}, {1})"},
    "regexp_replace": {"3": "replaceRegexpAll({0}, {1}, {2})"},
    "regexp_extract": {"2": "extract({0}, {1})"},
    "regexp_substr": {"2": "extract({0}, {1})"},
    "split": {"2": "splitByString({1}, {0})"},
    "string_split": {"2": "splitByString({1}, {0})"},
    "string_to_array": {"2": "splitByString({1}, {0})"},
    "array_to_string": {"2": "arrayStringConcat({0}, {1})"},
    "concat_ws": {"*": "arrayStringConcat([{rest}], {0})"},
    "mod": {"2": "modulo({0}, {1})"},
    "ceiling": {"1": "ceil({0})"},
    "truncate": {"1": "trunc({0})", "2": "trunc({0}, {1})"},
    "random": {"0": "rand()"},
    "ucase": {"1": "upper({0})"},
    "lcase": {"1": "lower({0})"},
    "json_extract": {"2": "JSONExtractString({0}, {path1})"},
    "json_value": {"2": "JSONExtractString({0}, {path1})"},
    "json_extract_scalar": {"2": "JSONExtractString({0}, {path1})"},
    "json_extract_string": {"2": "JSONExtractString({0}, {path1})"},
    "get_json_object": {"2": "JSONExtractString({0}, {path1})"},
    "json_array_length": {"1": "JSONLength({0})"},
    "json_extract_path_text": {"*": "JSONExtractString({all})"},
    "array_length": {"1": "length({0})", "2": "length({0})"},
    "cardinality": {"1": "length({0})"},
    "array_size": {"1": "length({0})"},
    "array_contains": {"2": "has({0}, {1})"},
    "unnest": {"1": "arrayJoin({0})"},
    "explode": {"1": "arrayJoin({0})"},
    "try_to_number": {"1": "toFloat({0})"},
    "to_number": {"1": "toFloat({0})"},
    "isnumeric": {"1": "isNotNull(toFloat({0}))"},
    "div0": {"2": "({0} / nullIf({1}, 0))"},
    "safe_divide": {"2": "({0} / nullIf({1}, 0))"},
    "currentdate": {"0": "today()"},
    "todatetime64": {"1": "toDateTime({0})", "2": "toDateTime({0})"},
    "touint64": {"1": "toInt({0})"},
    "toint64": {"1": "toInt({0})"},
    "toint32": {"1": "toInt({0})"},
    "touint32": {"1": "toInt({0})"},
    "tofloat64": {"1": "toFloat({0})"},
    "tofloat32": {"1": "toFloat({0})"},
    "tofloat64ornull": {"1": "toFloat({0})"},
    "tofloat64orzero": {"1": "ifNull(toFloat({0}), 0)"},
    "toint64ornull": {"1": "toInt({0})"},
    "toint64orzero": {"1": "ifNull(toInt({0}), 0)"},
    "todateornull": {"1": "toDate({0})"},
    "todatetimeornull": {"1": "toDateTime({0})"},
    "parsedatetimebesteffortornull": {"1": "toDateTime({0})"},
    "jsonextractstringornull": {"2": "nullIf(JSONExtractString({0}, {1}), '')"},
    "visitparamextractstring": {"2": "JSONExtractString({0}, {1})"},
    "visitparamextractint": {"2": "JSONExtractInt({0}, {1})"},
}
JSON_PATH = re.compile(r"'\$?\.?([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)'\Z")


def translated(name: str, args: Sequence[str]) -> str | None:
    """A call of another SQL in HogQL, from its arguments' texts; None where we know no equal."""
    forms = FOREIGN_CALLS.get(name.lower())
    form = forms.get(str(len(args)), forms.get("*") if args else None) if forms else None
    if form is None:
        return None
    if "{unit0}" in form:
        unit = DATE_UNIT.match(args[0].strip())
        if not unit:
            return None
        form = form.replace("{unit0}", f"'{unit[1].lower()}'")
    if "{path1}" in form:
        path = JSON_PATH.match(args[1].strip())
        if not path:
            return None
        form = form.replace("{path1}", ", ".join(f"'{part}'" for part in path[1].split(".")))
    form = form.replace("{all}", ", ".join(args)).replace("{rest}", ", ".join(args[1:]))
    return re.sub(r"\{(\d)\}", lambda found: args[int(found[1])], form)
