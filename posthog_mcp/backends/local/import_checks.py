"""First look at export files: which model each is, which cannot be read, which rows are bad.

JSON lines are landed as Parquet texts first. A failure in a batch of files is halved down to the files it comes from;
those are set aside and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from posthog_mcp.backends.local.definitions import as_int
from posthog_mcp.backends.local.import_files import ExportFile, Failed, Model, model_of
from posthog_mcp.backends.local.import_rows import (
    FileShape,
    as_text,
    land_lines,
    landed_columns,
    raw_select,
    rejects_select,
)
from posthog_mcp.backends.local.loader import Loader, LoadProgress, Rows
from posthog_mcp.backends.local.schema import Columns, literal
from posthog_mcp.backends.local.sources import ROW_NUMBER, Links, Source, insert, table
from posthog_mcp.errors import PostHogMcpError

SHOWN_REJECTS = 1000
BATCH = 200
"""Files that are looked at together."""
REJECTS: Columns = (("row", "UInt64"), ("reason", "String"))
ROW_BITS = "bitShiftLeft(toUInt64(1), 40) - 1"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was left out. `row` counts from 1: the line of a JSONL file, the row of a Parquet file."""

    file: str
    row: int
    reason: str


@dataclass(slots=True)
class Checked:
    """What the files hold. `read` and `bad` count rows by model; `failed` are whole files."""

    sources: dict[Model, list[Source]] = field(default_factory=lambda: {"events": [], "persons": [], "sessions": []})
    read: dict[Model, int] = field(default_factory=dict[Model, int])
    bad: dict[Model, int] = field(default_factory=dict[Model, int])
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    dropped: Path | None = None
    failed: list[Failed] = field(default_factory=list[Failed])


class Checking:
    """One pass over the files of a load. Files are numbered in `links`; `scratch` may be written."""

    def __init__(self, loader: Loader, links: Links, scratch: Path, files: Sequence[ExportFile]) -> None:
        self.loader = loader
        self.links = links
        self.scratch = scratch
        self.files = dict(zip(links.add(file.path for file in files), files, strict=True))
        self.checked = Checked()
        self.shapes: dict[FileShape, list[int]] = {}

    async def check(self, progress: LoadProgress | None) -> Checked:
        """Recognise, land and check everything."""
        await self.recognise_parquet([n for n, file in self.files.items() if file.format == "parquet"])
        await self.recognise_lines([n for n, file in self.files.items() if file.format == "lines"])
        work = [(shape, part) for shape, numbers in self.shapes.items() for part in batches(sorted(numbers))]
        for done, (shape, part) in enumerate(work, 1):
            await self.check_rows(shape, part)
            if progress:
                progress(done / len(work), "checking rows")
        if any(self.checked.bad.values()):
            await self.collect_rejects()
        return self.checked

    async def run(self, statements: Sequence[str]) -> list[Rows]:
        return await self.loader.run(statements, label="checking files")

    async def recognise_parquet(self, numbers: Sequence[int]) -> None:
        """Group files by their columns, then by model."""
        signatures: dict[str, list[int]] = {}

        async def look(part: Sequence[int]) -> None:
            statement = f"""SELECT toUInt32(substring(_file, 1, 6)),
toString(arrayMap(x -> (x.path, x.physical_type, x.logical_type), columns))
FROM file({self.links.glob(part)}, ParquetMetadata, auto, 'none')"""
            for number, signature in (await self.run([statement]))[0]:
                signatures.setdefault(str(signature), []).append(as_int(number))

        for part in batches(numbers):
            await self.each_or_failed(part, look)
        for same in signatures.values():
            described = await self.run([f"DESCRIBE TABLE file({self.links.glob(same[:1])}, Parquet, auto, 'none')"])
            columns = tuple((str(row[0]), as_text(str(row[1]))) for row in described[0])
            model = model_of([name for name, _ in columns])
            if model:
                self.shapes.setdefault(FileShape(model, columns), []).extend(same)
            else:
                for number in same:
                    self.fail(number, "its columns are not those of the events, persons or sessions model")

    async def recognise_lines(self, numbers: Sequence[int]) -> None:
        """Find the model by the first good line, then land every line."""
        models: dict[int, Model] = {}

        async def peek(part: Sequence[int]) -> None:
            statements = [
                f"""SELECT JSONExtractKeys(line) FROM file({self.links.glob([number])}, LineAsString, 'line String',
{literal(self.files[number].compression)}) WHERE isValidJSON(line) AND JSONType(line) = 'Object' LIMIT 1"""
                for number in part
            ]
            for number, rows in zip(part, await self.run(statements), strict=True):
                keys = rows[0][0] if rows else []
                model = model_of([str(key) for key in keys] if isinstance(keys, list) else [])
                if model:
                    models[number] = model
                else:
                    self.fail(number, "no line of it is a row of the events, persons or sessions model")

        async def land(part: Sequence[int]) -> None:
            statements = [
                insert(
                    self.landed(number),
                    landed_columns(models[number]),
                    land_lines(self.links.glob([number]), self.files[number].compression, models[number]),
                )
                for number in part
            ]
            await self.run(statements)
            for number in part:
                link = self.links.folder / self.links.name(number)
                link.unlink()
                self.landed(number).rename(link)
                shape = FileShape(models[number], landed_columns(models[number]), landed=True)
                self.shapes.setdefault(shape, []).append(number)

        for part in batches(numbers):
            await self.each_or_failed(part, peek)
        for part in batches(list(models)):
            await self.each_or_failed(part, land)

    def landed(self, number: int) -> Path:
        return self.scratch / f"landed-{number:06d}.parquet"

    async def check_rows(self, shape: FileShape, numbers: Sequence[int]) -> None:
        """Read every value once: count the rows, and write down the bad ones."""
        good: list[int] = []

        async def look(part: Sequence[int]) -> None:
            path = self.scratch / f"rejects-{part[0]:06d}-{len(part)}.parquet"
            files = shape.files.replace("{files}", self.links.glob(part))
            select = rejects_select(shape).replace("{files}", self.links.glob(part))
            answers = await self.run(
                [
                    insert(path, REJECTS, select),
                    f"SELECT count() FROM {table(path, REJECTS)}",
                    f"SELECT count() FROM {files}",
                ]
            )
            path.rename(path.with_name(f"bad-{path.name}"))
            self.add(self.checked.bad, shape.model, as_int(answers[1][0][0]))
            self.add(self.checked.read, shape.model, as_int(answers[2][0][0]))
            good.extend(part)

        await self.each_or_failed(numbers, look)
        if good:
            self.checked.sources[shape.model].append(Source(tuple(good), raw_select(shape)))

    def add(self, counts: dict[Model, int], model: Model, rows: int) -> None:
        counts[model] = counts.get(model, 0) + rows

    async def collect_rejects(self) -> None:
        """All rows to leave out in one file, and the first ones in words."""
        bad = table(self.scratch / "bad-*.parquet", REJECTS)
        dropped = self.scratch / "rejected.parquet"
        _, shown = await self.run(
            [
                insert(dropped, ROW_NUMBER, f"SELECT row FROM {bad}"),
                f"""SELECT bitShiftRight(row, 40), bitAnd(row, {ROW_BITS}), reason
FROM {bad} ORDER BY row LIMIT {SHOWN_REJECTS}""",
            ]
        )
        self.checked.dropped = dropped
        self.checked.rejected = [
            Rejected(str(self.links.paths[as_int(file)]), as_int(row) + 1, str(reason)) for file, row, reason in shown
        ]

    def fail(self, number: int, reason: str) -> None:
        self.checked.failed.append(Failed(str(self.links.paths[number]), reason))

    async def each_or_failed(self, numbers: Sequence[int], look: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        """Look at all together; when chDB refuses, halve until the bad files are found.

        Raises:
            PostHogMcpError: the failure is not the files'.
        """
        try:
            await look(numbers)
        except PostHogMcpError as error:
            if "clickhouse_error" not in error.context or error.context["clickhouse_error"] in NOT_THE_FILES:
                raise
            if len(numbers) == 1:
                self.fail(numbers[0], error.message)
                return
            middle = len(numbers) // 2
            await self.each_or_failed(numbers[:middle], look)
            await self.each_or_failed(numbers[middle:], look)


NOT_THE_FILES = {"NOT_ENOUGH_SPACE", "MEMORY_LIMIT_EXCEEDED", "CANNOT_WRITE_TO_FILE_DESCRIPTOR"}


def batches(numbers: Sequence[int]) -> list[Sequence[int]]:
    return [numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)]
