"""How long a trace may take: the whole request, and each transaction of it."""

import time

from phal2.node.rpc.cancellation import Deadline
from phal2.node.rpc.errors import SERVER_ERROR, RpcError


class TraceClock:
    """Begins anew for each transaction; `check` raises where the transaction, or the request, must end."""

    def __init__(self, request: Deadline, seconds: float) -> None:
        self._request = request
        self._seconds = seconds
        self.begin_transaction()

    def begin_transaction(self) -> None:
        """Give a transaction its full time."""
        self._end = time.monotonic() + self._seconds

    def check(self) -> None:
        """Raise `RpcError` "execution timeout" as geth does, or what the request's deadline raises."""
        if time.monotonic() >= self._end:
            raise RpcError(SERVER_ERROR, "execution timeout")
        self._request.check()
