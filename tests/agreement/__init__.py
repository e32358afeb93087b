"""Agreement with PostHog: does our check give the verdict that PostHog gives, on queries that others wrote?

`python -m tests.agreement CORPUS.jsonl… [--posthog CHECKOUT]` checks each query against PostHog's built-in tables and
prints counts, the agreement in percent and every disagreement. A corpus is JSON lines (`cases.py`); a checkout of
PostHog's source is read with Python's `ast` (`posthog_source.py`), so that none of its texts need to be kept here.
`measure.py` runs our side. The figure is not asserted: it is measured by hand and quoted.
"""
