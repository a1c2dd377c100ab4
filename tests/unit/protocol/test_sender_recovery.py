"""Senders recovered one by one and many at a time."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest

from phal2.node.protocol.deposits import DepositTransaction, encode_deposit
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import RlpError
from phal2.node.protocol.sender_recovery import LONGEST_REMEMBERED, SenderCrew, recover, recover_all, signer
from phal2.node.protocol.signatures import SECP256K1_ORDER, address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, recover_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

MANY = 300
"""Enough for the work to be shared."""


class Helpers:
    """A crew that does all of the work in the caller's stead."""

    def __init__(self) -> None:
        self.signatures = 0

    def signers(self, signatures: Iterable[bytes]) -> list[bytes]:
        addresses = list(map(signer, signatures))
        self.signatures += len(addresses)
        return addresses


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


@pytest.mark.parametrize("crew", [None, Helpers()])
@pytest.mark.parametrize("count", [0, 1, 5, MANY])
def test_many_are_recovered_in_their_order(count: int, crew: SenderCrew | None) -> None:
    envelopes = [envelope(number, b"" if crew is None else b"crew") for number in range(count)]

    recovered = recover_all(envelopes, crew)

    assert [one.raw for one in recovered] == envelopes
    assert [one.sender for one in recovered] == [address_of_private_key(key(number)) for number in range(count)]
    assert [one.hash for one in recovered] == [keccak256(raw) for raw in envelopes]


def test_those_known_before_are_joined_with_the_others() -> None:
    envelopes = [envelope(number, b"known") for number in range(MANY)]
    known = [recover(raw) for raw in envelopes[::2]]
    helpers = Helpers()

    assert recover_all(envelopes, helpers)[::2] == known
    assert helpers.signatures == MANY // 2
    assert recover_all(envelopes) == [recover_transaction(raw) for raw in envelopes]


def test_deposits_among_many_need_no_signature() -> None:
    deposit = DepositTransaction(bytes(32), b"\x01" * 20, b"\x02" * 20, 0, 0, 21_000, False, b"")
    envelopes = [encode_deposit(deposit), *(envelope(number, b"deposit") for number in range(MANY))]
    helpers = Helpers()

    recovered = recover_all(envelopes, helpers)

    assert [one.sender for one in recovered[:2]] == [deposit.sender, address_of_private_key(key(0))]
    assert [one.raw for one in recovered] == envelopes
    assert helpers.signatures == MANY


def test_what_is_recovered_once_is_remembered() -> None:
    assert recover(envelope(0)) is recover(envelope(0))


def test_long_envelopes_are_not_kept() -> None:
    long = envelope(1, bytes(LONGEST_REMEMBERED))

    assert recover(long) is not recover(long)
    assert recover(long) == recover(long)


@pytest.mark.parametrize("crew", [None, Helpers()])
@pytest.mark.parametrize("position", [0, 70, MANY - 1])
def test_a_wrong_signature_among_many_is_an_error(position: int, crew: SenderCrew | None) -> None:
    envelopes = [envelope(number, b"wrong signature") for number in range(MANY)]
    envelopes[position] = unsigned(position)

    with pytest.raises(InvalidTransaction):
        recover_all(envelopes, crew)


@pytest.mark.parametrize("crew", [None, Helpers()])
def test_an_envelope_among_many_that_is_none_is_an_error(crew: SenderCrew | None) -> None:
    envelopes = [envelope(number, b"no envelope") for number in range(MANY)]

    with pytest.raises(RlpError):
        recover_all([*envelopes, b"\x02\xc0"], crew)
