"""Knowledge: the entries under `knowledge/`, read from the clone or from the installed wheel.

Decisions.
- An entry is one Markdown file with a front matter; its id is the file's name. Nothing is generated at run time.
- Files are read when asked for: start-up does not pay for them.
"""
