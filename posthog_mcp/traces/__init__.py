"""LLM traces, themes, summaries and clusters.

A trace becomes text in six steps, a file each: `fetch` reads its events, `shapes/` turns each payload into messages of
one model (`messages`), `tree` orders the steps, `threads` numbers messages and pairs calls with results, `render`
writes blocks, `budget` fits them. `text.trace_text` is all of it; `listing` is the table of traces.

Decisions. A message is written once, where it is first said, and referred to by its anchor after that: agents send
their whole history with every step, and a text that repeats it is eight times as long. Anchors stand at messages, not
at lines: line numbers cost half the tokens again. What no reader knows is shown as structure, and what a reader does
not take of an object is shown behind it (`Reading.with_left`), so that a new field of a provider is never lost.
Structure begins at a line's start and contents do not, so that nothing said in a trace can pass for another message.

Themes ask one question of many traces: `themes` (what a theme is), `picking` (one HogQL that says which traces),
`readings` (text and signs of each, kept by its events), `collect` and `saving` (a client's model reads), `running` with
`writers` (unattended), then `clusters` and `search` over `embeddings` of the summaries.

Decisions. Filters only narrow and order, for most failures leave no error event; the reader judges. Picking reads no
heavy column; those are fetched once a trace, whatever number of themes reads it. A trace is named by the hash of its
events' ids: with a new event it is fresh again. Rules and models give the same answer format, and a claim must cite an
anchor. Groups are k-means with outliers set apart, for findings lie on a continuum (Clio's reason as well); vectors are
hashed TF-IDF by default, for summaries are short and lexical, and a model's weights would be most of the download.
"""
