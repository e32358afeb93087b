"""PostHog's REST API in front of a Driver: thin, so that PostHog's own clients and our HTTP driver can use it.

Decisions.
- Shapes, paths and error bodies are PostHog's; nothing is computed here that a Driver does not answer.
- It exists for other PostHog clients, for CI, and so that one contract suite can run on both drivers.
- Keys are public (`phx_local`, `phc_local`): it serves this machine, and listens on the loopback address by default.
"""
