import resource
from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import RlpError
from phal2.node.protocol.signatures import (
    SECP256K1_HALF_ORDER,
    SECP256K1_ORDER,
    InvalidSignature,
    address_of_private_key,
    recover_address,
    sign,
)
from phal2.node.protocol.transaction_codec import (
    UnsupportedTransactionType,
    decode_transaction,
    encode_transaction,
    recover_authority,
    recover_transaction,
    recovered,
    signing_hash,
)
from phal2.node.protocol.transactions import (
    AccessListTransaction,
    Attestation,
    AttestedTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)

KEY = keccak256(b"sender")
SENDER = address_of_private_key(KEY)

uint64s = st.integers(0, 2**64 - 1)
uint256s = st.integers(0, 2**256 - 1)
addresses = st.binary(min_size=20, max_size=20)
words = st.binary(min_size=32, max_size=32)
access_lists = st.lists(st.tuples(addresses, st.lists(words, max_size=2).map(tuple)), max_size=2).map(tuple)
recipients = st.none() | addresses
data = st.binary(max_size=70)
signature = (st.integers(0, 1), uint256s, uint256s)
head = (uint64s, uint64s)
fees = (uint256s, uint256s)
call = (addresses, uint256s, data, access_lists)
evidence = st.recursive(data, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6)

legacy = st.builds(
    LegacyTransaction,
    uint64s,
    uint256s,
    uint64s,
    recipients,
    uint256s,
    data,
    st.sampled_from([27, 28, 35, 40735, 40736]),
    uint256s,
    uint256s,
)
access_list_transactions = st.builds(
    AccessListTransaction, *head, uint256s, uint64s, recipients, uint256s, data, access_lists, *signature
)
dynamic_fee = st.builds(
    DynamicFeeTransaction, *head, *fees, uint64s, recipients, uint256s, data, access_lists, *signature
)
blob = st.builds(
    BlobTransaction, *head, *fees, uint64s, *call, uint256s, st.lists(words, max_size=2).map(tuple), *signature
)
authorizations = st.builds(Authorization, uint64s, addresses, uint64s, st.integers(0, 255), uint256s, uint256s)
set_code = st.builds(
    SetCodeTransaction, *head, *fees, uint64s, *call, st.lists(authorizations, max_size=2).map(tuple), *signature
)
attestations = st.builds(Attestation, uint64s, uint64s, st.lists(evidence, max_size=4).map(tuple))
attested = st.builds(AttestedTransaction, *head, *fees, uint64s, *call, attestations, *signature)
transactions = st.one_of(legacy, access_list_transactions, dynamic_fee, blob, set_code, attested)


def signed(transaction: SignedTransaction) -> SignedTransaction:
    y_parity, r, s = sign(signing_hash(transaction), KEY)
    if isinstance(transaction, LegacyTransaction):
        chain_id = transaction.chain_id
        return replace(transaction, v=27 + y_parity if chain_id is None else 35 + 2 * chain_id + y_parity, r=r, s=s)
    return replace(transaction, y_parity=y_parity, r=r, s=s)


@given(transactions)
@settings(deadline=None)
def test_every_type_comes_back(transaction: SignedTransaction) -> None:
    assert decode_transaction(encode_transaction(transaction)) == transaction


@given(transactions)
@settings(deadline=None)
def test_the_sender_is_who_signed(transaction: SignedTransaction) -> None:
    found = recovered(signed(transaction))
    assert found.sender == SENDER
    assert found.hash == keccak256(found.raw)
    assert recover_transaction(found.raw) == found


@given(transactions, st.data())
@settings(deadline=None)
def test_a_changed_byte_changes_the_sender_or_is_refused(transaction: SignedTransaction, choose: st.DataObject) -> None:
    raw = bytearray(recovered(signed(transaction)).raw)
    raw[choose.draw(st.integers(0, len(raw) - 1))] ^= 1 << choose.draw(st.integers(0, 7))
    try:
        changed = recover_transaction(bytes(raw))
    except Phal2Error:
        return
    # With the other y parity, or another v of the same chain, the same fields belong to somebody else.
    assert changed.sender != SENDER


@given(st.binary(max_size=200))
def test_bytes_of_no_meaning_are_refused_or_canonical(raw: bytes) -> None:
    try:
        transaction = decode_transaction(raw)
    except RlpError:
        return
    assert encode_transaction(transaction) == raw


@pytest.mark.parametrize("first", [0x00, 0x05, 0x53, 0x55, 0x7F, 0x80, 0xBF])
def test_other_types_are_unsupported(first: int) -> None:
    with pytest.raises(UnsupportedTransactionType) as caught:
        decode_transaction(bytes([first]) + b"\xc0")
    assert caught.value.transaction_type == first


def test_an_empty_string_and_a_wrong_number_of_fields_are_refused() -> None:
    for raw in (b"", b"\x02", b"\x02\xc0", b"\xc0", b"\x54" + rlp.encode([b""] * 12)):
        with pytest.raises(RlpError):
            decode_transaction(raw)


@pytest.mark.parametrize("kind", [b"", b"\x02", b"\x54"])
def test_an_envelope_of_millions_of_items_is_refused_before_they_are_made(kind: bytes) -> None:
    raw = kind + rlp.list_of_payload(b"\xc1\xc0" * 3_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RlpError, match="more than 2000000 items"):
        decode_transaction(raw)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_an_attested_transaction_has_a_recipient() -> None:
    raw = encode_transaction(AttestedTransaction(1, 0, 0, 0, 0, b"", 0, b"", (), Attestation(1, 2, ()), 0, 1, 1))
    with pytest.raises(RlpError, match="of 20 bytes"):
        decode_transaction(raw)


def test_a_legacy_v_that_means_nothing_is_refused() -> None:
    for v in (0, 1, 26, 29, 34):
        with pytest.raises(RlpError, match="legacy signature v"):
            decode_transaction(encode_transaction(LegacyTransaction(0, 0, 0, None, 0, b"", v, 1, 1)))


CALL = {"nonce": 7, "gas": 90_000, "to": "0x" + "11" * 20, "value": 5, "data": "0x1234", "chainId": 20350}
CREATION = {"nonce": 0, "gas": 90_000, "value": 0, "data": "0x60006000", "chainId": 1}
ACCESS_LIST = [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "33" * 32]}]
FEES = {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2}


@pytest.mark.parametrize(
    "fields",
    [
        CALL | {"gasPrice": 9},
        CREATION | {"gasPrice": 9},
        CALL | {"gasPrice": 9, "type": 1, "accessList": ACCESS_LIST},
        CALL | FEES | {"type": 2, "accessList": ACCESS_LIST},
        CREATION | FEES | {"type": 2},
    ],
)
def test_envelopes_of_eth_account_are_read(fields: dict[str, object]) -> None:
    made = Account.sign_transaction(fields, KEY)
    found = recover_transaction(bytes(made.raw_transaction))
    assert found.hash == bytes(made.hash)
    assert found.sender == SENDER
    assert encode_transaction(found.transaction) == bytes(made.raw_transaction)
    assert encode_transaction(signed(found.transaction)) == bytes(made.raw_transaction)


def test_an_authority_of_eth_account_is_recovered() -> None:
    made = Account.sign_authorization({"chainId": 20350, "address": "0x" + "44" * 20, "nonce": 3}, KEY)
    authorization = Authorization(20350, b"\x44" * 20, 3, made.y_parity, made.r, made.s)
    assert recover_authority(authorization) == SENDER


def test_signatures_out_of_range_are_refused() -> None:
    digest = keccak256(b"digest")
    y_parity, r, s = sign(digest, KEY)
    assert recover_address(digest, y_parity, r, s) == SENDER
    assert s <= SECP256K1_HALF_ORDER
    for wrong in (
        (2, r, s),
        (y_parity, 0, s),
        (y_parity, r, 0),
        (y_parity, SECP256K1_ORDER, s),
        (1 - y_parity, r, SECP256K1_ORDER - s),
        (0, 5, s),
    ):
        with pytest.raises(InvalidSignature):
            recover_address(digest, *wrong)
