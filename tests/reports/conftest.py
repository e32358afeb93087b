"""A project of its own state over the demo's data, and receivers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.delivery.message import Message, Picture, Section
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.reports.receivers import Mailbox, Receiver, SlackLike, mail_server, receiving

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
)


def a_message(id: str = "weekly-1") -> Message:
    points = ("**Sign-ups** fell to 12, `<!channel>` & <b>so on</b>.",)
    return Message(
        id,
        "Weekly report: Demo",
        (Section("Summary", ("Two things.",), points, (Picture("Sign-ups", "A line", PNG),)),),
    )


@asynccontextmanager
async def project_in(demo_dir: Path, folder: Path, **settings: Any) -> AsyncIterator[Project]:
    """The demo's data, read only, with a state database of its own."""
    state = f"sqlite:///{folder / 'state.sqlite'}"
    loaded = Settings.load(data_dir=demo_dir, backend="local", state_url=state, **settings)
    async with open_project(loaded) as project:
        yield project


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def slack() -> Iterator[tuple[Receiver, SlackLike]]:
    api = SlackLike()
    with receiving(api) as made:
        api.base = made.url
        yield made, api


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box
