"""The batcher with blobs against scripted chains: real KZG, replacements, changes between blobs and call data."""

from contextlib import suppress
from dataclasses import replace

import pytest
from batcher_rig import SETTINGS, Rig, incompressible, running, typed_transaction
from scripted_chains import BATCHER, BATCHER_KEY, INBOX, recover_with_sidecars

from phal2.bridge.batcher.errors import BlobsNotPossible
from phal2.bridge.batcher.settings import BLOB_CONTENT, DataAvailability
from phal2.node.l1.errors import EndpointRefused
from phal2.node.l1.kzg_computation import verify_sidecars
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

BLOBS = replace(SETTINGS, data_availability=DataAvailability.BLOBS)
AUTO = replace(SETTINGS, data_availability=DataAvailability.AUTO)


async def test_blocks_in_blobs_become_safe() -> None:
    async with running(BLOBS) as rig:
        rig.l2.add_block((typed_transaction(b"\x01"),))
        rig.l2.add_block((b"\x54" + bytes(40),))
        rig.l2.add_block()

        await rig.turn(3)

        assert rig.l2.safe == 3
        assert rig.l2.batch_versions == [1, 0, 1]
        (sent,) = rig.l1.sent
        assert sent.transaction.to == INBOX
        assert sent.transaction.data == b""
        assert sent.transaction.gas_limit == 21_000
        assert sent.transaction.max_fee_per_blob_gas == 10**9
        verify_sidecars(sent.sidecars)


async def test_a_channel_of_several_blobs_goes_out_in_several_transactions() -> None:
    async with running(replace(BLOBS, blobs_in_transaction=2)) as rig:
        for seed in range(6):
            rig.l2.add_block((typed_transaction(incompressible(50_000, seed)),))

        await rig.turn(4)

        assert rig.l2.safe == 6
        assert [len(sent.sidecars) for sent in rig.l1.sent] == [2, 1]
        assert 2 * BLOB_CONTENT < 300_000 < 3 * BLOB_CONTENT


async def test_a_stuck_blob_transaction_is_replaced_with_all_fees_doubled() -> None:
    async with running(BLOBS) as rig:
        rig.l2.add_block()
        await rig.step()
        rig.l1.mine()
        await rig.step()
        rig.l1.mine(include=False)
        rig.now += SETTINGS.resubmission_seconds
        await rig.step()

        first, second = (sent.transaction for sent in rig.l1.sent)
        assert second.nonce == first.nonce
        assert second.blob_versioned_hashes == first.blob_versioned_hashes
        assert second.max_fee_per_gas >= 2 * first.max_fee_per_gas
        assert second.max_priority_fee_per_gas >= 2 * first.max_priority_fee_per_gas
        assert second.max_fee_per_blob_gas >= 2 * first.max_fee_per_blob_gas
        rig.l1.mine()
        rig.l2.derive()
        assert rig.l2.safe == 1


async def test_blob_fees_never_rise_above_their_limit() -> None:
    async with running(replace(BLOBS, blob_fee_limit=3 * 10**9)) as rig:
        rig.l2.add_block()
        await rig.step()
        rig.l1.mine()
        for _ in range(4):
            await rig.step()
            rig.now += SETTINGS.resubmission_seconds

        assert [sent.transaction.max_fee_per_blob_gas for sent in rig.l1.sent] == [10**9, 2 * 10**9]


async def test_a_change_of_kind_waits_until_all_earlier_transactions_are_mined() -> None:
    async with running(AUTO) as rig:
        rig.l2.add_block()
        await rig.step()
        rig.l1.mine()
        await rig.step()
        assert rig.l1.sent[0].sidecars
        # Blobs become dear while a blob transaction waits.
        rig.l1.blob_base_fee = 10**12
        rig.l2.add_block()
        await rig.step()
        rig.l1.mine(include=False)
        await rig.step(2)
        assert len(rig.l1.sent) == 1

        rig.l1.mine()
        rig.l2.derive()
        await rig.turn(2)

        assert [bool(sent.sidecars) for sent in rig.l1.sent] == [True, False]
        assert rig.l2.safe == 2


def stuck_call_data(nonce: int) -> bytes:
    unsigned = DynamicFeeTransaction(31337, nonce, 10**9, 2 * 10**9, 21_000, INBOX, 0, b"", (), 0, 0, 0)
    y_parity, r, s = sign(signing_hash(unsigned), BATCHER_KEY)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))


async def test_a_stuck_transaction_of_the_other_kind_is_cancelled() -> None:
    async with running(BLOBS) as rig:
        stuck = recover_with_sidecars(stuck_call_data(0))
        rig.l1.pool[0] = stuck
        rig.l2.add_block()
        await rig.step()
        rig.now += SETTINGS.settle_seconds
        await rig.step()
        rig.l1.mine(include=False)
        rig.l2.derive()

        for _ in range(12):
            await step_despite_refusals(rig)
            rig.now += SETTINGS.resubmission_seconds / 4

        cancelling = rig.l1.pool[0].transaction
        assert (cancelling.to, cancelling.data, cancelling.value) == (BATCHER, b"", 0)
        assert cancelling.transaction_type == 2
        for _ in range(8):
            rig.l1.mine()
            rig.l2.derive()
            await step_despite_refusals(rig)
        assert rig.l2.safe == 1
        assert rig.l1.sent[-1].sidecars


async def step_despite_refusals(rig: Rig) -> None:
    with suppress(EndpointRefused):
        await rig.step()


async def test_blobs_on_an_l1_without_them_are_refused_with_what_to_do() -> None:
    async with running(BLOBS) as rig:
        rig.l1.blob_base_fee = None
        rig.l2.add_block()
        await rig.step()
        rig.l1.mine()
        with pytest.raises(BlobsNotPossible, match="--data-availability calldata"):
            await rig.step()


async def test_on_an_l1_without_blobs_call_data_is_chosen() -> None:
    async with running(AUTO) as rig:
        rig.l1.blob_base_fee = None
        rig.l2.add_block()
        await rig.turn(3)
        assert rig.l2.safe == 1


async def test_a_new_batcher_goes_on_behind_blobs_without_gaps_or_doubles() -> None:
    async with running(BLOBS) as rig:
        for _ in range(2):
            rig.l2.add_block()
            await rig.turn(2)
            rig.restart()
        rig.l2.add_block()
        await rig.turn(3)

        assert rig.l2.safe == 3
        assert [batch.timestamp for batch in rig.l2.batches] == [block.header.timestamp for block in rig.l2.blocks[1:]]
        assert len(rig.l1.sent) == 3
