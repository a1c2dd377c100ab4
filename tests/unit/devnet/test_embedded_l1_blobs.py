"""Blob transactions on the embedded L1, with real KZG: admission, the pool's rules, blocks, retention."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from embedded_l1_rig import (
    GENESIS_TIME,
    GWEI,
    OTHER,
    OTHER_KEY,
    SENDER,
    blob_envelope,
    blob_transaction,
    dynamic_fee,
    open_l1,
    some_sidecars,
)

from phal2.devnet.development.l1_chain import L1Development
from phal2.devnet.l1 import EmbeddedL1
from phal2.node.l1.kzg import KzgWorker
from phal2.node.l1.kzg_errors import InvalidKzgProof
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.blob_sidecars import BlobSidecar, MalformedSidecar, encode_network_form
from phal2.node.protocol.errors import InvalidEncoding, InvalidTransaction, Phal2Error
from phal2.node.protocol.keccak import keccak256
from phal2.node.rpc.namespaces.testing import BuildAttributes, TestingMethods
from phal2.node.rpc.workers import Workers
from phal2.node.sequencer.admission import OversizedTransaction
from phal2.node.sequencer.mempool import AddressReserved, AlreadyKnown, NonceGap, PoolFull, ReplacementUnderpriced
from phal2.node.state.transaction_errors import BlobFeeCapTooLow, InsufficientFunds

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kzg() -> AsyncIterator[KzgWorker]:
    worker = KzgWorker()
    yield worker
    await worker.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sidecars(kzg: KzgWorker) -> tuple[BlobSidecar, ...]:
    return await some_sidecars(kzg, 3)


@pytest_asyncio.fixture(loop_scope="module")
async def l1(tmp_path: Path, kzg: KzgWorker) -> AsyncIterator[EmbeddedL1]:
    l1 = open_l1(tmp_path / "l1", kzg=kzg)
    yield l1
    await l1.stop()


async def test_a_blob_transaction_is_mined_and_its_blobs_are_kept(
    l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]
) -> None:
    transaction_hash = await l1.submit_transaction(blob_transaction(0, sidecars))
    assert transaction_hash == keccak256(blob_envelope(0, sidecars))
    head = await l1.mine()

    block = l1.store.block(head.hash)
    assert block is not None
    assert block.transactions == (blob_envelope(0, sidecars),)
    assert block.header.blob_gas_used == 3 * GAS_PER_BLOB
    assert [l1.store.blob(sidecar.versioned_hash) for sidecar in sidecars] == list(sidecars)
    assert len(l1.mempool) == 0


async def test_a_block_that_is_built_to_order_has_the_blobs_of_the_pool(
    l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]
) -> None:
    await l1.submit_transaction(blob_transaction(0, sidecars[:2]))
    await l1.submit_transaction(blob_transaction(1, sidecars[2:]))
    attributes = BuildAttributes(GENESIS_TIME + 100, bytes(32), bytes(20), bytes(32))
    workers = Workers(1)

    built = await TestingMethods(l1, l1.rules, workers).build_block(l1.head_id().hash, attributes)

    workers.close()
    assert built["executionPayload"]["blobGasUsed"] == hex(3 * GAS_PER_BLOB)
    assert built["blobsBundle"] == {
        "commitments": ["0x" + sidecar.commitment.hex() for sidecar in sidecars],
        "proofs": ["0x" + sidecar.proof.hex() for sidecar in sidecars],
        "blobs": ["0x" + sidecar.blob.hex() for sidecar in sidecars],
    }


async def test_blobs_outlive_a_restart(tmp_path: Path, kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]) -> None:
    before = open_l1(tmp_path / "l1", kzg=kzg)
    await before.submit_transaction(blob_transaction(0, sidecars[:1]))
    await before.mine()
    await before.stop()

    after = open_l1(tmp_path / "l1", kzg=kzg)
    assert after.store.blob(sidecars[0].versioned_hash) == sidecars[0]
    assert after.store.blob(sidecars[1].versioned_hash) is None
    await after.stop()


async def test_blobs_are_kept_for_the_last_blocks_that_carried_them(
    tmp_path: Path, kzg: KzgWorker, sidecars: tuple[BlobSidecar, ...]
) -> None:
    l1 = open_l1(tmp_path / "l1", kzg=kzg, blob_retention=3)
    first, again, _ = sidecars
    await l1.submit_transaction(blob_transaction(0, (first, again)))
    await l1.mine()
    await l1.submit_transaction(blob_transaction(1, (again,)))
    for _ in range(2):
        await l1.mine()
    assert l1.store.blob(first.versioned_hash) == first

    await l1.mine()
    assert l1.store.blob(first.versioned_hash) is None
    assert l1.store.blob(again.versioned_hash) == again
    await l1.mine()
    assert l1.store.blob(again.versioned_hash) is None
    await l1.stop()


async def test_the_price_of_blobs_rises_with_their_use(l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
    excess = []
    for nonce in range(9):
        await l1.submit_transaction(blob_transaction(nonce, sidecars))
        if nonce % 3 == 2:
            head = await l1.mine()
            header = l1.store.header(head.hash)
            assert header is not None
            assert header.blob_gas_used == 9 * GAS_PER_BLOB
            excess.append(header.excess_blob_gas)
    assert excess == [0, 3 * GAS_PER_BLOB, 6 * GAS_PER_BLOB]


async def test_blobs_that_have_no_room_wait_for_the_next_block(
    l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]
) -> None:
    for nonce in range(4):
        await l1.submit_transaction(blob_transaction(nonce, sidecars))
    counts = []
    for _ in range(2):
        block = l1.store.block((await l1.mine()).hash)
        assert block is not None
        counts.append(len(block.transactions))
    assert counts == [3, 1]


class TestWhatIsRefused:
    async def test_a_proof_that_does_not_hold(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        first, second, _ = sidecars
        swapped = (replace(first, proof=second.proof), replace(second, proof=first.proof))
        with pytest.raises(InvalidKzgProof, match="do not show that the blobs are those of the commitments"):
            await l1.submit_transaction(blob_transaction(0, swapped))

    async def test_a_field_element_above_the_modulus(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        with pytest.raises(InvalidKzgProof, match="malformed"):
            await l1.submit_transaction(blob_transaction(0, (replace(sidecars[0], blob=b"\xff" * 131_072),)))

    async def test_a_commitment_that_the_transaction_does_not_name(
        self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]
    ) -> None:
        with pytest.raises(MalformedSidecar, match="blob 0: the transaction names"):
            await l1.submit_transaction(encode_network_form(blob_envelope(0, sidecars[:1]), sidecars[1:2]))

    @pytest.mark.parametrize("named", [0, 1, 3])
    async def test_another_number_of_blobs_than_is_named(
        self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...], named: int
    ) -> None:
        with pytest.raises(MalformedSidecar, match=f"names {named} blobs, its sidecar has 2"):
            await l1.submit_transaction(encode_network_form(blob_envelope(0, sidecars[:named]), sidecars[:2]))

    async def test_no_blobs_at_all(self, l1: EmbeddedL1) -> None:
        with pytest.raises(InvalidTransaction, match="missing blob hashes"):
            await l1.submit_transaction(blob_transaction(0, ()))

    async def test_more_blobs_than_a_block_may_hold(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        with pytest.raises(OversizedTransaction, match="oversized data"):
            await l1.submit_transaction(blob_transaction(0, sidecars * 7))
        with pytest.raises(InvalidTransaction, match="blob gas limit reached: transaction has 10 blobs"):
            await l1.submit_transaction(blob_transaction(0, sidecars * 3 + sidecars[:1]))

    async def test_the_envelope_alone(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        with pytest.raises(MalformedSidecar, match="without its sidecar"):
            await l1.submit_transaction(blob_envelope(0, sidecars))

    async def test_bytes_that_are_no_transaction(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        whole = blob_transaction(0, sidecars)
        for raw in (b"\x03", b"\x03\x00", whole[:-1], whole + b"\x00", b"\x03" + b"\xff" * 200_000):
            with pytest.raises(InvalidEncoding):
                await l1.submit_transaction(raw)

    async def test_less_than_the_price_of_blobs(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        with pytest.raises(BlobFeeCapTooLow):
            await l1.submit_transaction(blob_transaction(0, sidecars, max_fee_per_blob_gas=0))

    async def test_more_than_the_sender_has(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        with pytest.raises(InsufficientFunds):
            await l1.submit_transaction(blob_transaction(0, sidecars, max_fee_per_blob_gas=10**16))


class TestThePool:
    async def test_a_replacement_doubles_all_three_fees(
        self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]
    ) -> None:
        doubled = {
            "max_priority_fee_per_gas": 2 * GWEI,
            "max_fee_per_gas": 20 * GWEI,
            "max_fee_per_blob_gas": 2 * GWEI,
        }
        await l1.submit_transaction(blob_transaction(0, sidecars[:1]))
        for name, fee in doubled.items():
            with pytest.raises(ReplacementUnderpriced, match="the blob fee cap to at least 2000000000 wei"):
                await l1.submit_transaction(blob_transaction(0, sidecars[1:], **(doubled | {name: fee - 1})))
        replacement = await l1.submit_transaction(blob_transaction(0, sidecars[1:], **doubled))

        assert [pending.hash for pending in l1.pending_transactions()] == [replacement]
        await l1.mine()
        assert l1.store.blob(sidecars[0].versioned_hash) is None
        assert l1.store.blob(sidecars[1].versioned_hash) == sidecars[1]

    async def test_an_account_has_one_kind_of_transaction_in_the_pool(
        self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]
    ) -> None:
        await l1.submit_transaction(blob_transaction(0, sidecars[:1]))
        await l1.submit_transaction(dynamic_fee(0, OTHER_KEY))
        with pytest.raises(AddressReserved, match="1 blob transactions of this sender are pending"):
            await l1.submit_transaction(dynamic_fee(1))
        with pytest.raises(AddressReserved, match="address already reserved: 1 ordinary"):
            await l1.submit_transaction(blob_transaction(0, sidecars[:1], OTHER_KEY, max_fee_per_gas=100 * GWEI))
        await l1.mine()
        await l1.submit_transaction(dynamic_fee(1))
        await l1.submit_transaction(blob_transaction(1, sidecars[:1], OTHER_KEY))

    async def test_nonces_have_no_gaps_and_an_account_has_sixteen(
        self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]
    ) -> None:
        with pytest.raises(NonceGap, match="a blob transaction must follow at once, next nonce 0, tx nonce 1"):
            await l1.submit_transaction(blob_transaction(1, sidecars[:1]))
        for nonce in range(16):
            await l1.submit_transaction(blob_transaction(nonce, sidecars[:1]))
        with pytest.raises(PoolFull, match="account limit exceeded: 16 blob transactions"):
            await l1.submit_transaction(blob_transaction(16, sidecars[:1]))
        with pytest.raises(AlreadyKnown):
            await l1.submit_transaction(blob_transaction(15, sidecars[:1]))

    async def test_the_pending_cost_of_blobs_counts(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        # 1,000 ether in all: 3 blobs of 131,072 gas at 10^15 wei are 393 ether.
        for nonce in range(2):
            await l1.submit_transaction(blob_transaction(nonce, sidecars, max_fee_per_blob_gas=10**15))
        with pytest.raises(InsufficientFunds):
            await l1.submit_transaction(blob_transaction(2, sidecars, max_fee_per_blob_gas=10**15))


class TestGoingBack:
    async def test_a_reorganisation_takes_blobs_along(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        development = L1Development(l1)
        await l1.mine()
        await l1.submit_transaction(blob_transaction(0, sidecars))
        dropped = await l1.mine()

        await development.reorganise(1)

        location = l1.store.find_transaction(keccak256(blob_envelope(0, sidecars)))
        assert location is not None
        assert location.block_hash != dropped.hash
        assert l1.store.blob(sidecars[2].versioned_hash) == sidecars[2]

    async def test_a_snapshot_holds_pending_blobs(self, l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
        development = L1Development(l1)
        await l1.submit_transaction(blob_transaction(0, sidecars))
        number = await development.snapshot()
        await l1.mine()
        assert len(l1.mempool) == 0

        await development.revert(number)

        assert len(l1.mempool) == 1
        head = await l1.mine()
        header = l1.store.header(head.hash)
        assert header is not None
        assert header.blob_gas_used == 3 * GAS_PER_BLOB


async def test_a_crowd_of_bad_blobs_harms_nobody(l1: EmbeddedL1, sidecars: tuple[BlobSidecar, ...]) -> None:
    bad = replace(sidecars[0], proof=sidecars[1].proof)
    for nonce in range(5):
        with pytest.raises(Phal2Error):
            await l1.submit_transaction(blob_transaction(nonce, (bad,)))
    await l1.submit_transaction(blob_transaction(0, sidecars[:1]))
    assert l1.pending_nonce(SENDER) == 1
    assert l1.pending_nonce(OTHER) == 0
