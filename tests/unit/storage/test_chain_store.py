"""The chain store: what is written is read back, also after it was closed and opened again."""

from dataclasses import replace
from pathlib import Path

import pytest
from stored_chains import CHAIN_ID, attested, chain, child, genesis

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.keccak import keccak256
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.storage import ChainStore, Heads
from phal2.node.storage.errors import StorageClosed, UnknownBlock


@pytest.fixture
def store(tmp_path: Path):
    opened = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID, durable=False)
    yield opened
    opened.close()


def block_id(executed: ExecutedBlock) -> BlockId:
    return BlockId(executed.block.hash, executed.block.header.number)


def reopened(store: ChainStore, tmp_path: Path) -> ChainStore:
    store.close()
    return ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID, durable=False)


def assert_holds(store: ChainStore, executed: ExecutedBlock) -> None:
    block, block_hash = executed.block, executed.block.hash
    assert store.header(block_hash) == block.header
    assert store.block(block_hash) == block
    assert store.receipts(block_hash) == executed.receipts
    assert store.senders(block_hash) == executed.senders
    update = executed.state_update
    assert store.state_location(block.header.state_root) == update.location
    assert store.state_location(block.header.state_root, block_hash) == update.location
    for location, record in enumerate(update.records, update.first_location):
        assert store.node(bytes(32), location) == record
    for code_hash, code in executed.state_update.codes.items():
        assert store.code(code_hash) == code


def assert_canonical(store: ChainStore, blocks: list[ExecutedBlock]) -> None:
    for executed in blocks:
        block = executed.block
        assert store.block_hash(block.header.number) == block.hash
        assert store.header_by_number(block.header.number) == block.header
        assert store.block_by_number(block.header.number) == block
        for index, envelope in enumerate(block.transactions):
            location = store.find_transaction(keccak256(envelope))
            assert location is not None
            assert (location.block_hash, location.index) == (block.hash, index)
            assert location.block_number == block.header.number


def test_a_new_store_holds_the_genesis_as_all_heads(store: ChainStore):
    assert_holds(store, genesis())
    assert store.read_heads() == Heads(*[block_id(genesis())] * 3)
    assert store.block_hash(0) == genesis().block.hash
    assert store.genesis == block_id(genesis())


def test_what_is_unknown_is_none(store: ChainStore):
    nothing = b"\x99" * 32
    assert store.header(nothing) is None
    assert store.block(nothing) is None
    assert store.receipts(nothing) is None
    assert store.senders(nothing) is None
    assert store.attestation(nothing, 0) is None
    assert store.find_transaction(nothing) is None
    assert store.node(nothing, 2**30) is None
    assert store.state_location(nothing) is None
    assert store.code(nothing) is None
    assert store.block_hash(1) is None
    assert store.block_by_number(1) is None
    assert not store.has_block(nothing)


def test_a_written_block_is_the_head_and_is_read_back_after_a_restart(store: ChainStore, tmp_path: Path):
    blocks = chain(5)
    for block in blocks:
        store.write_block(block)
    assert store.head() == block_id(blocks[-1])

    store = reopened(store, tmp_path)

    assert store.head() == block_id(blocks[-1])
    for block in blocks:
        assert_holds(store, block)
    assert_canonical(store, blocks)
    store.close()


def test_attestations_are_kept_by_block_and_index(store: ChainStore, tmp_path: Path):
    block = attested(child(genesis()), 1)
    store.write_block(block)
    store = reopened(store, tmp_path)
    assert store.attestation(block.block.hash, 1) == block.attestations[1]
    assert store.attestation(block.block.hash, 0) is None
    store.close()


def test_heads_given_with_a_block_are_stored_with_it(store: ChainStore, tmp_path: Path):
    first, second = chain(2)
    store.write_block(first)
    heads = Heads(block_id(second), block_id(first), block_id(genesis()))
    store.write_block(second, heads)
    store = reopened(store, tmp_path)
    assert store.read_heads() == heads
    store.close()


def test_a_block_without_its_parent_is_refused_and_nothing_of_it_stored(store: ChainStore):
    _, second = chain(2)
    with pytest.raises(UnknownBlock, match="parent of block 2"):
        store.write_block(second)
    assert not store.has_block(second.block.hash)
    assert store.head() == block_id(genesis())


def test_a_block_on_another_branch_moves_the_canonical_chain_and_the_transaction_index(store: ChainStore):
    trunk = chain(2)
    left = chain(3, b"left", trunk[-1])
    right = chain(2, b"right", trunk[-1])
    for block in [*trunk, *left, right[0], right[1]]:
        store.write_block(block)
    assert store.head() == block_id(right[-1])
    assert_canonical(store, [*trunk, *right])
    assert store.block_hash(5) is None
    for block in left:
        assert_holds(store, block)
        assert all(store.find_transaction(keccak256(envelope)) is None for envelope in block.block.transactions)


def test_a_transaction_in_both_branches_is_found_in_the_canonical_one(store: ChainStore):
    left, right = child(genesis(), b"left"), child(genesis(), b"right")
    shared = left.block.transactions[0]
    envelopes = (b"\x02other", shared)
    hashes = tuple(keccak256(envelope) for envelope in envelopes)
    right = replace(right, block=replace(right.block, transactions=envelopes), transaction_hashes=hashes)
    store.write_block(left)
    store.write_block(right)
    location = store.find_transaction(keccak256(shared))
    assert location is not None
    assert (location.block_hash, location.index) == (right.block.hash, 1)


def test_transactions_whose_hashes_begin_alike_are_told_apart(store: ChainStore):
    first, second = chain(2)
    # Eight bytes of a hash can be had on purpose; so the index is made to believe in another transaction's.
    alike = first.block.transactions[0]
    wrong = (keccak256(alike)[:8] + bytes(24), *second.transaction_hashes[1:])
    store.write_block(first)
    store.write_block(replace(second, transaction_hashes=wrong))
    location = store.find_transaction(keccak256(alike))
    assert location is not None
    assert location.block_number == 1
    assert store.find_transaction(wrong[0]) is None


def test_writing_heads_can_go_back_and_onto_a_stored_branch_again(store: ChainStore, tmp_path: Path):
    blocks = chain(4)
    for block in blocks:
        store.write_block(block)
    start, second, last = block_id(genesis()), block_id(blocks[1]), block_id(blocks[3])

    store.write_heads(Heads(second, start, start))
    assert store.head() == second
    assert store.block_hash(3) is None

    store.write_heads(Heads(last, second, start))
    store = reopened(store, tmp_path)
    assert store.read_heads() == Heads(last, second, start)
    assert_canonical(store, blocks)
    store.close()


def test_heads_on_a_branch_that_is_left_fall_back_to_the_shared_block(store: ChainStore):
    trunk = chain(1)
    left = chain(3, b"left", trunk[-1])
    for block in [*trunk, *left]:
        store.write_block(block)
    store.write_heads(Heads(block_id(left[2]), block_id(left[1]), block_id(trunk[0])))
    right = child(trunk[0], b"right")
    store.write_block(right)
    assert store.read_heads() == Heads(block_id(right), block_id(trunk[0]), block_id(trunk[0]))


def test_an_unknown_head_is_refused(store: ChainStore):
    start = block_id(genesis())
    with pytest.raises(UnknownBlock):
        store.write_heads(Heads(BlockId(b"\x99" * 32, 7), start, start))
    assert store.head() == start


def test_writing_a_block_again_changes_nothing(store: ChainStore):
    blocks = chain(2)
    for block in [*blocks, blocks[1]]:
        store.write_block(block)
    assert store.head() == block_id(blocks[1])
    assert_canonical(store, blocks)


def test_the_safe_head_at_an_l1_block_is_the_last_one_noted_at_or_below_it(store: ChainStore):
    def l1(number: int) -> BlockId:
        return BlockId(bytes([number]) * 32, number)

    def l2(number: int) -> BlockId:
        return BlockId(bytes([100 + number]) * 32, number)

    assert store.safe_head_at_l1(10) is None
    for number in (3, 5, 9):
        store.record_safe_head(l1(number), l2(10 * number))
    assert store.safe_head_at_l1(2) is None
    assert store.safe_head_at_l1(3) == (l1(3), l2(30))
    assert store.safe_head_at_l1(8) == (l1(5), l2(50))
    assert store.safe_head_at_l1(1000) == (l1(9), l2(90))

    store.forget_safe_heads_above(5)
    assert store.safe_head_at_l1(1000) == (l1(5), l2(50))
    store.record_safe_head(l1(4), l2(40))
    assert store.safe_head_at_l1(1000) == (l1(4), l2(40))


def test_a_closed_store_says_so(store: ChainStore):
    store.close()
    store.close()
    with pytest.raises(StorageClosed):
        store.block_hash(0)
    with pytest.raises(StorageClosed):
        store.write_block(child(genesis()))
