"""What is seen of a call from outside: its trace (OpenTelemetry) and its cost.

Decisions.
- Rooms open spans through `spans.span`, with the API alone; without the extra `[otel]` and the standard OTEL_*
  variables that does nothing and costs microseconds. The SDK is imported where traces are wanted, nowhere else.
- A list of names decides what may leave in a span (`exporting.KEPT`): arguments, query texts, values and messages are
  not on it, whoever puts them there.
- The cost of a call is summed by whoever spends it (`cost.spend`), into the call that is under way.
"""

from contextvars import ContextVar

REQUEST: ContextVar[str] = ContextVar("id of the HTTP request under way", default="")
"""Every log line of a request carries it."""
