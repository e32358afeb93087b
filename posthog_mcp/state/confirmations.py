"""Tokens that stand for one plan: who carries one back has seen what it would change.

A token is bound to every byte of its plan, holds for ten minutes and once. Processes of one data folder take each
other's tokens: the folder has the secret, and a file for every token that was used. Where it cannot be written, secret
and used tokens live in this process only.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import anyio

from posthog_mcp.errors import InvalidInput
from posthog_mcp.state.shared_cache import Shared

SECONDS = 600.0
AGAIN = "Call again without confirm_token to see the plan, then with the token of that plan."
SECRET = "secret"
SECRET_BYTES = 32


class Confirmations:
    """Issues tokens and takes each of them once."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], float] = time.time,
        *,
        secret: bytes | None = None,
        shared: Shared | None = None,
    ) -> None:
        """`secret` and `shared`: of all replicas, so that each takes the others' tokens, and each token only once."""
        self._folder, self._given, self._shared = folder, secret, shared
        self._now = now
        self._used: set[str] = set()

    async def issue(self, plan: str) -> str:
        """A token for this plan."""
        return await anyio.to_thread.run_sync(self._issue, plan)

    async def take(self, token: str, plan: str) -> None:
        """Use up a token.

        Raises:
            InvalidInput: it is not for this plan, too old, or was used.
        """
        await anyio.to_thread.run_sync(self._take, token.strip(), plan)
        mark = token.strip().rpartition(".")[2]
        if self._shared is not None and not await self._shared.first(f"confirm {mark}", int(SECONDS) * 2):
            raise InvalidInput("The confirm_token was used already.", fix=AGAIN)

    def _issue(self, plan: str) -> str:
        ends = f"{self._now() + SECONDS:.0f}.{secrets.token_hex(4)}"
        return f"{ends}.{self._mark(ends, plan)}"

    def _take(self, token: str, plan: str) -> None:
        ends, _, mark = token.rpartition(".")
        if not hmac.compare_digest(mark.encode(), self._mark(ends, plan).encode()):
            raise InvalidInput("The confirm_token is not for this: arguments or the object changed since.", fix=AGAIN)
        if float(ends.partition(".")[0]) < self._now():
            raise InvalidInput("The confirm_token is older than ten minutes.", fix=AGAIN)
        if token in self._used or not self._first_use(mark):
            raise InvalidInput("The confirm_token was used already.", fix=AGAIN)
        self._used.add(token)

    def _mark(self, ends: str, plan: str) -> str:
        message = f"{ends}\n{plan}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]

    @cached_property
    def _secret(self) -> bytes:
        """The folder's secret, made by whoever comes first; readable by this user only."""
        if self._given is not None:
            return self._given
        made, path = secrets.token_bytes(SECRET_BYTES), self._folder / SECRET
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            own = path.with_name(f"{SECRET}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(made)
            try:
                os.link(own, path)
            except FileExistsError:
                pass
            finally:
                own.unlink()
            kept = path.read_bytes()
        except OSError:
            return made
        return kept if len(kept) == SECRET_BYTES else made

    def _first_use(self, mark: str) -> bool:
        """Leave the sign that a token was used; False where it is there already."""
        try:
            for path in self._folder.glob("*.used"):
                if path.stat().st_mtime < self._now() - 2 * SECONDS:
                    path.unlink(missing_ok=True)
            (self._folder / f"{mark}.used").touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:
            return True
        return True
