from dataclasses import replace

from rollup_world import BATCHER_KEY, GENESIS_TIME, INBOX, STRANGER_KEY, l1_block, signed

from phal2.node.derivation.dropped import Dropped, ignore_dropped
from phal2.node.derivation.l1_retrieval import blob_hashes, retrieve
from phal2.node.protocol.blobs import BLOB_SIZE, encode_blob
from phal2.node.protocol.deposits import DepositTransaction, encode_deposit
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import AccessListTransaction, BlobTransaction, SetCodeTransaction

BATCHER = address_of_private_key(BATCHER_KEY)


def data_of(*transactions: bytes) -> tuple[list[bytes | None], list[Dropped]]:
    dropped: list[Dropped] = []
    block = l1_block(None, GENESIS_TIME, transactions)
    return list(retrieve([block, None], INBOX, lambda: BATCHER, dropped.append)), dropped


def envelope(unsigned: AccessListTransaction | BlobTransaction | SetCodeTransaction) -> bytes:
    y_parity, r, s = sign(signing_hash(unsigned), BATCHER_KEY)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))


def test_types_0_1_2_and_deposits_count() -> None:
    access_list = AccessListTransaction(31337, 0, 1, 21_000, INBOX, 0, b"one", (), 0, 1, 1)
    deposit = DepositTransaction(bytes(32), BATCHER, INBOX, 0, 0, 21_000, False, b"deposit")
    found, _ = data_of(envelope(access_list), signed(BATCHER_KEY, b"two"), encode_deposit(deposit))
    assert found == [b"one", b"two", b"deposit", None]


def test_set_code_transactions_do_not_count() -> None:
    set_code = SetCodeTransaction(31337, 0, 1, 1, 21_000, INBOX, 0, b"four", (), (), 0, 1, 1)
    assert data_of(envelope(set_code)) == ([None], [])


def blob_transaction(*versioned_hashes: bytes, to: bytes = INBOX) -> bytes:
    return envelope(BlobTransaction(31337, 0, 1, 1, 21_000, to, 0, b"call data", (), 1, versioned_hashes, 0, 1, 1))


ONE, TWO, THREE = (b"\x01" + bytes([number]) * 31 for number in (1, 2, 3))


def test_each_blob_is_a_piece_of_data_in_the_order_of_the_transactions_and_call_data_beside_them_is_not() -> None:
    transactions = (blob_transaction(ONE, TWO), signed(BATCHER_KEY, b"two"), blob_transaction(THREE, ONE))
    block = replace(
        l1_block(None, GENESIS_TIME, transactions),
        blobs={ONE: encode_blob(b"first"), TWO: encode_blob(b"second"), THREE: encode_blob(b"third")},
    )
    assert blob_hashes(block, INBOX, BATCHER) == (ONE, TWO, THREE, ONE)
    found = list(retrieve([block, None], INBOX, lambda: BATCHER, ignore_dropped))
    assert found == [b"first", b"second", b"two", b"third", b"first", None]


def test_a_blob_that_holds_no_data_is_ignored_with_a_reason_and_those_beside_it_are_not() -> None:
    dropped: list[Dropped] = []
    block = replace(
        l1_block(None, GENESIS_TIME, [blob_transaction(ONE, TWO)]),
        blobs={ONE: b"\x00\x07" + bytes(BLOB_SIZE - 2), TWO: encode_blob(b"second")},
    )
    assert list(retrieve([block, None], INBOX, lambda: BATCHER, dropped.append)) == [b"second", None]
    assert [drop.reason for drop in dropped] == ["blob encoding of version 7, expected 0"]


def test_blobs_of_others_and_of_other_transactions_are_not_asked_for() -> None:
    stranger = BlobTransaction(31337, 0, 1, 1, 21_000, INBOX, 0, b"", (), 1, (ONE,), 0, 1, 1)
    y_parity, r, s = sign(signing_hash(stranger), STRANGER_KEY)
    transactions = (
        encode_transaction(replace(stranger, y_parity=y_parity, r=r, s=s)),
        blob_transaction(TWO, to=b"\x05" * 20),
        signed(BATCHER_KEY, b"call data"),
    )
    assert blob_hashes(l1_block(None, GENESIS_TIME, transactions), INBOX, BATCHER) == ()


def test_an_address_that_only_stands_in_the_data_is_no_recipient() -> None:
    assert data_of(signed(BATCHER_KEY, b"data " + INBOX, to=b"\x01" * 20), signed(BATCHER_KEY, INBOX, to=None))[0] == [
        None
    ]


def test_what_cannot_be_decoded_is_no_batcher_transaction() -> None:
    good = signed(BATCHER_KEY, b"data")
    assert data_of(good[:-1], b"\x05" + INBOX, INBOX, signed(STRANGER_KEY, b"data"))[0] == [None]
