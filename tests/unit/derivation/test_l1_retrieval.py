from dataclasses import replace

from rollup_world import BATCHER_KEY, GENESIS_TIME, INBOX, STRANGER_KEY, l1_block, signed

from phal2.node.derivation.dropped import Dropped
from phal2.node.derivation.l1_retrieval import retrieve
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


def test_a_batchers_blob_transaction_is_dropped_with_a_reason() -> None:
    blob = BlobTransaction(31337, 0, 1, 1, 21_000, INBOX, 0, b"three", (), 1, (b"\x01" + bytes(31),), 0, 1, 1)
    found, dropped = data_of(envelope(blob))
    assert found == [None]
    assert [drop.reason for drop in dropped] == ["blobs are not read"]


def test_an_address_that_only_stands_in_the_data_is_no_recipient() -> None:
    assert data_of(signed(BATCHER_KEY, b"data " + INBOX, to=b"\x01" * 20), signed(BATCHER_KEY, INBOX, to=None))[0] == [
        None
    ]


def test_what_cannot_be_decoded_is_no_batcher_transaction() -> None:
    good = signed(BATCHER_KEY, b"data")
    assert data_of(good[:-1], b"\x05" + INBOX, INBOX, signed(STRANGER_KEY, b"data"))[0] == [None]
