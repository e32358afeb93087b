"""All proofs by template."""

from __future__ import annotations

from tests.knowledge.templates import (
    proofs_funnels,
    proofs_lives,
    proofs_money,
    proofs_quality,
    proofs_usage,
    proofs_voices,
    proofs_web,
)
from tests.knowledge.templates.proof import Proof

PARTS = (proofs_usage, proofs_lives, proofs_money, proofs_funnels, proofs_web, proofs_voices, proofs_quality)
PROOFS: dict[str, list[Proof]] = {template: proofs for part in PARTS for template, proofs in part.PROOFS.items()}
