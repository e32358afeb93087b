"""Discovery: what is in this project: an overview, objects of a kind, and the fields of anything with real values.

Decisions.
- Names in answers are always real names of this project; a near miss is answered with the nearest ones.
- Fill rates and sample values come from the data at the moment of asking, and say over how many rows.
"""
