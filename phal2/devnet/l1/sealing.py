"""How the embedded L1 seals a block: its environment, the pool's transactions, the heads that follow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Block
from phal2.node.protocol.keccak import keccak256
from phal2.node.sequencer.building import BuiltBlock, build_block
from phal2.node.sequencer.mempool import PooledTransaction
from phal2.node.sequencer.ordering import TransactionOrder
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.environment import BlockEnvironment, l1_environment
from phal2.node.state.rules import L1Rules
from phal2.node.storage import ChainStore, Heads

COINBASE: Final = keccak256(b"phal2 embedded L1 coinbase")[12:]
"""Receives the tips of the embedded L1; nobody has its key."""

SAFE_DISTANCE: Final = 2
FINALIZED_DISTANCE: Final = 4
"""How many blocks the safe and the finalized head are behind the latest, where the chain is long enough."""


@dataclass(frozen=True, slots=True)
class HeaderChoices:
    """What a block's proposer may choose. None leaves a field to its rule: randomness and base fee, the gas limit.

    `base_fee_per_gas` is in wei; only a development chain can choose it.
    """

    coinbase: bytes = COINBASE
    prev_randao: bytes | None = None
    base_fee_per_gas: int | None = None
    gas_limit: int | None = None
    extra_data: bytes = b""

    def for_later_blocks(self) -> "HeaderChoices":
        """Return what is left of the choices when the next block is sealed; the gas limit lasts by its own rule."""
        return HeaderChoices(coinbase=self.coinbase)


NO_CHOICES: Final = HeaderChoices()


def next_environment(
    rules: L1Rules, parent: Block, timestamp: int, choices: HeaderChoices = NO_CHOICES
) -> BlockEnvironment:
    """Return the environment of the block that follows `parent`.

    The randomness, which a consensus layer would give, follows from the parent's hash, and as the root of its beacon
    block stands the parent's own hash (`beacon_api`); the gas limit stays.
    """
    environment = l1_environment(
        rules,
        parent.header,
        parent.hash,
        timestamp=timestamp,
        coinbase=choices.coinbase,
        prev_randao=keccak256(b"randao" + parent.hash) if choices.prev_randao is None else choices.prev_randao,
        gas_limit=parent.header.gas_limit if choices.gas_limit is None else choices.gas_limit,
        parent_beacon_block_root=parent.hash,
        extra_data=choices.extra_data,
    )
    if choices.base_fee_per_gas is None:
        return environment
    return replace(environment, base_fee_per_gas=choices.base_fee_per_gas)


def seal_block(
    rules: L1Rules,
    store: ChainStore,
    verdicts: QuoteVerdicts,
    parent: Block,
    environment: BlockEnvironment,
    queues: Mapping[bytes, Sequence[PooledTransaction]],
    should_stop: Callable[[], bool],
) -> BuiltBlock:
    """Build the block of `environment` on `parent`, the store's head, from the pool's `queues`, and store it."""
    execution = BlockExecution(rules, environment, store, parent.header.state_root, store, verdicts, store.reader)
    order = TransactionOrder(queues, execution.state.nonce, environment.base_fee_per_gas, attested_gas=0)
    built = build_block(execution, (), order, should_stop)
    block = built.executed.block
    sidecars = _sidecars_of(block, queues) if block.header.blob_gas_used else ()
    store.write_block(built.executed, heads_at(store, BlockId(block.hash, block.header.number)), sidecars)
    return built


def heads_at(store: ChainStore, head: BlockId) -> Heads:
    """Return the heads when `head`, whose ancestors are the store's canonical chain, is the latest block."""
    return Heads(head, _ancestor(store, head, SAFE_DISTANCE), _ancestor(store, head, FINALIZED_DISTANCE))


def _sidecars_of(block: Block, queues: Mapping[bytes, Sequence[PooledTransaction]]) -> list[BlobSidecar]:
    """Return the sidecars of a block's transactions, which the pool's `queues` have."""
    pooled = {
        transaction.recovered.raw: transaction.recovered.sidecars
        for queue in queues.values()
        for transaction in queue
        if transaction.is_blob
    }
    return [sidecar for raw in block.transactions for sidecar in pooled.get(raw, ())]


def _ancestor(store: ChainStore, head: BlockId, distance: int) -> BlockId:
    number = max(head.number - distance, 0)
    block_hash = head.hash if number == head.number else store.block_hash(number)
    if block_hash is None:
        raise LookupError(f"block {number} is missing below the head {head.number}")
    return BlockId(block_hash, number)
