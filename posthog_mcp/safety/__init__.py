"""Safety: what personal data looks like, and how it is replaced before it leaves.

Decisions.
- Two walls. A masked driver replaces values where rows come in, by the lineage of each column, so that caches, kept
  results, exports, scripts, sandboxes, charts, reports and deliveries never hold the original. The server's edge
  replaces once more in everything that a client gets, by key and by pattern, whatever room it came from.
- Pseudonyms are keyed hashes: equal values have equal pseudonyms, so joins and counts still work, and without the
  key of the installation nobody can try values against them.
- A pseudonym is never masked again, so both walls may see the same text.
- Masking protects what the project's people gave; it is no wall against an author of HogQL who means to take a value
  apart (letter by letter, or by comparing). The roles and the audit are for that.
"""
