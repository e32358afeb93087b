"""Speed, memory and size, printed as ratios against a named reference measured in the same run.

`python -m tests.benchmarks` prints every table; `python -m tests.benchmarks startup calls` some. Nothing here
is asserted: a slow machine must not turn main red.
"""
