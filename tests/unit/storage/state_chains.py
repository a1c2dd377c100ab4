"""A chain with a real state, all of which follows from numbers and branches of blocks.

At every seventh height a sibling (branch b) comes before the main block (branch a); at every third of those it has a
child, too. Each is the tip when it is written, so the canonical chain moves away from it again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from stored_chains import child, genesis

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Block, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.state.database import StateUpdate
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.trie import TrieReader
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore, Heads

ACCOUNTS = 200
CONTRACTS = 10
CHANGES = 20
FINAL_DISTANCE = 8
MAIN, SIDE = b"a", b"b"

ADDRESSES = [keccak256(number.to_bytes(2, "big"))[:20] for number in range(ACCOUNTS)]


@dataclass(frozen=True, slots=True)
class Step:
    """A block to write."""

    number: int
    branch: bytes


@dataclass(slots=True)
class State:
    """What accounts and contracts hold."""

    balances: list[int] = field(default_factory=lambda: [1] * ACCOUNTS)
    storage: dict[tuple[int, int], int] = field(default_factory=lambda: {(each, 0): 1 for each in range(CONTRACTS)})


def first_block() -> ExecutedBlock:
    """Return the genesis block of the state that `State` begins with."""
    contract = GenesisAccount(balance=1, code=b"\x00", storage={0: 1})
    accounts = {
        address: contract if number < CONTRACTS else GenesisAccount(balance=1)
        for number, address in enumerate(ADDRESSES)
    }
    return with_state(genesis(), genesis_state(accounts))


def changes_of(step: Step) -> tuple[dict[int, int], dict[tuple[int, int], int]]:
    """Return the new balances by account, and the new words by contract and slot; slots come and go."""
    salt = step.number * 1_000 + step.branch[0]
    balances = {(salt + 13 * index) % ACCOUNTS: salt + index for index in range(CHANGES)}
    contract = step.number % CONTRACTS
    return balances, {(contract, salt % 50): salt, (contract, (salt + 25) % 50): 0}


def step_after(step: Step) -> Step:
    """Return what is written after a block."""
    number = step.number
    if step.branch == MAIN:
        return Step(number + 1, SIDE if (number + 1) % 7 == 0 else MAIN)
    if number % 7:
        return Step(number - 1, MAIN)
    return Step(number + 1, SIDE) if number % 21 == 0 else Step(number, MAIN)


def highest_until(step: Step) -> int:
    """Return the greatest number that any block had until `step`: two siblings in a row go above what follows them."""
    return step.number + 1 if step.branch == MAIN and step.number and step.number % 21 == 0 else step.number


def head_step(store: ChainStore) -> Step:
    """Return the step that wrote the store's head."""
    head = store.header(store.head().hash)
    assert head is not None
    return Step(head.number, head.extra_data or MAIN)


def canonical_steps(head: Step) -> Iterator[Step]:
    """Return the steps whose blocks are canonical when `head` is the tip."""
    for number in range(1, head.number + 1):
        is_side = head.branch == SIDE and (number == head.number or (number == head.number - 1 and number % 7 == 0))
        yield Step(number, SIDE if is_side else MAIN)


def states(steps: Iterable[Step]) -> Iterator[State]:
    """Yield the state after each step; it is the same object, changed."""
    state = State()
    for step in steps:
        balances, words = changes_of(step)
        for account, balance in balances.items():
            state.balances[account] = balance
        state.storage.update(words)
        yield state


def write_next(store: ChainStore, reader: TrieReader) -> Step:
    """Execute and store what comes after the head."""
    step = step_after(head_step(store))
    parent = store.block_by_number(step.number - 1)
    assert parent is not None
    world = WorldState(store, parent.header.state_root, reader, parent.hash)
    balances, words = changes_of(step)
    for account, balance in balances.items():
        world.set_balance(ADDRESSES[account], balance)
    for (contract, slot), word in words.items():
        world.set_storage(ADDRESSES[contract], slot, word)
    block = child(replace(genesis(), block=parent), step.branch, transactions=5)
    executed = with_state(block, world.commit())
    store.write_block(executed, _heads_with(store, BlockId(executed.block.hash, step.number)))
    return step


def _heads_with(store: ChainStore, head: BlockId) -> Heads:
    """Return the heads with a new tip; what is eight blocks behind it becomes final."""
    final = store.read_heads().finalized
    number = max(final.number, head.number - FINAL_DISTANCE)
    block_hash = store.block_hash(number)
    assert block_hash is not None
    final = BlockId(block_hash, number)
    return Heads(head, final, final)


def with_state(executed: ExecutedBlock, update: StateUpdate) -> ExecutedBlock:
    header = replace(executed.block.header, state_root=update.state_root)
    block = Block(header, header_hash(header), executed.block.transactions)
    return replace(executed, block=block, state_update=update)
