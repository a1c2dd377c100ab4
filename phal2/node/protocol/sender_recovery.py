"""Recovering the senders of transactions: once for each envelope, and many at a time on all cores.

A signature is the dearest part of a plain transfer. What one part of the process has recovered (admission to the pool,
the sequencer, a follower beside it) is not recovered again by another; and many at a time are shared with a crew that
works beside the caller.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import InvalidSignature, recover_address
from phal2.node.protocol.transaction_codec import (
    RecoveredTransaction,
    Transaction,
    decode_transaction,
    envelope_signing_hash,
    recover_transaction,
)
from phal2.node.protocol.transactions import SignedTransaction

LONGEST_REMEMBERED: Final = 1024
"""Longer envelopes, in bytes, are recovered anew, which bounds the memory that others can make this process hold."""

LEAST_SHARED: Final = 48
"""Fewer signatures are not worth sharing."""

SIGNATURE_LENGTH: Final = 97
"""Bytes of a signature as a crew takes it: digest, r and s of 32 bytes each, and the y parity."""

NO_ADDRESS: Final = bytes(20)
"""What a crew gives for a signature that has no signer."""

_REMEMBERED: Final = 32_768

_young: dict[bytes, RecoveredTransaction] = {}
_old: dict[bytes, RecoveredTransaction] = {}


class SenderCrew(Protocol):
    """Recovers many signers, beside the caller and with it."""

    def signers(self, signatures: Iterable[bytes]) -> list[bytes]:
        """Return the address for each signature, `NO_ADDRESS` for none. Signatures are worked on as they come."""
        ...


def recover(raw: bytes) -> RecoveredTransaction:
    """Return the transaction of an envelope with its sender; raise `RlpError` or `InvalidSignature`."""
    return _recall(raw) or _remember(recover_transaction(raw))


def recover_all(envelopes: Sequence[bytes], crew: SenderCrew | None = None) -> list[RecoveredTransaction]:
    """Return the transactions of many envelopes; raise the error of one that is wrong.

    A crew, where there is one, helps with those that are not known yet.
    """
    found = [_recall(raw) for raw in envelopes]
    unknown = [index for index, recovered in enumerate(found) if recovered is None]
    if crew is None or len(unknown) < LEAST_SHARED:
        return [known or recover(raw) for known, raw in zip(found, envelopes, strict=True)]
    decoded: list[tuple[Transaction, bytes]] = []
    signers = iter(crew.signers(_signatures(envelopes, unknown, decoded)))
    for index, (transaction, transaction_hash) in zip(unknown, decoded, strict=True):
        raw = envelopes[index]
        sender = transaction.sender if isinstance(transaction, DepositTransaction) else next(signers)
        if sender == NO_ADDRESS:
            # Where there is an error, this raises it.
            found[index] = recover(raw)
        else:
            found[index] = _remember(RecoveredTransaction(transaction, raw, transaction_hash, sender))
    return [recovered for recovered in found if recovered is not None]


def signer(signature: bytes) -> bytes:
    """Return the address of the signer of a signature as a crew takes it, `NO_ADDRESS` for none."""
    r, s = int.from_bytes(signature[32:64], "big"), int.from_bytes(signature[64:96], "big")
    try:
        return recover_address(signature[:32], signature[96], r, s)
    except InvalidSignature:
        return NO_ADDRESS


def _signatures(
    envelopes: Sequence[bytes], indices: Sequence[int], decoded: list[tuple[Transaction, bytes]]
) -> Iterator[bytes]:
    """Yield the signatures in some of the envelopes; their transactions and hashes go to `decoded`, one by one."""
    for index in indices:
        raw = envelopes[index]
        transaction = decode_transaction(raw)
        decoded.append((transaction, keccak256(raw)))
        if not isinstance(transaction, DepositTransaction):
            yield _signature(raw, transaction)


def _signature(raw: bytes, transaction: SignedTransaction) -> bytes:
    digest = envelope_signing_hash(raw, transaction)
    r, s = transaction.r.to_bytes(32, "big"), transaction.s.to_bytes(32, "big")
    return b"%b%b%b%c" % (digest, r, s, transaction.y_parity)


def _recall(raw: bytes) -> RecoveredTransaction | None:
    return _young.get(raw) or _old.get(raw)


def _remember(recovered: RecoveredTransaction) -> RecoveredTransaction:
    # Two generations stand in for an order of use. A race between threads costs a second recovery, nothing else.
    global _young, _old
    if len(recovered.raw) <= LONGEST_REMEMBERED:
        _young[recovered.raw] = recovered
        if len(_young) >= _REMEMBERED:
            _young, _old = {}, _young
    return recovered
