"""Vectors of summaries by what POSTHOG_MCP_EMBEDDINGS names; those of models are kept, so that each text is paid once.

The hashed vectors are made anew each time: they depend on all texts together, and take milliseconds.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# numpy's overloads are partly untyped.

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import anyio

from posthog_mcp.errors import Unavailable
from posthog_mcp.project import Project
from posthog_mcp.settings import Settings
from posthog_mcp.traces.llm import openai_client
from posthog_mcp.traces.minilm import MiniLM, model_folder
from posthog_mcp.traces.vectors import HashedTfIdf, normalised

if TYPE_CHECKING:
    from posthog_mcp.traces.vectors import Vectors

TEXTS_A_REQUEST = 200


async def embedded(project: Project, texts: Sequence[str]) -> tuple[Vectors, str]:
    """One row a text, of length one, and the name of what made them.

    Raises:
        PostHogMcpError: the embedder is not installed, not set up, or does not answer.
    """
    chosen = project.settings.embeddings
    if chosen == "hashed":
        return await anyio.to_thread.run_sync(HashedTfIdf().vectors, texts), HashedTfIdf().name
    project_id = (await project.driver.project()).id
    names = [hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest() for text in texts]
    kept = await project.themes.vectors(project_id, chosen, list(dict.fromkeys(names)))
    missing = {name: text for name, text in zip(names, texts, strict=True) if name not in kept}
    if missing:
        made = await computed(project.settings, list(missing.values()))
        fresh = {name: made[index].tobytes() for index, name in enumerate(missing)}
        await project.themes.save_vectors(project_id, chosen, fresh)
        kept |= fresh
    return from_bytes([kept[name] for name in names]), chosen


def from_bytes(rows: Sequence[bytes]) -> Vectors:
    import numpy as np

    if not rows:
        return np.zeros((0, 1), dtype=np.float32)
    return np.stack([np.frombuffer(each, dtype=np.float32) for each in rows])


async def computed(settings: Settings, texts: Sequence[str]) -> Vectors:
    """By the model, whether kept or not."""
    kind, _, rest = settings.embeddings.partition(":")
    if kind == "minilm":
        model = await anyio.to_thread.run_sync(opened, rest)
        return await anyio.to_thread.run_sync(model.vectors, texts)
    return await from_endpoint(settings, rest, texts)


@cache
def opened(folder: str) -> MiniLM:
    return MiniLM(model_folder(folder))


async def from_endpoint(settings: Settings, model: str, texts: Sequence[str]) -> Vectors:
    """OpenAI's embeddings API, or an endpoint that speaks it.

    Raises:
        Unavailable: it does not answer.
    """
    import numpy as np

    client = cast("Any", openai_client(settings))
    from openai import OpenAIError

    rows: list[list[float]] = []
    try:
        for start in range(0, len(texts), TEXTS_A_REQUEST):
            found = await client.embeddings.create(
                model=model, input=list(texts[start : start + TEXTS_A_REQUEST]), encoding_format="float"
            )
            rows += [each.embedding for each in sorted(found.data, key=lambda each: each.index)]
    except OpenAIError as error:
        status = getattr(error, "status_code", None) or type(error).__name__
        message = f"The embeddings endpoint does not answer ({status})."
        raise Unavailable(message, fix="Check OPENAI_API_KEY, OPENAI_BASE_URL and POSTHOG_MCP_EMBEDDINGS.") from None
    finally:
        with anyio.CancelScope(shield=True):
            await client.close()
    return normalised(np.array(rows, dtype=np.float32))
