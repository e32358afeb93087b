"""Load PostHog batch exports into the data folder: find files, set bad ones aside, leave out bad rows, rewrite.

What was imported or captured before is merged with what comes in; the demo project is replaced (events captured into
it stay). Loading the same files again changes nothing: an event is known by its uuid, a person by its versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from posthog_mcp.backends.local.import_checks import Checked, Checking, Rejected
from posthog_mcp.backends.local.import_files import Failed, Model, find_files
from posthog_mcp.backends.local.kept import Kept, kept_rows
from posthog_mcp.backends.local.loader import LoadProgress, open_loader
from posthog_mcp.backends.local.manifest import Manifest, ProjectSettings, Source
from posthog_mcp.backends.local.rewriting import Raw, rewrite_with, scaled
from posthog_mcp.backends.local.sources import Links
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.errors import InvalidInput

__all__ = ["Failed", "ImportReport", "Rejected", "import_exports"]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a load did. `rows` are the rows of each table afterwards, `read` the rows of each model in the files.

    `duplicates` counts events that were there already or came twice. `rejected` shows the first 1,000 bad rows of
    `rejected_count`; `failed` are whole files that could not be read.
    """

    rows: dict[str, int]
    read: dict[Model, int]
    files: int
    duplicates: int
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    rejected_count: int = 0
    failed: list[Failed] = field(default_factory=list[Failed])


async def import_exports(
    store: Store,
    paths: Sequence[Path | str],
    *,
    project: ProjectSettings | None = None,
    progress: LoadProgress | None = None,
) -> ImportReport:
    """Load files, folders and globs of batch exports as one new snapshot.

    Raises:
        InvalidInput: there is nothing that can be loaded.
        Unavailable: the data folder is locked, read-only or full, or chDB is missing.
    """
    files, failed = find_files(paths)
    folders = sorted({file.path.resolve().parent for file in files})
    async with store.begin() as writing:
        reads = [*folders, *([writing.previous.path] if writing.previous else [])]
        links = Links(writing.scratch / "in")
        async with open_loader(reads=[*reads, writing.path], writes=[writing.path]) as loader:
            kept = await kept_rows(loader, writing, links)
            checked = await Checking(loader, links, writing.scratch, files).check(scaled(progress, 0.0, 0.3))
            checked.failed[:0] = failed
            if sum(checked.read.values()) == sum(checked.bad.values()):
                nothing = nothing_loaded(checked)
                raise nothing
            raw = raw_of(links, kept, checked, reads)
            manifest = await rewrite_with(
                loader,
                writing,
                raw,
                project=project or kept.project,
                source=Source(kind="import", captured=kept.captured, detail={"sessions": bool(raw.sessions)}),
                progress=scaled(progress, 0.3, 1.0),
            )
        await writing.commit(manifest)
    return report_of(manifest, kept, checked, len(files) + len(failed))


def raw_of(links: Links, kept: Kept, checked: Checked, reads: Sequence[Path]) -> Raw:
    return Raw(
        links,
        [*kept.events, *checked.sources["events"]],
        [*kept.persons, *checked.sources["persons"]],
        [*kept.sessions, *checked.sources["sessions"]],
        reads=reads,
        dropped=checked.dropped,
        kinds=kept.kinds,
    )


def report_of(manifest: Manifest, kept: Kept, checked: Checked, files: int) -> ImportReport:
    rows = {name: found.rows for name, found in manifest.tables.items()}
    good = checked.read.get("events", 0) - checked.bad.get("events", 0)
    return ImportReport(
        rows,
        checked.read,
        files,
        kept.event_rows + good - rows["events"],
        checked.rejected,
        sum(checked.bad.values()),
        checked.failed,
    )


def nothing_loaded(checked: Checked) -> InvalidInput:
    reasons = [f"{each.file}: {each.reason}" for each in checked.failed[:3]]
    reasons += [f"{each.file} row {each.row}: {each.reason}" for each in checked.rejected[:3]]
    message = f"Nothing could be loaded. {'; '.join(reasons)}".strip()
    return InvalidInput(message, fix="Give files of PostHog batch exports; what was there before is unchanged.")
