"""Optional encryption of what is kept: the text columns in `SEALED`, and files of results and runs.

Fernet (AES-128-CBC with HMAC-SHA256) of the library `cryptography`, extra `[encryption]`; its keys come with HKDF
from POSTHOG_MCP_STATE_KEY. The first of several keys writes, all read. What was written before there was a key stays
readable and is written over by `posthog-mcp encrypt`. Not encrypted, because they are looked up or counted by: ids,
names of tools and targets, times, figures, `person` of deliveries and `person_id` of summaries; nor vectors, Redis, the
embedded project's own data, and files that a person asked for (exports, charts, delivered reports).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from posthog_mcp.errors import Forbidden, Unavailable

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet
    from sqlalchemy import MetaData

SEALED: Mapping[str, tuple[str, ...]] = {
    "query_history": ("hogql", "values", "name"),
    "audit_texts": ("text",),
    "audit_people": ("who",),
    "definitions": ("text",),
    "desk_documents": ("body",),
    "desk_deliveries": ("detail",),
    "trace_themes": ("body",),
    "trace_theme_runs": ("body",),
    "trace_marks": ("about",),
    "trace_summaries": ("title", "summary", "body"),
    "trace_clusterings": ("body",),
}
"""Columns by table. None of them is searched, sorted or joined by the database."""
MARK = "sealed1:"
INSTALL = 'Run: pip install "posthog-mcp[encryption]".'


class Seal:
    """Seals and opens with these keys; without any, it writes plainly and refuses to open."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._keys = tuple(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def sealed(self, text: str) -> str:
        """The text as it is kept.

        Raises:
            Unavailable: the library is not installed.
        """
        if not self._keys:
            return text
        return MARK + fernet(self._keys).encrypt(text.encode("utf-8", "surrogatepass")).decode("ascii")

    def opened(self, kept: str) -> str:
        """What was kept; a text from before encryption as it is.

        Raises:
            Forbidden: there is no key, or it was sealed with another one.
            Unavailable: the library is not installed.
        """
        if not kept.startswith(MARK):
            return kept
        fix = "Set POSTHOG_MCP_STATE_KEY to the key that it was written with; NEW,OLD reads both."
        if not self._keys:
            raise Forbidden("The state is encrypted and no key is set.", fix=fix)
        from cryptography.fernet import InvalidToken

        try:
            return fernet(self._keys).decrypt(kept[len(MARK) :]).decode("utf-8", "surrogatepass")
        except InvalidToken:
            raise Forbidden("The state is encrypted with another key, or was changed.", fix=fix) from None

    def applied(self, metadata: MetaData) -> None:
        """Give the columns in `SEALED` the type that seals them. Before tables are created."""
        for table in metadata.tables.values():
            for name in SEALED.get(table.name, ()):
                table.c[name].type = column_type(self)


PLAIN = Seal()


@cache
def fernet(keys: tuple[str, ...]) -> MultiFernet:
    """The cipher of these keys.

    Raises:
        Unavailable: the library is not installed.
    """
    try:
        from cryptography.fernet import Fernet, MultiFernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ImportError:
        raise Unavailable("POSTHOG_MCP_STATE_KEY needs the library cryptography.", fix=INSTALL) from None

    def one(key: str) -> Fernet:
        derived = HKDF(SHA256(), 32, None, b"posthog-mcp state").derive(key.encode())
        return Fernet(base64.urlsafe_b64encode(derived))

    return MultiFernet([one(key) for key in keys])


def column_type(seal: Seal) -> Any:
    """A text column that is sealed on its way in and opened on its way out."""
    from sqlalchemy import Dialect, Text
    from sqlalchemy.types import TypeDecorator

    class Sealed(TypeDecorator[str]):
        impl = Text
        cache_ok = False

        def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
            return None if value is None else seal.sealed(value)

        def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
            return None if value is None else seal.opened(value)

    return Sealed()
