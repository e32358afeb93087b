"""A generated query script in the sandbox that reaches the PostHog host.

The script needs httpx and the sandbox has no package index to get it from: where a template lacks it, this
installation's own copy (pure Python) goes along.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError, files

from posthog_mcp.sandbox.access import script_environment
from posthog_mcp.sandbox.sandboxes import Sandboxes
from posthog_mcp.sandbox.warm import Job, Ran

HTTPX = ("httpx", "httpcore", "h11", "anyio", "certifi", "idna", "sniffio", "typing_extensions")
MAX_ROWS_BYTES = 64_000_000
TRUST = "/etc/ssl/certs/ca-certificates.crt"
"""E2B's proxy signs with a certificate that the system there trusts, and that httpx's own list does not have."""


async def run_script(
    sandboxes: Sandboxes, script: str, *, project_id: int, query_id: str, seconds: float, refresh: bool = False
) -> Ran:
    """Run a query's script; `output` is its JSON: columns, types, results.

    Raises:
        NoSandbox: none can be made.
        QueryTimeout: `seconds` passed.
        Unavailable: the sandbox fails.
    """
    environment = {**script_environment(sandboxes.settings, project_id), "POSTHOG_QUERY_ID": query_id}
    trusted = f"if [ -f {TRUST} ]; then export SSL_CERT_FILE={TRUST}; fi"
    flags = "--json --refresh" if refresh else "--json"
    job = Job(
        command=f"{trusted}; exec python3 script.py {flags} > rows.json",
        files={"script.py": script},
        reads="rows.json",
        seconds=seconds,
        max_bytes=MAX_ROWS_BYTES,
        environment=environment,
        repeatable=True,
    )
    if sandboxes.lacks_httpx:
        return await sandboxes.scripts.run(with_httpx(job))
    ran = await sandboxes.scripts.run(job)
    if ran.exit_code == 0 or "No module named 'httpx'" not in ran.stderr:
        return ran
    sandboxes.lacks_httpx = True
    return await sandboxes.scripts.run(with_httpx(job))


def with_httpx(job: Job) -> Job:
    files = {**job.files, "httpx.zip": carried()}
    environment = {**job.environment, "PYTHONPATH": "httpx.zip"}
    return Job(job.command, files, job.reads, job.seconds, job.max_bytes, environment, job.repeatable)


@cache
def carried() -> bytes:
    """httpx and what it needs, as installed here."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in HTTPX:
            try:
                found = files(package) or []
            except PackageNotFoundError:
                continue
            for each in found:
                if each.suffix in {".py", ".pem"} and ".." not in each.parts:
                    archive.write(each.locate(), str(each))  # pyright: ignore[reportArgumentType]
    return out.getvalue()
