"""The `admin` namespace: whether the sequencer builds blocks, as op-node's operators ask and say it."""

from phal2.node.driver.rollup_node import RollupNode
from phal2.node.driver.sequencing_loop import SequencingLoop
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.parameter_types import Hash
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, HASH, NULL


class AdminNamespace:
    """Starts and stops the building of blocks. The texts of the errors are op-node's, as its tools read them."""

    def __init__(self, node: RollupNode) -> None:
        self._node = node

    def register(self, registry: MethodRegistry) -> None:
        """Offer the namespace's methods."""
        registry.add("admin_startSequencer", self.start_sequencer, result=NULL)
        registry.add("admin_stopSequencer", self.stop_sequencer, result=HASH)
        registry.add("admin_sequencerActive", self.sequencer_active, result=BOOLEAN)

    def start_sequencer(self, block_hash: Hash) -> None:
        """Build blocks again on the unsafe head, whose hash the caller must know."""
        sequencing = self._sequencing()
        if sequencing.is_active:
            raise RpcError(SERVER_ERROR, "sequencer already running")
        head = self._node.heads.unsafe
        if block_hash != head.hash:
            message = f"block hash does not match: head {data(head.hash)}:{head.number}, received {data(block_hash)}"
            raise RpcError(SERVER_ERROR, message)
        sequencing.start()

    async def stop_sequencer(self) -> str:
        """Build no further block; return the hash of the last one, with which a sequencer may go on."""
        sequencing = self._sequencing()
        if not sequencing.is_active:
            raise RpcError(SERVER_ERROR, "sequencer not running")
        sequencing.stop()
        # A block that is being built yet becomes the head before the next step of the chain.
        return data(await self._node.chain.run(lambda: self._node.chain.heads.unsafe.hash))

    def sequencer_active(self) -> bool:
        """Tell whether blocks are being built; a follower builds none."""
        return self._node.sequencing is not None and self._node.sequencing.is_active

    def _sequencing(self) -> SequencingLoop:
        if self._node.sequencing is None:
            raise RpcError(SERVER_ERROR, "sequencer is not enabled")
        return self._node.sequencing
