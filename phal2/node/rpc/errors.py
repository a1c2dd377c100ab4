"""JSON-RPC errors with the codes that geth gives, and the errors of the server itself."""

from typing import Any, Final

from phal2.node.protocol.errors import Phal2Error

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = -32000
TIMED_OUT: Final = -32002
RESPONSE_TOO_LARGE: Final = -32003
EXECUTION_REVERTED: Final = 3


class RpcError(Phal2Error):
    """An error that a method answers with. `data` is left out of the answer where it is None."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class InvalidArgument(Phal2Error):
    """A parameter that is not of its type. The caller adds which one it was."""


class CannotListen(Phal2Error):
    """An address and port at which the server cannot listen."""


class PortTaken(CannotListen):
    """A port that another server listens on."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} on {host} is in use; stop what uses it or choose another port")
        self.host = host
        self.port = port


def invalid_params(message: str) -> RpcError:
    """Return the error for parameters that are well-formed one by one but make no sense."""
    return RpcError(INVALID_PARAMS, message)
