"""What py-evm's opcodes expect of their `state`, over a `WorldState`.

py-evm's own state owns databases, forks and transactions; its opcodes use but a small part of it, and this is that
part.
"""

from dataclasses import dataclass
from typing import Final

from phal2.node.state.database import BlockHashes
from phal2.node.state.evm import BlockContext
from phal2.node.state.world_state import WorldState

ANCESTORS: Final = 256
"""How many ancestors BLOCKHASH reaches back to."""


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """The one field of py-evm's execution context that opcodes read."""

    chain_id: int


class PyEvmState:
    """The state of a block as py-evm's computations see it."""

    def __init__(self, block: BlockContext, world: WorldState, block_hashes: BlockHashes) -> None:
        self.world = world
        self.execution_context = ExecutionContext(block.rules.chain_id)
        self.coinbase = block.coinbase
        self.timestamp = block.timestamp
        self.block_number = block.number
        self.gas_limit = block.gas_limit
        self.base_fee = block.base_fee_per_gas
        self.blob_base_fee = block.blob_base_fee
        self.mix_hash = block.prev_randao
        self.checkpoint = block.checkpoint
        self._block_hashes = block_hashes

        # These are called for nearly every message and storage opcode, so they are handed through without a frame of
        # their own.
        self.snapshot = world.snapshot
        self.revert = world.revert
        self.get_balance = world.balance
        self.set_balance = world.set_balance
        self.delta_balance = world.add_balance
        self.get_nonce = world.nonce
        self.increment_nonce = world.increment_nonce
        self.get_code = world.code
        self.set_code = world.set_code
        self.get_code_hash = world.code_hash
        self.account_exists = world.exists
        self.account_is_empty = world.is_empty
        self.touch_account = world.touch
        self.is_address_warm = world.is_warm_address
        self.mark_address_warm = world.warm_address
        self.is_storage_warm = world.is_warm_slot
        self.mark_storage_warm = world.warm_slot
        self.get_transient_storage = world.transient_storage
        self.set_transient_storage = world.set_transient_storage
        self.set_storage = world.set_storage

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        """Return a word of storage: the present one, or else the one that the transaction found."""
        return self.world.storage(address, slot) if from_journal else self.world.original_storage(address, slot)

    def has_code_or_nonce(self, address: bytes) -> bool:
        """Tell whether a contract cannot be created here (EIP-684, and EIP-7610 for storage)."""
        world = self.world
        return bool(world.nonce(address) or world.code(address)) or world.has_storage(address)

    def delete_storage(self, address: bytes) -> None:
        """Do nothing: where a contract may be created there is no storage, as `has_code_or_nonce` has seen to."""

    def commit(self, snapshot: int) -> None:
        """Do nothing: the journal keeps changes unless they are reverted."""

    def get_ancestor_hash(self, block_number: int) -> bytes:
        """Return the hash of one of the last 256 blocks, nothing for any other."""
        if not self.block_number - ANCESTORS <= block_number < self.block_number:
            return b""
        return self._block_hashes.block_hash(block_number) or b""
