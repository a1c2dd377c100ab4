"""Attestations as JSON-RPC shows and takes them: quantities and data as 0x hex, evidence as nested lists."""

import re
from typing import Any, Final

from phal2.node.attestation.errors import MalformedAttestationObject
from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.transactions import Attestation, Evidence

MAXIMUM_EVIDENCE_DEPTH: Final = 4
_MAXIMUM_UINT64: Final = 2**64 - 1
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,16}")
_DATA: Final = re.compile(r"0x([0-9a-fA-F]{2})*")


def attestation_object(attestation: Attestation, verified: VerifiedAttestation) -> dict[str, Any]:
    """Return {kind, validUntil, subject, workload, image, tcbStatus, simulated, evidence} of a verified attestation."""
    return {
        "kind": hex(attestation.kind),
        "validUntil": hex(attestation.valid_until),
        "subject": "0x" + verified.subject.hex(),
        "workload": "0x" + verified.workload.hex(),
        "image": "0x" + verified.image.hex(),
        "tcbStatus": hex(verified.tcb_status),
        "simulated": verified.simulated,
        "evidence": evidence_as_hex(attestation.evidence),
    }


def evidence_as_hex(evidence: Evidence) -> Any:
    """Return evidence with 0x hex for byte strings and lists for lists."""
    if isinstance(evidence, bytes):
        return "0x" + evidence.hex()
    return [evidence_as_hex(element) for element in evidence]


def parse_attestation_object(value: Any) -> Attestation:
    """Read {kind, validUntil, evidence}, as `eth_call` takes it; further keys are left alone.

    Quantities may also be JSON integers. Raise `MalformedAttestationObject`.
    """
    if not isinstance(value, dict):
        raise MalformedAttestationObject("it is not an object")
    evidence = value.get("evidence")
    if not isinstance(evidence, list):
        raise MalformedAttestationObject("evidence is not a list")
    return Attestation(
        kind=_quantity(value, "kind"),
        valid_until=_quantity(value, "validUntil"),
        evidence=tuple(_evidence(element, 1) for element in evidence),
    )


def _evidence(value: Any, depth: int) -> Evidence:
    if isinstance(value, str):
        if not _DATA.fullmatch(value):
            raise MalformedAttestationObject(f"evidence has {value[:40]!r} where 0x hex data belongs")
        return bytes.fromhex(value[2:])
    if not isinstance(value, list):
        raise MalformedAttestationObject("an element of evidence is neither a list nor 0x hex")
    if depth == MAXIMUM_EVIDENCE_DEPTH:
        raise MalformedAttestationObject(f"evidence is nested deeper than {MAXIMUM_EVIDENCE_DEPTH}")
    return tuple(_evidence(element, depth + 1) for element in value)


def _quantity(fields: dict[str, Any], key: str) -> int:
    value = fields.get(key)
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAXIMUM_UINT64:
        return value
    raise MalformedAttestationObject(f"{key} is not a quantity of at most 64 bits")
