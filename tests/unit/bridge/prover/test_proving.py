"""What a prover signs: honest ranges, and nothing else."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proven_chain import (
    GENESIS_TIME,
    STORING,
    USERS,
    ProvenChain,
    deposit_log,
    gas_limit_log,
    header_with,
    random_chain,
    receipt_of,
)

from phal2.bridge.prover.claim import claim_digest, claim_signer, config_hash
from phal2.bridge.prover.errors import (
    BrokenRule,
    ExecutionFailed,
    ProverError,
    WrongBlock,
    WrongL1Origin,
    WrongMessagePasserProof,
    WrongParent,
    WrongReceipts,
)
from phal2.bridge.prover.messages import decode_request, encode_request
from phal2.bridge.prover.proof_request import ClaimedBlock, L1Origin, ProofRequest
from phal2.bridge.prover.prover import Prover
from phal2.bridge.prover.proving import prove
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.headers import Header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.receipts import Receipt

Item = TypeVar("Item")

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=8)
HOLOCENE = replace(ALL_THROUGH_ISTHMUS, isthmus_time=None)


@given(seeds)
@few
def test_an_honest_range_is_proven_to_the_output_root_of_its_last_block(seed: int) -> None:
    chain = random_chain(seed)
    for first, last in ((1, 8), (1, 3), (4, 8), (8, 8)):
        claim = prove(chain.config, chain.request(first, last))
        assert claim.previous_output_root == chain.output_root(first - 1)
        assert claim.output_root == chain.output_root(last)
        assert claim.l2_block_number == last
        origin = chain.l1[chain.l2[last].epoch]
        assert (claim.l1_block_hash, claim.l1_block_number) == (origin.hash, origin.header.number)


def test_before_isthmus_the_message_passers_root_is_proven_from_the_state() -> None:
    chain = random_chain(7, 4, forks=HOLOCENE)
    request = chain.request(1, 4)
    assert request.message_passer_proof
    assert prove(chain.config, request).output_root == chain.output_root(4)
    for name in ("parent_message_passer_proof", "message_passer_proof"):
        for wrong in ((), getattr(request, name)[:-1], (b"\xc0",)):
            with pytest.raises(WrongMessagePasserProof):
                prove(chain.config, replace(request, **{name: wrong}))


def test_a_proof_beside_an_isthmus_header_is_refused() -> None:
    chain = random_chain(7, 2)
    with pytest.raises(WrongMessagePasserProof):
        prove(chain.config, replace(chain.request(1, 2), message_passer_proof=(b"\xc0",)))


def test_the_claim_is_signed_over_the_words_that_the_game_hashes() -> None:
    chain = random_chain(1, 2)
    prover = Prover(chain.config, b"\x05" * 32)
    signed = prover.prove(chain.request(1, 2))
    words = (
        config_hash(chain.config),
        chain.l1[chain.l2[2].epoch].hash,
        (2).to_bytes(32, "big"),
        chain.output_root(0),
        chain.output_root(2),
    )
    assert claim_digest(signed.claim) == keccak256(b"".join(words))
    assert claim_signer(signed) == prover.address
    assert signed.signature[64] in (27, 28)


def damaged(data: st.DataObject, value: bytes) -> bytes:
    """Flip one bit."""
    position = data.draw(st.integers(0, 8 * len(value) - 1))
    changed = bytearray(value)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


def one_of(data: st.DataObject, items: tuple[Item, ...], change: Callable[[Item], Item]) -> tuple[Item, ...]:
    """Change one item, drop it or repeat it."""
    index = data.draw(st.integers(0, len(items) - 1))
    item, rest = items[index], (items[:index], items[index + 1 :])
    options = [(change(item),), (), (item, item)]
    return (*rest[0], *data.draw(st.sampled_from(options)), *rest[1])


def changed_header(data: st.DataObject, header: Header) -> Header:
    """Change one field."""
    name = data.draw(st.sampled_from([field.name for field in fields(Header)]))
    value = getattr(header, name)
    if isinstance(value, int):
        return replace(header, **{name: value + data.draw(st.sampled_from([1, 2, 1 << 20]))})
    return replace(header, **{name: damaged(data, value) if value else b"\x01"})


def mutated(data: st.DataObject, request: ProofRequest) -> ProofRequest:
    """Change one thing of a request."""

    def block(claimed: ClaimedBlock) -> ClaimedBlock:
        kind = data.draw(st.sampled_from(["header", "epoch", "sequenced", "added"]))
        if kind == "header":
            return replace(claimed, header=changed_header(data, claimed.header))
        if kind == "epoch":
            return replace(claimed, begins_epoch=not claimed.begins_epoch)
        if kind == "sequenced" and claimed.sequenced:
            return replace(claimed, sequenced=one_of(data, claimed.sequenced, lambda raw: damaged(data, raw)))
        return replace(claimed, sequenced=(*claimed.sequenced, data.draw(st.binary(max_size=40))))

    def origin(given: L1Origin) -> L1Origin:
        if given.receipts and data.draw(st.booleans()):
            receipts = one_of(
                data,
                given.receipts,
                lambda receipt: replace(receipt, cumulative_gas_used=receipt.cumulative_gas_used + 1),
            )
            return replace(given, receipts=receipts)
        return replace(given, header=changed_header(data, given.header))

    part = data.draw(st.sampled_from(["parent", "transactions", "origins", "blocks", "preimages"]))
    if part == "parent":
        return replace(request, parent=changed_header(data, request.parent))
    if part == "transactions" and request.parent_transactions:
        envelopes = one_of(data, request.parent_transactions, lambda raw: damaged(data, raw))
        return replace(request, parent_transactions=envelopes)
    if part == "origins":
        return replace(request, l1_origins=one_of(data, request.l1_origins, origin))
    if part == "preimages":
        index = data.draw(st.integers(0, len(request.preimages) - 1))
        wrong = damaged(data, request.preimages[index])
        return replace(request, preimages=(*request.preimages[:index], wrong, *request.preimages[index + 1 :]))
    return replace(request, blocks=one_of(data, request.blocks, block))


@lru_cache
def six_blocks(seed: int) -> ProvenChain:
    return random_chain(seed, 6)


@given(st.integers(0, 2), st.sampled_from([(1, 6), (2, 4), (5, 6)]), st.data())
@settings(max_examples=150)
def test_whatever_is_changed_in_a_request_only_true_claims_are_made(
    seed: int, span: tuple[int, int], data: st.DataObject
) -> None:
    chain = six_blocks(seed)
    honest = chain.request(*span)
    request = mutated(data, honest)
    if request == honest:
        return
    try:
        claim = prove(chain.config, request)
    except ProverError:
        return
    # Without its last blocks, or without headers that nobody asks for, it is a right request still.
    last = claim.l2_block_number
    assert claim.previous_output_root == chain.output_root(span[0] - 1)
    assert claim.output_root == chain.output_root(last)
    assert claim.l1_block_hash == chain.l1[chain.l2[last].epoch].hash
    assert request.blocks == honest.blocks[: len(request.blocks)]


@given(st.integers(0, 2), st.data())
@settings(max_examples=60)
def test_every_node_and_code_of_a_witness_is_needed(seed: int, data: st.DataObject) -> None:
    chain = six_blocks(seed)
    request = chain.request(1, 6)
    headers = {header_hash(block.executed.block.header) for block in chain.l2}
    needed = [preimage for preimage in request.preimages if keccak256(preimage) not in headers]
    wrong = data.draw(st.sampled_from(needed))
    others = tuple(preimage for preimage in request.preimages if preimage != wrong)
    with pytest.raises(ExecutionFailed, match="the witness has no preimage"):
        prove(chain.config, replace(request, preimages=others))


def test_the_first_header_field_that_differs_is_named() -> None:
    chain = random_chain(3, 3)
    request = chain.request(1, 3)
    for name in (
        "state_root",
        "receipts_root",
        "transactions_root",
        "gas_used",
        "bloom",
        "withdrawals_root",
        "extra_data",
    ):
        value = getattr(request.blocks[2].header, name)
        other = value + 1 if isinstance(value, int) else b"\x01" * len(value)
        wrong = replace(request.blocks[2], header=replace(request.blocks[2].header, **{name: other}))
        with pytest.raises(WrongBlock) as error:
            prove(chain.config, replace(request, blocks=(*request.blocks[:2], wrong)))
        assert (error.value.block, error.value.field) == (3, name)


def test_deposits_are_exactly_those_of_l1() -> None:
    chain = ProvenChain()
    chain.mine(receipt_of(deposit_log(USERS[0], USERS[1], 5, 5)), receipt_of(deposit_log(USERS[1], STORING, 0, 0)))
    chain.build()
    chain.build(begins_epoch=True)
    request = chain.request(1, 2)
    origin = request.l1_origins[1]
    assert origin.receipts is not None
    assert prove(chain.config, request).output_root == chain.output_root(2)

    def with_receipts(receipts: tuple[Receipt, ...] | None) -> ProofRequest:
        return replace(request, l1_origins=(request.l1_origins[0], replace(origin, receipts=receipts)))

    first, second = origin.receipts
    forged = receipt_of(deposit_log(USERS[0], USERS[1], 6, 6))
    for wrong in ((first,), (second, first), (first, second, forged), (forged, second), (), None):
        with pytest.raises(WrongReceipts):
            prove(chain.config, with_receipts(wrong))


def test_a_header_that_hides_deposits_from_its_bloom_filter_is_another_header() -> None:
    chain = ProvenChain()
    chain.mine(receipt_of(deposit_log(USERS[0], USERS[1], 5, 5)))
    chain.build()
    chain.build(begins_epoch=True)
    request = chain.request(1, 2)
    blind = L1Origin(replace(request.l1_origins[1].header, bloom=bytes(256)), None)
    with pytest.raises((WrongBlock, ExecutionFailed, BrokenRule)):
        prove(chain.config, replace(request, l1_origins=(request.l1_origins[0], blind)))


def test_configuration_updates_take_effect_with_their_epoch() -> None:
    chain = ProvenChain()
    chain.mine(receipt_of(gas_limit_log(25_000_000)))
    chain.build()
    chain.build(begins_epoch=True)
    chain.build()
    assert [block.executed.block.header.gas_limit for block in chain.l2[1:]] == [30_000_000, 25_000_000, 25_000_000]
    for span in ((1, 3), (2, 2), (3, 3)):
        assert prove(chain.config, chain.request(*span)).output_root == chain.output_root(span[1])


def test_a_deposit_among_sequenced_transactions_is_refused() -> None:
    chain = ProvenChain()
    chain.mine(receipt_of(deposit_log(USERS[0], USERS[1], 5, 5)))
    chain.build()
    chain.build(begins_epoch=True)
    chain.build()
    deposit = chain.l2[2].executed.block.transactions[1]
    assert deposit[:1] == b"\x7e"
    request = chain.request(3, 3)
    block = replace(request.blocks[0], sequenced=(deposit,))
    with pytest.raises(BrokenRule, match="transaction 0 is a deposit"):
        prove(chain.config, replace(request, blocks=(block,)))


def test_beyond_the_sequencer_drift_a_block_is_empty_and_adopts_the_next_origin() -> None:
    # Fjord's drift is a constant of 1,800 s.
    chain = ProvenChain(block_time=601)
    for _ in range(2):
        chain.build(chain.transfer())
    late = chain.build()
    assert late.ref.timestamp == GENESIS_TIME + 1_803
    assert prove(chain.config, chain.request(1, 3)).output_root == chain.output_root(3)

    chain.build(chain.transfer())
    with pytest.raises(BrokenRule, match=r"beyond the sequencer drift.*the batch is not empty"):
        prove(chain.config, chain.request(4, 4))

    sleepy = ProvenChain(block_time=601)
    sleepy.mine(seconds=1_802)
    for _ in range(3):
        sleepy.build()
    sleepy.build(begins_epoch=True)
    with pytest.raises(BrokenRule, match="with a next L1 origin"):
        prove(sleepy.config, sleepy.request(1, 4))


def test_a_block_is_not_before_its_l1_origin() -> None:
    chain = ProvenChain()
    chain.mine(seconds=2)
    chain.build()
    request = chain.request(1, 1)
    block = replace(request.blocks[0], begins_epoch=True)
    origins = (*request.l1_origins, L1Origin(chain.l1[1].header, None))
    with pytest.raises(BrokenRule, match="before its L1 origin's"):
        prove(chain.config, replace(request, blocks=(block,), l1_origins=origins))


def test_l1_blocks_are_linked_and_all_used() -> None:
    chain = ProvenChain()
    for _ in range(3):
        chain.mine(seconds=1)
    chain.build()
    chain.build(begins_epoch=True)
    chain.build(begins_epoch=True)
    request = chain.request(2, 3)
    first, second, third = request.l1_origins
    other = L1Origin(header_with(chain.l1[0], chain.l1[1].header.timestamp, (), b"another branch"), None)
    unlinked = L1Origin(replace(third.header, parent_hash=header_hash(other.header)), None)
    further = L1Origin(chain.l1[3].header, None)
    for wrong in (
        (second, third),
        (other, second, third),
        (first, second, unlinked),
        (first, third),
        (first, second, third, further),
        (first, second),
    ):
        with pytest.raises(WrongL1Origin):
            prove(chain.config, replace(request, l1_origins=wrong))


def test_the_parent_is_of_this_rollup_and_its_parts_are_its_own() -> None:
    chain = random_chain(2, 3)
    request = chain.request(3, 3)
    stranger = replace(chain.config, l2_genesis=BlockId(bytes(32), 0))
    with pytest.raises(WrongParent):
        prove(stranger, chain.request(1, 1))
    with pytest.raises(WrongParent):
        prove(chain.config, replace(request, parent_transactions=()))
    with pytest.raises(WrongParent):
        prove(chain.config, replace(request, parent=replace(request.parent, timestamp=request.parent.timestamp + 1)))
    for transactions in (request.parent_transactions[1:], (b"",), (b"\x7e",)):
        rooted = replace(
            request.parent,
            transactions_root=ordered_trie_root(transactions) if all(transactions) else bytes(32),
        )
        with pytest.raises(WrongParent):
            prove(chain.config, replace(request, parent=rooted, parent_transactions=transactions))


def test_a_block_hash_that_contracts_read_comes_from_headers_that_are_linked() -> None:
    chain = ProvenChain()
    for _ in range(4):
        chain.build()
    chain.build(chain.transfer(to=STORING))
    assert prove(chain.config, chain.request(5, 5)).output_root == chain.output_root(5)
    request = chain.request(5, 5)
    headers = {header_hash(block.executed.block.header) for block in chain.l2}
    without = tuple(preimage for preimage in request.preimages if keccak256(preimage) not in headers)
    with pytest.raises(ExecutionFailed, match="block header"):
        prove(chain.config, replace(request, preimages=without))


@given(seeds)
@few
def test_a_request_is_the_same_after_its_encoding(seed: int) -> None:
    request = random_chain(seed, 3).request(1, 3)
    assert decode_request(encode_request(request)) == request
