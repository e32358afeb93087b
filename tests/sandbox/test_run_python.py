"""run_python through an MCP client: real code on rows of the demo project, in the stand-in's sandboxes."""

from __future__ import annotations

import base64
import struct
import sys
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ImageContent

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.sandbox.calls import error, ok, text_of
from tests.sandbox.stand_in import Running, StandIn, provide_python

RANGE = "timestamp >= '2026-08-01' AND timestamp < '2026-10-01'"
COUNTS = f"SELECT event, count() AS n FROM events WHERE {RANGE} GROUP BY event ORDER BY event LIMIT 50"
KEY = "phx_of_this_test_only"


@pytest.fixture(scope="module")
def e2b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with Running(tmp_path_factory.mktemp("boxes")) as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
async def client(e2b: StandIn, demo_copy: Path) -> AsyncIterator[Client]:
    settings = Settings.load(
        data_dir=demo_copy,
        backend="local",
        api_key=KEY,
        max_rows=1000,
        e2b_api_key="e2b_stand_in",
        e2b_api_url=e2b.url,
        e2b_sandbox_url=e2b.url,
    )
    async with Client(build_server(settings)) as connected:
        yield connected


@pytest.fixture
def no_pandas(e2b: StandIn) -> Iterator[None]:
    """A template with the standard library only."""
    provide_python(e2b.root, "-S")
    yield
    provide_python(e2b.root, "")


async def counts(client: Client) -> dict[str, Any]:
    return await ok(client, "execute_hogql", query=COUNTS)


async def test_code_gets_the_rows_and_gives_text_a_value_and_a_table(client: Client) -> None:
    asked = await counts(client)
    code = "print(len(df), 'rows'); show(df.sort_values('n').tail(2)); int(df.n.sum())"

    result = await client.call_tool("run_python", {"code": code, "inputs": [asked["query_id"]]})

    found = result.structured_content
    assert found is not None
    top = sorted(asked["rows"], key=lambda row: row[1])[-2:]
    assert found["stdout"] == f"{asked['row_count']} rows\n"
    assert found["result"] == sum(n for _, n in asked["rows"])
    (table,) = found["tables"]
    assert table["columns"] == [["index", "Int64"], ["event", "String"], ["n", "Int64"]]
    assert [row[1:] for row in table["rows"]] == top
    assert found["inputs"][0]["rows"] == asked["row_count"]
    for fact in (str(found["result"]), f"{top[0][0]} | {top[0][1]}", table["query_id"], found["run_id"], "Demo"):
        assert fact in text_of(result)


@pytest.mark.usefixtures("no_pandas")
async def test_without_pandas_inputs_and_tables_are_lists_of_records(client: Client) -> None:
    asked = await counts(client)
    code = "show([row for row in df if row['n'] > 100]); df1[0]"

    found = await ok(client, "run_python", code=code, inputs=[asked["query_id"]])

    assert found["result"] == dict(zip(("event", "n"), asked["rows"][0], strict=True))
    assert found["tables"][0]["columns"] == [["event", "String"], ["n", "Int64"]]
    assert found["tables"][0]["rows"] == [row for row in asked["rows"] if row[1] > 100]
    assert "pandas is not in this sandbox" in found["warnings"][0]["message"]


TEXT = 'he said "hi",\nit\'s 😀\r\n\ttab, "" and \\n'
TYPED = """SELECT 7 AS whole, -2.5 AS part, NULL AS nothing, '' AS empty, toDate('2026-03-29') AS day,
    toDateTime('2026-03-29 01:30:00') AS moment, [1, 2] AS list, ['a"b', 'c,d'] AS words, true AS yes,
    toInt('9007199254740993') AS big, 1 / 0 AS endless, {text} AS text"""


@pytest.mark.usefixtures("no_pandas")
async def test_values_keep_their_types(client: Client) -> None:
    asked = await ok(client, "execute_hogql", query=TYPED, values={"text": TEXT})
    found = await ok(client, "run_python", code="repr(df[0])", inputs=[asked["query_id"]])
    assert found["result"] == repr(
        {
            "whole": 7,
            "part": -2.5,
            "nothing": None,
            "empty": "",
            "day": "2026-03-29",
            "moment": "2026-03-29T01:30:00Z",
            "list": [1, 2],
            "words": ['a"b', "c,d"],
            "yes": True,
            "big": 9007199254740993,
            "endless": float("inf"),
            "text": TEXT,
        }
    )


async def test_data_frames_have_times_numbers_and_missing_values(client: Client) -> None:
    asked = await ok(client, "execute_hogql", query=TYPED, values={"text": TEXT})
    code = """
row = df.iloc[0]
assert (df.moment.dt.year[0], df.day.dt.month[0]) == (2026, 3)
assert df.text[0] == TEXT, repr(df.text[0])
[str(row["moment"]), str(row["day"]), int(df.whole[0]), bool(df.nothing.isna()[0]), df["empty"][0], row["list"], int(row["big"])]
"""
    found = await ok(client, "run_python", code=f"TEXT = {TEXT!r}\n{code}", inputs=[asked["query_id"]])
    assert found["result"][:2] == ["2026-03-29 01:30:00+00:00", "2026-03-29 00:00:00"]
    assert found["result"][2:] == [7, True, "", [1, 2], "9007199254740993"]


async def test_null_and_empty_text_stay_apart(client: Client) -> None:
    query = "SELECT nullIf(x, 'b') AS x FROM (SELECT arrayJoin(['a', 'b', '']) AS x)"
    asked = await ok(client, "execute_hogql", query=query)
    found = await ok(client, "run_python", code="[len(df), df.x.isna().tolist(), df.x[2]]", inputs=[asked["query_id"]])
    assert found["result"] == [3, [False, True, False], ""]


async def test_equal_column_names_and_several_inputs(client: Client) -> None:
    twice = await ok(client, "execute_hogql", query="SELECT a, a FROM (SELECT 1 AS a)")
    other = await ok(client, "execute_hogql", query="SELECT 3 AS b")
    code = "import csv; [list(df1.columns), df1.iloc[0].tolist(), int(df2.b[0]), df is df1]"
    found = await ok(client, "run_python", code=code, inputs=[twice["query_id"], other["query_id"]])
    assert found["result"][1:] == [[1, 1], 3, True]
    assert len(set(found["result"][0])) == 2


async def test_tables_are_inputs_of_the_next_run_and_exports(client: Client) -> None:
    code = """
import datetime, pandas
show(pandas.DataFrame({"n": [1, 2], "x": [0.5, None], "at": pandas.to_datetime(["2026-01-01T10:00:00Z"] * 2),
    "words": [["a"], []], "text": ["", None], "big": [2**60, 1]}))
[{"day": datetime.date(2026, 1, 2), "n": 1, "more": {"k": [1]}}]
"""
    first = await ok(client, "run_python", code=code)
    frame, records = (table["query_id"] for table in first["tables"])

    code = """
[df1.n.tolist(), df1.x.isna().tolist(), str(df1["at"][0]), df1.words.tolist(), df1.text.isna().tolist(),
    int(df1.big[0]) == 2**60, str(df2.day[0]), df2.more[0]]
"""
    found = await ok(client, "run_python", code=code, inputs=[frame, records])

    at, day = "2026-01-01 10:00:00+00:00", "2026-01-02 00:00:00"
    assert found["result"] == [[1, 2], [False, True], at, [["a"], []], [False, True], True, day, {"k": [1]}]
    assert (await ok(client, "export_result", query_id=frame))["row_count"] == 2


async def test_times_of_a_zone_that_changes_its_offset_stay_times(client: Client) -> None:
    code = """
import pandas
pandas.DataFrame({"t": pandas.to_datetime(["2026-01-01T12:00:00Z", "2026-07-01T12:00:00Z"]).tz_convert("Europe/Berlin")})
"""
    (table,) = (await ok(client, "run_python", code=code))["tables"]
    assert [row[0] for row in table["rows"]] == ["2026-01-01T13:00:00+01:00", "2026-07-01T14:00:00+02:00"]

    code = "[str(df.t.dt.tz), df.t.dt.hour.tolist()]"
    found = await ok(client, "run_python", code=code, inputs=[table["query_id"]])
    assert found["result"] == ["Europe/Berlin", [13, 14]]


async def test_a_table_is_shown_as_it_was_then(client: Client) -> None:
    code = "import pandas\nt = pandas.DataFrame({'n': [1]})\nshow(t)\nt.loc[0, 'n'] = 2\nshow(t, 'as text')"
    found = await ok(client, "run_python", code=code)
    assert [table["rows"] for table in found["tables"]] == [[[1]], [[2]]]
    assert found["stdout"] == "as text\n"


async def test_a_column_and_an_index_of_one_name_are_shown(client: Client) -> None:
    code = "import pandas\npandas.DataFrame({'e': ['x', 'x', 'y']}).groupby('e')['e'].count()"
    (table,) = (await ok(client, "run_python", code=code))["tables"]
    assert table["rows"] == [["x", 2], ["y", 1]]


def png(width: int, height: int) -> bytes:
    """A grey image by hand."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


async def test_images_come_back_as_images(client: Client) -> None:
    drawn, shown = png(4, 3), png(2, 2)
    code = f"open('chart.png', 'wb').write({drawn!r})\nshow({shown!r})"

    result = await client.call_tool("run_python", {"code": code})

    images = [block for block in result.content if isinstance(block, ImageContent)]
    assert [base64.b64decode(image.data) for image in images] == [shown, drawn]
    assert {image.mime_type for image in images} == {"image/png"}
    assert result.structured_content is not None
    assert result.structured_content["images"] == 2


OPEN_FIGURES = """
import sys, types
class Figure:
    def savefig(self, out, **_): out.write(IMAGE)
pyplot = types.ModuleType("matplotlib.pyplot")
pyplot.get_fignums, pyplot.figure = (lambda: [1, 2]), (lambda number: Figure())
sys.modules["matplotlib.pyplot"] = pyplot
"""


@pytest.mark.parametrize(
    ("last", "images"), [("", 2), ("show(Figure())", 1), ("open('a.png', 'wb').write(IMAGE)", 1), ("Figure()", 1)]
)
async def test_figures_left_open_are_shown_where_the_code_shows_none(client: Client, last: str, images: int) -> None:
    code = f"IMAGE = {png(1, 1)!r}\n{OPEN_FIGURES}\n{last}"
    assert (await ok(client, "run_python", code=code))["images"] == images


async def test_images_beyond_the_limits_and_other_bytes_are_told(client: Client) -> None:
    code = f"for i in range(6): show({png(1, 1)!r})\nshow({png(1, 1)!r} + bytes(1_000_000))"
    found = await ok(client, "run_python", code=code)
    assert found["images"] == 4
    assert "3 of 7 images left out" in found["warnings"][0]["message"]

    found = await ok(client, "run_python", code="show(b'<svg/>')")
    assert found["images"] == 0
    assert "not PNG" in found["warnings"][0]["message"]


async def test_rows_tables_and_text_are_limited(client: Client) -> None:
    code = "print('x' * 50_000)\nshow([{'n': i} for i in range(2500)])\nfor i in range(6): show([{'i': i}])\n'y' * 5000"
    result = await client.call_tool("run_python", {"code": code})
    found = result.structured_content
    assert found is not None
    assert len(text_of(result)) < 12_000
    first = found["tables"][0]
    assert (first["row_count"], first["truncated"], len(found["tables"])) == (2500, True, 5)
    assert "2 of 7 tables left out" in found["warnings"][0]["message"]
    assert found["printed"] == 50_001
    assert "characters left out" in found["stdout"]
    assert "3,100 more characters" in found["result"]
    assert (await ok(client, "export_result", query_id=first["query_id"]))["row_count"] == 1000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep RLIMIT_DATA")
async def test_memory_is_limited(client: Client) -> None:
    assert "MemoryError" in await error(client, "run_python", code="x = bytearray(3 << 30)")
    assert (await ok(client, "run_python", code="1 + 1"))["result"] == 2


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def inner(x):\n    return 1 / x\n\ninner(0)", ["line 4", "line 2, in inner", "return 1 / x", "ZeroDivision"]),
        ("print('so far')\ndf['nosuch']", ["line 2", "KeyError: 'nosuch'", "Printed before: so far"]),
        ("x = (1", ["line 1", "SyntaxError"]),
        ("def f(n): return g(n)\ndef g(n): return f(n)\nf(1)", ["RecursionError"]),
        ("class Odd:\n    def __repr__(self): return 1 / 0\nOdd()", ["line 2, in __repr__", "ZeroDivisionError"]),
        ("undefined_before", ["NameError"]),
    ],
)
async def test_an_error_in_the_code_is_told_with_its_own_lines(client: Client, code: str, says: list[str]) -> None:
    asked = await counts(client)
    text = await error(client, "run_python", code=code, inputs=[asked["query_id"]])
    assert text.startswith("[invalid_input] The code raised an error")
    assert all(part in text for part in says), text
    for foreign in ("harness", "site-packages", "/runs/", str(asked["query_id"])):
        assert foreign not in text


async def test_leaving_early_is_no_error(client: Client) -> None:
    found = await ok(client, "run_python", code="import sys; show([{'n': 1}]); sys.exit('nothing to do')")
    assert (found["stderr"], found["tables"][0]["rows"]) == ("nothing to do\n", [[1]])


async def test_a_process_that_dies_without_a_result_is_told(client: Client) -> None:
    text = await error(client, "run_python", code="import os; os._exit(7)")
    assert "left no result" in text
    assert "code 7" in text


async def test_nothing_is_kept_between_calls(client: Client) -> None:
    await ok(client, "run_python", code="kept = 1; open('kept.txt', 'w').write('x')")
    found = await ok(client, "run_python", code="import os; ['kept' in globals(), os.path.exists('kept.txt')]")
    assert found["result"] == [False, False]
    assert found["sandbox"] == "reused"


async def test_keys_are_removed_from_all_that_comes_back(client: Client, e2b: StandIn) -> None:
    code = f"""
import base64, sys
for key in ({KEY!r}, "e2b_stand_in"):
    print(key, base64.b64encode(key.encode()).decode(), key.encode().hex())
    print(key, file=sys.stderr)
    show([{{"key": key}}])
{KEY!r}
"""
    result = await client.call_tool("run_python", {"code": code})
    found = result.structured_content
    assert found is not None
    assert found["result"] == "[removed]"
    assert [table["rows"] for table in found["tables"]] == [[["[removed]"]], [["[removed]"]]]
    for key in (KEY, "e2b_stand_in"):
        for spelling in (key, base64.b64encode(key.encode()).decode().rstrip("="), key.encode().hex()):
            assert spelling not in result.model_dump_json()
    assert KEY not in await error(client, "run_python", code=f"raise ValueError({KEY!r})")


async def test_the_sandbox_of_code_has_no_key_and_no_network(client: Client, e2b: StandIn) -> None:
    before = len(e2b.requests)
    environment = (await ok(client, "run_python", code="import os; dict(os.environ)"))["result"]
    assert not [name for name in environment if "POSTHOG" in name or "E2B" in name]
    assert not [line for line, body in e2b.requests[before:] if KEY in line or KEY.encode() in body]
    assert all(body["network"] == {"denyOut": ["0.0.0.0/0"], "allowPublicTraffic": False} for body in e2b.made)


async def test_a_shortened_input_warns(client: Client) -> None:
    asked = await ok(client, "execute_hogql", query=f"SELECT uuid FROM events WHERE {RANGE}", limit=3)
    found = await ok(client, "run_python", code="len(df)", inputs=[asked["query_id"]])
    assert found["result"] == 3
    assert found["warnings"][0]["code"] == "truncated_input"


@pytest.mark.parametrize(
    ("inputs", "code"),
    [(["nosuch"], "[not_found]"), (["../history"], "[invalid_input]"), (["x"] * 11, "[invalid_input]")],
)
async def test_bad_inputs_are_refused_before_a_sandbox_is_used(
    client: Client, e2b: StandIn, inputs: list[str], code: str
) -> None:
    before = len(e2b.requests)
    assert (await error(client, "run_python", code="1", inputs=inputs)).startswith(code)
    assert len(e2b.requests) == before


async def test_the_last_script_is_the_code_with_its_queries(client: Client) -> None:
    asked = await counts(client)
    found = await ok(client, "run_python", code="show([{'n': len(df)}])", inputs=[asked["query_id"]])

    for script_id in ("", found["run_id"], found["tables"][0]["query_id"]):
        shown = await ok(client, "show_last_script", query_id=script_id)
        assert shown["query_id"] == found["run_id"]
        assert "show([{'n': len(df)}])" in shown["script"]
        assert asked["hogql"] in shown["hogql"]
        assert KEY not in shown["script"]
    assert "run_python" not in (await ok(client, "show_last_script", query_id=asked["query_id"]))["script"]


async def test_the_tool_is_there_only_with_a_key_of_e2b(client: Client, demo_copy: Path) -> None:
    assert "run_python" in {tool.name for tool in (await client.list_tools()).tools}
    async with Client(build_server(Settings.load(data_dir=demo_copy, backend="local"))) as without:
        assert "run_python" not in {tool.name for tool in (await without.list_tools()).tools}
        assert (await ok(without, "execute_hogql", query="SELECT 1"))["rows"] == [[1]]
