"""How a verified attestation is recorded.

The RLP list of its fields in the order of `IAttestationContext.Attestation`.
"""

from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol import rlp
from phal2.node.protocol.rlp import decode_uint, encode_uint, expect_bytes, expect_list


def encode_attestation(verified: VerifiedAttestation) -> bytes:
    """Return the record."""
    return rlp.encode(
        [
            encode_uint(verified.kind),
            encode_uint(verified.tcb_status),
            encode_uint(verified.valid_until),
            verified.sender,
            verified.to,
            verified.subject,
            verified.workload,
            verified.evidence_hash,
            verified.data_hash,
            encode_uint(verified.value),
            verified.image,
            verified.root_ca,
            encode_uint(verified.tcb_evaluation_number),
            encode_uint(verified.simulated),
        ]
    )


def decode_attestation(record: bytes) -> VerifiedAttestation:
    """Read a record."""
    fields = expect_list(rlp.decode(record), 14)
    return VerifiedAttestation(
        kind=decode_uint(fields[0]),
        tcb_status=decode_uint(fields[1]),
        valid_until=decode_uint(fields[2]),
        sender=expect_bytes(fields[3]),
        to=expect_bytes(fields[4]),
        subject=expect_bytes(fields[5]),
        workload=expect_bytes(fields[6]),
        evidence_hash=expect_bytes(fields[7]),
        data_hash=expect_bytes(fields[8]),
        value=decode_uint(fields[9]),
        image=expect_bytes(fields[10]),
        root_ca=expect_bytes(fields[11]),
        tcb_evaluation_number=decode_uint(fields[12]),
        simulated=decode_uint(fields[13]) == 1,
    )
