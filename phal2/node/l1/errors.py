"""What can go wrong with a JSON-RPC endpoint, by what the caller should do about it."""

from phal2.node.protocol.errors import Phal2Error

RATE_LIMIT_CODE = -32005
"""Error code "limit exceeded" (EIP-1474): the request may succeed later."""

METHOD_NOT_FOUND_CODE = -32601

RESPONSE_TOO_LARGE_CODE = -32003
"""Error code of geth and others for an answer to a batch above the server's limit."""


class EndpointError(Phal2Error):
    """Root of the errors of a JSON-RPC endpoint. `url` is the endpoint's, without what may be secret."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__(f"{url}: {text}")
        self.url = url


class InvalidEndpointUrl(EndpointError):
    """A URL that no request can be sent to. Correct it."""


class EndpointUnavailable(EndpointError):
    """The endpoint cannot answer now: down, too slow, limiting its rate, or without the block yet. Try again later.

    `retry_after_seconds` is how long the endpoint asks to wait, or None where it does not say.
    """

    def __init__(self, url: str, text: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(url, text)
        self.retry_after_seconds = retry_after_seconds


class EndpointRefused(EndpointError):
    """The endpoint answered with a JSON-RPC error object: `code`, `message` and `data` are its own."""

    def __init__(self, url: str, method: str, code: int, message: str, data: object = None) -> None:
        super().__init__(url, f"{method} was refused with error {code}: {message}")
        self.method = method
        self.code = code
        self.message = message
        self.data = data


class InvalidAnswer(EndpointError):
    """The endpoint's answer is malformed or contradicts itself: it is faulty or lies. Use another endpoint."""


class AnswerTooLong(InvalidAnswer):
    """An answer above the client's limit of bytes."""

    def __init__(self, url: str, limit: int) -> None:
        super().__init__(url, f"the answer is longer than {limit} bytes")
        self.limit = limit


class UnsupportedL1Transaction(InvalidAnswer):
    """An L1 block with a transaction of a type that cannot be re-encoded, so that the block cannot be checked."""

    def __init__(self, url: str, transaction_type: int) -> None:
        super().__init__(
            url,
            f"the block holds a transaction of type 0x{transaction_type:02x}; types 0 to 4 can be checked. "
            "A newer version may know it",
        )
        self.transaction_type = transaction_type
