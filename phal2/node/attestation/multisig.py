"""Accounts of Substrate's `pallet-multisig`: derivation, and the rules for signatures in an attestation."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from phal2.node.attestation.errors import ForgeableKey, MultisigInvalid
from phal2.node.attestation.forgeable_keys import is_forgeable_account
from phal2.node.attestation.substrate_signatures import blake2b_256, verify_account_signature

MAXIMUM_SIGNATORIES: Final = 100
_ACCOUNT_PREFIX: Final = b"modlpy/utilisuba"


@dataclass(frozen=True, slots=True)
class MultisigSignature:
    """One signatory's signature: index into the signatories, scheme (0 ed25519, 1 sr25519, 2 ecdsa), raw bytes."""

    index: int
    scheme: int
    signature: bytes


def multisig_account(threshold: int, signatories: tuple[bytes, ...]) -> bytes:
    """Return the 32-byte id of the account that `threshold` of the sorted 32-byte `signatories` control together.

    Raise `MultisigInvalid` or `ForgeableKey` where there is no such account.
    """
    count = len(signatories)
    if not 1 <= count <= MAXIMUM_SIGNATORIES:
        raise MultisigInvalid(f"multisig of {count} signatories; 1 to {MAXIMUM_SIGNATORIES} are allowed")
    if not 1 <= threshold <= count:
        raise MultisigInvalid(f"multisig threshold {threshold} is not between 1 and its {count} signatories")
    for previous, signatory in pairwise(signatories):
        if previous >= signatory:
            raise MultisigInvalid(f"multisig signatory 0x{signatory.hex()} is not above the one before it")
    for signatory in signatories:
        if is_forgeable_account(signatory):
            raise ForgeableKey(signatory)
    encoded = _ACCOUNT_PREFIX + _compact(count) + b"".join(signatories) + threshold.to_bytes(2, "little")
    return blake2b_256(encoded)


def verify_multisig(
    threshold: int,
    signatories: tuple[bytes, ...],
    signatures: tuple[MultisigSignature, ...],
    messages: tuple[bytes, ...],
) -> bytes:
    """Return the multisig's account id where exactly `threshold` signatories signed, each any one of `messages`.

    Raise `MultisigInvalid`, `ForgeableKey`, `UnknownScheme`, `MalformedEvidence` or `AccountSignatureInvalid`
    otherwise.
    """
    account = multisig_account(threshold, signatories)
    if len(signatures) != threshold:
        raise MultisigInvalid(f"multisig with threshold {threshold} has {len(signatures)} signatures, expected as many")
    previous = -1
    for signature in signatures:
        if not previous < signature.index < len(signatories):
            raise MultisigInvalid(
                f"multisig signature index {signature.index} is not above {previous} and below {len(signatories)}"
            )
        previous = signature.index
    for signature in signatures:
        verify_account_signature(signature.scheme, signatories[signature.index], signature.signature, messages)
    return account


def _compact(count: int) -> bytes:
    """SCALE's compact form of a vector's length, as far as 100 needs it."""
    return bytes([count << 2]) if count < 64 else (count << 2 | 1).to_bytes(2, "little")
