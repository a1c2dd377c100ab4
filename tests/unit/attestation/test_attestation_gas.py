"""What attestations cost."""

from attested_calls import (
    SECRETS,
    account_signed,
    enclave_signed,
    multisig_signed,
    quote_of,
    simulated_quote,
    with_evidence,
)

from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.gas import attestation_gas
from phal2.node.protocol import rlp

SIGNATORIES = [account_of(secret) for secret in SECRETS]


def size_gas(attestation):
    return 16 * len(rlp.encode(attestation.evidence))


def test_each_kind_has_its_price():
    for attestation, price in (
        (quote_of(simulated_quote()), 200_000),
        (enclave_signed(), 12_000),
        (account_signed(), 20_000),
        (multisig_signed(1, SIGNATORIES, list(SECRETS[:1])), 20_000),
        (multisig_signed(3, SIGNATORIES, list(SECRETS)), 60_000),
    ):
        assert attestation_gas(attestation) == size_gas(attestation) + price


def test_gas_is_known_before_anything_is_verified():
    attestation = with_evidence(quote_of(simulated_quote()), b"no quote", b"no collateral")

    assert attestation_gas(attestation) == 200_000 + 16 * (1 + 9 + 14)
