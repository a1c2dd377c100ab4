"""A follower hands transactions on to a sequencer, and holds those that it took until a block has them."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web
from driven_rollup import KEY, SENDER, DrivenRollup, Link, transfer, until

from phal2.devnet.servers import serve_l2
from phal2.node.driver.rollup_node import NotTheSequencer, RollupNode
from phal2.node.driver.transaction_forwarding import (
    LONGEST_WAIT_SECONDS,
    BeingForwarded,
    NotForwarded,
    RefusedBySequencer,
    TransactionForwarding,
)
from phal2.node.l1.errors import InvalidEndpointUrl
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import decode_transaction, encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction
from phal2.node.sequencer.admission import DepositNotSubmittable, OversizedTransaction
from phal2.node.state.transaction_errors import TransactionTypeNotSupported

GWEI = 10**9


async def serve(rollup: DrivenRollup, node: RollupNode) -> Link:
    """Serve a node through a link, whose URL is known before the node it leads to."""
    link = await _link(rollup)
    await _lead_to(rollup, link, node)
    return link


async def _link(rollup: DrivenRollup) -> Link:
    link = Link("")
    await link.start()
    rollup.parts.push_async_callback(link.stop)
    return link


async def _lead_to(rollup: DrivenRollup, link: Link, node: RollupNode) -> None:
    server = await serve_l2(node, None, "127.0.0.1", 0)
    rollup.parts.push_async_callback(server.stop)
    link.target = server.url


async def post_all(rollup: DrivenRollup, sequencer: RollupNode, follower: RollupNode) -> None:
    """Post the sequencer's blocks that the follower lacks, and wait until it has them."""
    head = sequencer.heads.unsafe
    missing = range(follower.heads.unsafe.number + 1, head.number + 1)
    await rollup.post(rollup.blocks(sequencer, missing))
    await until(lambda: follower.heads.unsafe.hash == head.hash)


async def test_a_transaction_is_pending_at_both_nodes_until_their_blocks_have_it(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower", sequencer_url=(await serve(rollup, sequencer)).url)

    transaction_hash = await follower.submit_transaction(raw := transfer(0))

    assert transaction_hash == keccak256(raw)
    for node in (sequencer, follower):
        pending = node.pending_transaction(transaction_hash)
        assert pending is not None
        assert pending.raw == raw
        assert node.pending_nonce(SENDER) == 1
    await rollup.grow(sequencer)
    await until(lambda: sequencer.pending_transaction(transaction_hash) is None)
    await post_all(rollup, sequencer, follower)
    await until(lambda: follower.pending_transactions() == [])
    assert follower.store.find_transaction(transaction_hash) is not None
    assert follower.pending_nonce(SENDER) == 1


async def test_several_in_a_row_get_the_nonces_that_the_follower_counts(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower", sequencer_url=(await serve(rollup, sequencer)).url)

    hashes = [await follower.submit_transaction(transfer(follower.pending_nonce(SENDER))) for _ in range(5)]

    while not all(sequencer.store.find_transaction(transaction_hash) for transaction_hash in hashes):
        await rollup.grow(sequencer)


async def test_what_the_sequencer_refuses_is_refused_in_its_words(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower", sequencer_url=(await serve(rollup, sequencer)).url)
    await sequencer.submit_transaction(transfer(0))
    await rollup.grow(sequencer)

    with pytest.raises(RefusedBySequencer) as refused:
        await follower.submit_transaction(transfer(0, value=2))

    assert str(refused.value) == "nonce too low: next nonce 1, tx nonce 0"
    assert follower.pending_transactions() == []


async def test_what_is_wrong_in_itself_is_refused_without_asking(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    link = await serve(rollup, sequencer)
    follower = await rollup.node("follower", sequencer_url=link.url)
    await rollup.grow(sequencer)

    for raw, refusal in (
        (b"", InvalidEncoding),
        (b"\x02\xc0", InvalidEncoding),
        (b"\x02" + bytes(200_000), OversizedTransaction),
        (b"\x03\xc0", TransactionTypeNotSupported),
        (_first_transaction(sequencer), DepositNotSubmittable),
    ):
        with pytest.raises(refusal):
            await follower.submit_transaction(raw)

    assert link.requests == 0


async def test_without_an_answer_the_client_is_told_and_nothing_is_held(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    link = await serve(rollup, sequencer)
    follower = await rollup.node("follower", sequencer_url=link.url)

    for fault in (
        lambda: web.Response(status=503),
        lambda: web.Response(text="<html>"),
        lambda: web.json_response({"jsonrpc": "2.0", "id": 1, "result": "0x" + "00" * 32}),
        lambda: web.json_response({"jsonrpc": "2.0", "id": 1, "result": None}),
        lambda: web.Response(body=bytes(100_000)),
    ):
        link.fault = fault
        with pytest.raises(NotForwarded, match="look for its receipt, or send it again"):
            await follower.submit_transaction(transfer(0))
        assert follower.pending_transactions() == []

    link.fault = None
    assert await follower.submit_transaction(transfer(0)) == keccak256(transfer(0))


async def test_what_the_sequencer_took_though_its_answer_was_lost_is_held_once_it_is_sent_again(
    rollup: DrivenRollup,
) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower", sequencer_url=(await serve(rollup, sequencer)).url)
    await sequencer.submit_transaction(transfer(0))

    with pytest.raises(RefusedBySequencer, match="already known"):
        await follower.submit_transaction(transfer(0))

    assert follower.pending_nonce(SENDER) == 1


async def test_followers_that_were_given_each_other_do_not_hand_it_on_for_ever(rollup: DrivenRollup) -> None:
    links = [await _link(rollup) for _ in range(2)]
    followers = [await rollup.node(f"follower {index}", sequencer_url=links[1 - index].url) for index in range(2)]
    for link, follower in zip(links, followers, strict=True):
        await _lead_to(rollup, link, follower)

    with pytest.raises(RefusedBySequencer, match="is being handed on"):
        await followers[0].submit_transaction(transfer(0))

    assert [link.requests for link in links] == [1, 1]
    assert [follower.pending_transactions() for follower in followers] == [[], []]


async def test_the_same_transaction_twice_at_once_is_sent_once(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    link = await serve(rollup, sequencer)
    follower = await rollup.node("follower", sequencer_url=link.url)

    answers = await asyncio.gather(
        *(follower.submit_transaction(transfer(0)) for _ in range(2)), return_exceptions=True
    )

    assert answers[0] == keccak256(transfer(0))
    assert isinstance(answers[1], BeingForwarded)
    assert link.requests == 1


async def test_a_transaction_that_another_replaced_is_pending_no_more(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower", sequencer_url=(await serve(rollup, sequencer)).url)
    replaced = await follower.submit_transaction(transfer(0))
    await sequencer.submit_transaction(_bumped(transfer(0)))
    await rollup.grow(sequencer)

    await post_all(rollup, sequencer, follower)

    await until(lambda: follower.pending_transaction(replaced) is None)
    assert follower.pending_nonce(SENDER) == 1


async def test_what_the_sequencer_has_lost_is_shown_as_pending_for_a_time_only(rollup: DrivenRollup) -> None:
    now = 0.0
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower")
    forwarding = TransactionForwarding((await serve(rollup, sequencer)).url, follower.chain, lambda: now)
    rollup.parts.push_async_callback(forwarding.close)
    lost = await forwarding.submit(transfer(0))
    assert sequencer.mempool is not None
    sequencer.mempool.remove(lost)

    for passed, is_pending in ((LONGEST_WAIT_SECONDS - 1, True), (LONGEST_WAIT_SECONDS + 1, False)):
        now = passed
        await rollup.grow(sequencer)
        await post_all(rollup, sequencer, follower)
        # Before a step ends, even one that does nothing, the listeners hear of those before it.
        await follower.chain.run(lambda: None)
        assert (lost in forwarding.pool) is is_pending


async def test_a_reorganisation_brings_a_transaction_back_to_the_followers_pool(rollup: DrivenRollup) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower", sequencer_url=(await serve(rollup, sequencer)).url, l1_may_rewind=True)
    start = follower.heads
    transaction_hash = await follower.submit_transaction(transfer(0))
    await rollup.grow(sequencer)
    await post_all(rollup, sequencer, follower)

    async with follower.derivation.held():
        await follower.chain.run(lambda: follower.chain.go_back(start))
        assert follower.pending_transaction(transaction_hash) is not None


async def test_what_a_reorganisation_brought_back_is_pending_for_a_time_only(rollup: DrivenRollup) -> None:
    now = 0.0
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    follower = await rollup.node("follower", l1_may_rewind=True)
    forwarding = TransactionForwarding("http://localhost:1", follower.chain, lambda: now)
    rollup.parts.push_async_callback(forwarding.close)
    start = follower.heads
    brought_back = await sequencer.submit_transaction(transfer(0))
    await rollup.grow(sequencer)
    await post_all(rollup, sequencer, follower)

    async with follower.derivation.held():
        await follower.chain.run(lambda: follower.chain.go_back(start))
        for passed, is_pending in ((LONGEST_WAIT_SECONDS - 1, True), (LONGEST_WAIT_SECONDS + 1, False)):
            now = passed
            forwarding._drop_settled(start.unsafe.hash)
            assert (brought_back in forwarding.pool) is is_pending


async def test_a_follower_that_knows_no_sequencer_says_how_to_name_one(rollup: DrivenRollup) -> None:
    follower = await rollup.node("follower")

    with pytest.raises(NotTheSequencer, match=r"--rollup\.sequencerhttp"):
        await follower.submit_transaction(transfer(0))


async def test_a_url_that_is_none_is_refused_at_the_start(rollup: DrivenRollup) -> None:
    with pytest.raises(InvalidEndpointUrl):
        await rollup.node("follower", sequencer_url="localhost")


def _first_transaction(sequencer: RollupNode) -> bytes:
    return sequencer.chain.block(sequencer.heads.unsafe.hash).transactions[0]


def _bumped(raw: bytes) -> bytes:
    transaction = decode_transaction(raw)
    assert isinstance(transaction, DynamicFeeTransaction)
    dearer = replace(transaction, max_fee_per_gas=200 * GWEI, max_priority_fee_per_gas=2 * GWEI)
    y_parity, r, s = sign(signing_hash(dearer), KEY)
    return encode_transaction(replace(dearer, y_parity=y_parity, r=r, s=s))
