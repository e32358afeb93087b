"""Themes end to end on generated traces: what is read, how long, how much memory; groups against scikit-learn.

`python -m tests.benchmarks.themes [--traces N] [--labelled CSV] [--minilm FOLDER]`. Ten thousand traces of twenty planted kinds; figures are ratios with a
named reference: the naive plan (heavy columns of every trace, then filter), reading each theme anew, the first run.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import numpy as np

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from posthog_mcp.traces.clusters import cluster, text_of
from posthog_mcp.traces.embeddings import embedded
from posthog_mcp.traces.kmeans import OUTLIER, group, kmeans
from posthog_mcp.traces.picking import candidates, plan_of
from posthog_mcp.traces.readings import Reads, read
from posthog_mcp.traces.running import run_theme
from posthog_mcp.traces.themes import AnalysisTheme, built_in, theme_of
from posthog_mcp.traces.vectors import HashedTfIdf
from tests.benchmarks.measure import ratio, table

SUBJECTS = (
    "refund invoice payment charge bank card", "export csv spreadsheet rows columns download", "password login reset email link account",
    "map route traffic street navigation driving", "hotel booking room night reception breakfast", "flight airport seat luggage boarding gate",
    "recipe oven flour butter bake sugar", "doctor clinic appointment prescription nurse fever", "tax form deadline income receipt office",
    "garden soil seeds water tomato pruning", "guitar chord song melody rhythm strings", "python exception import module function stack",
    "contract clause signature lawyer tenant lease", "weather rain wind forecast storm cloud", "football match goal coach league referee",
    "camera lens shutter photo tripod exposure", "battery charger phone screen cable repair", "train ticket platform delay station conductor",
    "school homework teacher exam grade lesson", "insurance claim damage policy premium adjuster",
)  # fmt: skip
TOOLS = ("search", "lookup", "submit", "fetch", "update")
FAILING = 0.2


def conversation(kind: int, chance: random.Random) -> tuple[list[dict[str, Any]], bool]:
    """A question of a subject with a long tool result; a fifth fails the way of its kind."""
    words = SUBJECTS[kind].split()
    failed = chance.random() < FAILING
    tool = TOOLS[kind % len(TOOLS)]
    asked = f"Please help me with {' '.join(chance.choices(words, k=5))} for case {chance.randrange(10**6)}."
    result = f"Error: {words[kind % 6]} service timed out" if failed else " ".join(chance.choices(words, k=300))
    call = {"id": "c1", "type": "function", "function": {"name": tool, "arguments": json.dumps({"q": words[0]})}}
    return [
        {"role": "system", "content": "You are a helpful assistant. " * 20},
        {"role": "user", "content": asked},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": result},
        {"role": "assistant", "content": f"About {' '.join(chance.choices(words, k=20))}."},
    ], failed


def write_export(path: Path, count: int) -> int:
    """JSON lines of a batch export: three events a trace; bytes of the heavy columns."""
    chance = random.Random(11)
    now, heavy = datetime.now(UTC), 0
    with path.open("w") as file:
        for number in range(count):
            kind = number % len(SUBJECTS)
            messages, failed = conversation(kind, chance)
            at = (now - timedelta(seconds=600_000 * chance.random())).isoformat()
            trace_id = f"k{kind}-{number}"
            given = {"$ai_input": messages[:-1], "$ai_output_choices": messages[-1:]}
            heavy += len(json.dumps(given))
            head = {"$ai_trace_id": trace_id, "$ai_latency": round(0.5 + 3 * chance.random() ** 4, 3)}
            generation = {
                **head,
                **given,
                "$ai_span_id": "g",
                "$ai_model": "gpt-4o-mini",
                "$ai_input_tokens": 900,
                "$ai_output_tokens": 60,
                "$ai_total_cost_usd": 0.0002,
                "$ai_is_error": failed and kind % 2 == 0,
            }
            for event, properties in (
                ("$ai_generation", generation),
                ("$ai_span", {**head, "$ai_span_name": "tool"}),
                ("$ai_trace", head),
            ):
                row = {
                    "uuid": str(uuid.UUID(int=chance.getrandbits(128))),
                    "event": event,
                    "distinct_id": f"u{number % 997}",
                    "person_id": str(uuid.UUID(int=number % 997)),
                    "properties": properties,
                    "person_properties": {},
                    "elements_chain": "",
                    "timestamp": at,
                    "created_at": at,
                }
                file.write(json.dumps(row) + "\n")
    return heavy


async def timed(work: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    found = await work
    return time.perf_counter() - start, found


async def filtering(project: Project, theme: AnalysisTheme) -> list[list[object]]:
    """Heavy columns read by our plan and by the naive one, in traces and in bytes of their texts."""
    narrow = await candidates(project, await plan_of(project, theme), 50_000)
    everything = await candidates(
        project, await plan_of(project, theme_of({"name": "all", "prompt": "x" * 30})), 50_000
    )
    saved = 1 - len(narrow) / len(everything)
    return [
        [
            "heavy reads, theme filter",
            f"{len(narrow):,} traces",
            f"{len(everything):,} traces (naive)",
            f"{saved:.0%} fewer",
        ]
    ]


async def five_themes(project: Project, count: int) -> list[list[object]]:
    """The same 500 traces under five themes."""
    wanted = (await candidates(project, await plan_of(project, theme_of({"name": "all", "prompt": "x" * 30})), 50_000))[
        :count
    ]
    reads = Reads()
    first, _ = await timed(read(project, wanted, 4_321, reads))
    rest = sum([(await timed(read(project, wanted, 4_321, reads)))[0] for _ in range(4)])
    saved = reads.cached / (reads.cached + reads.fetched)
    return [
        [
            "text cache, five themes",
            f"{first + rest:.1f} s, {saved:.0%} from the cache",
            f"{5 * first:.1f} s (each anew)",
            ratio(5 * first, first + rest),
        ]
    ]


async def end_to_end(project: Project, traces: int) -> list[list[object]]:
    theme = built_in()["error_analysis"]
    first, report = await timed(run_theme(project, theme, most=traces))
    second, again = await timed(run_theme(project, theme, most=traces))
    assert (report.read, again.read) == (traces, 0)
    grouping, body = await timed(cluster(project, theme, theme.clustering))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    purity = sum(
        Counter(each.partition("-")[0] for each in one["members"]).most_common(1)[0][1] for one in body["clusters"]
    )
    members = sum(one["size"] for one in body["clusters"])
    return [
        [
            "read and summarise by rules",
            f"{first:.1f} s",
            f"{traces:,} traces",
            f"{1000 * first / traces:.1f} ms a trace",
        ],
        [
            "embed and cluster",
            f"{grouping:.1f} s",
            f"{body['summaries']:,} findings",
            f"{len(body['clusters'])} groups, purity {purity / members:.3f}",
        ],
        ["second run", f"{second:.2f} s", f"{first:.1f} s (first)", ratio(first, second)],
        ["peak memory of the process", f"{peak:,.0f} MB", "", "the engine is a process of its own"],
    ]


async def quality(project: Project) -> list[list[object]]:
    """NMI and purity of the findings by kind of planted failure, ours against scikit-learn's TF-IDF and KMeans."""
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows = await project.themes.summaries(1, theme_id="error_analysis", relevant_only=True)
    texts, truth = [text_of(each) for each in rows], [each.trace_id.partition("-")[0] for each in rows]
    start = time.perf_counter()
    vectors, _ = await embedded(project, texts)
    ours = group(vectors)
    own = time.perf_counter() - start
    start = time.perf_counter()
    theirs = KMeans(len(SUBJECTS), n_init=3, random_state=1).fit_predict(
        TfidfVectorizer(stop_words="english").fit_transform(texts)
    )
    other = time.perf_counter() - start
    return [
        [
            "k-means, k chosen (ours)",
            f"{nmi(truth, ours.labels.tolist()):.3f}",
            f"k={len(ours.centres)}, {np.mean(ours.labels == OUTLIER):.1%} outliers",
            f"{own:.1f} s",
        ],
        [
            "TF-IDF + KMeans, k told (scikit-learn)",
            f"{nmi(truth, theirs.tolist()):.3f}",
            f"k={len(SUBJECTS)}",
            f"{other:.1f} s",
        ],
    ]


def labelled(file: Path, weights: Path | None) -> str:
    """A public set as a CSV of `text,category` (Banking77's `test.csv`): ours, scikit-learn's, and MiniLM's vectors."""
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    from posthog_mcp.traces.minilm import MiniLM

    with file.open(newline="", encoding="utf-8") as opened:
        lines = list(csv.DictReader(opened))
    texts, truth = [each["text"] for each in lines], [each["category"] for each in lines]
    k = len(set(truth))
    rows: list[list[object]] = []

    def add(name: str, make: Callable[[], Any]) -> None:
        start = time.perf_counter()
        labels = [int(each) for each in make()]
        purity = sum(
            max(Counter(t for t, at in zip(truth, labels, strict=True) if at == one).values()) for one in set(labels)
        )
        rows.append(
            [
                name,
                f"{nmi(truth, labels):.3f}",
                f"{purity / len(truth):.3f}",
                len(set(labels) - {OUTLIER}),
                f"{labels.count(OUTLIER) / len(labels):.1%}",
                f"{time.perf_counter() - start:.1f} s",
            ]
        )

    hashed = HashedTfIdf().vectors(texts)
    add("hashed, k told (ours)", lambda: kmeans(hashed, k, 1)[0])
    add("hashed, k chosen (ours)", lambda: group(hashed).labels)
    add(
        "TF-IDF + KMeans, k told (scikit-learn)",
        lambda: KMeans(k, n_init=3, random_state=1).fit_predict(
            TfidfVectorizer(stop_words="english").fit_transform(texts)
        ),
    )
    if weights:
        vectors = MiniLM(weights).vectors(texts)
        add("MiniLM by numpy, k told (ours)", lambda: kmeans(vectors, k, 1)[0])
        add("MiniLM by numpy, k chosen (ours)", lambda: group(vectors).labels)
    return table(
        f"{file.name}: {len(texts):,} texts of {k} kinds", ("how", "NMI", "purity", "k", "outliers", "time"), rows
    )


def nmi(truth: list[str], labels: list[int]) -> float:
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(truth, labels))


async def report(traces: int = 10_000) -> str:
    with TemporaryDirectory() as place:
        folder = Path(place)
        heavy = write_export(folder / "events.jsonl", traces)
        await import_exports(Store(folder / "data" / "local"), [folder / "events.jsonl"])
        async with open_project(Settings.load(data_dir=folder / "data", backend="local", max_rows=50_000)) as project:
            narrow = theme_of(
                {"name": "errors", "prompt": "x" * 30, "theme_filters": ["properties.$ai_is_error = 'true'"]}
            )
            rows = [
                *await end_to_end(project, traces),
                *await filtering(project, narrow),
                *await five_themes(project, 500),
            ]
            groups = await quality(project)
    title = f"Themes: {traces:,} traces, {heavy / 1e6:.0f} MB of inputs and outputs"
    return table(title, ("what", "ours", "reference", "result"), rows) + table(
        "Groups of the findings by planted kind (generated data)", ("how", "NMI", "k", "time"), groups
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", type=int, default=10_000)
    parser.add_argument("--labelled", type=Path, default=None, help="a CSV of text,category, instead")
    parser.add_argument("--minilm", type=Path, default=None, help="a folder of MiniLM's weights")
    given = parser.parse_args()
    print(labelled(given.labelled, given.minilm) if given.labelled else anyio.run(report, given.traces))
