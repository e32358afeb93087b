"""E2B sandboxes: code that a model wrote, and generated query scripts, run there and never on this machine.

Decisions.
- A principal has at most one warm sandbox a purpose. `analysis` runs the model's code and reaches no network at all:
  PostHog's own ingestion would be a way out for data, and a key's authority is not the model's to use. `scripts` runs
  our generated scripts and reaches the PostHog host only. The model's code never runs where that host can be reached,
  because whoever ran code in a sandbox owns it (its user may become root).
- The PostHog key is added by E2B's egress proxy where its rules can do it; the sandbox sees a placeholder. Where they
  cannot (an address instead of a name, another port), it is an environment variable of that one command.
- A sandbox ends by itself when unused: E2B's own timer, set at each use, also ends what a crashed process left. It is
  killed at shutdown, after a time limit, after too much output and when a call is cancelled; the next call makes one.
- E2B's SDK does not enforce a command's time limit itself, so each run has a deadline here too.
- The program beside the code (`harness.py`) is uploaded with each run: any template with python3 will do.
"""
