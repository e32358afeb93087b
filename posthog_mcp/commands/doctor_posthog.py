"""What `doctor` finds at a PostHog host: reachable, key known, scopes enough, project there, queries answered, clock.

Each question is asked only when those before it leave hope; what failed is told once, with its mend.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from posthog_mcp.backends.posthog.client import Manners
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.backends.posthog.errors import KEYS
from posthog_mcp.backends.posthog.retrying import Retries
from posthog_mcp.backends.posthog.transport import Phases
from posthog_mcp.commands.finding import Line
from posthog_mcp.errors import Forbidden, NotFound, PostHogMcpError, RateLimited
from posthog_mcp.settings import Settings

CLOCK_SKEW_SECONDS = 60
IMPATIENT = Manners(phases=Phases(connect=5, read=15), retries=Retries(tries=2, seconds=20, pause=0.2))
NEEDED = ("query:read", "project:read")
USEFUL = (
    "event_definition:read",
    "property_definition:read",
    "insight:read",
    "dashboard:read",
    "cohort:read",
    "action:read",
    "annotation:read",
    "feature_flag:read",
    "experiment:read",
    "survey:read",
    "person:read",
    "group:read",
    "session_recording:read",
    "error_tracking:read",
)
"""Lists of these kinds stay empty without the scope; queries run all the same."""
WRITES = ("insight:write", "dashboard:write", "cohort:write", "annotation:write", "alert:write")


async def posthog_findings(settings: Settings, manners: Manners = IMPATIENT) -> AsyncGenerator[Line, None]:
    """The lines of one host, key and project."""
    driver = PostHogDriver(settings, manners)
    try:
        answers = await host_and_key(driver)
        for line in answers:
            yield line
        known = all(line.state == "ok" for line in answers)
        for check in (scopes_line, project_line, queries_line) if known else ():
            line = await check(driver, settings)
            yield line
            if line.state == "failed":
                break
        yield clock_line(driver.client.clock_skew)
    finally:
        await driver.aclose()


async def host_and_key(driver: PostHogDriver) -> list[Line]:
    """Whether the host answers, and what it says of the key. A key without `user:read` is known all the same."""
    host = Line("ok", "host", f"{driver.client.host} answers")
    try:
        await driver.ready()
    except Forbidden as error:
        if error.context.get("reason") != "missing_scope":
            return [host, Line("failed", "key", error.message, error.fix)]
    except NotFound:
        found = f"{driver.client.host} answers, but has no PostHog API"
        return [Line("failed", "host", found, "Check POSTHOG_BASE_URL: scheme, host, port and path.")]
    except RateLimited as error:
        return [host, Line("warning", "key", error.message, error.fix)]
    except PostHogMcpError as error:
        return [Line("failed", "host", error.message, error.fix)]
    return [host, Line("ok", "key", "accepted")]


async def scopes_line(driver: PostHogDriver, settings: Settings) -> Line:
    """Whether the key may do what the tools need; full access is more than they do.

    Old hosts and keys limited to a project do not tell their scopes; then the next requests show what is missing.
    """
    try:
        scopes = await driver.scopes()
    except (NotFound, Forbidden):
        scopes = ()
    except PostHogMcpError as error:
        return Line("warning", "scopes", error.message, error.fix)
    if not scopes:
        return Line("ok", "scopes", "the host does not tell this key's")
    writes = settings.allow_writes
    if "*" in scopes:
        advice = "" if writes else "A key with read scopes only is enough and safer."
        return Line("ok", "scopes", "full access (*)", advice)
    held = {*scopes, *(scope.replace(":write", ":read") for scope in scopes)}
    missing = [scope for scope in NEEDED if scope not in held]
    if missing:
        names = ", ".join(missing)
        return Line("failed", "scopes", f"the key lacks {names}", f"Give the key the scope {names}. {KEYS}")
    lacking = [scope for scope in (*USEFUL, *(WRITES if writes else ())) if scope not in held]
    if lacking:
        found = f"the key lacks {', '.join(lacking)}"
        return Line("warning", "scopes", found, "Add those whose objects you want to ask of; queries run without.")
    return Line("ok", "scopes", f"{len(scopes)} scopes, all that the tools need")


async def project_line(driver: PostHogDriver, settings: Settings) -> Line:
    """Whether there is one project, and the key sees it."""
    try:
        info = await driver.project()
    except PostHogMcpError as error:
        return Line("failed", "project", error.message, error.fix)
    return Line("ok", "project", f"{info.id} “{info.name}”, time zone {info.timezone}")


async def queries_line(driver: PostHogDriver, settings: Settings) -> Line:
    """PostHog checks a query and runs none."""
    try:
        found = await driver.metadata("SELECT 1")
    except PostHogMcpError as error:
        return Line("failed", "queries", error.message, error.fix)
    if found.errors:
        return Line("warning", "queries", found.errors[0].message, "Update the self-hosted PostHog.")
    return Line("ok", "queries", "PostHog checks queries")


def clock_line(skew: float | None) -> Line:
    """This machine's clock against the host's; relative ranges go wrong with a wrong clock."""
    if skew is None:
        return Line("ok", "clock", "the host tells no time")
    if abs(skew) > CLOCK_SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        return Line("warning", "clock", f"{abs(skew):.0f} s {way} the host's", "Set the system clock.")
    return Line("ok", "clock", "agrees with the host's")
