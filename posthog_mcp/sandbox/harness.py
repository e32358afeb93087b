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
CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n|\Z)')
NUMBERS = ("Int", "UInt", "Float", "Decimal")
LISTS = ("Array", "Tuple", "Map")


def main() -> None:
    job = json.loads(Path("job.json").read_text(encoding="utf-8"))
    limit_memory(int(job["memory_mb"]))
    source = Path("code.py").read_text(encoding="utf-8")
    shown: list[Any] = []
    names: dict[str, Any] = {"__name__": "__main__", "show": shown.append, "display": shown.append}
    names |= loaded(job["inputs"])
    before = {path.name for path in Path().glob("*.png")}
    failure = ""
    try:
        value = run(source, names)
        if value is not None:
            shown.append(value)
    except SystemExit:
        pass
    except BaseException as error:
        failure = own_traceback(error)
    sys.stdout.flush()
    found = report(shown, job["limits"], before)
    if job["inputs"] and isinstance(names.get("df"), list):
        found["notes"].append("pandas is not in this sandbox: inputs are lists of records")
    Path("result.json").write_text(json.dumps({**found, "error": failure}), encoding="utf-8")


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
    exec(compile(tree, CODE, "exec"), names)
    return eval(compile(ast.Expression(last.value), CODE, "eval"), names) if isinstance(last, ast.Expr) else None


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
    return traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename == CODE])


def loaded(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """`df1`, `df2`, … and `df` for the first: DataFrames where pandas is there, lists of records elsewhere."""
    variables: dict[str, Any] = {}
    for number, each in enumerate(inputs, 1):
        columns = [(str(name), str(kind)) for name, kind in each["columns"]]
        rows = typed_rows(Path(str(each["file"])).read_text(encoding="utf-8"), columns)
        variables[f"df{number}"] = frame(columns, rows)
    return {**variables, "df": variables["df1"]} if variables else {}


def typed_rows(text: str, columns: list[tuple[str, str]]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    row: list[Any] = []
    for number, match in enumerate(CELL.finditer(text)):
        if match.start() == len(text) and not row:
            break
        quoted, bare, end = match.groups()
        header = number < len(columns)
        kind = "String" if header else columns[len(row)][1]
        row.append(typed(kind, quoted.replace('""', '"') if quoted is not None else None, bare))
        if end != ",":
            rows.append(row)
            row = []
    return rows[1:]


def typed(kind: str, quoted: str | None, bare: str | None) -> Any:
    """A cell as Python: bare cells are JSON, quoted ones text that the column's type may read further."""
    if quoted is None:
        return json.loads(bare) if bare else None
    inner = kind.replace("Nullable(", "").replace("LowCardinality(", "")
    if inner.startswith(LISTS):
        with contextlib.suppress(ValueError):
            return json.loads(quoted)
    if inner.startswith(NUMBERS):
        with contextlib.suppress(ValueError):
            return int(quoted) if "Int" in inner else float(quoted)
    return quoted


def frame(columns: list[tuple[str, str]], rows: list[list[Any]]) -> Any:
    names = [name for name, _ in columns]
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        return [dict(zip(names, row, strict=True)) for row in rows]
    table = pandas.DataFrame(rows, columns=names)
    for name, kind in columns:
        if "DateTime" in kind:
            with contextlib.suppress(Exception):
                table[name] = pandas.to_datetime(table[name], format="ISO8601")
    return table


def report(shown: list[Any], limits: dict[str, int], before: set[str]) -> dict[str, Any]:
    """What was shown, as tables, images and one value; what was left out is said in `notes`."""
    notes: list[str] = []
    tables: list[dict[str, Any]] = []
    images: list[bytes] = []
    value: Any = None
    for each in shown:
        table = as_table(each, limits["rows"])
        if table is not None:
            tables.append(table)
        elif is_image(each):
            images.append(png_of(each))
        else:
            value = plain(each, limits["characters"])
    images += pictures(before)
    kept = [image for image in images if len(image) <= limits["image_bytes"]][: limits["images"]]
    if len(kept) < len(images):
        size = limits["image_bytes"] / 1e6
        notes.append(
            f"{len(images) - len(kept)} of {len(images)} images left out (at most {limits['images']}, {size:g} MB each)"
        )
    if len(tables) > limits["tables"]:
        notes.append(f"{len(tables) - limits['tables']} of {len(tables)} tables left out")
    encoded = [base64.b64encode(image).decode() for image in kept]
    return {"value": value, "tables": tables[: limits["tables"]], "images": encoded, "notes": notes}


def as_table(value: Any, most: int) -> dict[str, Any] | None:
    """A DataFrame, a Series, or a list of records, cut to `most` rows; None for anything else."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series)):
        named = isinstance(value, pandas.Series) or not isinstance(value.index, pandas.RangeIndex)
        whole = value.reset_index() if named else value
        part = whole.head(most)
        columns = [[str(name), kind_of(str(dtype))] for name, dtype in zip(whole.columns, whole.dtypes, strict=True)]
        rows = [[cell(each) for each in row] for row in part.itertuples(index=False, name=None)]
        return {"columns": columns, "rows": rows, "row_count": len(whole)}
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in cast("list[Any]", value)):
        records = [{str(name): each for name, each in record.items()} for record in cast("list[dict[Any, Any]]", value)]
        names = list(dict.fromkeys(name for record in records for name in record))
        rows = [[cell(record.get(name)) for name in names] for record in records[:most]]
        return {"columns": [[name, "unknown"] for name in names], "rows": rows, "row_count": len(records)}
    return None


def kind_of(dtype: str) -> str:
    """The nearest ClickHouse type of a pandas dtype."""
    lower = dtype.lower()
    if lower.startswith(("int", "uint", "float")):
        return dtype[0].upper() + dtype[1:] if dtype[0] != "u" else f"UI{dtype[2:]}"
    return "DateTime64" if lower.startswith("datetime") else "Bool" if lower.startswith("bool") else "String"


def cell(value: Any) -> Any:
    """A value that strict JSON can hold."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        value = item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
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


def pictures(before: set[str]) -> list[bytes]:
    """PNG files that the code wrote; without any, the figures that it left open."""
    written = [path.read_bytes() for path in sorted(Path().glob("*.png")) if path.name not in before]
    pyplot = sys.modules.get("matplotlib.pyplot")
    if written or pyplot is None:
        return written
    return [png_of(pyplot.figure(number)) for number in pyplot.get_fignums()]


if __name__ == "__main__":
    main()
