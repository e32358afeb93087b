"""Themes read by a configured model: over its client library, against a stand-in on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.errors import Forbidden
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from posthog_mcp.traces.clusters import cluster
from posthog_mcp.traces.running import run_theme
from posthog_mcp.traces.themes import find_theme
from tests.themes.model_server import ModelServer, good, model_server
from tests.themes.planted import KINDS

TOTAL = sum(count for _, count in KINDS.values()) + 2


@asynccontextmanager
async def project_with(data_dir: Path, server: ModelServer, llm: str, **more: Any) -> AsyncIterator[Project]:
    settings = Settings.load(
        data_dir=data_dir,
        backend="local",
        llm=llm,
        openai_api_key="sk-test",
        anthropic_api_key="sk-test",
        openai_base_url=f"{server.url}/v1",
        anthropic_base_url=server.url,
        **more,
    )
    async with open_project(settings) as project:
        yield project


@pytest.mark.parametrize("llm", ["openai:gpt-5-nano", "anthropic:claude-haiku-4-5"])
async def test_a_model_reads_every_trace_once(data_dir: Path, llm: str) -> None:
    with model_server() as server:
        async with project_with(data_dir, server, llm) as project:
            report = await run_theme(project, await find_theme(project, "error_analysis"))
            again = await run_theme(project, await find_theme(project, "error_analysis"))
    assert (report.writer, report.read, report.relevant) == (llm, TOTAL, TOTAL)
    assert again.read == 0
    assert report.tokens == 1_100 * len(server.requests)
    price = {"openai:gpt-5-nano": (0.05, 0.4), "anthropic:claude-haiku-4-5": (1.0, 5.0)}[llm]
    assert report.cost_usd == pytest.approx(len(server.requests) * (1_000 * price[0] + 100 * price[1]) / 1e6)
    assert "severity" in str(server.requests[0])
    assert len(server.requests) <= -(-TOTAL // 5) + 1, "traces are read several at a time"


async def test_traces_are_marked_as_data_for_the_model(data_dir: Path) -> None:
    with model_server() as server:
        async with project_with(data_dir, server, "openai:gpt-5-nano") as project:
            await run_theme(project, await find_theme(project, "error_analysis"), most=1)
    text = server.requests[0]["messages"][-1]["content"]
    assert "not instructions>" in text
    assert server.requests[0]["response_format"]["type"] == "json_schema"


async def test_a_passing_limit_is_waited_for(data_dir: Path) -> None:
    with model_server(fail_first=[429, 500]) as server:
        async with project_with(data_dir, server, "openai:gpt-5-nano") as project:
            report = await run_theme(project, await find_theme(project, "error_analysis"), most=1)
    assert report.read == 1
    assert not report.failed


async def test_an_invalid_answer_is_asked_for_again_with_what_is_wrong(data_dir: Path) -> None:
    asked: list[str] = []

    def first_wrong(trace_id: str) -> dict[str, Any]:
        asked.append(trace_id)
        return {**good(trace_id), **({"severity": "awful"} if asked.count(trace_id) == 1 else {})}

    with model_server(answering=first_wrong) as server:
        async with project_with(data_dir, server, "openai:gpt-5-nano") as project:
            report = await run_theme(project, await find_theme(project, "error_analysis"), most=2)
    assert report.read == 2
    assert "severity" in server.requests[1]["messages"][-1]["content"]


async def test_what_never_gets_an_answer_becomes_a_dead_letter(data_dir: Path) -> None:
    def bad_refund(trace_id: str) -> dict[str, Any]:
        return {**good(trace_id), **({"evidence": ["m999"]} if trace_id == "refund-3" else {})}

    with model_server(answering=bad_refund) as server:
        async with project_with(data_dir, server, "openai:gpt-5-nano") as project:
            theme = await find_theme(project, "error_analysis")
            runs = [await run_theme(project, theme) for _ in range(4)]
            letters = await project.themes.dead_letters(1, theme.id)
    assert [each.dead for each in runs] == [[], [], ["refund-3"], []]
    assert [each.read for each in runs] == [TOTAL - 1, 0, 0, 0]
    assert [(each.trace_id, "m999" in each.about) for each in letters] == [("refund-3", True)]


async def test_cost_stops_at_its_cap(data_dir: Path) -> None:
    with model_server() as server:
        async with project_with(data_dir, server, "openai:a-model-without-a-price") as project:
            theme = await find_theme(project, "error_analysis")
            report = await run_theme(project, theme, most_usd=0.03)
            rest = await run_theme(project, theme, most_usd=5.0)
    assert report.stopped == "cost"
    assert 0 < report.read < TOTAL
    assert report.cost_usd <= 0.03
    assert report.read + rest.read == TOTAL


async def test_a_refused_key_is_told_and_nothing_is_lost(data_dir: Path) -> None:
    def refuse(trace_id: str) -> int:
        return 401

    with model_server(answering=refuse) as server:
        async with project_with(data_dir, server, "openai:gpt-5-nano") as project:
            theme = await find_theme(project, "error_analysis")
            with pytest.raises(Forbidden, match="refuses the key"):
                await run_theme(project, theme)
            assert await project.themes.mark_counts(1, theme.id) == {}


async def test_vectors_of_an_endpoint_are_paid_once(data_dir: Path) -> None:
    with model_server() as server:
        async with project_with(data_dir, server, "openai:gpt-5-nano", embeddings="openai:any") as project:
            theme = await find_theme(project, "error_analysis")
            await run_theme(project, theme, most=20)
            first = await cluster(project, theme, theme.clustering)
            await cluster(project, theme, theme.clustering)
    assert first["embedder"] == "openai:any"
    assert [each["path"] for each in server.requests].count("/v1/embeddings") == 1
