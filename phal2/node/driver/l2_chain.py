"""The L2 chain of one node: its heads, and the one place where blocks are executed and stored.

Blocks are executed on a thread of their own, one at a time, so that the event loop goes on serving.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.block_refs import BlockId, L2BlockRef
from phal2.node.protocol.errors import InvalidBlock, InvalidEncoding, InvalidTransaction
from phal2.node.protocol.headers import Block, Header
from phal2.node.protocol.l1_attributes import l2_block_ref, system_config_from_block
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.rollup_config import SystemConfig
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.sequencer.building import BuiltBlock, build_block
from phal2.node.sequencer.ordering import TransactionOrder
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.environment import BlockEnvironment, l2_environment
from phal2.node.state.execution_thread import ExecutionThread
from phal2.node.state.rules import L2Rules
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore, Heads

log = logging.getLogger("phal2.driver")

BlockOrder: TypeAlias = Callable[[BlockEnvironment, Header], TransactionOrder]
"""Orders the pool for a block of this environment on this parent."""


class InvalidPayload(InvalidBlock):
    """Payload attributes that give no valid block."""


@dataclass(frozen=True, slots=True)
class HeadRefs:
    """The node's heads: `unsafe` is the newest block, `safe` is derived from L1, `finalized` from finalized L1."""

    unsafe: L2BlockRef
    safe: L2BlockRef
    finalized: L2BlockRef


class L2Chain:
    """Executes and stores L2 blocks and keeps the heads. Use it on one event loop."""

    def __init__(self, store: ChainStore, rules: L2Rules, verdicts: QuoteVerdicts, thread: ExecutionThread) -> None:
        self.store = store
        self.rules = rules
        self.verdicts = verdicts
        self.lock = asyncio.Lock()
        """Held while a block is built and stored, so that sequencing and derivation take turns."""
        self._thread = thread
        self._listeners: list[Callable[[bytes], None]] = []
        heads = store.read_heads()
        self.heads = HeadRefs(self.ref(heads.unsafe.hash), self.ref(heads.safe.hash), self.ref(heads.finalized.hash))

    def on_new_head(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """Call `listener` with the hash of every new unsafe head; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def block(self, block_hash: bytes) -> Block:
        """Return a stored block by hash."""
        block = self.store.block(block_hash)
        if block is None:
            raise InvalidBlock(f"block 0x{block_hash.hex()} is not stored")
        return block

    def canonical_ref(self, number: int) -> L2BlockRef | None:
        """Return the block of `number` on the canonical chain, None above its head."""
        block_hash = self.store.block_hash(number)
        return None if block_hash is None else self.ref(block_hash)

    def ref(self, block_hash: bytes) -> L2BlockRef:
        """Return a stored block with its L1 origin."""
        block = self.block(block_hash)
        first = block.transactions[0] if block.transactions else None
        return l2_block_ref(self.rules.config, block.header, block.hash, first)

    def system_config(self, block_hash: bytes) -> SystemConfig:
        """Return the system configuration that a stored block was built with."""
        block = self.block(block_hash)
        first = block.transactions[0] if block.transactions else None
        return system_config_from_block(self.rules.config, block.header, first)

    def state_at_head(self) -> WorldState:
        """Return a view of the state after the newest block."""
        return WorldState(self.store, self.block(self.heads.unsafe.hash).header.state_root)

    def environment(self, parent: Header, parent_hash: bytes, attributes: PayloadAttributes) -> BlockEnvironment:
        """Return the environment of the block that `attributes` ask for on `parent`."""
        return l2_environment(self.rules, parent, parent_hash, attributes)

    async def extend(
        self,
        parent: L2BlockRef,
        attributes: PayloadAttributes,
        order: BlockOrder | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        is_safe: bool = False,
    ) -> BuiltBlock:
        """Build the block that `attributes` ask for on `parent`, store it, and make it the head.

        `order` gives the pool's transactions where the attributes admit them. With `is_safe` the block becomes the
        safe head, too. Raises `InvalidPayload` where a forced transaction makes the block invalid. The caller holds
        `lock`.
        """

        def build_and_store() -> tuple[BuiltBlock, HeadRefs]:
            built = self._build(parent, attributes, order, should_stop)
            block = built.executed.block
            ref = l2_block_ref(self.rules.config, block.header, block.hash, block.transactions[0])
            heads = replace(self.heads, unsafe=ref, safe=ref if is_safe else self.heads.safe)
            self.store.write_block(built.executed, _ids(heads))
            return built, heads

        built, self.heads = await self._thread.run(build_and_store)
        for listener in list(self._listeners):
            listener(built.executed.block.hash)
        return built

    async def mark_safe(self, ref: L2BlockRef) -> None:
        """Make a block of the canonical chain the safe head."""
        await self._write_heads(replace(self.heads, safe=ref))

    async def mark_finalized(self, ref: L2BlockRef) -> None:
        """Make a safe block the finalized head."""
        if ref.number > self.heads.finalized.number:
            await self._write_heads(replace(self.heads, finalized=ref))

    async def record_safe_head(self, l1_block: BlockId) -> None:
        """Note that the safe head is what follows from L1 up to `l1_block`."""
        safe = self.heads.safe.id
        await self._thread.run(lambda: self.store.record_safe_head(l1_block, safe))

    async def rewind(self, heads: HeadRefs) -> None:
        """Go back to earlier blocks of the canonical chain; the blocks above are stored but no longer canonical."""
        await self._write_heads(heads)
        for listener in list(self._listeners):
            listener(heads.unsafe.hash)

    async def _write_heads(self, heads: HeadRefs) -> None:
        await self._thread.run(lambda: self.store.write_heads(_ids(heads)))
        self.heads = heads

    def _build(
        self,
        parent: L2BlockRef,
        attributes: PayloadAttributes,
        order: BlockOrder | None,
        should_stop: Callable[[], bool],
    ) -> BuiltBlock:
        parent_header = self.block(parent.hash).header
        environment = self.environment(parent_header, parent.hash, attributes)
        execution = BlockExecution(
            self.rules, environment, self.store, parent_header.state_root, self.store, self.verdicts
        )
        try:
            forced = _recover_all(attributes.transactions)
            pool_order = None if order is None or attributes.no_tx_pool else order(environment, parent_header)
            return build_block(execution, forced, pool_order, should_stop)
        except (InvalidEncoding, InvalidTransaction, InvalidBlock) as error:
            raise InvalidPayload(f"block {environment.number}: {error}") from error


def _recover_all(envelopes: Sequence[bytes]) -> list[RecoveredTransaction]:
    return [recover_transaction(raw) for raw in envelopes]


def _ids(heads: HeadRefs) -> Heads:
    return Heads(_id(heads.unsafe), _id(heads.safe), _id(heads.finalized))


def _id(ref: L2BlockRef) -> BlockId:
    return ref.id
