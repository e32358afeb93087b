"""One warm sandbox: made at first use, reused, replaced when it is gone, killed when anything is in doubt.

`run` uploads files, runs one command and reads one file back, within a deadline of our own.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from posthog_mcp.errors import InvalidInput, QueryTimeout, Unavailable
from posthog_mcp.observing.cost import Cost, spend
from posthog_mcp.observing.spans import span
from posthog_mcp.sandbox.access import Access
from posthog_mcp.sandbox.failures import Gone, NoSandbox, Overflow, creation_failed, is_gone, is_late, use_failed
from posthog_mcp.sandbox.ledger import Ledger

if TYPE_CHECKING:
    from e2b import AsyncSandbox
    from e2b.sandbox.filesystem.filesystem import AsyncWriteEntry
    from e2b.sandbox_async.commands.command_handle import AsyncCommandHandle

GRACE_SECONDS = 10.0
"""Over a command's own limit, for uploading and reading back."""
CREATE_SECONDS = 60.0
KILL_SECONDS = 10.0
MAX_PRINTED = 2_000_000
"""Characters that a command may print before it is stopped."""
KEPT = 100_000
"""Characters of stdout and stderr that are kept."""


@dataclass(frozen=True, slots=True)
class Job:
    """Files to upload into a folder of its own, a command to run there, and the file to read back."""

    command: str
    files: Mapping[str, str | bytes]
    reads: str
    seconds: float
    max_bytes: int
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    repeatable: bool = False
    """Ours, not a model's: running it twice does no harm, and nothing of it outlives its process."""


@dataclass(slots=True)
class Attempt:
    """A job in a sandbox: its folder, and its command once that has begun."""

    sandbox: AsyncSandbox
    reused: bool
    folder: str
    command: AsyncCommandHandle[None] | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command. `output` is the file, None where the command left none or ended badly."""

    exit_code: int
    stdout: str
    stderr: str
    printed: int
    """Characters printed, also those not kept."""
    output: bytes | None
    elapsed_ms: float
    reused: bool


class Printed:
    """What a command prints: the beginning is kept, all of it counted."""

    def __init__(self) -> None:
        self.out = ""
        self.err = ""
        self.count = 0

    def take_out(self, text: str) -> None:
        self.out += text[: KEPT - len(self.out)]
        self._count(text)

    def take_err(self, text: str) -> None:
        self.err += text[: KEPT - len(self.err)]
        self._count(text)

    def _count(self, text: str) -> None:
        """Count the text.

        Raises:
            Overflow: more was printed than a command may.
        """
        self.count += len(text)
        if self.count > MAX_PRINTED:
            raise Overflow


class WarmSandbox:
    """The sandbox of one purpose of one principal; `width` runs at a time."""

    def __init__(self, access: Access, ledger: Ledger, width: int) -> None:
        self._access = access
        self._ledger = ledger
        self._places = anyio.Semaphore(width)
        self._making = anyio.Lock()
        self._sandbox: AsyncSandbox | None = None
        self._closed = False

    async def run(self, job: Job) -> Ran:
        """Run a job; a sandbox that ended while nobody looked is replaced, once.

        Raises:
            NoSandbox: none can be made.
            QueryTimeout: the job's time passed.
            InvalidInput: it printed or left too much.
            Unavailable: the sandbox ended under the job, or E2B fails.
        """
        begun = time.perf_counter()
        with span("sandbox", {"posthog_mcp.purpose": self._access.purpose}) as traced:
            try:
                ran = await self._run(job)
            finally:
                spend(Cost(sandbox_ms=(time.perf_counter() - begun) * 1000))
            traced.set_attribute("posthog_mcp.exit_code", ran.exit_code)
            traced.set_attribute("posthog_mcp.reused", ran.reused)
            return ran

    async def _run(self, job: Job) -> Ran:
        """As `run`.

        Raises:
            Unavailable: the sandbox ended under the job.
        """
        async with self._places:
            try:
                return await self._attempt(job)
            except Gone as gone:
                if gone.started and not job.repeatable:
                    message = "The sandbox ended while the code ran, perhaps for want of memory."
                    raise Unavailable(message, fix="Call again with less data; a new sandbox is made.") from None
            try:
                return await self._attempt(job)
            except Gone:
                raise Unavailable("The sandbox ended twice.", fix="Try again in a minute.") from None

    async def aclose(self) -> None:
        """Kill the sandbox; no new one is made."""
        self._closed = True
        await self._discard(self._sandbox)

    async def _attempt(self, job: Job) -> Ran:
        """Run the job in the sandbox that is there, or a new one.

        Raises:
            Gone: the sandbox has ended.
            QueryTimeout: the job's time passed.
            InvalidInput: it printed or left too much.
            too_long: its deadline passed here.
            use_failed: E2B or its SDK fails.
        """
        sandbox, reused = await self._ready(job.seconds)
        attempt = Attempt(sandbox, reused, f"runs/{uuid.uuid4().hex[:12]}")
        try:
            with anyio.fail_after(job.seconds + GRACE_SECONDS):
                return await self._run_in(attempt, job)
        except Gone:
            await self._discard(sandbox)
            raise
        except (QueryTimeout, InvalidInput, anyio.get_cancelled_exc_class()):
            await self._stop(attempt, job)
            raise
        except TimeoutError:
            await self._stop(attempt, job)
            raise too_long(job) from None
        except Exception as error:
            await self._discard(sandbox)
            raise use_failed(error, self._access) from None

    async def _ready(self, seconds: float) -> tuple[AsyncSandbox, bool]:
        """A living sandbox with enough time left, and whether it is an old one.

        Raises:
            NoSandbox: none can be made.
            stopping: the server ended meanwhile.
        """
        async with self._making:
            lifetime = int(self._access.idle_seconds + seconds + GRACE_SECONDS)
            if self._sandbox is not None:
                try:
                    await self._sandbox.set_timeout(lifetime)
                    return self._sandbox, True
                except Exception:
                    await self._discard(self._sandbox)
            made = await self._make(lifetime)
            if self._closed:
                await self._discard(made)
                raise stopping()
            self._sandbox = made
            return made, False

    async def _make(self, lifetime: int) -> AsyncSandbox:
        """Make a sandbox, after killing what a crashed process left.

        Raises:
            stopping: the server is ending.
            creation_failed: E2B refuses or cannot be reached.
        """
        if self._closed:
            raise stopping()
        from e2b import AsyncSandbox

        access = self._access
        try:
            with anyio.fail_after(CREATE_SECONDS):
                await self._ledger.clear(access)
                sandbox = await AsyncSandbox.create(
                    access.template,
                    timeout=lifetime,
                    metadata={"made_by": "posthog-mcp", "purpose": access.purpose},
                    network=access.network,
                    lifecycle={"on_timeout": "kill"},
                    request_timeout=CREATE_SECONDS / 2,
                    **access.account,
                )
        except Exception as error:
            raise creation_failed(error, access) from None
        await self._ledger.add(sandbox.sandbox_id)
        return sandbox

    async def _run_in(self, attempt: Attempt, job: Job) -> Ran:
        """Upload, run, read back.

        Raises:
            Gone: the sandbox has ended; tells whether the command had begun.
            too_long: E2B ended the command at its limit.
            InvalidInput: it printed or left too much.
        """
        sandbox, folder = attempt.sandbox, attempt.folder
        begun = time.perf_counter()
        printed = Printed()
        entries: list[AsyncWriteEntry] = [
            {"path": f"{folder}/{name}", "data": data} for name, data in job.files.items()
        ]
        try:
            await sandbox.files.write_files(entries)
            attempt.command = await sandbox.commands.run(
                f"cd {folder} && {job.command}",
                background=True,
                envs=dict(job.environment),
                timeout=job.seconds,
                on_stdout=printed.take_out,
                on_stderr=printed.take_err,
                retain_output=False,
            )
            code = await exit_code(attempt.command)
            output = await contents(sandbox, f"{folder}/{job.reads}", job.max_bytes)
            elapsed = (time.perf_counter() - begun) * 1000
            await sandbox.files.remove(folder)
        except Overflow:
            raise InvalidInput(
                f"It printed or left more than {MAX_PRINTED:,} characters and was stopped.",
                fix="Print less: aggregate first, or show the head of a table.",
            ) from None
        except Exception as error:
            if is_gone(error):
                raise Gone(started=attempt.command is not None) from None
            if is_late(error):
                raise too_long(job) from None
            raise
        clean = self._access.scrubbed
        raw = clean(output.decode("utf-8", "replace")).encode() if output is not None else None
        return Ran(code, clean(printed.out), clean(printed.err), printed.count, raw, elapsed, attempt.reused)

    async def _stop(self, attempt: Attempt, job: Job) -> None:
        """End an unfinished job: its command where that is ours and others may run beside it, else the sandbox."""
        if attempt.command is not None and job.repeatable:
            with anyio.move_on_after(KILL_SECONDS, shield=True), contextlib.suppress(Exception):
                await attempt.command.kill()
                await attempt.sandbox.files.remove(attempt.folder)
                return
        await self._discard(attempt.sandbox)

    async def _discard(self, sandbox: AsyncSandbox | None) -> None:
        """Kill a sandbox and forget it, whatever happens; E2B's timer ends what cannot be reached."""
        if sandbox is None:
            return
        if self._sandbox is sandbox:
            self._sandbox = None
        with anyio.move_on_after(KILL_SECONDS, shield=True):
            try:
                await sandbox.kill()
            except Exception:
                return
            await self._ledger.remove(sandbox.sandbox_id)


async def exit_code(handle: AsyncCommandHandle[None]) -> int:
    """Wait for a command; a failed one is a result too."""
    from e2b import CommandExitException

    try:
        return (await handle.wait()).exit_code
    except CommandExitException as error:
        return error.exit_code


async def contents(sandbox: AsyncSandbox, path: str, most: int) -> bytes | None:
    """A file of the sandbox, or None where there is none.

    Raises:
        InvalidInput: it is bigger than `most` bytes.
    """
    from e2b import FileNotFoundException

    taken = bytearray()
    try:
        async with await sandbox.files.read(path, format="stream") as chunks:
            async for chunk in chunks:
                taken += chunk
                if len(taken) > most:
                    message = f"The result is bigger than {most / 1e6:g} MB."
                    raise InvalidInput(message, fix="Return less: aggregate first, or fewer images.")
    except FileNotFoundException:
        return None
    return bytes(taken)


def stopping() -> NoSandbox:
    return NoSandbox("The server is stopping.", fix="Start it again.")


def too_long(job: Job) -> QueryTimeout:
    message = f"It ran longer than {job.seconds:g} s in the sandbox and was stopped."
    return QueryTimeout(
        message, fix="Do less at once: fewer rows, a shorter time range, or a higher limit in the settings."
    )
