"""Envelopes and evidence of wrong shape, each signed as if it were right: refused with the reason, never included."""

from dataclasses import replace
from typing import Any

import pytest
from attested_actions import ALICE, BOB, CAROL, NOTE, Attester, fields_of, signed_fields

from phal2.devnet.process import DevnetProcess
from phal2.node.attestation.account_secrets import account_of, sign_message
from phal2.node.attestation.account_text import account_text
from phal2.node.attestation.building import Call, account_statement_for
from phal2.node.protocol import rlp
from phal2.node.protocol.signatures import SECP256K1_ORDER
from phal2.node.protocol.transactions import Attestation, Evidence

KEY, SIGNATURE = bytes(32), bytes(64)
IDS = tuple(sorted(account_of(secret) for secret in (ALICE, BOB, CAROL)))
FORGED_IDENTITY = bytes(63) + b"\x80"
FIELD_PRIME = 2**255 - 19
ATTESTATION, Y_PARITY, R, S = 9, 10, 11, 12


@pytest.fixture(scope="module")
def attester(still_devnet: DevnetProcess) -> Attester:
    return Attester.of(still_devnet, 3)


def refused(attester: Attester, kind: int, *evidence: Evidence) -> str:
    attestation = Attestation(kind, attester.valid_until(), evidence)
    return attester.judged_refusal(attester.sign(attester.call(), attestation))


@pytest.mark.parametrize("kind", [0, 4, 84, 2**64 - 1])
def test_unknown_kinds(attester: Attester, kind: int) -> None:
    assert refused(attester, kind).startswith(f"attestation kind {kind} is unknown; expected 1 (quote), 2")


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [
        (b"\x04", "signature scheme 4 is unknown"),
        (b"\xff" * 8, f"signature scheme {2**64 - 1} is unknown"),
        (b"\x00", "scheme: integer with a leading zero byte"),
        (b"\xff" * 9, "scheme: integer of 9 bytes"),
        ((), "scheme is a list"),
    ],
)
def test_unknown_schemes(attester: Attester, scheme: Evidence, reason: str) -> None:
    assert reason in refused(attester, 3, scheme, KEY, SIGNATURE, NOTE)


@pytest.mark.parametrize(
    ("kind", "evidence", "reason"),
    [
        (1, (), "evidence has 0 fields, expected 2"),
        (1, (b"", b"{}", b""), "evidence has 3 fields, expected 2"),
        (1, ((b"",), b"{}"), "quote is a list"),
        (1, (b"", (b"{}",)), "collateral is a list"),
        (1, (b"", b"{}"), "quote ends within its version"),
        (1, (bytes(6_000), b"{}"), "quote of version 0 and TEE type 0x00"),
        (2, (), "evidence has 0 fields, expected 2"),
        (2, (bytes(19), bytes(65)), "enclave of 19 bytes, expected 20"),
        (2, (bytes(20), bytes(64)), "signature of 64 bytes, expected 65"),
        (2, (bytes(20), (bytes(65),)), "signature is a list"),
        (2, (bytes(20), bytes(65)), "enclave signature: signature r is zero"),
        (3, (), "it is empty, expected a scheme first"),
        (3, (b"\x01", KEY, SIGNATURE), "evidence has 3 fields, expected 4"),
        (3, (b"\x01", KEY, SIGNATURE, NOTE, b""), "evidence has 5 fields, expected 4"),
        (3, (b"\x01", KEY[1:], SIGNATURE, NOTE), "sr25519 public key of 31 bytes, expected 32"),
        (3, (b"", b"\x07" * 32, SIGNATURE[1:], NOTE), "ed25519 signature of 63 bytes, expected 64"),
        (3, (b"\x02", b"\x02" * 32, bytes(65), NOTE), "ecdsa public key of 32 bytes, expected 33"),
        (3, (b"\x02", b"\x02" * 33, SIGNATURE, NOTE), "ecdsa signature of 64 bytes, expected 65"),
        (3, (b"\x01", KEY, SIGNATURE, b"x" * 201), "note of 201 bytes; at most 200 are allowed"),
        (3, (b"\x01", KEY, SIGNATURE, b"a\nvalid until: 9"), "note has byte 0x0a at position 1"),
        (3, (b"\x01", KEY, SIGNATURE, "PHÄ".encode()), "note has byte 0xc3 at position 2"),
        (3, (b"\x03", b"\x02", IDS, ()), "evidence has 4 fields, expected 5"),
        (3, (b"\x03", b"\x02", b"".join(IDS), (), NOTE), "signatories are a byte string"),
        (3, (b"\x03", b"\x02", (b"\x01",), (), NOTE), "signatory of 1 bytes, expected 32"),
        (3, (b"\x03", b"\x02", IDS, ((b"",),), NOTE), "multisig signature has 1 fields, expected 3"),
        (3, (b"\x03", b"", IDS, (), NOTE), "threshold 0 is not between 1 and its 3"),
        (3, (b"\x03", b"\x04", IDS, (), NOTE), "threshold 4 is not between 1 and its 3"),
        (3, (b"\x03", b"\x01", (), (), NOTE), "multisig of 0 signatories"),
        (3, (b"\x03", b"\x02", IDS * 34, (), NOTE), "102 signatories, at most 100"),
        (3, (b"\x03", b"\x02", IDS[::-1], (), NOTE), "is not above the one before it"),
        (3, (b"\x03", b"\x02", (IDS[0], *IDS), (), NOTE), "is not above the one before it"),
    ],
)
def test_evidence_of_another_shape(attester: Attester, kind: int, evidence: tuple[Evidence, ...], reason: str) -> None:
    assert reason in refused(attester, kind, *evidence)


def multisig_signature(call: Call, index: int, secret: Any, until: int) -> tuple[Evidence, ...]:
    text = account_text(account_statement_for(call, until, NOTE))
    return rlp.encode_uint(index), rlp.encode_uint(secret.scheme), sign_message(secret, text)


@pytest.mark.parametrize(
    ("indices", "reason"),
    [
        ((0,), "with threshold 2 has 1 signatures"),
        ((0, 1, 2), "with threshold 2 has 3 signatures"),
        ((1, 0), "index 0 is not above 1"),
        ((1, 1), "index 1 is not above 1"),
        ((1, 3), "index 3 is not above 1 and below 3"),
    ],
)
def test_signatures_of_a_multisig_in_another_number_or_order(
    attester: Attester, indices: tuple[int, ...], reason: str
) -> None:
    by_account = {account_of(secret): secret for secret in (ALICE, BOB, CAROL)}
    call, until = attester.call(), attester.valid_until()
    signatures = tuple(multisig_signature(call, index, by_account[IDS[min(index, 2)]], until) for index in indices)

    assert reason in refused(attester, 3, b"\x03", b"\x02", IDS, signatures, NOTE)


def test_a_multisig_signed_by_the_wrong_people(attester: Attester) -> None:
    call, until = attester.call(), attester.valid_until()
    honest = tuple(
        next(secret for secret in (ALICE, BOB, CAROL) if account_of(secret) == IDS[index]) for index in range(2)
    )
    signatures = [multisig_signature(call, index, secret, until) for index, secret in enumerate(honest)]
    stranger = sign_message(replace(honest[1], secret=b"\x99" * 32), b"anything")
    signatures[1] = (*signatures[1][:2], stranger)

    assert f"0x{IDS[1].hex()} does not match" in refused(attester, 3, b"\x03", b"\x02", IDS, tuple(signatures), NOTE)


@pytest.mark.parametrize(
    ("scheme", "key", "signature"),
    [
        (b"\x01", bytes(32), FORGED_IDENTITY),
        (b"", (1).to_bytes(32, "little"), (1).to_bytes(32, "little") + bytes(32)),
        (b"", (1 | 1 << 255).to_bytes(32, "little"), (1).to_bytes(32, "little") + bytes(32)),
        (b"", bytes(32), SIGNATURE),
        (b"", (FIELD_PRIME - 1).to_bytes(32, "little"), SIGNATURE),
        (b"", (FIELD_PRIME + 1).to_bytes(32, "little"), SIGNATURE),
        (b"", b"\xff" * 32, SIGNATURE),
    ],
)
def test_keys_that_anyone_can_sign_for(attester: Attester, scheme: bytes, key: bytes, signature: bytes) -> None:
    alone = refused(attester, 3, scheme, key, signature, NOTE)
    signatories = tuple(sorted((key, *IDS)))
    index = rlp.encode_uint(signatories.index(key))
    together = refused(attester, 3, b"\x03", b"\x01", signatories, ((index, scheme, signature),), NOTE)

    assert f"public key 0x{key.hex()} is refused, as anyone can sign for it" in alone
    assert f"public key 0x{key.hex()} is refused, as anyone can sign for it" in together


def test_oversized_evidence(attester: Attester) -> None:
    assert refused(attester, 1, bytes(16_385), b"{}") == "quote of 16385 bytes; at most 16384 are allowed"
    assert refused(attester, 1, b"", b" " * 65_537) == "collateral of 65537 bytes; at most 65536 are allowed"


def test_an_envelope_longer_than_the_pool_takes(attester: Attester) -> None:
    call = replace(attester.call(), data=bytes(131_072))

    message = attester.refusal(attester.sign(call, attester.account_signed(call)))

    assert message.startswith("oversized data: transaction size 131")


def test_the_longest_collateral_is_taken(attester: Attester) -> None:
    call = replace(attester.call(), gas_limit=3_000_000)
    attestation = attester.quoted(call)
    quote, collateral = attestation.evidence
    padded = replace(attestation, evidence=(quote, bytes(collateral).ljust(65_536)))

    assert attester.send(call, padded)["status"] == 1


MALFORMED_FIELDS = [
    (0, b"\0\x4f\x7e", "leading zero"),
    (1, b"\0", "leading zero"),
    (1, b"\x01" * 9, "integer of 9 bytes"),
    (2, b"\x01" * 33, "integer of 33 bytes"),
    (4, b"\x01" * 9, "integer of 9 bytes"),
    (5, b"", "byte string of 20 bytes, found 0"),
    (5, bytes(21), "byte string of 20 bytes, found 21"),
    (6, [], "found a list"),
    (7, [b""], "found a list"),
    (8, b"", "found a byte string"),
    (8, [[bytes(20), [bytes(31)]]], "byte string of 32 bytes"),
    (9, b"", "found a byte string"),
    (9, [b"\x03", b"\x01"], "list of 3 elements, found 2"),
    (9, [b"\x03", b"\x01", [], b""], "list of 3 elements, found 4"),
    (9, [b"\x03", b"\x01", b""], "found a byte string"),
    (9, [b"\x01" * 9, b"\x01", []], "integer of 9 bytes"),
    (9, [b"\x03", b"\0\x01", []], "leading zero"),
]


@pytest.mark.parametrize(("index", "item", "reason"), MALFORMED_FIELDS)
def test_fields_that_are_not_canonical(attester: Attester, index: int, item: Any, reason: str) -> None:
    call = attester.call()
    fields = fields_of(attester.sign(call, attester.account_signed(call)))

    fields[index] = item

    assert reason in attester.judged_refusal(signed_fields(attester, fields))


@pytest.mark.parametrize(
    ("index", "item", "reason"),
    [
        (Y_PARITY, b"\x02", "y parity is 2"),
        (Y_PARITY, b"\x01\x00", "integer of 2 bytes"),
        (R, b"", "signature r is zero"),
        (R, rlp.encode_uint(SECP256K1_ORDER), "signature r is zero or not below"),
        (S, b"", "signature s is zero"),
        (S, rlp.encode_uint(SECP256K1_ORDER - 1), "signature s is zero or above half"),
    ],
)
def test_signatures_out_of_range(attester: Attester, index: int, item: bytes, reason: str) -> None:
    call = attester.call()
    fields = fields_of(attester.sign(call, attester.account_signed(call)))

    fields[index] = item

    assert reason in attester.judged_refusal(b"\x54" + rlp.encode(fields))


def test_envelopes_that_are_not_exactly_one_canonical_list(attester: Attester) -> None:
    call = attester.call()
    raw = attester.sign(call, attester.account_signed(call))
    fields = fields_of(raw)
    payload = b"".join(rlp.encode(field) for field in fields)

    assert "trailing bytes after the item" in attester.judged_refusal(raw + b"\0")
    assert "trailing bytes after the item" in attester.judged_refusal(raw + raw)
    assert "elements, found 12" in attester.judged_refusal(b"\x54" + rlp.encode(fields[:-1]))
    assert "elements, found 14" in attester.judged_refusal(b"\x54" + rlp.encode([*fields, b""]))
    assert "leading zero byte" in attester.judged_refusal(b"\x54\xfa\0" + len(payload).to_bytes(2, "big") + payload)
    assert "are left" in attester.judged_refusal(raw[:-1])
    assert "the bytes end" in attester.judged_refusal(b"\x54")
    assert "found a byte string" in attester.judged_refusal(b"\x54\x80")
    assert "empty byte string" in attester.judged_refusal(b"")


def test_single_bytes_with_a_prefix(attester: Attester) -> None:
    call = replace(attester.call(), data=b"\x05")
    raw = attester.sign(call, attester.account_signed(call))
    fields = [rlp.encode(field) for field in fields_of(raw)]

    fields[7] = b"\x81\x05"

    assert "single byte below 0x80" in attester.judged_refusal(b"\x54" + rlp.encode_list(fields))


def test_evidence_nested_without_end(attester: Attester) -> None:
    call = attester.call()
    fields = fields_of(attester.sign(call, attester.account_signed(call)))
    nested: Any = []
    for _ in range(50):
        nested = [nested]
    shallow = replace(attester.account_signed(call), evidence=(nested,))

    fields[ATTESTATION] = b"\x03"
    bottomless = [rlp.encode(field) for field in fields]
    for _ in range(5_000):
        bottomless[ATTESTATION] = rlp.encode_list([bottomless[ATTESTATION]])

    assert "scheme is a list" in attester.judged_refusal(attester.sign(call, shallow))
    assert "nested deeper than 64" in attester.judged_refusal(b"\x54" + rlp.encode_list(bottomless))
