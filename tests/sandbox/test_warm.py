"""One warm sandbox: reused, replaced, limited, killed. The real SDK speaks to the stand-in over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from posthog_mcp.errors import InvalidInput, QueryTimeout, Unavailable
from posthog_mcp.sandbox import warm
from posthog_mcp.sandbox.failures import NoSandbox
from posthog_mcp.sandbox.sandboxes import Sandboxes
from posthog_mcp.sandbox.warm import Job
from tests.house.rules import ROOT
from tests.sandbox.conftest import SettingsOf
from tests.sandbox.stand_in import StandIn


def job(code: str, seconds: float = 20, most: int = 1_000_000, *, repeatable: bool = False) -> Job:
    return Job("python3 -S code.py", {"code.py": code}, "left", seconds, most, repeatable=repeatable)


async def test_one_sandbox_serves_call_after_call(sandboxes: Sandboxes, e2b: StandIn) -> None:
    first = await sandboxes.analysis.run(job("print('one'); open('left', 'w').write('file')"))
    second = await sandboxes.analysis.run(job("import sys; print('two', file=sys.stderr); sys.exit(3)"))

    assert (first.exit_code, first.stdout, first.output, first.reused) == (0, "one\n", b"file", False)
    assert (second.exit_code, second.stderr, second.output, second.reused) == (3, "two\n", None, True)
    assert len(e2b.made) == 1
    (box,) = e2b.boxes.values()
    assert list((box.folder / "runs").iterdir()) == []


async def test_a_sandbox_ends_when_unused_and_the_next_call_makes_one(sandboxes: Sandboxes, e2b: StandIn) -> None:
    await sandboxes.analysis.run(job("print(1)", seconds=5))
    assert e2b.made[0]["timeout"] == 60 + 5 + warm.GRACE_SECONDS
    assert e2b.made[0]["autoPause"] is False

    e2b.ahead += 100
    again = await sandboxes.analysis.run(job("print(2)"))

    assert (again.stdout, again.reused) == ("2\n", False)
    assert len(e2b.made) == 2


async def test_using_it_keeps_it(sandboxes: Sandboxes, e2b: StandIn) -> None:
    for _ in range(3):
        await sandboxes.analysis.run(job("print(1)"))
        e2b.ahead += 50
    assert len(e2b.made) == 1


async def test_a_sandbox_that_dies_under_the_code_is_told_and_replaced(sandboxes: Sandboxes, e2b: StandIn) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_when_busy, e2b)
        with pytest.raises(Unavailable, match="ended while the code ran"):
            await sandboxes.analysis.run(job("import time; time.sleep(30)"))

    assert (await sandboxes.analysis.run(job("print('well')"))).stdout == "well\n"
    assert len(e2b.made) == 2


async def test_what_may_run_twice_is_run_again(sandboxes: Sandboxes, e2b: StandIn) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_when_busy, e2b)
        ran = await sandboxes.scripts.run(job("import time; time.sleep(1); print('well')", repeatable=True))
    assert ran.stdout == "well\n"
    assert len(e2b.made) == 2


async def busy(e2b: StandIn) -> None:
    while not any(box.pids for box in e2b.boxes.values()):  # noqa: ASYNC110 (another thread's state)
        await anyio.sleep(0.02)


async def end_when_busy(e2b: StandIn) -> None:
    await busy(e2b)
    await anyio.sleep(0.2)
    e2b.end(next(iter(e2b.boxes)))


async def test_a_process_that_dies_is_a_result(sandboxes: Sandboxes) -> None:
    ran = await sandboxes.analysis.run(job("import os; os.kill(os.getpid(), 9)"))
    assert ran.exit_code != 0
    assert ran.output is None


@pytest.mark.parametrize("ignores_limits", [False, True], ids=["E2B stops it", "we stop it"])
async def test_the_time_limit_is_kept(
    sandboxes: Sandboxes, e2b: StandIn, monkeypatch: pytest.MonkeyPatch, ignores_limits: bool
) -> None:
    monkeypatch.setattr(warm, "GRACE_SECONDS", 0.5)
    e2b.ignores_limits = ignores_limits
    begun = time.monotonic()

    with pytest.raises(QueryTimeout, match="longer than 1 s"):
        await sandboxes.analysis.run(job("import time; time.sleep(30)", seconds=1))

    assert time.monotonic() - begun < 5
    assert len(e2b.killed) == 1
    assert e2b.boxes == {}


async def test_the_output_limit_is_kept(sandboxes: Sandboxes, e2b: StandIn) -> None:
    with pytest.raises(InvalidInput, match="printed or left more"):
        await sandboxes.analysis.run(job("while True: print('x' * 10_000)"))
    assert e2b.boxes == {}


async def test_the_size_of_a_result_is_limited(sandboxes: Sandboxes) -> None:
    with pytest.raises(InvalidInput, match=r"bigger than 0\.1 MB"):
        await sandboxes.analysis.run(job("open('left', 'w').write('x' * 200_000)", most=100_000))


async def test_a_cancelled_call_leaves_nothing_running(sandboxes: Sandboxes, e2b: StandIn) -> None:
    with anyio.move_on_after(1):
        await sandboxes.analysis.run(job("import time; time.sleep(30)"))
    assert e2b.boxes == {}
    assert (await sandboxes.analysis.run(job("print(1)"))).reused is False


@pytest.mark.parametrize(
    ("status", "message", "says", "setting"),
    [
        (401, "Invalid API key", "refuses the key", "E2B_API_KEY"),
        (404, "template 'x' not found", "no template", "POSTHOG_MCP_SANDBOX_TEMPLATE"),
        (429, "too many sandboxes", "quota", "in a minute"),
        (400, "bad network", "makes no sandbox", "E2B_API_URL"),
    ],
)
async def test_why_there_is_no_sandbox(
    sandboxes: Sandboxes, e2b: StandIn, status: int, message: str, says: str, setting: str
) -> None:
    e2b.refuse = (status, message)
    with pytest.raises(NoSandbox, match=says) as caught:
        await sandboxes.analysis.run(job("print(1)"))
    assert message in caught.value.message
    assert setting in caught.value.fix

    e2b.refuse = None
    assert (await sandboxes.analysis.run(job("print(1)"))).stdout == "1\n"


async def test_a_wrong_key_is_told_without_the_key(settings_of: SettingsOf) -> None:
    from posthog_mcp.sandbox.sandboxes import open_sandboxes

    opened = open_sandboxes(settings_of(e2b_api_key="e2b_wrong_key"))
    assert opened is not None
    with pytest.raises(NoSandbox, match="refuses the key") as caught:
        await opened.analysis.run(job("print(1)"))
    assert "e2b_wrong_key" not in caught.value.as_text()


async def test_all_are_killed_at_the_end(sandboxes: Sandboxes, e2b: StandIn) -> None:
    await sandboxes.analysis.run(job("print(1)"))
    await sandboxes.scripts.run(job("print(1)"))
    assert len(e2b.boxes) == 2

    await sandboxes.aclose()

    assert e2b.boxes == {}
    with pytest.raises(NoSandbox, match="stopping"):
        await sandboxes.analysis.run(job("print(1)"))


async def test_a_script_that_is_given_up_does_not_end_the_one_beside_it(sandboxes: Sandboxes, e2b: StandIn) -> None:
    printed: list[str] = []

    async def neighbour() -> None:
        code = "import time; time.sleep(3); print('well')"
        printed.append((await sandboxes.scripts.run(job(code, repeatable=True))).stdout)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(neighbour)
        await busy(e2b)
        with anyio.move_on_after(1):
            await sandboxes.scripts.run(job("import time; time.sleep(30)", repeatable=True))
        (box,) = e2b.boxes.values()
        assert len(list((box.folder / "runs").iterdir())) == 1

    assert printed == ["well\n"]
    assert (len(e2b.made), e2b.killed) == (1, [])


async def test_a_sandbox_that_is_made_while_the_server_stops_is_killed(sandboxes: Sandboxes, e2b: StandIn) -> None:
    e2b.hesitates = 0.5
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(refused, sandboxes)
        await anyio.sleep(0.2)
        await sandboxes.aclose()
    assert (len(e2b.made), e2b.boxes) == (1, {})


async def refused(sandboxes: Sandboxes) -> None:
    with pytest.raises(NoSandbox, match="stopping"):
        await sandboxes.analysis.run(job("print(1)"))


CRASH = """
import anyio, os, sys
from pathlib import Path
from posthog_mcp.sandbox.sandboxes import open_sandboxes
from posthog_mcp.sandbox.warm import Job
from posthog_mcp.settings import Settings

async def main():
    url, folder = sys.argv[1:]
    settings = Settings.load(data_dir=Path(folder), e2b_api_key="e2b_stand_in", e2b_api_url=url, e2b_sandbox_url=url)
    await open_sandboxes(settings).analysis.run(Job("python3 code.py", {"code.py": ""}, "left", 10, 10))
    os._exit(1)

anyio.run(main)
"""


async def test_what_a_crashed_process_left_is_killed_by_the_next(
    sandboxes: Sandboxes, settings_of: SettingsOf, e2b: StandIn
) -> None:
    folder: Path = settings_of().data_dir
    await anyio.to_thread.run_sync(
        lambda: subprocess.run([sys.executable, "-c", CRASH, e2b.url, str(folder)], cwd=ROOT, timeout=60)
    )
    (left,) = e2b.boxes

    await sandboxes.analysis.run(job("print(1)"))

    assert e2b.killed == [left]
    assert len(list((folder / "sandboxes").iterdir())) == 1


async def test_what_an_earlier_process_of_the_same_id_left_is_killed_too(
    sandboxes: Sandboxes, settings_of: SettingsOf, e2b: StandIn
) -> None:
    folder = settings_of().data_dir / "sandboxes"
    folder.mkdir(parents=True)
    for name, age in (("earlier", 3000), ("ours", 0)):
        (folder / f"{name}.{os.getpid()}").touch()
        os.utime(folder / f"{name}.{os.getpid()}", (time.time() - age,) * 2)

    await sandboxes.analysis.run(job("print(1)"))

    assert e2b.killed == ["earlier"]


async def test_two_purposes_never_share_a_sandbox(sandboxes: Sandboxes, e2b: StandIn) -> None:
    async with anyio.create_task_group() as tasks:
        for each in (sandboxes.analysis, sandboxes.scripts):
            tasks.start_soon(each.run, job("print(1)"))

    networks = {body["metadata"]["purpose"]: body["network"] for body in e2b.made}
    assert networks["analysis"] == {"denyOut": ["0.0.0.0/0"], "allowPublicTraffic": False}
    assert networks["scripts"]["allowOut"] == ["us.posthog.com"]
