"""JSON documents by HTTP GET, with bounded answers: what REST endpoints such as a beacon node's serve.

It never retries: only its caller knows what is worth repeating.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import orjson

from phal2.node.l1.errors import AnswerTooLong, EndpointError, EndpointUnavailable, InvalidAnswer
from phal2.node.l1.json_rpc import connection_failure, retry_after_seconds, shown_url

if TYPE_CHECKING:
    import aiohttp

_SHOWN_CHARACTERS: Final = 200
_TOO_MANY_REQUESTS: Final = 429


class NotServed(EndpointError):
    """The endpoint does not serve what was asked for: `status` is its HTTP status, 400 or above."""

    def __init__(self, url: str, path: str, status: int, message: str) -> None:
        super().__init__(url, f"{path}: HTTP status {status}, {message}")
        self.status = status


class HttpJsonClient:
    """One endpoint. `get` may be used from many tasks at once; `close` when done."""

    def __init__(self, url: str, timeout_seconds: float, maximum_response_bytes: int) -> None:
        self.url = shown_url(url)
        self._target = url
        self._timeout_seconds = timeout_seconds
        self._maximum_response_bytes = maximum_response_bytes
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> object:
        """Return the document at `path`, as orjson decodes it.

        Raises `EndpointUnavailable` (try again), `NotServed` or `InvalidAnswer`.
        """
        # It takes a third of a second to import, which a node that meets no blob need not wait for.
        import aiohttp

        try:
            body, status, retry_after = await self._get(path, query)
        except TimeoutError:
            raise EndpointUnavailable(self.url, f"{path}: no answer within {self._timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise EndpointUnavailable(self.url, f"{path}: the connection failed: {connection_failure(error)}") from None
        if status in (_TOO_MANY_REQUESTS, 502, 503, 504):
            raise EndpointUnavailable(self.url, f"{path}: HTTP status {status}", retry_after)
        if status != 200:
            raise NotServed(self.url, path, status, body[:_SHOWN_CHARACTERS].decode("utf-8", "replace"))
        try:
            # Blobs are long: reading them must not hold up the event loop.
            return await asyncio.to_thread(orjson.loads, body)
        except orjson.JSONDecodeError:
            text = body[:_SHOWN_CHARACTERS].decode("utf-8", "replace")
            raise InvalidAnswer(self.url, f"{path}: no JSON but {text!r}") from None

    async def close(self) -> None:
        """Close the connections; the client may not be used afterwards."""
        if self._session is not None:
            await self._session.close()

    async def _get(self, path: str, query: Sequence[tuple[str, str]]) -> tuple[bytes, int, float | None]:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Accept": "application/json"}, timeout=aiohttp.ClientTimeout(total=None)
            )
        async with (
            asyncio.timeout(self._timeout_seconds),
            self._session.get(_joined(self._target, path, query), allow_redirects=False) as response,
        ):
            received = bytearray()
            async for chunk in response.content.iter_any():
                received += chunk
                if len(received) > self._maximum_response_bytes:
                    raise AnswerTooLong(self.url, self._maximum_response_bytes)
            return bytes(received), response.status, retry_after_seconds(response.headers.get("Retry-After"))


def _joined(base: str, path: str, query: Sequence[tuple[str, str]]) -> str:
    """Return the URL of `path` below a base, whose own path and query may hold what the provider asks for."""
    parts = urlsplit(base)
    queries = [text for text in (parts.query, urlencode(query)) if text]
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path, query="&".join(queries)))
