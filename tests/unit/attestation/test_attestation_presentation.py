"""The words of AttestationContext, and attestations as JSON."""

import json

import pytest
from attested_calls import (
    CALL,
    SECRETS,
    SENDER,
    VALID_UNTIL,
    account_signed,
    enclave_signed,
    multisig_signed,
    quote_of,
    registry_view,
    simulated_quote,
    verify,
)

from phal2.devnet.tee.simulator import SimulatedPlatform
from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.errors import MalformedAttestationObject
from phal2.node.attestation.presentation import attestation_object, parse_attestation_object
from phal2.node.attestation.verified import context_words

EXAMPLES = [
    quote_of(simulated_quote(platform=SimulatedPlatform(bind_configuration=True))),
    enclave_signed(),
    account_signed(),
    multisig_signed(2, [account_of(secret) for secret in SECRETS], list(SECRETS[:2])),
]


def test_context_words_follow_the_struct():
    verified = verify(EXAMPLES[0])

    words = context_words(verified)

    assert len(words) == 14
    assert all(len(word) == 32 for word in words)
    assert [int.from_bytes(words[slot], "big") for slot in (0, 1, 2, 9, 12, 13)] == [
        1,
        0,
        VALID_UNTIL,
        CALL.value,
        20,
        1,
    ]
    assert words[3:5] == (bytes(12) + SENDER, bytes(12) + CALL.to)
    assert words[5:9] == (verified.subject, verified.workload, verified.evidence_hash, verified.data_hash)
    assert words[10:12] == (verified.image, verified.root_ca)


@pytest.mark.parametrize("attestation", EXAMPLES, ids=lambda attestation: f"kind {attestation.kind}")
def test_objects_survive_the_way_through_json(attestation):
    verified = verify(attestation, view=registry_view())

    shown = json.loads(json.dumps(attestation_object(attestation, verified)))

    assert shown["kind"] == hex(attestation.kind)
    assert shown["validUntil"] == hex(VALID_UNTIL)
    assert shown["subject"] == "0x" + verified.subject.hex()
    assert shown["workload"] == "0x" + verified.workload.hex()
    assert shown["image"] == "0x" + verified.image.hex()
    assert shown["tcbStatus"] == "0x0"
    assert shown["simulated"] is verified.simulated
    assert parse_attestation_object(shown) == attestation


def test_integers_are_taken_as_quantities():
    parsed = parse_attestation_object({"kind": 3, "validUntil": 99, "evidence": ["0x", ["0x01", []]]})

    assert (parsed.kind, parsed.valid_until, parsed.evidence) == (3, 99, (b"", (b"\x01", ())))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "0x",
        {},
        {"kind": 1, "validUntil": 1},
        {"kind": 1, "validUntil": 1, "evidence": "0x00"},
        {"kind": True, "validUntil": 1, "evidence": []},
        {"kind": -1, "validUntil": 1, "evidence": []},
        {"kind": "1", "validUntil": 1, "evidence": []},
        {"kind": "0x", "validUntil": 1, "evidence": []},
        {"kind": "0x1_0", "validUntil": 1, "evidence": []},
        {"kind": 1, "validUntil": 2**64, "evidence": []},
        {"kind": 1, "validUntil": "0x10000000000000000", "evidence": []},
        {"kind": 1, "validUntil": 1.5, "evidence": []},
        {"kind": 1, "validUntil": 1, "evidence": ["00"]},
        {"kind": 1, "validUntil": 1, "evidence": ["0x0"]},
        {"kind": 1, "validUntil": 1, "evidence": ["0x 00"]},
        {"kind": 1, "validUntil": 1, "evidence": ["0xzz"]},
        {"kind": 1, "validUntil": 1, "evidence": [1]},
        {"kind": 1, "validUntil": 1, "evidence": [[[[[]]]]]},
    ],
)
def test_other_objects_are_refused(value):
    with pytest.raises(MalformedAttestationObject):
        parse_attestation_object(value)
