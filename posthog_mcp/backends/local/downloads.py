"""File downloads of the embedded project: events, persons or sessions of up to a week as Parquet in PostHog's
batch-export columns.

Source of shapes and limits: PostHog's `products/batch_exports/backend/api/file_download.py`. The work is done before
the answer to POST, so a run that is asked for is always done; a signed address on PostHog's side is a random one here.
Intervals are of when an event was ingested, as there.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from posthog_mcp.backends.backend import ApiCall
from posthog_mcp.backends.local.loader import open_loader
from posthog_mcp.backends.local.schema import SESSIONS, Columns
from posthog_mcp.backends.local.sources import RAW_EVENTS, RAW_PERSONS, insert, table
from posthog_mcp.backends.local.storage import Snapshot
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.results import Json

LONGEST = timedelta(weeks=1)
MODELS: Mapping[str, Columns] = {"events": RAW_EVENTS, "persons": RAW_PERSONS, "sessions": SESSIONS}
MOMENT = "toDateTime64('{}', 6, 'UTC')"
KEEP = 50
"""Runs that are remembered."""


@dataclass(slots=True)
class Run:
    """One finished run: its files by id, and the addresses that were handed out for them."""

    id: str
    folder: Path
    files: dict[str, Path]
    addresses: dict[str, Path] = field(default_factory=dict[str, Path])


class Downloads:
    """The runs of one driver. Files are temporary; `close` removes them."""

    def __init__(self, snapshot: Callable[[], Awaitable[Snapshot]]) -> None:
        self._snapshot = snapshot
        self._runs: dict[str, Run] = {}

    async def start(self, body: Mapping[str, Json]) -> Run:
        """Write the files of a request.

        Raises:
            InvalidInput: the model, format or interval is refused.
        """
        model, start, end = wanted(body)
        snapshot = await self._snapshot()
        folder = Path(await anyio.to_thread.run_sync(lambda: tempfile.mkdtemp(prefix="posthog-mcp-download-")))
        path = folder / f"{model}.parquet"
        select = SELECTS[model](snapshot, MOMENT.format(f"{start:%F %T.%f}"), MOMENT.format(f"{end:%F %T.%f}"))
        async with open_loader(reads=[snapshot.path], writes=[folder]) as loader:
            ((count,),) = (await loader.run([f"SELECT count() FROM ({select})"]))[0]
            if count:
                await loader.run([insert(path, MODELS[model], select)])
        run = Run(str(uuid.uuid4()), folder, {str(uuid.uuid4()): path} if count else {})
        self._runs[run.id] = run
        while len(self._runs) > KEEP:
            await anyio.to_thread.run_sync(shutil.rmtree, self._runs.pop(next(iter(self._runs))).folder)
        return run

    def runs(self) -> list[Run]:
        """Newest first."""
        return list(reversed(self._runs.values()))

    def run(self, run_id: str) -> Run:
        """A run by its id.

        Raises:
            NotFound: there is none.
        """
        if run_id not in self._runs:
            raise NotFound("Not found.", fix="Start one with POST P/file_download_batch_exports/.")
        return self._runs[run_id]

    def address(self, run_id: str, part: str) -> str:
        """A path that serves a file to whoever has it; `part` is a file's id or its number.

        Raises:
            NotFound: there is no such file.
        """
        run = self.run(run_id)
        paths = list(run.files.values())
        path = run.files.get(part) or (paths[int(part)] if part.isdigit() and int(part) < len(paths) else None)
        if path is None:
            raise NotFound("Not found.", fix="Take a file's id of GET P/file_download_batch_exports/{id}/.")
        token = secrets.token_urlsafe(24)
        run.addresses[token] = path
        return f"/files/{token}"

    def file(self, token: str) -> Path:
        """The file of an address.

        Raises:
            NotFound: nobody was given it.
        """
        for run in self._runs.values():
            if token in run.addresses:
                return run.addresses[token]
        raise NotFound("Not found.")

    def close(self) -> None:
        for run in self._runs.values():
            shutil.rmtree(run.folder, ignore_errors=True)
        self._runs.clear()


async def download(downloads: Downloads, call: ApiCall) -> tuple[int, Json]:
    """Answer a call of the family file_download_batch_exports.

    Raises:
        InvalidInput: a run cannot be cancelled any more, or the request is refused.
    """
    if call.endpoint.role == "create":
        return 202, {"id": (await downloads.start(call.body or {})).id}
    if call.endpoint.role == "list":
        items: list[Json] = [{"id": run.id, "status": "Completed"} for run in downloads.runs()]
        return 200, {"count": len(items), "next": None, "previous": None, "results": items}
    run_id = call.values["id"]
    if call.endpoint.method == "POST":
        downloads.run(run_id)
        raise InvalidInput("Cannot cancel a run that is in 'Completed' status")
    if "part" in call.values:
        return 302, {"location": downloads.address(run_id, call.values["part"])}
    return 200, {"status": "Completed", "files": list(downloads.run(run_id).files)}


def wanted(body: Mapping[str, Json]) -> tuple[str, datetime, datetime]:
    """Model and interval of a request.

    Raises:
        InvalidInput: what PostHog refuses, and formats that are not written here.
    """
    model, file = str(body.get("model")), body.get("file")
    if model not in MODELS:
        refuse(f'"{model}" is not a valid choice.', "model", f"Use one of: {', '.join(MODELS)}.")
    if not isinstance(file, dict):
        refuse("This field is required.", "file", 'Give {"format": "Parquet"}.')
    elif file.get("format", "Parquet") != "Parquet":
        refuse("The embedded project writes Parquet only.", "file", 'Give {"format": "Parquet"}.')
    start, end = moment(body, "data_interval_start"), moment(body, "data_interval_end")
    if start > end:
        refuse("'data_interval_end' must occur after 'data_interval_start'", "data_interval_end", "Exchange them.")
    if end - start > LONGEST:
        refuse("data interval range too big", "data_interval_end", "Ask for at most one week.")
    if end > datetime.now(UTC):
        told = f"The provided 'data_interval_end' ({end.isoformat()}) is in the future"
        refuse(told, "data_interval_end", "Ask until now at most.")
    return model, start, end


def moment(body: Mapping[str, Json], name: str) -> datetime:
    """A time of the request in UTC.

    Raises:
        InvalidInput: it is missing or unreadable.
    """
    try:
        found = datetime.fromisoformat(str(body[name]))
    except (KeyError, ValueError):
        raise InvalidInput(f"'{name}' is required", fix="Give ISO 8601.", context={"attr": name}) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def refuse(message: str, name: str, fix: str) -> None:
    """Say what is wrong with one field.

    Raises:
        InvalidInput: always.
    """
    raise InvalidInput(message, fix=fix, context={"attr": name})


def events_select(snapshot: Snapshot, start: str, end: str) -> str:
    found = table(snapshot.path / "events", tuple(snapshot.manifest.tables["events"].columns))
    return f"SELECT *, created_at AS _inserted_at FROM {found} WHERE created_at >= {start} AND created_at < {end}"


def persons_select(snapshot: Snapshot, start: str, end: str) -> str:
    tables = snapshot.manifest.tables
    mapping = table(snapshot.path / "person_distinct_ids", tuple(tables["person_distinct_ids"].columns))
    people = table(snapshot.path / "persons", tuple(tables["persons"].columns))
    return f"""SELECT d.distinct_id AS distinct_id, d.person_id AS person_id, p.properties AS properties,
greatest(d.version, 0) AS person_distinct_id_version, greatest(p.version, 0) AS person_version,
p.created_at AS created_at, false AS is_deleted FROM {mapping} AS d INNER JOIN {people} AS p ON d.person_id = p.id
WHERE p.created_at < {end} AND coalesce(p.last_seen_at, p.created_at) >= {start}"""


def sessions_select(snapshot: Snapshot, start: str, end: str) -> str:
    found = table(snapshot.path / "sessions", tuple(snapshot.manifest.tables["sessions"].columns))
    return f"SELECT * FROM {found} WHERE `$end_timestamp` >= {start} AND `$end_timestamp` < {end}"


SELECTS: Mapping[str, Callable[[Snapshot, str, str], str]] = {
    "events": events_select,
    "persons": persons_select,
    "sessions": sessions_select,
}
