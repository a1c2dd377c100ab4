from dataclasses import replace

import pytest
from eth_abi import encode as abi_encode
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol import rlp
from phal2.node.protocol.deposits import (
    TRANSACTION_DEPOSITED_TOPIC,
    DepositTransaction,
    decode_deposit,
    deposit_from_log,
    encode_deposit,
    l1_attributes_source_hash,
    upgrade_source_hash,
    user_deposit_source_hash,
)
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.rlp import RlpError

words = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20)
uint256s = st.integers(0, 2**256 - 1)
uint64s = st.integers(0, 2**64 - 1)
deposits = st.builds(
    DepositTransaction,
    words,
    addresses,
    st.none() | addresses,
    uint256s,
    uint256s,
    uint64s,
    st.booleans(),
    st.binary(max_size=70),
)
BLOCK_HASH = keccak256(b"L1 block")


def log_of(deposit: DepositTransaction) -> Log:
    opaque = b"".join(
        (
            deposit.mint.to_bytes(32, "big"),
            deposit.value.to_bytes(32, "big"),
            deposit.gas_limit.to_bytes(8, "big"),
            b"\x01" if deposit.to is None else b"\x00",
            deposit.data,
        )
    )
    topics = (
        TRANSACTION_DEPOSITED_TOPIC,
        deposit.sender.rjust(32, b"\x00"),
        (deposit.to or bytes(20)).rjust(32, b"\x00"),
        bytes(32),
    )
    return Log(b"\x10" * 20, topics, abi_encode(["bytes"], [opaque]))


@given(deposits)
def test_a_deposit_comes_back(deposit: DepositTransaction) -> None:
    assert decode_deposit(encode_deposit(deposit)) == deposit


@given(deposits, st.integers(0, 10_000))
def test_the_portals_log_gives_the_deposit(deposit: DepositTransaction, log_index: int) -> None:
    expected = replace(
        deposit, source_hash=user_deposit_source_hash(BLOCK_HASH, log_index), is_system_transaction=False
    )
    assert deposit_from_log(log_of(deposit), BLOCK_HASH, log_index) == expected


@pytest.mark.parametrize("is_creation", [1, 2, 0x80, 0xFF])
def test_any_is_creation_but_0_means_a_creation(is_creation: int) -> None:
    opaque = bytes(72) + bytes([is_creation]) + b"code"
    deposit = deposit_from_log(replace(log_of(DEPOSIT), data=abi_encode(["bytes"], [opaque])), BLOCK_HASH, 0)
    assert (deposit.to, deposit.data) == (None, b"code")


def test_what_fills_the_last_word_of_a_log_is_not_looked_at() -> None:
    log = log_of(DEPOSIT)
    filled = replace(log, data=log.data[:-1] + b"\x01")
    assert deposit_from_log(filled, BLOCK_HASH, 0) == deposit_from_log(log, BLOCK_HASH, 0)


def test_the_source_hash_of_an_upgrade_is_the_known_one() -> None:
    known = "3b2d0821ca2411ad5cd3595804d1213d15737188ae4cbd58aa19c821a6c211bf"
    assert upgrade_source_hash("Isthmus: L1 Block Deployment").hex() == known


def test_the_domains_of_source_hashes_differ() -> None:
    assert user_deposit_source_hash(BLOCK_HASH, 0) != l1_attributes_source_hash(BLOCK_HASH, 0)


def test_the_topic_is_the_portals() -> None:
    assert TRANSACTION_DEPOSITED_TOPIC.hex() == "b3813568d9991fc951961fcb4c784893574240a28925604d09fc577c55bb7c32"


DEPOSIT = DepositTransaction(bytes(32), b"\x01" * 20, b"\x02" * 20, 1, 2, 3, False, b"data")


def test_malformed_envelopes_are_refused() -> None:
    fields = rlp.decode_list(encode_deposit(DEPOSIT)[1:])
    wrong_fields = [
        (0, bytes(31)),
        (1, b""),
        (2, bytes(19)),
        (3, b"\x00"),
        (5, b"\x01" * 9),
        (6, b"\x02"),
        (6, b"\x00"),
    ]
    for raw in (
        b"",
        b"\x7e",
        b"\x7d" + rlp.encode(fields),
        b"\x7e" + rlp.encode(fields[:7]),
        encode_deposit(DEPOSIT) + b"\x00",
        *(b"\x7e" + rlp.encode([*fields[:index], value, *fields[index + 1 :]]) for index, value in wrong_fields),
    ):
        with pytest.raises(RlpError):
            decode_deposit(raw)


def test_malformed_logs_are_refused() -> None:
    log = log_of(DEPOSIT)
    for wrong in (
        replace(log, topics=log.topics[:3]),
        replace(log, topics=(bytes(32), *log.topics[1:])),
        replace(log, topics=(*log.topics[:3], bytes(31) + b"\x01")),
        replace(log, topics=(log.topics[0], b"\x01" * 32, *log.topics[2:])),
        replace(log, data=b""),
        replace(log, data=log.data + bytes(32)),
        replace(log, data=b"\x01" + log.data[1:]),
        replace(log, data=abi_encode(["bytes"], [bytes(72)])),
    ):
        with pytest.raises(InvalidEncoding):
            deposit_from_log(wrong, BLOCK_HASH, 0)
