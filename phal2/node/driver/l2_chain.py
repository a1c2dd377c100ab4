"""The L2 chain of one node: its heads, and the one place where blocks are executed and stored.

Heads change on one thread only, the execution thread, so that what a step there reads of them holds until it ends, and
the event loop goes on serving.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final, TypeAlias, TypeVar

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.errors import InvalidBlock, InvalidEncoding, InvalidTransaction
from phal2.node.protocol.headers import Block, Header
from phal2.node.protocol.intrinsic_gas import TRANSACTION_GAS
from phal2.node.protocol.l1_attributes import l2_block_ref, system_config_from_block
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.rollup_config import SystemConfig
from phal2.node.protocol.sender_recovery import SenderCrew, recover_all
from phal2.node.protocol.transactions import DEPOSIT
from phal2.node.sequencer.building import BuiltBlock, build_block
from phal2.node.sequencer.ordering import TransactionOrder
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.environment import BlockEnvironment, l2_environment
from phal2.node.state.execution_thread import ExecutionThread
from phal2.node.state.ordered_roots import RootCrew
from phal2.node.state.rules import L2Rules
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore, Heads

Result = TypeVar("Result")

_DEPOSIT: Final = bytes([DEPOSIT])

BlockOrder: TypeAlias = Callable[[BlockEnvironment, Callable[[bytes], int]], TransactionOrder]
"""Orders the pool for a block of this environment; the function gives an account's nonce in the block so far."""


HeadListener: TypeAlias = Callable[[bytes], None]
"""Hears the hash of a new unsafe head."""

DroppedListener: TypeAlias = Callable[[Sequence[bytes]], None]
"""Hears the hashes, in ascending order, of blocks that the canonical chain has left."""


class InvalidPayload(InvalidBlock):
    """Payload attributes that give no valid block."""


@dataclass(frozen=True, slots=True)
class HeadRefs:
    """The node's heads: `unsafe` is the newest block, `safe` is derived from L1, `finalized` from finalized L1."""

    unsafe: L2BlockRef
    safe: L2BlockRef
    finalized: L2BlockRef


class L2Chain:
    """Executes and stores L2 blocks and keeps the heads.

    What reads may be called anywhere. What changes the chain (`build`, `set_safe`, `set_finalized`, `go_back`) is
    called in a step that `run` runs on the execution thread; listeners hear of it on the event loop when the step ends.
    """

    def __init__(
        self,
        store: ChainStore,
        rules: L2Rules,
        verdicts: QuoteVerdicts,
        thread: ExecutionThread,
        crew: SenderCrew | None = None,
        root_crew: RootCrew | None = None,
    ) -> None:
        """Go on from the heads of the store.

        A crew helps to recover the senders of blocks that come from elsewhere, a `root_crew` to seal blocks.
        """
        self.store = store
        self.rules = rules
        self.verdicts = verdicts
        self._thread = thread
        self._crew = crew
        self._root_crew = root_crew
        self._head_listeners: list[HeadListener] = []
        self._dropped_listeners: list[DroppedListener] = []
        # Filled on the execution thread, emptied on the event loop: (new head, blocks that left the chain for it).
        self._changes: deque[tuple[bytes, Sequence[bytes]]] = deque()
        heads = store.read_heads()
        self.heads = HeadRefs(self.ref(heads.unsafe.hash), self.ref(heads.safe.hash), self.ref(heads.finalized.hash))

    def on_new_head(self, listener: HeadListener) -> Callable[[], None]:
        """Call `listener` with the hash of every new unsafe head; the returned function ends that."""
        self._head_listeners.append(listener)
        return lambda: self._head_listeners.remove(listener)

    def on_dropped(self, listener: DroppedListener) -> None:
        """Call `listener` with the blocks that leave the canonical chain, before others hear of the new head."""
        self._dropped_listeners.append(listener)

    async def run(self, step: Callable[[], Result]) -> Result:
        """Run `step` on the execution thread, after those before it, and return what it returns."""
        try:
            return await self._thread.run(step)
        finally:
            self._announce()

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
        return WorldState(self.store, self.block(self.heads.unsafe.hash).header.state_root, self.store.reader)

    def environment(self, parent: Header, parent_hash: bytes, attributes: PayloadAttributes) -> BlockEnvironment:
        """Return the environment of the block that `attributes` ask for on `parent`."""
        return l2_environment(self.rules, parent, parent_hash, attributes)

    def build(
        self,
        parent: L2BlockRef,
        attributes: PayloadAttributes,
        order: BlockOrder | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        is_safe: bool = False,
    ) -> BuiltBlock:
        """Build the block that `attributes` ask for on `parent`, store it, and make it the head.

        `order` gives the pool's transactions where the attributes admit them. With `is_safe` the block becomes the
        safe head, too. Raises `InvalidPayload` where a forced transaction makes the block invalid. For the execution
        thread.
        """
        built = self._build(parent, attributes, order, should_stop)
        block = built.executed.block
        ref = l2_block_ref(self.rules.config, block.header, block.hash, block.transactions[0])
        dropped = self._hashes_above(parent)
        heads = replace(self.heads, unsafe=ref, safe=ref if is_safe else self.heads.safe)
        self.store.write_block(built.executed, _ids(heads))
        self.heads = heads
        self._changes.append((block.hash, dropped))
        return built

    def set_safe(self, ref: L2BlockRef) -> None:
        """Make a block of the canonical chain the safe head. For the execution thread.

        It is written with the next block. Nothing is lost where that does not come to pass, as the safe head of a start
        is the one last recorded with an L1 block.
        """
        self.heads = replace(self.heads, safe=ref)

    def set_finalized(self, ref: L2BlockRef) -> None:
        """Make a block the finalized head, unless one above it is, or it is not safe. For the execution thread.

        It may have been safe when the caller looked, and L1 may have taken that back since.
        """
        if self.heads.finalized.number < ref.number <= self.heads.safe.number:
            heads = replace(self.heads, finalized=ref)
            self.store.write_heads(_ids(heads))
            self.heads = heads

    def go_back(self, heads: HeadRefs) -> None:
        """Return to earlier blocks of the canonical chain. For the execution thread.

        The blocks above remain stored, but are no longer canonical.
        """
        has_moved = heads.unsafe != self.heads.unsafe
        dropped = self._hashes_above(heads.unsafe)
        self.store.write_heads(_ids(heads))
        self.heads = heads
        if has_moved:
            self._changes.append((heads.unsafe.hash, dropped))

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
            self.rules,
            environment,
            self.store,
            parent_header.state_root,
            self.store,
            self.verdicts,
            self.store.reader,
            self._root_crew,
        )
        try:
            _check_count(attributes)
            forced = recover_all(attributes.transactions, self._crew)
            pool_order = None if order is None or attributes.no_tx_pool else order(environment, execution.state.nonce)
            return build_block(execution, forced, pool_order, should_stop)
        except (InvalidEncoding, InvalidTransaction, InvalidBlock) as error:
            raise InvalidPayload(f"block {environment.number}: {error}") from error

    def _hashes_above(self, ref: L2BlockRef) -> list[bytes]:
        numbers = range(ref.number + 1, self.heads.unsafe.number + 1)
        return [found for number in numbers if (found := self.store.block_hash(number)) is not None]

    def _announce(self) -> None:
        while self._changes:
            new_head, dropped = self._changes.popleft()
            if dropped:
                for dropped_listener in self._dropped_listeners:
                    dropped_listener(dropped)
            for head_listener in list(self._head_listeners):
                head_listener(new_head)


def _check_count(attributes: PayloadAttributes) -> None:
    """Raise `InvalidBlock` where the gas is not enough for each transaction to be a plain transfer.

    They are not looked at then: a batch can hold a hundred million that are a byte each.
    """
    deposits = sum(1 for _ in takewhile(lambda raw: raw[:1] == _DEPOSIT, attributes.transactions))
    sequenced, most = len(attributes.transactions) - deposits, attributes.gas_limit // TRANSACTION_GAS
    if sequenced > most:
        raise InvalidBlock(f"{sequenced} transactions beside the deposits, where the gas allows for {most}")


def _ids(heads: HeadRefs) -> Heads:
    return Heads(heads.unsafe.id, heads.safe.id, heads.finalized.id)
