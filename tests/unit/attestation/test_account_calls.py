"""Kind 3: a call to which a Substrate account consents."""

from dataclasses import replace

import pytest
from attested_calls import (
    CALL,
    ECDSA_SECRET,
    ED25519_SECRET,
    NOTE,
    NOW,
    SECRETS,
    SENDER,
    SR25519_SECRET,
    VALID_UNTIL,
    MemoryView,
    account_signed,
    enclave_signed,
    verify,
    with_evidence,
)
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.account_text import AccountStatement, account_text, wrapped
from phal2.node.attestation.errors import (
    AccountSignatureInvalid,
    AttestationExpired,
    AttestationTooDistant,
    InvalidAttestation,
    KindNotAllowed,
    MalformedEvidence,
    NoteInvalid,
    UnknownScheme,
)
from phal2.node.attestation.verification import verify_account_statement
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import SECP256K1_ORDER

NAMES = {SR25519_SECRET: "sr25519", ED25519_SECRET: "ed25519", ECDSA_SECRET: "ecdsa"}
every_scheme = pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: NAMES[secret])


def test_the_text_is_what_a_person_reads():
    text = account_text(
        AccountStatement(20350, bytes.fromhex("de709f2102306220921060314715629080e2fb77"), b"", 99, b"x")
    )

    assert text.decode() == (
        "Phala account statement\n"
        "chain: 20350\n"
        "contract: 0xde709f2102306220921060314715629080e2fb77\n"
        "call: 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470\n"
        "valid until: 99\n"
        "note: x"
    )
    assert wrapped(text) == b"<Bytes>" + text + b"</Bytes>"


@every_scheme
@pytest.mark.parametrize("wrap_in_bytes", [False, True], ids=["bare", "wrapped"])
def test_proves_the_account(secret, wrap_in_bytes):
    verified = verify(account_signed(secret, wrap_in_bytes=wrap_in_bytes))

    assert verified.kind == 3
    assert verified.subject == account_of(secret)
    assert verified.workload == keccak256(NOTE)
    assert (verified.image, verified.root_ca) == (bytes(32), bytes(32))
    assert (verified.tcb_status, verified.tcb_evaluation_number, verified.simulated) == (0, 0, False)
    assert (verified.sender, verified.to, verified.value) == (SENDER, CALL.to, CALL.value)


def test_anyone_may_relay_it_with_any_nonce_and_value():
    call = replace(CALL, nonce=99, value=0)

    verified = verify(account_signed(), call=call, sender_key=b"\x12" * 32)

    assert verified.subject == account_of(SR25519_SECRET)
    assert verified.value == 0


@every_scheme
@pytest.mark.parametrize(
    "change",
    [{"chain_id": 1}, {"to": b"\x01" * 20}, {"data": b""}],
    ids=lambda change: next(iter(change)),
)
def test_does_not_cover_another_call(secret, change):
    with pytest.raises(AccountSignatureInvalid, match=NAMES[secret]):
        verify(account_signed(secret), call=replace(CALL, **change))


@every_scheme
def test_does_not_cover_another_note_or_validity(secret):
    attestation = account_signed(secret)
    *evidence, _ = attestation.evidence

    with pytest.raises(AccountSignatureInvalid):
        verify(with_evidence(attestation, *evidence, b"send PHA elsewhere"))
    with pytest.raises(AccountSignatureInvalid):
        verify(replace(attestation, valid_until=VALID_UNTIL + 1))


@every_scheme
@given(data=st.data())
def test_every_byte_of_key_and_signature_counts(secret, data):
    attestation = account_signed(secret)
    scheme, key, signature, note = attestation.evidence
    position = data.draw(st.integers(0, len(key) + len(signature) - 1))
    changed = bytearray(key + signature)
    changed[position] ^= data.draw(st.integers(1, 255))

    evidence = (scheme, bytes(changed[: len(key)]), bytes(changed[len(key) :]), note)

    with pytest.raises(InvalidAttestation):
        verify(with_evidence(attestation, *evidence))


@every_scheme
@pytest.mark.parametrize("surplus", [-1, 1])
def test_keys_and_signatures_have_one_length(secret, surplus):
    attestation = account_signed(secret)
    scheme, key, signature, note = attestation.evidence

    def resized(data):
        return data[:-1] if surplus < 0 else data + b"\0"

    with pytest.raises(MalformedEvidence, match="public key"):
        verify(with_evidence(attestation, scheme, resized(key), signature, note))
    with pytest.raises(MalformedEvidence, match="signature"):
        verify(with_evidence(attestation, scheme, key, resized(signature), note))


def test_ecdsa_refuses_a_high_s():
    attestation = account_signed(ECDSA_SECRET)
    scheme, key, signature, note = attestation.evidence
    s = SECP256K1_ORDER - int.from_bytes(signature[32:64], "big")
    malleated = signature[:32] + s.to_bytes(32, "big") + bytes([1 - signature[64]])

    with pytest.raises(AccountSignatureInvalid):
        verify(with_evidence(attestation, scheme, key, malleated, note))


@pytest.mark.parametrize("recovery", [27, 28, 2, 3])
def test_ecdsa_refuses_recovery_ids_other_than_0_and_1(recovery):
    attestation = account_signed(ECDSA_SECRET)
    scheme, key, signature, note = attestation.evidence

    with pytest.raises(AccountSignatureInvalid):
        verify(with_evidence(attestation, scheme, key, signature[:64] + bytes([recovery]), note))


def test_a_signature_of_another_scheme_is_refused():
    attestation = account_signed(SR25519_SECRET)
    _, key, signature, note = attestation.evidence

    with pytest.raises(AccountSignatureInvalid):
        verify(with_evidence(attestation, b"", key, signature, note))


@pytest.mark.parametrize("scheme", [4, 255, 2**32])
def test_unknown_schemes_are_refused(scheme):
    attestation = account_signed()
    _, *rest = attestation.evidence
    encoded = scheme.to_bytes((scheme.bit_length() + 7) // 8, "big")

    with pytest.raises(UnknownScheme, match=str(scheme)):
        verify(with_evidence(attestation, encoded, *rest))


@pytest.mark.parametrize(("offset", "error"), [(-1, AttestationExpired), (2_592_001, AttestationTooDistant)])
def test_validity_outside_of_the_window_is_refused(offset, error):
    with pytest.raises(error):
        verify(account_signed(valid_until=NOW + offset))


@pytest.mark.parametrize("offset", [0, 2_592_000])
def test_validity_at_the_edges_of_the_window_holds(offset):
    assert verify(account_signed(valid_until=NOW + offset)).kind == 3


@pytest.mark.parametrize("note", [b"", b" ", b"~" * 200])
def test_printable_notes_of_at_most_200_bytes_are_accepted(note):
    assert verify(account_signed(note=note)).workload == keccak256(note)


@pytest.mark.parametrize("note", [b"a" * 201, b"line\nbreak", b"tab\t", b"\x7f", "é".encode(), b"\x00"])
def test_other_notes_are_refused(note):
    attestation = account_signed()
    *evidence, _ = attestation.evidence

    with pytest.raises(NoteInvalid):
        verify(with_evidence(attestation, *evidence, note))


def test_a_statement_outside_of_an_envelope_is_verified_the_same_way():
    attestation = account_signed()

    verified = verify_account_statement(CALL.chain_id, CALL.to, CALL.data, attestation, NOW, SENDER, CALL.value)

    assert verified == verify(attestation)
    with pytest.raises(AttestationExpired):
        verify_account_statement(CALL.chain_id, CALL.to, CALL.data, attestation, VALID_UNTIL + 1, SENDER, 0)
    with pytest.raises(KindNotAllowed):
        verify_account_statement(CALL.chain_id, CALL.to, CALL.data, enclave_signed(), NOW, SENDER, 0)


def test_the_policy_does_not_matter():
    class NoView(MemoryView):
        def policy(self):
            raise AssertionError("an account's statement does not depend on the policy")

    assert verify(account_signed(), view=NoView()).kind == 3
