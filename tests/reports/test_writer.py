"""A configured model over its client library, against a stand-in provider on a real socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.project import Project
from posthog_mcp.reports.findings import Finding, Period, Report
from posthog_mcp.reports.writer import ModelWriter, completed, writer_of
from posthog_mcp.results import ProjectInfo
from posthog_mcp.traces.llm import configured_model
from tests.reports.conftest import project_in
from tests.themes.model_server import ModelServer, model_server

MODELS = ["openai:gpt-5-nano", "anthropic:claude-haiku-4-5"]
OWN = "**Sign-ups**: 412, down 31.4 % on 601."
DAYS = [datetime(2026, 10, day) for day in (19, 26, 12, 19)]
REPORT = Report(
    id="weekly-1",
    kind="weekly",
    project=ProjectInfo(1, "Made", "UTC", "local", "embedded"),
    period=Period(DAYS[0], DAYS[1], 7, DAYS[2], DAYS[3]),
    dashboards=("Growth",),
    summary=(),
    trends=(),
    findings=(Finding("change", "Sign-ups", OWN, 70, 0.001),),
    notes=(),
    questions=(),
    quiet=False,
)


@asynccontextmanager
async def project_with(demo_dir: Path, folder: Path, server: ModelServer, llm: str) -> AsyncGenerator[Project]:
    keys: dict[str, Any] = {"openai_api_key": "sk-test", "anthropic_api_key": "sk-test"}
    urls = {"openai_base_url": f"{server.url}/v1", "anthropic_base_url": server.url}
    async with project_in(demo_dir, folder, llm=llm, **keys, **urls) as project:
        yield project


async def written(demo_dir: Path, folder: Path, llm: str, **serving: Any) -> tuple[list[str], str, ModelServer]:
    with model_server(**serving) as server:
        async with project_with(demo_dir, folder, server, llm) as project:
            return *await writer_of(project).summary(REPORT), server


@pytest.mark.parametrize("llm", MODELS)
async def test_a_model_writes_with_the_facts_numbers(demo_dir: Path, tmp_path: Path, llm: str) -> None:
    lines = ["Sign-ups fell by 31.4 %, to 412.", "Look there first."]
    told, who, server = await written(demo_dir, tmp_path, llm, content={"sentences": lines})

    assert (told, who) == (lines, llm)
    assert "412, down 31.4 %" in str(server.requests[0]["messages"][-1]["content"])


@pytest.mark.parametrize("llm", MODELS)
@pytest.mark.parametrize(
    ("serving", "note"),
    [
        ({"content": {"sentences": ["Sign-ups fell by 32 % to 412."]}}, "numbers that are no facts: 32"),
        ({"content": {"text": "All is well."}}, "did not answer"),
        ({"fail_first": [500] * 9}, "did not answer"),
        ({"fail_first": [401] * 9}, "did not answer"),
    ],
    ids=["invented number", "another form", "500", "refused key"],
)
async def test_else_the_built_in_writer_stands_with_a_note(
    demo_dir: Path, tmp_path: Path, llm: str, serving: dict[str, Any], note: str
) -> None:
    told, who, _ = await written(demo_dir, tmp_path, llm, **serving)

    assert told == [OWN]
    assert who.startswith("built-in (")
    assert note in who


@pytest.mark.parametrize("llm", MODELS)
async def test_a_model_that_does_not_come_back_is_left(demo_dir: Path, tmp_path: Path, llm: str) -> None:
    with model_server(slow=1.0, content={"sentences": ["Late."]}) as server:
        async with project_with(demo_dir, tmp_path, server, llm) as project:
            model = configured_model(project.settings)
            assert model is not None
            writer = ModelWriter(partial(completed, project, model), model.label, patience=0.3)
            told, who = await writer.summary(REPORT)

    assert told == [OWN]
    assert "did not answer" in who
