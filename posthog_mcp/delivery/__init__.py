"""Sending: a message to a named target of the allow-list, once.

Decisions.
- Targets come from the person's own YAML file and environment, by name; nothing that a model or an event says can
  become an address. Web addresses are https, resolved once, refused where they lead into a private network, and
  connected to by the address that was checked; redirects are not followed.
- `outbox.deliver` is the only way out: claim in the ledger, limits, retries, mark. A channel (`slack`, `mail`,
  `webhook`, `files`) only renders and hands over one message, and says of a failure whether it may have arrived.
- A message carries its parts (sections, pictures, facts); each channel writes them its own way.
- An approval is bound to what was shown: its code stands for the digest of message and target.
"""
