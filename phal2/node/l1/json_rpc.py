"""A JSON-RPC 2.0 client over HTTP with bounded answers.

It retries where it is told to: only its caller knows what is worth repeating.
"""

import asyncio
import math
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import orjson

from phal2.node.l1.backoff import Backoff
from phal2.node.l1.errors import (
    RATE_LIMIT_CODE,
    RESPONSE_TOO_LARGE_CODE,
    AnswerTooLong,
    EndpointRefused,
    EndpointUnavailable,
    InvalidAnswer,
    InvalidEndpointUrl,
)

if TYPE_CHECKING:
    import aiohttp

MAXIMUM_RESPONSE_BYTES: Final = 128 * 1024 * 1024
"""No block of any Ethereum chain comes near this as JSON."""

_SHOWN_CHARACTERS: Final = 200


class JsonRpcClient:
    """One endpoint. `call` and `batch` may be used from many tasks at once; `close` when done.

    Raises of every request: `EndpointUnavailable` (try again), `EndpointRefused` (the endpoint's error object),
    `InvalidAnswer` (malformed).
    """

    def __init__(
        self,
        url: str,
        timeout_seconds: float = 20.0,
        maximum_response_bytes: int = MAXIMUM_RESPONSE_BYTES,
        attempts: int = 1,
    ) -> None:
        """`attempts` is how often a `call` is made that gets no answer, or none that is JSON-RPC."""
        self.url = shown_url(url)
        self._target = url
        self._timeout_seconds = timeout_seconds
        self._maximum_response_bytes = maximum_response_bytes
        self._attempts = attempts
        self._identifiers = count(1)
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, *parameters: object) -> object:
        """Return the result of one request, as orjson decodes it."""
        backoff = Backoff()
        for _ in range(self._attempts - 1):
            try:
                return await self._call_once(method, parameters)
            except (EndpointUnavailable, InvalidAnswer) as error:
                await asyncio.sleep(backoff.next_delay(error))
        return await self._call_once(method, parameters)

    async def _call_once(self, method: str, parameters: Sequence[object]) -> object:
        identifier = next(self._identifiers)
        answer = await self._exchange(_request(identifier, method, parameters))
        if not isinstance(answer, dict):
            raise InvalidAnswer(self.url, f"the answer to {method} is not an object")
        if answer.get("id") != identifier and not (answer.get("id") is None and "error" in answer):
            raise InvalidAnswer(
                self.url, f"the answer to {method} has id {_shown(answer.get('id'))}, sent {identifier}"
            )
        return self._result(method, answer)

    async def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[object]:
        """Return the results of several requests sent as one batch, in order. The first refusal is raised.

        A batch whose answer is too long for the server or this client is asked for again in halves.
        """
        if len(calls) < 2:
            return [await self.call(method, *parameters) for method, parameters in calls]
        try:
            return await self._undivided_batch(calls)
        except (EndpointRefused, AnswerTooLong) as error:
            if isinstance(error, EndpointRefused) and error.code != RESPONSE_TOO_LARGE_CODE:
                raise
            half = len(calls) // 2
            return [*await self.batch(calls[:half]), *await self.batch(calls[half:])]

    async def close(self) -> None:
        """Close the connections; the client may not be used afterwards."""
        if self._session is not None:
            await self._session.close()

    async def _undivided_batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[object]:
        identifiers = [next(self._identifiers) for _ in calls]
        requests = [
            _request(identifier, *method_and_parameters)
            for identifier, method_and_parameters in zip(identifiers, calls, strict=True)
        ]
        answer = await self._exchange(requests)
        if isinstance(answer, dict) and "error" in answer:
            self._result("the batch", answer)
        if not isinstance(answer, list) or len(answer) != len(calls):
            raise InvalidAnswer(self.url, f"the answer to a batch of {len(calls)} is not a list of as many")
        by_identifier = {item["id"]: item for item in answer if isinstance(item, dict) and type(item.get("id")) is int}
        if set(by_identifier) != set(identifiers):
            raise InvalidAnswer(self.url, "the answers to a batch do not have the ids of its requests")
        return [
            self._result(method, by_identifier[identifier])
            for identifier, (method, _) in zip(identifiers, calls, strict=True)
        ]

    async def _exchange(self, request: object) -> object:
        # It takes a third of a second to import, which commands that make no request need not wait for.
        import aiohttp

        try:
            body, status, retry_after = await self._post(orjson.dumps(request))
        except TimeoutError:
            raise EndpointUnavailable(self.url, f"no answer within {self._timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise EndpointUnavailable(self.url, f"the connection failed: {connection_failure(error)}") from None
        if status == 429 or status >= 500:
            raise EndpointUnavailable(self.url, f"HTTP status {status}", retry_after)
        try:
            answer: object = orjson.loads(body)
        except orjson.JSONDecodeError:
            text = body[:_SHOWN_CHARACTERS].decode("utf-8", "replace")
            raise InvalidAnswer(self.url, f"HTTP status {status} and no JSON but {text!r}") from None
        return answer

    async def _post(self, body: bytes) -> tuple[bytes, int, float | None]:
        session = self._open_session()
        async with (
            asyncio.timeout(self._timeout_seconds),
            session.post(self._target, data=body, allow_redirects=False) as response,
        ):
            received = bytearray()
            async for chunk in response.content.iter_any():
                received += chunk
                if len(received) > self._maximum_response_bytes:
                    raise AnswerTooLong(self.url, self._maximum_response_bytes)
            return bytes(received), response.status, retry_after_seconds(response.headers.get("Retry-After"))

    def _open_session(self) -> "aiohttp.ClientSession":
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                headers={"Content-Type": "application/json"}, timeout=aiohttp.ClientTimeout(total=None)
            )
        return self._session

    def _result(self, method: str, answer: dict[object, object]) -> object:
        error = answer.get("error")
        if error is None:
            if "result" not in answer:
                raise InvalidAnswer(self.url, f"the answer to {method} has neither result nor error")
            return answer["result"]
        if not isinstance(error, dict) or type(error.get("code")) is not int:
            raise InvalidAnswer(self.url, f"the answer to {method} has a malformed error: {_shown(error)}")
        code, message = error["code"], _shown(error.get("message", ""))
        if code in (RATE_LIMIT_CODE, 429):
            raise EndpointUnavailable(self.url, f"{method}: {message}")
        raise EndpointRefused(self.url, method, code, message, error.get("data"))


def _request(identifier: int, method: str, parameters: Sequence[object]) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": list(parameters)}


def shown_url(url: str) -> str:
    """Check a URL and return it without what may be a secret: user name and password, path and query."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidEndpointUrl(url, "this is not a URL; expected http://HOST:PORT") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidEndpointUrl(url, "expected a URL of the form http://HOST:PORT or https://HOST")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise InvalidEndpointUrl(url, "the host's name has an empty part, or one that is too long") from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")


def connection_failure(error: Exception) -> str:
    """Say in one line why aiohttp got no answer, without the URL, which may hold a secret."""
    import aiohttp

    if isinstance(error, aiohttp.InvalidURL):
        return "no request can be sent to this URL"
    # Its own text has the URL in it.
    text = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return _shown(" ".join(text.split()) or type(error).__name__)


def retry_after_seconds(header: str | None) -> float | None:
    """Read a Retry-After header; its form as a date is ignored."""
    try:
        seconds = float(header) if header is not None else math.nan
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _shown(value: object) -> str:
    # Text of an endpoint's choice must not reach a terminal as anything but text.
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
