"""From numbers to answers: is it normal, why did it change, what next, which group is better, who will leave.

Decisions.
- `stats/` is pure: lists of numbers in, numbers out, no project and no clock; each method's docstring names its source.
  What was measured best is what is here (robust seasonal residuals, optimal partitioning, rolling-origin choice of
  forecasts, prewhitened correlation): none of it needs more than the standard library and, rarely, numpy.
- `metrics.py` is the one reading of the `metric` argument; every tool and report gets its series there, with the
  period that is not over left out. A team definition is looked up by a resolver that the caller hands in, since
  definitions live in a room on the same floor.
- An explanation separates what is established, what is likely, and what this data cannot tell. Contributions are exact:
  each dimension's segments, with `(other)` as the rest, sum to the whole change.
- Too few observations are refused with the number that is there and the number that is needed.
"""
