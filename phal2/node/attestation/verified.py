"""What a verified attestation proves: the words that `AttestationContext` shows to contracts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VerifiedAttestation:
    """The fields of `IAttestationContext.Attestation`, in the struct's order. Hashes have 32 bytes, addresses 20."""

    kind: int
    tcb_status: int
    valid_until: int
    sender: bytes
    to: bytes
    subject: bytes
    workload: bytes
    evidence_hash: bytes
    data_hash: bytes
    value: int
    image: bytes
    root_ca: bytes
    tcb_evaluation_number: int
    simulated: bool


def context_words(verified: VerifiedAttestation) -> tuple[bytes, ...]:
    """Return the values of the context's transient slots 0 to 13: 32 bytes each, right-aligned as the ABI has them."""
    fields = (
        verified.kind,
        verified.tcb_status,
        verified.valid_until,
        verified.sender,
        verified.to,
        verified.subject,
        verified.workload,
        verified.evidence_hash,
        verified.data_hash,
        verified.value,
        verified.image,
        verified.root_ca,
        verified.tcb_evaluation_number,
        verified.simulated,
    )
    return tuple(
        field.rjust(32, b"\0") if isinstance(field, bytes) else int(field).to_bytes(32, "big") for field in fields
    )
