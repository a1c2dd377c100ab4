"""Requests to the prover program and its answers, as canonical RLP.

A message travels as its length in 4 bytes, big-endian, and as many bytes. A request is rlp([version, kind, content]),
an answer rlp([version, 0, content]) or, where the prover refuses, rlp([version, 1, [error class, text]]).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from phal2.bridge.prover.claim import SIGNATURE_LENGTH, Claim, SignedClaim
from phal2.bridge.prover.errors import MalformedRequest, ProverError
from phal2.bridge.prover.proof_request import (
    MAXIMUM_REQUEST_BYTES,
    ProofRequest,
    proof_request_item,
    read_proof_request,
)
from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.rlp import Decoded, Item, decode_uint, encode_uint, expect_bytes, expect_list

VERSION: Final = b"\x01"
LENGTH_BYTES: Final = 4
MAXIMUM_ANSWER_BYTES: Final = 64 * 1024
MAXIMUM_COMBINED_CLAIMS: Final = 65_536

_MAXIMUM_TEXT: Final = 1_000


class RequestKind(IntEnum):
    """What is asked for."""

    DESCRIBE = 1
    """The prover's address and the hash of its rollup."""
    QUOTE = 2
    """A quote for the registration at a ProverRegistry."""
    PROVE = 3
    """A claim on a range of blocks."""
    COMBINE = 4
    """One claim for a chain of claims."""


@dataclass(frozen=True, slots=True)
class Describe:
    """Asks for the prover's address and configuration hash."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Asks for a quote for the ProverRegistry at a 20-byte address."""

    registry: bytes


@dataclass(frozen=True, slots=True)
class Combine:
    """Asks for one claim in place of many."""

    claims: tuple[SignedClaim, ...]


Request: TypeAlias = Describe | Quote | ProofRequest | Combine


@dataclass(frozen=True, slots=True)
class Description:
    """Who the prover is: its 20-byte address, and the hash of its rollup's configuration."""

    address: bytes
    config_hash: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """The prover did not do what was asked; `kind` names the class of the error."""

    kind: str
    text: str


def encode_request(request: Request) -> bytes:
    """Return the bytes of a request."""
    if isinstance(request, Describe):
        return _message(RequestKind.DESCRIBE, [])
    if isinstance(request, Quote):
        return _message(RequestKind.QUOTE, request.registry)
    if isinstance(request, Combine):
        return _message(RequestKind.COMBINE, [_claim_item(signed) for signed in request.claims])
    return _message(RequestKind.PROVE, proof_request_item(request))


def decode_request(raw: bytes) -> Request:
    """Read a request; raise `MalformedRequest` where it is not canonical or above a bound."""
    if len(raw) > MAXIMUM_REQUEST_BYTES:
        raise MalformedRequest(f"a request of {len(raw)} bytes; at most {MAXIMUM_REQUEST_BYTES} are taken")
    try:
        version, kind, content = expect_list(rlp.decode(raw), 3)
        number = decode_uint(kind, 1)
        if version != VERSION or number not in list(RequestKind):
            raise MalformedRequest(f"a request of the unknown version or kind {number}")
        if number == RequestKind.DESCRIBE:
            expect_list(content, 0)
            return Describe()
        if number == RequestKind.QUOTE:
            return Quote(expect_bytes(content, 20))
        if number == RequestKind.COMBINE:
            items = expect_list(content)
            if not 1 <= len(items) <= MAXIMUM_COMBINED_CLAIMS:
                raise MalformedRequest(f"{len(items)} claims to combine; expected 1 to {MAXIMUM_COMBINED_CLAIMS}")
            return Combine(tuple(map(_read_claim, items)))
        return read_proof_request(content)
    except InvalidEncoding as error:
        raise MalformedRequest(f"the request is malformed: {error}") from error


def encode_description(description: Description) -> bytes:
    """Return the bytes of the answer to `Describe`."""
    return _message(0, [description.address, description.config_hash])


def encode_quote(quote: bytes) -> bytes:
    """Return the bytes of the answer to `Quote`."""
    return _message(0, quote)


def encode_claim(signed: SignedClaim) -> bytes:
    """Return the bytes of the answer to a `ProofRequest` or `Combine`."""
    return _message(0, _claim_item(signed))


def encode_refusal(refusal: Refusal) -> bytes:
    """Return the bytes of a refusal; a long text is cut."""
    text = refusal.text.encode()[:_MAXIMUM_TEXT].decode("utf-8", "ignore")
    return _message(1, [refusal.kind.encode("ascii"), text.encode()])


class Refused(ProverError):
    """The prover program refused; `kind` is the class of its error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"the prover refuses: {refusal.text} ({refusal.kind})")
        self.kind = refusal.kind


class MalformedAnswer(ProverError):
    """The prover program answered with something else than was asked for: it is another version, or faulty."""


def decode_description(raw: bytes) -> Description:
    """Read the answer to `Describe`. Raises `Refused` or `MalformedAnswer`."""
    try:
        address, hash_of_config = expect_list(_content(raw), 2)
        return Description(expect_bytes(address, 20), expect_bytes(hash_of_config, 32))
    except InvalidEncoding as error:
        raise MalformedAnswer(f"the prover's description is malformed: {error}") from error


def decode_quote(raw: bytes) -> bytes:
    """Read the answer to `Quote`. Raises `Refused` or `MalformedAnswer`."""
    try:
        return expect_bytes(_content(raw))
    except InvalidEncoding as error:
        raise MalformedAnswer(f"the prover's quote is malformed: {error}") from error


def decode_claim(raw: bytes) -> SignedClaim:
    """Read the answer to a `ProofRequest` or `Combine`. Raises `Refused` or `MalformedAnswer`."""
    try:
        return _read_claim(_content(raw))
    except InvalidEncoding as error:
        raise MalformedAnswer(f"the prover's claim is malformed: {error}") from error


def _content(raw: bytes) -> Decoded:
    version, outcome, content = expect_list(rlp.decode(raw), 3)
    if version != VERSION:
        raise MalformedAnswer("the prover answers in another version of its protocol; use the same phal2 for both")
    if decode_uint(outcome, 1) == 0:
        return content
    kind, text = (expect_bytes(part).decode("utf-8", "replace") for part in expect_list(content, 2))
    raise Refused(Refusal(kind, text))


def _message(kind: int, content: Item) -> bytes:
    return rlp.encode([VERSION, encode_uint(kind), content])


def _claim_item(signed: SignedClaim) -> Sequence[Item]:
    claim = signed.claim
    return [
        claim.config_hash,
        claim.l1_block_hash,
        encode_uint(claim.l1_block_number),
        encode_uint(claim.l2_block_number),
        claim.previous_output_root,
        claim.output_root,
        signed.signature,
    ]


def _read_claim(item: Decoded) -> SignedClaim:
    fields = expect_list(item, 7)
    claim = Claim(
        config_hash=expect_bytes(fields[0], 32),
        l1_block_hash=expect_bytes(fields[1], 32),
        l1_block_number=decode_uint(fields[2], 8),
        l2_block_number=decode_uint(fields[3], 8),
        previous_output_root=expect_bytes(fields[4], 32),
        output_root=expect_bytes(fields[5], 32),
    )
    return SignedClaim(claim, expect_bytes(fields[6], SIGNATURE_LENGTH))
