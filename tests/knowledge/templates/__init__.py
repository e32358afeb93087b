"""Templates asked of small invented projects, whose numbers are worked out by hand.

`worlds_*.py` says what happened in plain rules; `proofs_*.py` holds, for each template and set of params, the rows that
follow from them. A template without two proofs, or whose front matter names other params than the proofs, fails.
"""
