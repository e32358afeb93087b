"""The chart page in headless Chromium, inside a host page built on the reference `AppBridge`.

`python -m tests.views.browser DIR [--only WORD] [--shots]` installs the npm parts into DIR, needs node and a Chromium
(Debian's `chromium`, or one named with `--chromium`), and prints one line a check. It needs the network for npm, so it
is no part of the test suite. With `--shots` it leaves a picture of every chart in both themes in DIR/shots.

The host page follows the specification for web hosts: the page runs in a frame inside a proxy frame of another origin,
under the strictest policy (`default-src 'none'`), and with no right to download.
"""
