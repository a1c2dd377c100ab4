"""debug_executionWitness: all that it takes to execute a block without a state, as reth and geth give it."""

from dataclasses import replace
from typing import Any, Final

from phal2.node.protocol.headers import Header, encode_header
from phal2.node.rpc.block_reference import Block
from phal2.node.rpc.block_replay import stored_replay
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import INTERNAL_ERROR, RpcError
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.namespaces.debug import require_stored_block
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.trace_schemas import WITNESS
from phal2.node.rpc.workers import Workers
from phal2.node.state.witness_recording import RecordingBlockHashes, RecordingDatabase
from phal2.node.state.world_state import WorldState

REQUEST_SECONDS: Final = 60.0


class WitnessMethods:
    """Witnesses of stored blocks, made by executing them again."""

    def __init__(self, chain: ChainService, workers: Workers) -> None:
        self._chain = chain
        self._workers = workers

    def register(self, registry: MethodRegistry) -> None:
        """Offer the method."""
        registry.add("debug_executionWitness", self.execution_witness, result=WITNESS)

    async def execution_witness(self, block: Block) -> dict[str, Any]:
        """Return {state, codes, keys, headers}.

        `state` has the RLP of every trie node that executing the block and computing its root reads, `codes` the
        contracts that it reads, `keys` the addresses and slots that it looks at, `headers` the RLP of the parent and,
        before it, of the ancestors whose hashes the block asks for.
        """
        block_hash = require_stored_block(self._chain, block)
        return await run_bounded(self._workers, REQUEST_SECONDS, self._witness, block_hash)

    def _witness(self, deadline: Deadline, block_hash: bytes) -> dict[str, Any]:
        chain = self._chain
        replay = stored_replay(chain.store, chain.rules, chain.verdicts, block_hash)
        database, hashes = RecordingDatabase(replay.database), RecordingBlockHashes(replay.block_hashes)
        block = replace(replay, database=database, block_hashes=hashes).begin()
        block.skip_to(len(replay.transactions), deadline.check)
        executed = block.execution.seal()
        if executed.block.hash != block_hash:
            message = f"executing block {data(block_hash)} again gave {data(executed.block.hash)}"
            raise RpcError(INTERNAL_ERROR, message)
        return {
            "state": [data(node) for node in sorted(database.nodes.values())],
            "codes": [data(code) for code in sorted(database.codes.values())],
            "keys": _keys(block.execution.state),
            "headers": [data(encode_header(header)) for header in self._ancestors(replay.parent, hashes.oldest)],
        }

    def _ancestors(self, parent: Header, oldest: int | None) -> list[Header]:
        """Return the headers from block `oldest` to the parent, or the parent's alone."""
        headers = [parent]
        while oldest is not None and headers[0].number > oldest:
            header = self._chain.store.header(headers[0].parent_hash)
            if header is None:
                break
            headers.insert(0, header)
        return headers


def _keys(state: WorldState) -> list[str]:
    loaded = state.loaded()
    slots = sorted({slot for of_account in loaded.values() for slot in of_account})
    return [data(address) for address in sorted(loaded)] + [f"0x{slot:064x}" for slot in slots]
