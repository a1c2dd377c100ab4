"""The calls that a block makes on its own: beacon roots (EIP-4788), block hashes (EIP-2935), and L1's requests."""

from typing import Final

from phal2.node.protocol.errors import InvalidBlock
from phal2.node.protocol.predeploys import BEACON_ROOTS, HISTORY_STORAGE, SYSTEM_ADDRESS
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.evm import Message, MessageResult, TransactionContext
from phal2.node.state.rules import Revision

SYSTEM_CALL_GAS: Final = 30_000_000


class SystemCallFailed(InvalidBlock):
    """A system contract that a block depends on failed."""

    def __init__(self, target: bytes, error: str) -> None:
        super().__init__(f"system call to 0x{target.hex()} failed: {error}")
        self.target = target


def call_before_transactions(scope: BlockScope) -> None:
    """Store the parent's beacon root and the parent's hash, where the block's rules have these contracts."""
    beacon_root = scope.environment.parent_beacon_block_root
    if scope.rules.revision >= Revision.CANCUN and beacon_root is not None:
        system_call(scope, BEACON_ROOTS, beacon_root)
    if scope.rules.revision >= Revision.PRAGUE:
        system_call(scope, HISTORY_STORAGE, scope.environment.parent_hash)


def system_call(scope: BlockScope, target: bytes, data: bytes) -> MessageResult | None:
    """Call a system contract with gas of its own that nobody pays; None where no contract is there."""
    world = scope.world
    if not world.code(target):
        return None
    world.warm_from_start(scope.precompiles)
    world.warm_address(target)
    result = scope.evm.execute(
        Message(SYSTEM_ADDRESS, target, 0, data, SYSTEM_CALL_GAS), TransactionContext(SYSTEM_ADDRESS, 0)
    )
    world.end_transaction()
    return result
