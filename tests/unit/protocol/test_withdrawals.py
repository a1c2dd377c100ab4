from dataclasses import replace

import pytest
from eth_abi import encode as abi_encode
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.output_roots import output_root
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.withdrawals import (
    MESSAGE_PASSED_TOPIC,
    Withdrawal,
    decode_nonce,
    encode_nonce,
    withdrawal_from_log,
    withdrawal_hash,
    withdrawal_storage_slot,
)

uint256s = st.integers(0, 2**256 - 1)
addresses = st.binary(min_size=20, max_size=20)
withdrawals = st.builds(Withdrawal, uint256s, addresses, addresses, uint256s, uint256s, st.binary(max_size=100))
WITHDRAWAL = Withdrawal(encode_nonce(5), b"\x01" * 20, b"\x02" * 20, 3, 4, b"data")


def log_of(withdrawal: Withdrawal) -> Log:
    topics = (
        MESSAGE_PASSED_TOPIC,
        withdrawal.nonce.to_bytes(32, "big"),
        withdrawal.sender.rjust(32, b"\x00"),
        withdrawal.target.rjust(32, b"\x00"),
    )
    data = abi_encode(
        ["uint256", "uint256", "bytes", "bytes32"],
        [withdrawal.value, withdrawal.gas_limit, withdrawal.data, withdrawal_hash(withdrawal)],
    )
    return Log(L2_TO_L1_MESSAGE_PASSER, topics, data)


@given(withdrawals)
def test_the_hash_is_that_of_the_abi_encoding(withdrawal: Withdrawal) -> None:
    encoded = abi_encode(
        ["uint256", "address", "address", "uint256", "uint256", "bytes"],
        [
            withdrawal.nonce,
            withdrawal.sender,
            withdrawal.target,
            withdrawal.value,
            withdrawal.gas_limit,
            withdrawal.data,
        ],
    )
    assert withdrawal_hash(withdrawal) == keccak256(encoded)


@given(withdrawals)
def test_a_log_gives_its_withdrawal(withdrawal: Withdrawal) -> None:
    assert withdrawal_from_log(log_of(withdrawal)) == withdrawal


def test_malformed_logs_are_refused() -> None:
    log = log_of(WITHDRAWAL)
    for wrong in (
        replace(log, address=bytes(20)),
        replace(log, topics=log.topics[:3]),
        replace(log, topics=(bytes(32), *log.topics[1:])),
        replace(log, topics=(log.topics[0], bytes(32), *log.topics[2:])),
        replace(log, data=b""),
        replace(log, data=log.data[:-1]),
        replace(log, data=log.data + bytes(32)),
    ):
        with pytest.raises(InvalidEncoding):
            withdrawal_from_log(wrong)


@given(st.integers(0, 2**240 - 1))
def test_nonces_have_their_version_on_top(counter: int) -> None:
    assert decode_nonce(encode_nonce(counter)) == (counter, 1)
    assert encode_nonce(counter) == (1 << 240) + counter


def test_nonces_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        encode_nonce(2**240)


def test_the_storage_slot_is_soliditys_of_a_mapping_in_slot_0() -> None:
    key = b"\x07" * 32
    assert withdrawal_storage_slot(key) == keccak256(abi_encode(["bytes32", "uint256"], [key, 0]))


def test_an_output_root_commits_to_its_three_parts() -> None:
    parts = (b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
    assert output_root(*parts) == keccak256(bytes(32) + b"".join(parts))
    with pytest.raises(ValueError, match="block hash has 32 bytes"):
        output_root(bytes(32), bytes(32), b"")
