"""The demo project: a year in the life of a small SaaS product, generated in SQL, the same bytes for the same seed.

Nothing random is drawn: every choice is a hash of (seed, who, what for). `stories.py` says what was planted, so that
tests and people can check what an analysis finds; `people.py` and `timeline.py` write the SQL; `objects.py` the saved
insights, dashboards, cohorts, flags and annotations; `generate.py` runs it.
"""
