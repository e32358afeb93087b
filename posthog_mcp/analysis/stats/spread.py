"""How large errors usually are, from the last of them: their scale, and how heavy the tail of the next one is.

The scale is a standard deviation of errors clipped at three robust deviations (winsorised: Huber, Robust Statistics,
ch. 1), which a few outliers do not move and which needs a third of the errors that the median absolute deviation does.
The next error over it follows about a t distribution: its degrees of freedom match the errors' kurtosis, 4 + 6/κ
(Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, ch. 28), and how few errors there are, as in
Student's own; the reciprocals of both add up. A kurtosis within its standard error under normality, √(24/n), is taken
for none, and what is above it for the rest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from posthog_mcp.analysis.stats.robust import MAD_TO_SD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 1000
"""Errors that are remembered."""
FRESH = 100
"""One in so many errors is worth a new scale: of 60 to 199 errors each, of 1,000 every tenth."""
CLIP = 3.0
LEAST_DF, MOST_DF = 5.0, 200.0


class Spread:
    """The last errors, in no order."""

    def __init__(self) -> None:
        import numpy as np

        self.kept: NDArray[np.float64] = np.zeros(MOST)
        self.seen = 0
        self.made_at = 0
        self.made = (0.0, MOST_DF)

    def add(self, error: float) -> None:
        self.kept[self.seen % MOST] = error
        self.seen += 1

    @property
    def count(self) -> int:
        return min(self.seen, MOST)

    def scale_and_df(self) -> tuple[float, float]:
        """The usual size of an error and the degrees of freedom of the next one's t; of many errors as it was a few
        of them ago, which changes next to nothing and spares long series most of their time."""
        if not self.made_at or self.seen - self.made_at >= max(1, self.count // FRESH):
            self.made, self.made_at = self.measured(), self.seen
        return self.made

    def measured(self) -> tuple[float, float]:
        """The same from all errors that are remembered."""
        import numpy as np

        errors = self.kept[: self.count]
        about = errors - np.median(errors)
        squares = about * about
        variance = float(squares.mean())
        robust = max(MAD_TO_SD * float(np.median(np.abs(about))), 0.5 * math.sqrt(variance))
        clipped = math.sqrt(float(np.minimum(squares, (CLIP * robust) ** 2).mean()))
        return clipped, df_of(squares, variance)


def df_of(squares: NDArray[np.float64], variance: float) -> float:
    """From the kurtosis and the number of errors."""
    if variance == 0:
        return MOST_DF
    chance = math.sqrt(24 / len(squares))
    excess = float((squares * squares).mean()) / variance**2 - 3 - chance
    tail = min(max(4 + 6 / excess, LEAST_DF), MOST_DF) if excess > 0 else MOST_DF
    return 1 / (1 / tail + 1 / len(squares))
