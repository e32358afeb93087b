"""MCP clients on this machine: where each keeps its servers, in which shape, and how ours gets in.

Decisions.
- A person's file is edited in its text, never written anew: comments, order and spacing stay, a copy is left beside
  it, and a file that is not what it should be is refused with the place.
- A secret goes where the client has a place for one (VS Code asks for it); elsewhere it stands in `env`, as the
  clients' own commands write it.
"""
