"""Knowledge: the entries under `knowledge/`, read from the clone or from the installed wheel.

Decisions.
- An entry is one Markdown file with a front matter, which a model of its kind checks; its id is the file's name. Pages
  of the REST families alone are made at run time, from the table that the calls use.
- Files are read when asked for: start-up does not pay for them.
- A value goes into HogQL by its type (`filling`), never as text; a plan holds only queries that check.
- Intents: ridge regression over the guide's own example questions, in closed form, with chances fitted to its
  leave-one-out scores (`intents`). A sentence-embedding model was left out: 100 MB, and slower than the aim of 20 ms;
  words of five languages meet in hand-kept concepts instead. Entries: likeness of questions (`retrieval`), full text by
  bm25s.
- The team's words are entries of the same format: in the state database, or files in POSTHOG_MCP_KNOWLEDGE_DIR.
"""
