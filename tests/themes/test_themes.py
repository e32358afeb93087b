"""What a theme may be, which traces it picks, and what a preview tells before anything is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from posthog_mcp.cli import main
from posthog_mcp.project import Project
from posthog_mcp.traces.picking import candidates, plan_of
from posthog_mcp.traces.schedules import due_themes
from posthog_mcp.traces.themes import built_in, read_theme_file, theme_of
from tests.themes.planted import KINDS, ok, refused

PROMPT = "Find conversations in which somebody wanted their money back."
TOTAL = sum(count for _, count in KINDS.values()) + 2

WRONG = [
    ({"prompt": "short"}, "prompt"),
    ({"prompt": f"{PROMPT} Cite the line numbers."}, "anchors"),
    ({"theme_filters": ["properties.$ai_model = "]}, "theme_filters[0]"),
    ({"base_filters": ["event = '$ai_trace'", "colour = 'red'"]}, "base_filters[1]"),
    ({"options": {"sample_rate": 0}}, "sample_rate"),
    ({"options": {"schedule": "at noon"}}, "schedule"),
    ({"options": {"date_from": "whenever"}}, "date_from"),
    ({"options": {"answer_fields": {"severity": {"type": "string"}}}}, "severity"),
    ({"options": {"answer_fields": {"area": {"type": "colour"}}}}, "area.type"),
    ({"options": {"clustering": {"algorithm": "magic"}}}, "clustering.algorithm"),
    ({"options": {"colour": "red"}}, "colour"),
]


@pytest.mark.parametrize(("changed", "named"), WRONG, ids=[named for _, named in WRONG])
async def test_a_wrong_theme_is_refused_with_its_field(shared: Client, changed: dict[str, Any], named: str) -> None:
    text = await refused(shared, "save_theme", **{"name": "Wrong one", "prompt": PROMPT, **changed})
    assert text.startswith("[invalid_input]")
    assert named in text
    assert "wrong_one" not in str(await ok(shared, "list_themes"))


async def test_a_theme_is_saved_changed_copied_and_deleted(client: Client) -> None:
    await ok(client, "save_theme", name="Money back", prompt=PROMPT, options={"sample_rate": 0.5})
    await ok(client, "save_theme", name="Money back", description="Refunds")
    found = await ok(client, "list_themes", theme="money back")
    assert (found["prompt"], found["description"], found["sample_rate"]) == (PROMPT, "Refunds", 0.5)
    copied = await ok(client, "save_theme", name="My errors", like="error_analysis", options={"schedule": "daily"})
    assert copied["saved"]["theme_filters"] == list(built_in()["error_analysis"].theme_filters)
    await ok(client, "save_theme", name="Money back", delete=True)
    assert "Nearest" in await refused(client, "list_themes", theme="money back")


async def test_the_built_in_five_stay_as_they_are(shared: Client) -> None:
    assert list(built_in()) == [
        "error_analysis",
        "ux_issues",
        "feature_requests",
        "performance_issues",
        "success_patterns",
    ]
    assert "built in" in await refused(shared, "save_theme", name="error_analysis", prompt=PROMPT)
    assert "built in" in await refused(shared, "save_theme", name="UX issues", delete=True)


async def picked(project: Project, **fields: Any) -> list[str]:
    theme = theme_of({"name": "t", "prompt": PROMPT, **fields})
    return [each.trace_id for each in await candidates(project, await plan_of(project, theme), 1_000)]


async def test_filters_narrow_and_order(project: Project) -> None:
    everything = await picked(project)
    assert len(everything) == TOTAL
    assert await picked(project, theme_filters=["properties.$ai_http_status = 529"]) == ["loud-0"]
    first = await picked(project, theme_filters=["properties.$ai_http_status = 529"], quiet_rate=1.0)
    assert first[0] == "loud-0"
    assert sorted(first) == sorted(everything)
    assert await picked(project, theme_filters=["max(toFloat(properties.$ai_latency)) > 40"]) == ["slow-0"]
    both = {"base_filters": ["properties.$ai_provider = 'openai'"], "theme_filters": ["event = '$ai_feedback'"]}
    assert await picked(project, **both) == ["well-1"]
    assert await picked(project, theme_filters=["sum(toFloat(properties.$ai_total_cost_usd)) > {p95_cost}"]) == [
        "slow-0"
    ]


async def test_a_sample_is_the_same_each_time_and_grows_with_its_rate(project: Project) -> None:
    fifth, half = await picked(project, sample_rate=0.2), await picked(project, sample_rate=0.5)
    assert fifth == await picked(project, sample_rate=0.2)
    assert set(fifth) < set(half) < set(await picked(project))
    assert set(fifth) != set(await picked(project, sample_rate=0.2, seed=2))
    assert 0.3 < len(half) / TOTAL < 0.7


async def test_a_preview_counts_before_anything_is_read(client: Client) -> None:
    found = await ok(client, "preview_theme", theme="performance_issues")
    assert (found["traces"], found["with_errors"]) == (TOTAL, 1)
    assert found["matching"] == found["to_read"] < TOTAL / 4
    assert found["estimate"]["tokens_in"] > 0
    whole = await ok(client, "preview_theme", theme="ux_issues")
    assert (whole["matching"], whole["likely"]) == (TOTAL, 1)
    await ok(client, "run_theme", theme="ux_issues")
    assert (await ok(client, "preview_theme", theme="ux_issues"))["to_read"] == 0


FILE = """
- name: Money back
  description: refund
  prompt: Find conversations in which somebody wanted their money back.
  theme_filters: ["properties.$ai_provider = 'openai'"]
"""


async def test_a_theme_file_is_saved_and_run(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(FILE)

    async def command(*words: str) -> int:
        return await anyio.to_thread.run_sync(main, [*words, "--data-dir", str(data_dir), "--backend", "local"])

    assert await command("themes", "run", str(file)) == 0
    assert f"{TOTAL} traces read by extractive, 12 relevant" in capsys.readouterr().out
    assert await command("themes", "list") == 0
    assert f"money_back: refund ({TOTAL} traces read, last run" in capsys.readouterr().out
    file.write_text(FILE.replace("prompt:", "promt:"))
    assert await command("themes", "save", str(file)) == 2
    assert "promt" in capsys.readouterr().err


def test_a_theme_file_may_hold_one_theme() -> None:
    assert [each.id for each in read_theme_file("name: Late\nprompt: Find answers that came too late.")] == ["late"]


async def test_a_scheduled_theme_is_due_until_it_has_run(project: Project, client: Client) -> None:
    await ok(client, "save_theme", name="Money back", prompt=PROMPT, options={"schedule": "6h"})
    assert [each.id for each in await due_themes(project)] == ["money_back"]
    await ok(client, "run_theme", theme="money_back")
    assert not await due_themes(project)
    later = datetime.now(UTC) + timedelta(hours=6)
    assert [each.id for each in await due_themes(project, later)] == ["money_back"]
