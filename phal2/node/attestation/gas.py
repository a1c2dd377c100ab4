"""What an attestation costs, beside the gas of a type 2 transaction (docs/attested-transactions.md)."""

from typing import Final

from phal2.node.attestation.evidence import (
    ENCLAVE_KEY,
    QUOTE,
    MultisigEvidence,
    read_evidence,
)
from phal2.node.protocol import rlp
from phal2.node.protocol.transactions import Attestation

GAS_PER_EVIDENCE_BYTE: Final = 16
GAS_PER_QUOTE: Final = 200_000
GAS_PER_ENCLAVE_SIGNATURE: Final = 12_000
GAS_PER_ACCOUNT_SIGNATURE: Final = 20_000


def attestation_gas(attestation: Attestation) -> int:
    """Return the gas that is added to a transaction's intrinsic gas and to its EIP-7623 floor.

    Only the evidence's shape matters; raise an `InvalidAttestation` where it is not what the kind prescribes.
    """
    evidence = read_evidence(attestation)
    size_gas = GAS_PER_EVIDENCE_BYTE * len(rlp.encode(attestation.evidence))
    if attestation.kind == QUOTE:
        return size_gas + GAS_PER_QUOTE
    if attestation.kind == ENCLAVE_KEY:
        return size_gas + GAS_PER_ENCLAVE_SIGNATURE
    signatures = len(evidence.signatures) if isinstance(evidence, MultisigEvidence) else 1
    return size_gas + GAS_PER_ACCOUNT_SIGNATURE * signatures
