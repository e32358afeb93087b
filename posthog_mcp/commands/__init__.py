"""What the commands do, one file a command; `cli.py` only reads arguments.

Each command is `run(settings, arguments) -> int`, returns its exit code, and raises only the `errors` family. Heavy
rooms (server, backends) are imported inside the functions, so that `--help` and wrong usage answer at once. Results
go to stdout, everything else to stderr, so that output can be piped.
"""
