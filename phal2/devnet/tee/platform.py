"""The simulated processor: its security version numbers, and how they stand in the PCK certificate.

Sources: Intel SGX PCK Certificate and Certificate Revocation List Profile Specification, section 1.3.5; Intel TDX
module's TEE_TCB_SVN.
"""

from hashlib import sha256
from typing import Final

from phal2.devnet.tee import der

FMSPC: Final = b"\x00phal2"
PCE_ID: Final = b"\x00\x00"
PCE_SVN: Final = 13
CPU_SVN: Final = bytes([3, 3, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0])

TDX_MODULE_SVN: Final = 6
TDX_MODULE_VERSION: Final = 1
TEE_TCB_SVN: Final = bytes([TDX_MODULE_SVN, TDX_MODULE_VERSION, 3, *bytes(13)])

_SGX_EXTENSIONS: Final = "1.2.840.113741.1.13.1"
_SGX_TYPE_SCALABLE: Final = 1


def pck_extension() -> bytes:
    """Return the value of the PCK certificate's SGX extension as DER."""
    return der.sequence(
        _entry("1", der.octet_string(sha256(b"phal2 TEE simulator: platform").digest()[:16])),
        _entry("2", _tcb()),
        _entry("3", der.octet_string(PCE_ID)),
        _entry("4", der.octet_string(FMSPC)),
        _entry("5", der.enumerated(_SGX_TYPE_SCALABLE)),
        _entry("6", der.octet_string(sha256(b"phal2 TEE simulator: platform instance").digest()[:16])),
        _entry("7", _configuration()),
    )


def _tcb() -> bytes:
    components = [_entry(f"2.{number}", der.integer(svn)) for number, svn in enumerate(CPU_SVN, start=1)]
    return der.sequence(*components, _entry("2.17", der.integer(PCE_SVN)), _entry("2.18", der.octet_string(CPU_SVN)))


def _configuration() -> bytes:
    """Dynamic platform, cached keys and simultaneous multithreading, all on as on TDX servers."""
    return der.sequence(*(_entry(f"7.{number}", der.boolean(True)) for number in (1, 2, 3)))


def _entry(arcs: str, value: bytes) -> bytes:
    return der.sequence(der.object_identifier(f"{_SGX_EXTENSIONS}.{arcs}"), value)
