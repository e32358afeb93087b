"""The function whitelist against chDB: what it says runs does exist there, and nothing on it reaches outside."""

from __future__ import annotations

from functools import cache

import pytest
from small_project import SmallProject, engine, sql

from posthog_mcp.hogql.functions import find_function, registry, suggest_function

SPECIAL_FORMS = {"untuple"}
"""Run by ClickHouse's analyzer; not in system.functions."""


@cache
def in_chdb() -> tuple[dict[str, str], dict[str, str]]:
    """Functions by name, and by lower-cased name where case does not count; to the name of what they stand for."""
    rows = sql("SELECT name, case_insensitive, alias_to FROM system.functions")
    exact = {name: alias or name for name, _, alias in rows}
    return exact, {name.lower(): exact[name] for name, any_case, _ in rows if any_case}


@cache
def combinators() -> list[str]:
    return [name for (name,) in sql("SELECT name FROM system.aggregate_function_combinators")]


def exists(name: str) -> bool:
    exact, any_case = in_chdb()
    if name in exact or name.lower() in any_case or name in SPECIAL_FORMS:
        return True
    return any(exists(name.removesuffix(each)) for each in combinators() if name.endswith(each) and name != each)


def test_every_function_that_runs_embedded_exists_in_chdb() -> None:
    assert [each.name for each in registry().values() if each.embedded and not exists(each.clickhouse)] == []


def test_the_engine_knows_every_function_that_runs_embedded() -> None:
    unknown: list[str] = []
    for name in sorted({each.clickhouse for each in registry().values() if each.embedded}):
        try:
            engine().query(f"SELECT {name}(1, 2)")
        except Exception as refused:
            unknown += [name] if "UNKNOWN_" in str(refused) and "FUNCTION" in str(refused) else []
    assert unknown == []


def test_what_cannot_run_embedded_says_why() -> None:
    missing = [each for each in registry().values() if each.kind == "missing"]
    assert missing
    assert all(each.reason for each in missing)
    assert [each.name for each in missing if exists(each.clickhouse) and not each.name.startswith("percentile")] == []


REACH_OUTSIDE = """
    file url s3 gcs hdfs remote remoteSecure mysql postgresql sqlite mongodb redis jdbc odbc input executable
    dictionary dictGet dictGetOrNull dictGetOrDefault dictGetString dictHas dictIsIn dictGetHierarchy dictGetKeys
    joinGet joinGetOrNull getSetting getSettingOrDefault getServerSetting getMergeTreeSetting getMacro getenv
    hostName hostname fqdn FQDN currentUser user currentDatabase currentDatabases currentRoles enabledRoles
    defaultRoles currentProfiles authenticatedUser version uptime buildId serverUUID tcpPort getServerPort
    getOSKernelVersion getClientHTTPHeader displayName filesystemAvailable filesystemCapacity
    filesystemUnreserved sleep sleepEachRow catboostEvaluate modelEvaluate evalMLMethod naiveBayesClassifier
    addressToLine addressToLineWithInlines addressToSymbol demangle trap queryID initialQueryID connectionId
    generateSerialID hasColumnInTable shardNum shardCount zookeeperSessionUptime transactionID logTrace
    encrypt decrypt tryDecrypt aes_encrypt_mysql icebergBucket structureToProtobufSchema
    structureToCapnProtoSchema aiGenerateText regionToName formatRow formatRowNoNewline runningAccumulate
    finalizeAggregation initializeAggregation getTypeSerializationStreams SQLInject
"""


@pytest.mark.parametrize("name", REACH_OUTSIDE.split())
def test_what_reaches_outside_the_data_is_unknown(name: str) -> None:
    exact, any_case = in_chdb()
    for written in (name, name.lower(), name.upper(), f"{name}If", f"_{name}"):
        assert find_function(written) is None
    real = {exact.get(name, name), any_case.get(name.lower(), name), name}
    assert not [each.name for each in registry().values() if each.clickhouse in real]


def test_only_known_functions_give_different_answers_each_time() -> None:
    unsteady = {name for (name,) in sql("SELECT name FROM system.functions WHERE deterministic = 0")}
    clocks, rows = (
        {"now64", "nowInBlock", "today", "yesterday"},
        {"rowNumberInBlock", "rowNumberInAllBlocks", "arrayJoin"},
    )
    assert {each.clickhouse for each in registry().values()} & unsteady <= {"rand"} | clocks | rows


SMALLEST = [
    ("countIf(1 = 1)", 1),
    ("sumIf(2, 1 = 1)", 2),
    ("avgOrNull(3)", 3.0),
    ("maxArgMax(1, 2)", 1),
    ("uniqIf(1, 1 = 0)", 0),
    ("COUNT(*)", 1),
    ("Coalesce(NULL, 5)", 5),
    ("split_part('a-b-c', '-', 2)", "b"),
    ("md5('a')", "0CC175B9C0F1B6A831C399E269772661"),
    ("string_agg('a', ',')", "a"),
    ("date_part('month', toDateTime('2024-05-06 00:00:00'))", 5),
    ("toString(make_date(2024, 5, 6))", "2024-05-06"),
    ("left('añb', 2)", "añ"),
    ("btrim(' a ')", "a"),
    ("isEmpty('')", 1),
]


@pytest.mark.parametrize(("expression", "value"), SMALLEST)
async def test_a_function_means_what_posthog_means(project: SmallProject, expression: str, value: object) -> None:
    assert await project.rows(f"SELECT {expression}") == [[value]]


@pytest.mark.parametrize(
    ("name", "arity"),
    [("sumIf", (2, 2)), ("count", (0, 1)), ("countIf", (1, 2)), ("avgArgMaxOrNull", (2, 2)), ("uniq", (1, None))],
)
def test_aggregates_know_their_arguments(name: str, arity: tuple[int, int | None]) -> None:
    found = find_function(name)
    assert found
    assert found.aggregate
    assert (found.min_args, found.max_args) == arity


@pytest.mark.parametrize(
    "name", ["uniqOrNull", "sumDistinct", "sumResample", "countifs", "TOSTARTOFDAY", "", "sumIfIf"]
)
def test_what_posthog_does_not_allow_is_unknown(name: str) -> None:
    assert find_function(name) is None


@pytest.mark.parametrize(
    ("written", "meant"), [("countif", "countIf"), ("to_date_time", "toDateTime"), ("uniqexact", "uniqExact")]
)
def test_the_nearest_function_is_suggested(written: str, meant: str) -> None:
    assert suggest_function(written)[0] == meant
