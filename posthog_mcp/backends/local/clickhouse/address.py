"""Where the server is: `clickhouse://USER:PASSWORD@HOST:PORT/DATABASE`, without ever showing the password."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

SECURE = ("clickhouses", "https")


@dataclass(frozen=True, slots=True)
class Address:
    """`str()` of it is safe to show."""

    host: str
    port: int
    secure: bool
    database: str
    user: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"{'clickhouses' if self.secure else 'clickhouse'}://{self.host}:{self.port}/{self.database}"


def read_address(url: str) -> Address:
    """The parts of a URL that `Settings` has checked; the HTTP port is 8123, or 8443 with TLS."""
    parts = urlsplit(url)
    secure = parts.scheme in SECURE
    return Address(
        host=parts.hostname or "localhost",
        port=parts.port or (8443 if secure else 8123),
        secure=secure,
        database=unquote(parts.path.strip("/")) or "default",
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
    )
