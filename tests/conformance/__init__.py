"""Programs that nobody here wrote, against our server: the MCP conformance suite, SDK clients, the Inspector.

`python -m tests.conformance` installs them from npm into a temporary folder and runs all. It needs the network, so it
is no part of the test suite. Scenarios that need no fixtures run on the product; the others on `profile.py`, which
registers the suite's `test_*` fixtures on the very same server and HTTP app.
"""
