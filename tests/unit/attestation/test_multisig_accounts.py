"""Kind 3 by accounts of pallet-multisig."""

import pytest
from attested_calls import (
    ECDSA_SECRET,
    ED25519_SECRET,
    NOTE,
    SECRETS,
    SR25519_SECRET,
    multisig_signed,
    verify,
    with_evidence,
)

from phal2.bridge.migration.ss58 import encode_address
from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.errors import (
    AccountSignatureInvalid,
    ForgeableKey,
    MalformedEvidence,
    MultisigInvalid,
    UnknownScheme,
)
from phal2.node.attestation.multisig import multisig_account
from phal2.node.protocol.keccak import keccak256

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
BOB = bytes.fromhex("8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48")
CHARLIE = bytes.fromhex("90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22")

SIGNATORIES = [account_of(secret) for secret in SECRETS]
PAIR = [SR25519_SECRET, ECDSA_SECRET]


def test_derives_the_published_account_of_alice_bob_and_charlie():
    account = multisig_account(2, tuple(sorted((ALICE, BOB, CHARLIE))))

    assert encode_address(account, prefix=42) == "5DjYJStmdZ2rcqXbXGX7TW85JsrW6uG4y9MUcLq2BoPMpRA7"


@pytest.mark.parametrize("wrap_in_bytes", [False, True], ids=["bare", "wrapped"])
@pytest.mark.parametrize(
    "signers",
    [PAIR, [ED25519_SECRET, ECDSA_SECRET], [SR25519_SECRET, ED25519_SECRET]],
    ids=["sr25519+ecdsa", "ed25519+ecdsa", "sr25519+ed25519"],
)
def test_two_of_three_prove_the_account(signers, wrap_in_bytes):
    verified = verify(multisig_signed(2, SIGNATORIES, signers, wrap_in_bytes=wrap_in_bytes))

    assert verified.subject == multisig_account(2, tuple(sorted(SIGNATORIES)))
    assert verified.workload == keccak256(NOTE)


def test_each_signatory_chooses_bare_or_wrapped():
    bare = multisig_signed(2, SIGNATORIES, PAIR)
    in_bytes = multisig_signed(2, SIGNATORIES, PAIR, wrap_in_bytes=True)
    mixed = (bare.evidence[3][0], in_bytes.evidence[3][1])

    assert verify(with_evidence(bare, *bare.evidence[:3], mixed, bare.evidence[4])).kind == 3


@pytest.mark.parametrize("count", [1, 63, 64, 100])
def test_up_to_100_signatories(count):
    signatories = [account_of(SR25519_SECRET), *(bytes([2, index]) * 16 for index in range(1, count))]

    assert verify(multisig_signed(1, signatories, [SR25519_SECRET])).kind == 3


def test_more_than_100_signatories_are_refused():
    signatories = [bytes([2, index]) * 16 for index in range(101)]

    with pytest.raises(MultisigInvalid, match="101"):
        multisig_account(1, tuple(signatories))
    with pytest.raises(MalformedEvidence, match="101"):
        verify(multisig_signed(1, [account_of(SR25519_SECRET), *signatories[:100]], [SR25519_SECRET]))


@pytest.mark.parametrize(("threshold", "count"), [(0, 0), (4, 3), (1, 0)])
def test_threshold_is_between_one_and_the_number_of_signatories(threshold, count):
    attestation = multisig_signed(2, SIGNATORIES, PAIR)
    scheme, _, signatories, signatures, note = attestation.evidence
    encoded = bytes([threshold]) if threshold else b""

    with pytest.raises(MultisigInvalid):
        verify(with_evidence(attestation, scheme, encoded, signatories[:count], signatures, note))


def test_threshold_is_part_of_the_account():
    ordered = tuple(sorted(SIGNATORIES))

    assert multisig_account(1, ordered) != multisig_account(2, ordered)


def test_signatories_strictly_ascend():
    attestation = multisig_signed(2, SIGNATORIES, PAIR)
    scheme, threshold, signatories, signatures, note = attestation.evidence

    for wrong in (signatories[::-1], (signatories[0], *signatories), (signatories[0], signatories[0], signatories[2])):
        with pytest.raises(MultisigInvalid, match="above"):
            verify(with_evidence(attestation, scheme, threshold, wrong, signatures, note))


def test_exactly_threshold_signatures():
    attestation = multisig_signed(2, SIGNATORIES, PAIR)
    everyone = multisig_signed(3, SIGNATORIES, list(SECRETS)).evidence[3]
    scheme, threshold, signatories, signatures, note = attestation.evidence

    for wrong in ((), signatures[:1], everyone):
        with pytest.raises(MultisigInvalid, match="signatures"):
            verify(with_evidence(attestation, scheme, threshold, signatories, wrong, note))


def test_indices_strictly_ascend():
    attestation = multisig_signed(2, SIGNATORIES, PAIR)
    scheme, threshold, signatories, signatures, note = attestation.evidence
    repeated = (signatures[0], signatures[0])

    for wrong in (signatures[::-1], repeated):
        with pytest.raises(MultisigInvalid, match="index"):
            verify(with_evidence(attestation, scheme, threshold, signatories, wrong, note))


def test_indices_name_signatories():
    attestation = multisig_signed(2, SIGNATORIES, PAIR)
    scheme, threshold, signatories, signatures, note = attestation.evidence
    beyond = (signatures[0], (b"\x03", *signatures[1][1:]))

    with pytest.raises(MultisigInvalid, match="index 3"):
        verify(with_evidence(attestation, scheme, threshold, signatories, beyond, note))


def test_a_signature_is_its_signatorys():
    attestation = multisig_signed(2, SIGNATORIES, PAIR)
    scheme, threshold, signatories, signatures, note = attestation.evidence
    first, second = signatures
    unsigned = ({0, 1, 2} - {first[0][0] if first[0] else 0, second[0][0] if second[0] else 0}).pop()
    moved = sorted([(bytes([unsigned]) if unsigned else b"", *first[1:]), second])

    with pytest.raises(AccountSignatureInvalid):
        verify(with_evidence(attestation, scheme, threshold, signatories, tuple(moved), note))


@pytest.mark.parametrize("inner_scheme", [3, 4, 200])
def test_signatories_sign_with_a_scheme_that_has_keys(inner_scheme):
    attestation = multisig_signed(2, SIGNATORIES, PAIR)
    scheme, threshold, signatories, signatures, note = attestation.evidence
    wrong = ((signatures[0][0], bytes([inner_scheme]), signatures[0][2]), signatures[1])

    with pytest.raises(UnknownScheme):
        verify(with_evidence(attestation, scheme, threshold, signatories, wrong, note))


def test_another_threshold_or_signatory_gives_another_account():
    attestation = multisig_signed(1, SIGNATORIES, [SR25519_SECRET])
    others = multisig_signed(1, [*SIGNATORIES, ALICE], [SR25519_SECRET])

    assert verify(attestation).subject != verify(others).subject


def test_the_builder_refuses_a_stranger():
    with pytest.raises(MultisigInvalid, match="not among"):
        multisig_signed(1, [ALICE, BOB], [SR25519_SECRET])


def test_forgeable_signatories_are_refused():
    with pytest.raises(ForgeableKey):
        verify(multisig_signed(1, [*SIGNATORIES, bytes(32)], [SR25519_SECRET]))
