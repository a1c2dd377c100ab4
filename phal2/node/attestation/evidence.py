"""Reading evidence: from nested byte strings to what each kind prescribes (docs/attested-transactions.md).

Only the shape is checked here: number of fields, byte strings where byte strings belong, canonical integers, lengths
and bounds.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from phal2.node.attestation.errors import MalformedEvidence, OversizedEvidence, UnknownAttestationKind, UnknownScheme
from phal2.node.attestation.multisig import MAXIMUM_SIGNATORIES, MultisigSignature
from phal2.node.attestation.substrate_signatures import MULTISIG, SCHEME_NAMES
from phal2.node.protocol.rlp import RlpError, decode_uint
from phal2.node.protocol.transactions import Attestation, Evidence

QUOTE: Final = 1
ENCLAVE_KEY: Final = 2
SUBSTRATE_ACCOUNT: Final = 3

MAXIMUM_QUOTE_LENGTH: Final = 16 * 1024
MAXIMUM_COLLATERAL_LENGTH: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class QuoteEvidence:
    """Kind 1: a raw DCAP quote, and its collateral as JSON in UTF-8."""

    quote: bytes
    collateral: bytes


@dataclass(frozen=True, slots=True)
class EnclaveEvidence:
    """Kind 2: a registered enclave key's 20-byte address, and its 65-byte signature (r, s, y parity)."""

    enclave: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class AccountEvidence:
    """Kind 3 of one key: scheme 0, 1 or 2, public key, raw signature, note."""

    scheme: int
    public_key: bytes
    signature: bytes
    note: bytes


@dataclass(frozen=True, slots=True)
class MultisigEvidence:
    """Kind 3 of a multisig account: threshold, 32-byte signatories, signatures, note."""

    threshold: int
    signatories: tuple[bytes, ...]
    signatures: tuple[MultisigSignature, ...]
    note: bytes


AnyEvidence: TypeAlias = QuoteEvidence | EnclaveEvidence | AccountEvidence | MultisigEvidence


def read_evidence(attestation: Attestation) -> AnyEvidence:
    """Read the evidence of an attestation.

    Raise `UnknownAttestationKind`, `UnknownScheme`, `MalformedEvidence` or `OversizedEvidence`.
    """
    if attestation.kind == QUOTE:
        return _read_quote(attestation.evidence)
    if attestation.kind == ENCLAVE_KEY:
        return _read_enclave(attestation.evidence)
    if attestation.kind == SUBSTRATE_ACCOUNT:
        return read_account_evidence(attestation.evidence)
    raise UnknownAttestationKind(attestation.kind)


def read_account_evidence(evidence: tuple[Evidence, ...]) -> AccountEvidence | MultisigEvidence:
    """Read the evidence of kind 3; raise `UnknownScheme` or `MalformedEvidence`."""
    if not evidence:
        raise MalformedEvidence(SUBSTRATE_ACCOUNT, "it is empty, expected a scheme first")
    scheme = _uint(SUBSTRATE_ACCOUNT, "scheme", evidence[0])
    if scheme not in SCHEME_NAMES:
        raise UnknownScheme(scheme)
    return _read_multisig(evidence) if scheme == MULTISIG else _read_account(scheme, evidence)


def _read_quote(evidence: tuple[Evidence, ...]) -> QuoteEvidence:
    quote, collateral = _fields(QUOTE, "evidence", evidence, 2)
    return QuoteEvidence(
        quote=_bounded(QUOTE, "quote", quote, MAXIMUM_QUOTE_LENGTH),
        collateral=_bounded(QUOTE, "collateral", collateral, MAXIMUM_COLLATERAL_LENGTH),
    )


def _read_enclave(evidence: tuple[Evidence, ...]) -> EnclaveEvidence:
    enclave, signature = _fields(ENCLAVE_KEY, "evidence", evidence, 2)
    return EnclaveEvidence(
        enclave=_bytes(ENCLAVE_KEY, "enclave", enclave, 20),
        signature=_bytes(ENCLAVE_KEY, "signature", signature, 65),
    )


def _read_account(scheme: int, evidence: tuple[Evidence, ...]) -> AccountEvidence:
    _, public_key, signature, note = _fields(SUBSTRATE_ACCOUNT, "evidence", evidence, 4)
    return AccountEvidence(
        scheme=scheme,
        public_key=_bytes(SUBSTRATE_ACCOUNT, "public key", public_key),
        signature=_bytes(SUBSTRATE_ACCOUNT, "signature", signature),
        note=_bytes(SUBSTRATE_ACCOUNT, "note", note),
    )


def _read_multisig(evidence: tuple[Evidence, ...]) -> MultisigEvidence:
    _, threshold, signatories, signatures, note = _fields(SUBSTRATE_ACCOUNT, "evidence", evidence, 5)
    return MultisigEvidence(
        threshold=_uint(SUBSTRATE_ACCOUNT, "threshold", threshold),
        signatories=tuple(
            _bytes(SUBSTRATE_ACCOUNT, "signatory", signatory, 32)
            for signatory in _short_list("signatories", signatories)
        ),
        signatures=tuple(_read_signature(signature) for signature in _short_list("signatures", signatures)),
        note=_bytes(SUBSTRATE_ACCOUNT, "note", note),
    )


def _read_signature(item: Evidence) -> MultisigSignature:
    index, scheme, signature = _fields(SUBSTRATE_ACCOUNT, "multisig signature", item, 3)
    return MultisigSignature(
        index=_uint(SUBSTRATE_ACCOUNT, "signature index", index),
        scheme=_uint(SUBSTRATE_ACCOUNT, "signature scheme", scheme),
        signature=_bytes(SUBSTRATE_ACCOUNT, "signature", signature),
    )


def _short_list(what: str, item: Evidence) -> tuple[Evidence, ...]:
    if isinstance(item, bytes):
        raise MalformedEvidence(SUBSTRATE_ACCOUNT, f"{what} are a byte string, expected a list")
    if len(item) > MAXIMUM_SIGNATORIES:
        raise MalformedEvidence(SUBSTRATE_ACCOUNT, f"{len(item)} {what}, at most {MAXIMUM_SIGNATORIES} are allowed")
    return item


def _fields(kind: int, what: str, item: Evidence, count: int) -> tuple[Evidence, ...]:
    if isinstance(item, bytes):
        raise MalformedEvidence(kind, f"{what} is a byte string, expected a list of {count} fields")
    if len(item) != count:
        raise MalformedEvidence(kind, f"{what} has {len(item)} fields, expected {count}")
    return item


def _bytes(kind: int, what: str, item: Evidence, length: int | None = None) -> bytes:
    if not isinstance(item, bytes):
        raise MalformedEvidence(kind, f"{what} is a list, expected a byte string")
    if length is not None and len(item) != length:
        raise MalformedEvidence(kind, f"{what} of {len(item)} bytes, expected {length}")
    return item


def _bounded(kind: int, what: str, item: Evidence, limit: int) -> bytes:
    data = _bytes(kind, what, item)
    if len(data) > limit:
        raise OversizedEvidence(what, len(data), limit)
    return data


def _uint(kind: int, what: str, item: Evidence) -> int:
    try:
        return decode_uint(_bytes(kind, what, item), 8)
    except RlpError as error:
        raise MalformedEvidence(kind, f"{what}: {error}") from None
