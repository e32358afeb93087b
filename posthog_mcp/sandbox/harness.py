"""Runs inside the sandbox, alone: it reads `job.json` and `code.py` beside it, and leaves `result.json`.

Nothing of this package is there, and perhaps no pandas: only the standard library is imported at the top. Input cells
are CSV in which text is always quoted, so that an empty cell is NULL and `""` is empty text. The code's last value,
what it hands to `show`, its open matplotlib figures and the PNG files that it writes are the result.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import importlib
import io
import json
import linecache
import math
import re
import sys
import traceback
from pathlib import Path
from typing import Any, cast

CODE = "<your code>"
CELL = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^,\n]*))(,|\n|\Z)')
NUMBERS = ("Int", "UInt", "Float", "Decimal")
LISTS = ("Array", "Tuple", "Map")
ZONE = re.compile(r"'([^']+)'")
FRAMES = 12
"""Innermost frames that a traceback tells."""
EXACT = 2**53
"""Whole numbers beyond are text in JSON."""


def main() -> None:
    job = json.loads(Path("job.json").read_text(encoding="utf-8"))
    limit_memory(int(job["memory_mb"]))
    source = Path("code.py").read_text(encoding="utf-8")
    shown = Shown(job["limits"])
    names: dict[str, Any] = {"__name__": "__main__", "show": shown.show, "display": shown.show}
    names |= loaded(job["inputs"])
    if isinstance(names.get("df"), list):
        shown.notes.append("pandas is not in this sandbox: inputs are lists of records")
    before = {path.name for path in Path().glob("*.png")}
    value, failure = None, ""
    try:
        last = run(source, names)
        if last is not None and not shown.take(last):
            value = plain(last, job["limits"]["characters"])
        shown.take_pictures(before)
    except BaseException as error:
        failure = own_traceback(error)
    sys.stdout.flush()
    found = {"value": value, **shown.found(), "error": failure}
    Path("result.json").write_text(json.dumps(found), encoding="utf-8")


def limit_memory(megabytes: int) -> None:
    """Allocations over the limit raise MemoryError in the code instead of ending the sandbox."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        limit = megabytes << 20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(source: str, names: dict[str, Any]) -> Any:
    """Execute the code; the value of a last expression, as a notebook shows it."""
    lines = source.splitlines(keepends=True)
    linecache.cache[CODE] = (len(source), None, lines, CODE)
    tree = ast.parse(source, CODE)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    try:
        exec(compile(tree, CODE, "exec"), names)
        return eval(compile(ast.Expression(last.value), CODE, "eval"), names) if isinstance(last, ast.Expr) else None
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            sys.stderr.write(f"{leaving.code}\n")
        return None


def own_traceback(error: BaseException) -> str:
    """The traceback with the code's own frames only, also of the errors that it came from."""
    told = traceback.TracebackException.from_exception(error)
    each = told
    while True:
        each.stack = own_frames(each)
        earlier = each.__cause__ or each.__context__
        if earlier is None or not own_frames(earlier):
            each.__cause__ = each.__context__ = None
            break
        each = earlier
    return "".join(told.format())


def own_frames(told: traceback.TracebackException) -> traceback.StackSummary:
    return traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename == CODE][-FRAMES:])


def loaded(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """`df1`, `df2`, … and `df` for the first: DataFrames where pandas is there, lists of records elsewhere."""
    variables: dict[str, Any] = {}
    for number, each in enumerate(inputs, 1):
        columns = [(str(name), str(kind)) for name, kind in each["columns"]]
        rows = typed_rows(Path(str(each["file"])).read_bytes().decode("utf-8"), columns)
        variables[f"df{number}"] = frame(columns, rows)
    return {**variables, "df": variables["df1"]} if variables else {}


def typed_rows(text: str, columns: list[tuple[str, str]]) -> list[list[Any]]:
    kinds = [kind.replace("Nullable(", "").replace("LowCardinality(", "") for _, kind in columns]
    rows: list[list[Any]] = []
    row: list[Any] = []
    for number, match in enumerate(CELL.finditer(text)):
        if match.start() == len(text) and not row:
            break
        quoted, bare, end = match.groups()
        kind = "String" if number < len(columns) else kinds[len(row)]
        row.append(typed(kind, quoted.replace('""', '"') if quoted is not None else None, bare))
        if end != ",":
            rows.append(row)
            row = []
    return rows[1:]


def typed(kind: str, quoted: str | None, bare: str | None) -> Any:
    """A cell as Python: bare cells are JSON, quoted ones text that the column's type may read further."""
    if quoted is None:
        return json.loads(bare) if bare else None
    if kind.startswith(LISTS):
        with contextlib.suppress(ValueError):
            return json.loads(quoted)
    if kind.startswith(NUMBERS):
        with contextlib.suppress(ValueError):
            return int(quoted) if "Int" in kind else float(quoted)
    return quoted


def frame(columns: list[tuple[str, str]], rows: list[list[Any]]) -> Any:
    names = [name for name, _ in columns]
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        return [dict(zip(names, row, strict=True)) for row in rows]
    table = pandas.DataFrame(rows, columns=names)
    for name, kind in columns:
        if "Date" in kind and not any(outer in kind for outer in LISTS):
            with contextlib.suppress(Exception):
                table[name] = times(pandas, table[name], ZONE.search(kind))
    return table


def times(pandas: Any, column: Any, zone: re.Match[str] | None) -> Any:
    """Text as times of the column's zone; over a year its offsets change, which pandas refuses to mix."""
    try:
        return pandas.to_datetime(column, format="ISO8601")
    except ValueError:
        return pandas.to_datetime(column, format="ISO8601", utc=True).dt.tz_convert(zone[1] if zone else "UTC")


class Shown:
    """Tables and images that the code hands out. They are taken as they are then, for it may change them later."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.limits = limits
        self.notes: list[str] = []
        self.tables: list[dict[str, Any]] = []
        self.images: list[bytes] = []
        self.given_tables = 0
        self.given_images = 0

    def show(self, *values: Any) -> None:
        """`show` and `display` of the code: what is neither a table nor an image is printed."""
        for value in values:
            if not self.take(value):
                sys.stdout.write(f"{plain(value, self.limits['characters'])}\n")

    def take(self, value: Any) -> bool:
        """Keep a table or an image within the limits; False for anything else."""
        table = as_table(value, self.limits["rows"])
        if table is not None:
            self.tables += [table][: self.limits["tables"] - len(self.tables)]
            self.given_tables += 1
        elif is_image(value):
            self.take_image(png_of(value))
        else:
            return False
        return True

    def take_image(self, image: bytes) -> None:
        self.given_images += 1
        if len(image) <= self.limits["image_bytes"] and len(self.images) < self.limits["images"]:
            self.images.append(image)

    def take_pictures(self, before: set[str]) -> None:
        """PNG files that the code wrote; where it gave no image at all, the figures that it left open."""
        for path in sorted(Path().glob("*.png")):
            if path.name not in before:
                self.take_image(path.read_bytes())
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None and not self.given_images:
            for number in pyplot.get_fignums():
                self.take_image(png_of(pyplot.figure(number)))

    def found(self) -> dict[str, Any]:
        limits, notes = self.limits, list(self.notes)
        if self.given_images > len(self.images):
            most = f"at most {limits['images']}, {limits['image_bytes'] / 1e6:g} MB each"
            notes.append(f"{self.given_images - len(self.images)} of {self.given_images} images left out ({most})")
        if self.given_tables > len(self.tables):
            most = f"at most {limits['tables']}"
            notes.append(f"{self.given_tables - len(self.tables)} of {self.given_tables} tables left out ({most})")
        images = [base64.b64encode(image).decode() for image in self.images]
        return {"tables": self.tables, "images": images, "notes": notes}


def as_table(value: Any, most: int) -> dict[str, Any] | None:
    """A DataFrame, a Series, or a list of records, cut to `most` rows; None for anything else."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series)):
        named = isinstance(value, pandas.Series) or not isinstance(value.index, pandas.RangeIndex)
        whole = value.reset_index(allow_duplicates=True) if named else value
        raw = list(whole.head(most).itertuples(index=False, name=None))
        heads = zip(whole.columns, whole.dtypes, strict=True)
        columns = [[str(name), kind_of(dtype, [row[i] for row in raw])] for i, (name, dtype) in enumerate(heads)]
        return {"columns": columns, "rows": [[cell(each) for each in row] for row in raw], "row_count": len(whole)}
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in cast("list[Any]", value)):
        records = [{str(name): each for name, each in record.items()} for record in cast("list[dict[Any, Any]]", value)]
        names = list(dict.fromkeys(name for record in records for name in record))
        columns = [[name, kind_of_values([record.get(name) for record in records[:most]])] for name in names]
        rows = [[cell(record.get(name)) for name in names] for record in records[:most]]
        return {"columns": columns, "rows": rows, "row_count": len(records)}
    return None


def kind_of(dtype: Any, values: list[Any]) -> str:
    """The nearest ClickHouse type of a pandas column."""
    name = str(dtype)
    lower = name.lower()
    if lower.startswith(("int", "uint", "float")):
        return f"UI{lower[2:]}" if lower[0] == "u" else name[0].upper() + name[1:]
    if lower.startswith("datetime"):
        zone = getattr(dtype, "tz", None)
        return f"DateTime64(6, '{zone}')" if zone is not None else "DateTime64(6)"
    return "Bool" if lower.startswith("bool") else kind_of_values(values)


def kind_of_values(values: list[Any]) -> str:
    """The ClickHouse type that holds all of the values, String where there is no better one."""
    kinds = {kind_of_value(value) for value in values if cell(value) is not None}
    if len(kinds) == 1:
        return kinds.pop()
    return "Float64" if kinds == {"Int64", "Float64"} else "String"


def kind_of_value(value: Any) -> str:
    if hasattr(value, "year") and callable(getattr(value, "isoformat", None)):
        return "DateTime64(6)" if hasattr(value, "hour") else "Date"
    if isinstance(value, (list, tuple)):
        return "Array(String)"
    for kind, name in ((bool, "Bool"), (int, "Int64"), (float, "Float64"), (dict, "Map")):
        if isinstance(value, kind):
            return name
    return "String"


def cell(value: Any) -> Any:
    """A value that strict JSON can hold."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        value = item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT:
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): cell(each) for key, each in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple, set)):
        return [cell(each) for each in cast("list[Any]", value)]
    isoformat = getattr(value, "isoformat", None)
    text = isoformat() if callable(isoformat) else str(value)
    return None if text in {"NaT", "<NA>"} else text


def plain(value: Any, most: int) -> Any:
    """A value as JSON where that is short, otherwise the beginning of its text."""
    if isinstance(value, (bool, int, float, str, list, tuple, dict, set)) or getattr(value, "ndim", None) == 0:
        with contextlib.suppress(ValueError, RecursionError):
            converted = cell(value)
            if len(json.dumps(converted)) <= most:
                return converted
    text = str(value) if isinstance(value, str) else repr(cast("Any", value))
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def is_image(value: Any) -> bool:
    return isinstance(value, bytes) or hasattr(value, "savefig") or callable(getattr(value, "_repr_png_", None))


def png_of(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    savefig = getattr(value, "savefig", None)
    if callable(savefig):
        out = io.BytesIO()
        savefig(out, format="png", dpi=100, bbox_inches="tight")
        return out.getvalue()
    return bytes(value._repr_png_())


if __name__ == "__main__":
    main()
