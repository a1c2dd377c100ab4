"""The `optimism` namespace, with names and numbers as op-node gives them (JSON integers, not quantities)."""

from typing import Any

from phal2 import __version__
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.protocol.block_refs import BlockId, L1BlockRef, L2BlockRef
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.output_roots import OUTPUT_VERSION, output_root
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.parameter_types import Quantity
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import TEXT
from phal2.node.rpc.rollup_schemas import OUTPUT, ROLLUP_CONFIG, SAFE_HEAD, SYNC_STATUS
from phal2.node.state.world_state import WorldState

_NO_L1_BLOCK = L1BlockRef(bytes(32), 0, bytes(32), 0)


class OptimismNamespace:
    """What a rollup node says of L1, L2 and itself."""

    def __init__(self, node: RollupNode) -> None:
        self._node = node

    def register(self, registry: MethodRegistry) -> None:
        """Offer the namespace's methods."""
        registry.add("optimism_outputAtBlock", self.output_at_block, in_worker=True, result=OUTPUT)
        registry.add("optimism_syncStatus", self.sync_status, result=SYNC_STATUS)
        registry.add("optimism_rollupConfig", self._node.config.to_json, result=ROLLUP_CONFIG)
        registry.add("optimism_safeHeadAtL1Block", self.safe_head_at_l1_block, result=SAFE_HEAD)
        registry.add("optimism_version", self.version, result=TEXT)

    def version(self) -> str:
        """Return the node's version."""
        return f"v{__version__}"

    def sync_status(self) -> dict[str, Any]:
        """Return the L1 and L2 blocks that the node is at."""
        tracker, heads = self._node.l1_tracker, self._node.heads
        return {
            "current_l1": _l1_block_ref(self._node.current_l1),
            "current_l1_finalized": _l1_block_ref(tracker.finalized),
            "head_l1": _l1_block_ref(tracker.head),
            "safe_l1": _l1_block_ref(tracker.safe),
            "finalized_l1": _l1_block_ref(tracker.finalized),
            "unsafe_l2": _l2_block_ref(heads.unsafe),
            "safe_l2": _l2_block_ref(heads.safe),
            "finalized_l2": _l2_block_ref(heads.finalized),
            "pending_safe_l2": _l2_block_ref(heads.safe),
            "cross_unsafe_l2": _l2_block_ref(heads.unsafe),
            "local_safe_l2": _l2_block_ref(heads.safe),
        }

    def output_at_block(self, number: Quantity) -> dict[str, Any]:
        """Return the output root of an L2 block and what it commits to (OP Stack "Proposals")."""
        chain = self._node.chain
        ref = chain.canonical_ref(number)
        if ref is None:
            raise RpcError(SERVER_ERROR, f"L2 block {number} is not there; the head is {self._node.head_id().number}")
        header = chain.block(ref.hash).header
        if self._node.config.forks.is_active(Fork.ISTHMUS, header.timestamp) and header.withdrawals_root is not None:
            # The header has it, so that outputs outlive the states.
            storage_root = header.withdrawals_root
        else:
            storage_root = WorldState(chain.store, header.state_root).storage_root(L2_TO_L1_MESSAGE_PASSER)
        root = output_root(header.state_root, storage_root, ref.hash)
        return {
            "version": _hex(OUTPUT_VERSION),
            "outputRoot": _hex(root),
            "blockRef": _l2_block_ref(ref),
            "withdrawalStorageRoot": _hex(storage_root),
            "stateRoot": _hex(header.state_root),
            "syncStatus": self.sync_status(),
        }

    def safe_head_at_l1_block(self, number: Quantity) -> dict[str, Any]:
        """Return the safe L2 head after derivation had read the L1 block `number`."""
        record = self._node.store.safe_head_at_l1(number)
        if record is None:
            raise RpcError(SERVER_ERROR, f"no safe head is recorded at or before L1 block {number}")
        l1_block, safe_head = record
        return {"l1Block": _block_id(l1_block), "safeHead": _block_id(safe_head)}


def _l1_block_ref(ref: L1BlockRef | None) -> dict[str, Any]:
    known = ref or _NO_L1_BLOCK
    return {
        "hash": _hex(known.hash),
        "number": known.number,
        "parentHash": _hex(known.parent_hash),
        "timestamp": known.timestamp,
    }


def _l2_block_ref(ref: L2BlockRef) -> dict[str, Any]:
    return {
        "hash": _hex(ref.hash),
        "number": ref.number,
        "parentHash": _hex(ref.parent_hash),
        "timestamp": ref.timestamp,
        "l1origin": _block_id(ref.l1_origin),
        "sequenceNumber": ref.sequence_number,
    }


def _block_id(block: BlockId) -> dict[str, Any]:
    return {"hash": _hex(block.hash), "number": block.number}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
