"""Rules that keep the house: each is a function over a folder of sources, and each is shown to fail on a broken one.

import-linter holds the floors and pyright the types; here stands what they cannot say.
"""
