"""The simulated quoting enclave: its report, and what it appends to the reports that it signs.

Source: Intel SGX and TDX DCAP Quoting Library API, "Quote Signature Data Structure".
"""

from functools import cache
from hashlib import sha256
from typing import Final

from phal2.devnet.tee.certificates import PCK, PCK_CA, ROOT_CA, chain_pem
from phal2.devnet.tee.keys import public_point, sign
from phal2.devnet.tee.platform import CPU_SVN
from phal2.node.attestation.quotes import SGX, TDX

MR_SIGNER: Final = sha256(b"phal2 TEE simulator: quoting enclave's signer").digest()
ISV_SVN: Final = 8
PRODUCT_IDS: Final = {SGX: 1, TDX: 2}
ATTRIBUTES: Final = bytes.fromhex("1500000000000000e700000000000000")
VENDOR_ID: Final = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
"""Intel's quoting enclave; verifiers accept no other."""

_ATTESTATION_KEY: Final = "attestation key"
_AUTHENTICATION_DATA: Final = bytes(range(32))
_PCK_CERTIFICATE_CHAIN: Final = 5
_QE_REPORT_CERTIFICATION: Final = 6


def enclave_report(  # one parameter for each field that differs between the simulator's enclaves
    mr_enclave: bytes, mr_signer: bytes, attributes: bytes, product_id: int, svn: int, report_data: bytes
) -> bytes:
    """Return the 384 bytes of an SGX enclave's report."""
    return b"".join(
        (
            CPU_SVN,
            bytes(32),
            attributes,
            mr_enclave,
            bytes(32),
            mr_signer,
            bytes(96),
            product_id.to_bytes(2, "little"),
            svn.to_bytes(2, "little"),
            bytes(60),
            report_data,
        )
    )


def signature_data(tee: str, signed: bytes) -> bytes:
    """Return the signature data, with its length in front, for a quote's header and body."""
    certification = _qe_report_certification(tee)
    if tee == TDX:
        certification = _certification_data(_QE_REPORT_CERTIFICATION, certification)
    data = sign(_ATTESTATION_KEY, signed) + public_point(_ATTESTATION_KEY) + certification
    return len(data).to_bytes(4, "little") + data


@cache
def _qe_report_certification(tee: str) -> bytes:
    key_hash = sha256(public_point(_ATTESTATION_KEY) + _AUTHENTICATION_DATA).digest()
    report = enclave_report(
        mr_enclave=sha256(f"phal2 TEE simulator: {tee} quoting enclave".encode()).digest(),
        mr_signer=MR_SIGNER,
        attributes=ATTRIBUTES,
        product_id=PRODUCT_IDS[tee],
        svn=ISV_SVN,
        report_data=key_hash.ljust(64, b"\0"),
    )
    chain = chain_pem(PCK, PCK_CA, ROOT_CA).encode("ascii")
    return b"".join(
        (
            report,
            sign(PCK, report),
            len(_AUTHENTICATION_DATA).to_bytes(2, "little"),
            _AUTHENTICATION_DATA,
            _certification_data(_PCK_CERTIFICATE_CHAIN, chain),
        )
    )


def _certification_data(certification_type: int, data: bytes) -> bytes:
    return certification_type.to_bytes(2, "little") + len(data).to_bytes(4, "little") + data
