"""Quotes from the simulated TEE: what a program in a TD (or SGX enclave) would get from real hardware."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from phal2.devnet.tee import quoting_enclave
from phal2.devnet.tee.certificates import LAST_SECOND
from phal2.devnet.tee.collateral import TcbState, make_collateral
from phal2.devnet.tee.measurements import Measurements, measure
from phal2.devnet.tee.platform import TEE_TCB_SVN
from phal2.node.attestation.quotes import SGX, TDX, parse_exact_quote
from phal2.node.attestation.statement import REPORT_DATA_LENGTH
from phal2.node.attestation.tcb import TCB_STATUSES
from phal2.node.protocol.errors import Phal2Error

_LONGEST_VALIDITY: Final = 32 * 86_400
_ECDSA_P256: Final = 2
_TEE_TYPES: Final = {SGX: 0x00, TDX: 0x81}
_QUOTE_VERSIONS: Final = {SGX: 3, TDX: 4}
_SEPT_VE_DISABLE: Final = 1 << 28
_TD_DEBUG: Final = 1
_XFAM: Final = bytes.fromhex("e702060000000000")
_ENCLAVE_ATTRIBUTES: Final = bytes.fromhex("0500000000000000e700000000000000")
_ENCLAVE_DEBUG_ATTRIBUTES: Final = bytes.fromhex("0700000000000000e700000000000000")


class SimulatorError(Phal2Error):
    """A request that the simulator cannot serve."""


@dataclass(frozen=True, slots=True)
class SimulatedPlatform:
    """The machine to simulate: TEE "TDX" or "SGX", debug mode, and what the collateral says of its TCB.

    `bind_configuration` has the TD's mr_config_id name its compose document (see `measure`).
    """

    tee: str = TDX
    debug: bool = False
    bind_configuration: bool = False
    tcb: TcbState = field(default_factory=TcbState)


@dataclass(frozen=True, slots=True)
class SimulatedQuote:
    """A raw quote, its collateral as dcap-qvl takes it, and the workload's 32-byte hash."""

    quote: bytes
    collateral: dict[str, str]
    workload: bytes

    @property
    def collateral_json(self) -> bytes:
        """The collateral as the JSON bytes that evidence holds."""
        return json.dumps(self.collateral, separators=(",", ":")).encode()


STANDARD_PLATFORM: Final = SimulatedPlatform()
"""An up-to-date TDX machine."""


def simulate_quote(
    report_data: bytes, workload: str, timestamp: int, platform: SimulatedPlatform = STANDARD_PLATFORM
) -> SimulatedQuote:
    """Return a quote of the workload with this name over 64 bytes of report data, with collateral for the Unix time.

    The same arguments give the same bytes. Raise `SimulatorError` where the report data has another length, the time
    is outside of 1970 to 2099, or the TCB status is unknown.
    """
    _check_request(report_data, timestamp, platform)
    if platform.tee == TDX:
        measurements = measure(workload, bind_configuration=platform.bind_configuration)
        body = _td_report(measurements, report_data, debug=platform.debug)
    else:
        body = _enclave_report(workload, report_data, debug=platform.debug)
    signed = _header(platform.tee) + body
    quote = signed + quoting_enclave.signature_data(platform.tee, signed)
    collateral = make_collateral(platform.tee, timestamp, platform.tcb)
    return SimulatedQuote(quote, collateral, parse_exact_quote(quote).workload)


def _check_request(report_data: bytes, timestamp: int, platform: SimulatedPlatform) -> None:
    if len(report_data) != REPORT_DATA_LENGTH:
        raise SimulatorError(f"report data of {len(report_data)} bytes, expected {REPORT_DATA_LENGTH}")
    if not 0 <= timestamp <= LAST_SECOND - _LONGEST_VALIDITY:
        raise SimulatorError(f"time {timestamp} is not simulated; expected 0 to {LAST_SECOND - _LONGEST_VALIDITY}")
    if platform.tee not in _TEE_TYPES:
        raise SimulatorError(f"TEE {platform.tee!r} is not simulated; expected {TDX} or {SGX}")
    if platform.tcb.status not in (*TCB_STATUSES, "Revoked"):
        raise SimulatorError(
            f"TCB status {platform.tcb.status!r} is unknown; expected one of {', '.join(TCB_STATUSES)}"
        )


def _header(tee: str) -> bytes:
    quoting_enclave_id = sha256(f"phal2 TEE simulator: {tee} quoting enclave's id".encode()).digest()[:16]
    return b"".join(
        (
            _QUOTE_VERSIONS[tee].to_bytes(2, "little"),
            _ECDSA_P256.to_bytes(2, "little"),
            _TEE_TYPES[tee].to_bytes(4, "little"),
            bytes(4),
            quoting_enclave.VENDOR_ID,
            quoting_enclave_id,
            bytes(4),
        )
    )


def _td_report(measurements: Measurements, report_data: bytes, *, debug: bool) -> bytes:
    attributes = _SEPT_VE_DISABLE | (_TD_DEBUG if debug else 0)
    return b"".join(
        (
            TEE_TCB_SVN,
            sha256(b"phal2 TEE simulator: TDX module").digest().ljust(48, b"\0"),
            bytes(48),
            bytes(8),
            attributes.to_bytes(8, "little"),
            _XFAM,
            measurements.mr_td,
            measurements.mr_config_id,
            bytes(48),
            bytes(48),
            *measurements.rt_mrs,
            report_data,
        )
    )


def _enclave_report(workload: str, report_data: bytes, *, debug: bool) -> bytes:
    return quoting_enclave.enclave_report(
        mr_enclave=sha256(b"phal2 TEE simulator: enclave " + workload.encode()).digest(),
        mr_signer=sha256(b"phal2 TEE simulator: enclave signer").digest(),
        attributes=_ENCLAVE_DEBUG_ATTRIBUTES if debug else _ENCLAVE_ATTRIBUTES,
        product_id=0,
        svn=1,
        report_data=report_data,
    )
