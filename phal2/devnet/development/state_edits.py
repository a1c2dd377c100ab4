"""Edits of a state: each makes the commit that leads from the state of a block to the edited one."""

from collections.abc import Callable
from typing import TypeAlias

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Block
from phal2.node.state.database import StateUpdate
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore

StateEdit: TypeAlias = Callable[[ChainStore, Block], StateUpdate]
"""Commits on the state of a stored block. Runs on the chain's execution thread."""


def edit_state_of(store: ChainStore, block: Block, edit: StateEdit) -> None:
    """Apply an edit to the state of a stored block, for all who read at the block or build on it from then on."""
    store.edit_state(BlockId(block.hash, block.header.number), edit(store, block))


def balance_edit(address: bytes, balance: int) -> StateEdit:
    """Give an account a balance in wei."""
    return _on_world(lambda world: world.set_balance(address, balance))


def nonce_edit(address: bytes, nonce: int) -> StateEdit:
    """Give an account a nonce, which may be lower than before."""

    def change(world: WorldState) -> None:
        world.set_nonce(address, nonce)
        _remove_if_nothing(world, address)

    return _on_world(change)


def code_edit(address: bytes, code: bytes) -> StateEdit:
    """Give an account code; its storage stays."""

    def change(world: WorldState) -> None:
        world.set_code(address, code)
        _remove_if_nothing(world, address)

    return _on_world(change)


def storage_edit(address: bytes, slot: int, word: int) -> StateEdit:
    """Set a word of an account's storage; an account that is not there is made."""
    return _on_world(lambda world: world.set_storage(address, slot, word))


def _on_world(change: Callable[[WorldState], None]) -> StateEdit:
    def edit(store: ChainStore, block: Block) -> StateUpdate:
        world = WorldState(store, block.header.state_root, block_hash=block.hash)
        change(world)
        world.end_transaction()
        return world.commit()

    return edit


def _remove_if_nothing(world: WorldState, address: bytes) -> None:
    """Have an account removed that has no nonce, balance and code (EIP-161), unless edits have given it storage."""
    if not world.has_storage(address):
        world.touch(address)
