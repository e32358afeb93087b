"""What an explanation of a change consists of; each part says how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from posthog_mcp.analysis.anomalies import Anomaly, Shift
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.results import Note


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of complete intervals, labels of the first and last; `value` is the metric over it (what adds up: the
    sum; shares: those who came of those who entered; else the mean an interval), `n` the observations behind it."""

    first: str
    last: str
    intervals: int
    value: float
    n: float


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Whether there is a change beyond season and noise. `expected` with its 95 % band is what the same intervals would
    have had without one; `p` the chance of one so far off."""

    expected: float
    low: float
    high: float
    p: float
    holds: bool
    shifts: tuple[Shift, ...]
    anomalies: tuple[Anomaly, ...]
    basis: int
    """Stretches of the same length in the past that say what is usual."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One value of a dimension. `contribution` is its part of the whole change in the metric's own unit; the parts of a
    dimension sum to it. For shares it is the sum of `mix` (its weight changed) and `rate` (its own share changed).
    `q` is the chance, corrected for all segments looked at, that it changed only as the rest did."""

    value: str
    before: float
    after: float
    contribution: float
    mix: float
    rate: float
    q: float
    before_n: float
    after_n: float
    status: Literal["", "new", "vanished"] = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to split the change. `surprise` is how far shares moved (Jensen-Shannon divergence, bits), `power` the
    strongest segment's test statistic."""

    name: str
    segments: tuple[Segment, ...]
    surprise: float
    power: float


@dataclass(frozen=True, slots=True)
class Driver:
    """A segment, of one dimension or several, that changed otherwise than everything else. `share` is the part of the
    change that it explains: what it lies off from where it would be, had it changed as the rest."""

    where: tuple[tuple[str, str], ...]
    before: float
    after: float
    effect: float
    share: float
    q: float
    n: float
    twins: tuple[tuple[str, str], ...] = ()
    """Values of other dimensions that are the same observations."""

    @property
    def name(self) -> str:
        return ", ".join(f"{dimension} = {value}" for dimension, value in self.where)


@dataclass(frozen=True, slots=True)
class Split:
    """How much of the change is volume (more or fewer of `volume`) and how much rate (more or less `rate` each)."""

    volume: str
    rate: str
    by_volume: float
    by_rate: float
    volume_before: float
    volume_after: float
    rate_before: float
    rate_after: float


@dataclass(frozen=True, slots=True)
class StepChange:
    """A transition of a funnel; shares of those who came to the step before. `q` is corrected for all transitions."""

    step: str
    before: float
    after: float
    before_n: float
    after_n: float
    low: float
    high: float
    q: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the data or the surroundings; `serious` where it may be the cause by itself."""

    code: str
    text: str
    serious: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """An annotation, flag, experiment or release near the change; `days` from it to the change, above 0 before it."""

    kind: str
    name: str
    at: str
    days: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole answer. `change` is after - before, `relative` over before (None where that is 0)."""

    series: MetricSeries
    current: Window
    baseline: Window
    change: float
    relative: float | None
    confirmation: Confirmation
    quality: tuple[Finding, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    """The most telling first; those whose values only replaced each other last."""
    drivers: tuple[Driver, ...] = ()
    split: Split | None = None
    steps: tuple[StepChange, ...] = ()
    paradox: tuple[str, ...] = ()
    values: tuple[Finding, ...] = ()
    """New and vanished values of dimensions."""
    happenings: tuple[Happening, ...] = ()
    companions: tuple[Finding, ...] = ()
    """Other events that moved at the same time, within the first driver where there is one."""
    established: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    tests: int = 0
    """Segments and transitions looked at; q-values are corrected for so many."""
    queries: tuple[str, ...] = field(default=())
    """Ids of the queries behind the segments."""
    unsplit: str = ""
    """Why there are no segments."""
    notes: tuple[Note, ...] = ()

    @property
    def headline(self) -> str:
        """The first thing to say."""
        return (*self.established, *self.likely, *self.unknown)[0]
