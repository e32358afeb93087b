"""What is known of a sync between one command and the next, as one JSON file that is replaced whole."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from posthog_mcp.errors import InvalidInput
from posthog_mcp.sync.spans import Span, merged

Model = Literal["events", "persons"]
Times = tuple[datetime, datetime]
MODELS: tuple[Model, ...] = ("events", "persons")
NAME = "state.json"


class Piece(BaseModel):
    """One run: its span, PostHog's id of it, its files by id (None: not known yet), and those that are on disk."""

    model: Model
    start: datetime
    end: datetime
    run_id: str | None = None
    files: list[str] | None = None
    saved: list[str] = Field(default_factory=list[str])

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)

    @property
    def label(self) -> str:
        return f"{self.model} {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"

    def file(self, file_id: str) -> str:
        """A file's name on disk."""
        return f"{self.model}-{self.start:%Y%m%dT%H%M%S}-{file_id}.parquet"


class State(BaseModel):
    """Spans that are imported, by model, and pieces that are not yet."""

    host: str
    project_id: int
    done: dict[Model, list[Times]] = Field(default_factory=dict[Model, list[Times]])
    pieces: list[Piece] = Field(default_factory=list[Piece])

    def imported(self, model: Model) -> list[Span]:
        return [Span(start, end) for start, end in self.done.get(model, [])]

    def finish(self) -> None:
        """All pieces are imported."""
        for model in MODELS:
            spans = merged([*self.imported(model), *(each.span for each in self.pieces if each.model == model)])
            self.done[model] = [(each.start, each.end) for each in spans]
        self.pieces = []


def read(folder: Path, host: str, project_id: int) -> State:
    """The state that the folder holds, or a new one.

    Raises:
        InvalidInput: the file is damaged.
    """
    path = folder / NAME
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return State(host=host, project_id=project_id)
    except (OSError, ValidationError):
        fix = "Delete it: the sync begins anew, and the import leaves out what is there already."
        raise InvalidInput(f"{path} cannot be read.", fix=fix) from None


def write(folder: Path, state: State) -> None:
    """Replace the file."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{NAME}.{os.getpid()}"
    beside.write_text(state.model_dump_json(indent=1), encoding="utf-8")
    beside.replace(folder / NAME)
