"""Pure statistics: sequences of floats in, small dataclasses out; no project, no clock, no randomness without a seed.

Decisions.
- The standard library is enough (`facts` and `tests/benchmarks/analysis.py` have the measurements): tail probabilities
  by continued fractions agree with scipy to 1e-10, which the tests prove.
- Each module is one method or one family, and its docstring names the source of the method.
"""
