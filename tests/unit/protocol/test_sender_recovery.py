"""Senders recovered one by one and many at a time."""

from dataclasses import replace
from functools import cache

import pytest

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import RlpError
from phal2.node.protocol.sender_recovery import LONGEST_REMEMBERED, recover, recover_all
from phal2.node.protocol.signatures import SECP256K1_ORDER, address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, recover_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

MANY = 300
"""Enough for the work to be shared among threads."""


@cache
def envelope(number: int, data: bytes = b"") -> bytes:
    transaction = DynamicFeeTransaction(20350, number, 1, 2, 21_000, bytes(20), 3, data, (), 0, 0, 0)
    y_parity, r, s = sign(signing_hash(transaction), key(number))
    return encode_transaction(replace(transaction, y_parity=y_parity, r=r, s=s))


def key(number: int) -> bytes:
    return keccak256(b"sender recovery %d" % number)


def unsigned(number: int) -> bytes:
    transaction = DynamicFeeTransaction(20350, number, 1, 2, 21_000, bytes(20), 3, b"", (), 0, SECP256K1_ORDER, 1)
    return encode_transaction(transaction)


@pytest.mark.parametrize("count", [0, 1, 5, MANY])
def test_many_are_recovered_in_their_order(count: int) -> None:
    envelopes = [envelope(number) for number in range(count)]

    recovered = recover_all(envelopes)

    assert [one.raw for one in recovered] == envelopes
    assert [one.sender for one in recovered] == [address_of_private_key(key(number)) for number in range(count)]
    assert [one.hash for one in recovered] == [keccak256(raw) for raw in envelopes]


def test_those_known_before_are_joined_with_the_others() -> None:
    envelopes = [envelope(number, b"known") for number in range(MANY)]
    known = [recover(raw) for raw in envelopes[::2]]

    assert recover_all(envelopes)[::2] == known
    assert recover_all(envelopes) == [recover_transaction(raw) for raw in envelopes]


def test_what_is_recovered_once_is_remembered() -> None:
    assert recover(envelope(0)) is recover(envelope(0))


def test_long_envelopes_are_not_kept() -> None:
    long = envelope(1, bytes(LONGEST_REMEMBERED))

    assert recover(long) is not recover(long)
    assert recover(long) == recover(long)


@pytest.mark.parametrize("position", [0, 70, MANY - 1])
def test_a_wrong_signature_among_many_is_an_error(position: int) -> None:
    envelopes = [envelope(number, b"wrong signature") for number in range(MANY)]
    envelopes[position] = unsigned(position)

    with pytest.raises(InvalidTransaction):
        recover_all(envelopes)


def test_an_envelope_among_many_that_is_none_is_an_error() -> None:
    envelopes = [envelope(number, b"no envelope") for number in range(MANY)]

    with pytest.raises(RlpError):
        recover_all([*envelopes, b"\x02\xc0"])
