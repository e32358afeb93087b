"""One line of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Line:
    """One finding. `mend` says what to do where the state is not ok."""

    state: State
    what: str
    found: str
    mend: str = ""
