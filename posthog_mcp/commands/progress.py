"""A progress bar that works can report to while they run; nothing where the output is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Watch = Callable[[float, str], None]
"""A fraction in 0..1 and a short message."""


@contextmanager
def progress_bar(label: str, console: Console | None = None) -> Generator[Watch, None, None]:
    """A bar on `console` (default: stderr), gone when done. An empty message keeps the label."""
    shown = console or Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task(label, total=1)

        def watch(done: float, message: str) -> None:
            progress.update(task, completed=done, description=message or label)

        yield watch
