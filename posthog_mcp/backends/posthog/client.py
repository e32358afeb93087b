"""One pooled HTTP client for one PostHog host; returns JSON, raises our errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from posthog_mcp import __version__
from posthog_mcp.backends.posthog.errors import not_json, response_error, transport_error
from posthog_mcp.errors import Unavailable
from posthog_mcp.results import Json

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 256 << 20
Body = dict[str, Json]


class Client:
    """Requests against one host. The connection pool opens with the first request."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.host = urlsplit(base_url).netloc
        self._api_key = api_key
        self._http: httpx.AsyncClient | None = None

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            headers = {
                "Authorization": f"Bearer {self._api_key}",
                "User-Agent": f"posthog-mcp/{__version__}",
                "X-PostHog-Client": "posthog-mcp",
            }
            timeout = httpx.Timeout(60, connect=10)
            self._http = httpx.AsyncClient(base_url=self.base_url, headers=headers, timeout=timeout)
        return self._http

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Json] | None = None,
        params: Mapping[str, str | int] | None = None,
        wait_seconds: float | None = None,
    ) -> tuple[int, Body]:
        """Status and JSON object of a successful answer ({} for an empty one).

        Raises:
            PostHogMcpError: what PostHog said, or why there is no answer.
            Unavailable: the answer is too large.
        """
        import httpx

        client = self._client()
        limits = httpx.USE_CLIENT_DEFAULT if wait_seconds is None else httpx.Timeout(wait_seconds, connect=10)
        try:
            async with client.stream(method, path, json=body, params=params, timeout=limits) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        message = f"The answer of {self.host} is larger than {MAX_BYTES >> 20} MB."
                        raise Unavailable(message, fix="Select fewer columns or rows.")
        except httpx.HTTPError as error:
            failure = transport_error(error, self.host)
            raise failure from None
        return self._read(response.status_code, response.headers.get("retry-after", ""), bytes(content))

    def _read(self, status: int, retry_after: str, content: bytes) -> tuple[int, Body]:
        if status >= 400:
            failure = response_error(status, retry_after, content, self.host)
            raise failure
        if not content:
            return status, {}
        try:
            found: object = json.loads(content)
        except (ValueError, RecursionError):
            wrong = not_json(self.host)
            raise wrong from None
        return status, cast("Body", found) if isinstance(found, dict) else {"results": cast("Json", found)}

    def same_host(self, url: str) -> bool:
        return urlsplit(url).netloc == self.host

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None
