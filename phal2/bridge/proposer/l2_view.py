"""What the proposer reads from the L2 node: its heads, output roots, and whether withdrawals were made."""

from typing import Final

from phal2.bridge.chain_access.l2_source import L2Source, SyncStatus
from phal2.node.l1.errors import InvalidAnswer
from phal2.node.l1.json_fields import MalformedField, as_object, data, optional
from phal2.node.l1.json_rpc import JsonRpcClient

ANSWER_SECONDS: Final = 120.0
"""How long the L2 node may take for an answer: witnesses of full blocks take their time."""


class L2View:
    """One L2 node. Methods raise an `EndpointError`."""

    def __init__(self, rpc: JsonRpcClient) -> None:
        self._rpc = rpc
        self._source = L2Source(rpc)

    async def sync_status(self) -> SyncStatus:
        """Return the node's heads."""
        return await self._source.sync_status()

    async def output_root(self, number: int) -> bytes:
        """Return the output root of the canonical L2 block."""
        method = "optimism_outputAtBlock"
        answer = await self._rpc.call(method, hex(number))
        try:
            return data(as_object(answer, "result"), "outputRoot", 32)
        except MalformedField as error:
            raise InvalidAnswer(self._rpc.url, f"{method}: {error}") from error

    async def withdrawals_root(self, number: int) -> bytes | None:
        """Return the header's withdrawals root, from Isthmus on that of the message passer's storage; None for none."""
        method = "eth_getBlockByNumber"
        answer = await self._rpc.call(method, hex(number), False)
        try:
            return optional(as_object(answer, "result"), "withdrawalsRoot", lambda block, name: data(block, name, 32))
        except MalformedField as error:
            raise InvalidAnswer(self._rpc.url, f"{method}: {error}") from error
