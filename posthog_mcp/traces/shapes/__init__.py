"""One file a family of shapes; `registry.py` names them all.

A shape gives readers by what marks its objects: the value of `type`, or a key that only they have. A reader takes out
of an object what it understands and hands the rest to `Reading.rest`, which shows it: what a reader does not know is
never lost. Objects that no reader takes are shown as structure, the messages within them still as messages.
"""
