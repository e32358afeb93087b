"""Product analytics over MCP, on PostHog or on an embedded project that needs no account.

Rooms stand on floors (pyproject.toml, `importlinter`); a room imports only from floors below its own. Each room's
`__init__.py` says what was decided there and why. This one imports nothing, so that start-up stays cheap.
"""

__version__ = "0.1.0"
