"""The parts of a DCAP quote that the protocol itself reads: its bounds, report data and measurements.

Layouts: Intel SGX and TDX DCAP Quoting Library API, "Quote Format" 3, 4 and 5. Integers are little-endian.
Signatures, certificates and attributes such as debug mode are for dcap-qvl to judge; this module only makes sure that
every byte of a quote has its place, because dcap-qvl tolerates bytes behind the parts that it reads.
"""

from dataclasses import dataclass
from typing import Final

from phal2.node.attestation.errors import MalformedQuote
from phal2.node.protocol.keccak import keccak256

SGX: Final = "SGX"
TDX: Final = "TDX"

HEADER_LENGTH: Final = 48
SGX_REPORT_LENGTH: Final = 384
TD_REPORT_LENGTH: Final = 584

_SGX_TEE_TYPE: Final = 0x00
_TDX_TEE_TYPE: Final = 0x81
_V5_TD_BODY_LENGTHS: Final = {2: 584, 3: 648, 4: 885}
"""Body type of a version 5 quote → length: TD report 1.0, 1.5, and 1.5 with service TD history."""

_SIGNATURE_AND_KEY_LENGTH: Final = 128
_QE_REPORT_AND_SIGNATURE_LENGTH: Final = 384 + 64
_QE_REPORT_CERTIFICATION: Final = 6
_NO_CONFIG_ID: Final = bytes(48)


@dataclass(frozen=True, slots=True)
class Report:
    """What a quote is about: its version, TEE ("SGX" or "TDX") and report body."""

    version: int
    tee: str
    body: bytes

    @property
    def report_data(self) -> bytes:
        """The 64 bytes that the attested program chose."""
        return self.body[320:384] if self.tee == SGX else self.body[520:584]

    @property
    def subject(self) -> bytes:
        """Keccak-256 of the report body."""
        return keccak256(self.body)

    @property
    def workload(self) -> bytes:
        """Hash of what ran. TDX: keccak(mr_td ++ rt_mr0..3 ++ mr_config_id); SGX: keccak(mr_enclave ++ mr_signer)."""
        if self.tee == SGX:
            return keccak256(self.body[64:96] + self.body[128:160])
        return keccak256(self._mr_td + self.body[328:520] + self._mr_config_id)

    @property
    def image(self) -> bytes:
        """TDX: keccak(mr_td ++ rt_mr0..2 ++ mr_config_id) where mr_config_id is not zero; otherwise 32 zero bytes."""
        if self.tee == SGX or self._mr_config_id == _NO_CONFIG_ID:
            return bytes(32)
        return keccak256(self._mr_td + self.body[328:472] + self._mr_config_id)

    @property
    def _mr_td(self) -> bytes:
        return self.body[136:184]

    @property
    def _mr_config_id(self) -> bytes:
        return self.body[184:232]


@dataclass(frozen=True, slots=True)
class Quote:
    """A whole quote: its report, and the number of bytes that it takes with its signature data."""

    report: Report
    length: int


def parse_report(raw: bytes) -> Report:
    """Read header and report body of a quote, whatever follows them. Raise `MalformedQuote`."""
    return _read_report(_Reader(raw))


def parse_quote(raw: bytes) -> Quote:
    """Read a quote that begins at the first byte; bytes behind it are left alone. Raise `MalformedQuote`."""
    reader = _Reader(raw)
    report = _read_report(reader)
    signature_length = reader.uint(4, "signature data length")
    signature_data = reader.take(signature_length, "signature data")
    _check_signature_data(report.version, signature_data)
    return Quote(report, reader.offset)


def parse_exact_quote(raw: bytes) -> Report:
    """Read a quote that takes all of `raw`; raise `MalformedQuote` where bytes are left."""
    quote = parse_quote(raw)
    if quote.length != len(raw):
        raise MalformedQuote(
            f"quote of {quote.length} bytes is followed by {len(raw) - quote.length} more; cut it to its exact length"
        )
    return quote.report


def _read_report(reader: "_Reader") -> Report:
    version = reader.uint(2, "version")
    reader.skip(2, "attestation key type")
    tee_type = reader.uint(4, "TEE type")
    reader.skip(HEADER_LENGTH - 8, "header")
    tee, body_length = _tee_and_body_length(version, tee_type, reader)
    return Report(version, tee, reader.take(body_length, "report body"))


def _tee_and_body_length(version: int, tee_type: int, reader: "_Reader") -> tuple[str, int]:
    if version == 3 and tee_type == _SGX_TEE_TYPE:
        return SGX, SGX_REPORT_LENGTH
    if version == 4 and tee_type == _TDX_TEE_TYPE:
        return TDX, TD_REPORT_LENGTH
    if version == 5 and tee_type == _TDX_TEE_TYPE:
        body_type = reader.uint(2, "body type")
        length = reader.uint(4, "body size")
        if _V5_TD_BODY_LENGTHS.get(body_type) != length:
            raise MalformedQuote(f"version 5 quote with a body of type {body_type} and {length} bytes is not supported")
        return TDX, length
    raise MalformedQuote(
        f"quote of version {version} and TEE type 0x{tee_type:02x}; expected SGX (0x00) of version 3 "
        "or TDX (0x81) of version 4 or 5"
    )


def _check_signature_data(version: int, data: bytes) -> None:
    """Check that the nested parts fill the signature data exactly: its lengths are outside of what is signed."""
    reader = _Reader(data)
    reader.skip(_SIGNATURE_AND_KEY_LENGTH, "signature and attestation key")
    if version > 3:
        certification_type = reader.uint(2, "certification data type")
        if certification_type != _QE_REPORT_CERTIFICATION:
            raise MalformedQuote(
                f"quote's certification data is of type {certification_type}, expected {_QE_REPORT_CERTIFICATION}"
            )
        nested = reader.take(reader.uint(4, "certification data length"), "certification data")
        reader.expect_end("signature data")
        reader = _Reader(nested)
    reader.skip(_QE_REPORT_AND_SIGNATURE_LENGTH, "quoting enclave's report")
    reader.skip(reader.uint(2, "authentication data length"), "authentication data")
    reader.skip(2, "certification data type")
    reader.skip(reader.uint(4, "certification data length"), "certification data")
    reader.expect_end("signature data")


class _Reader:
    """Reads bytes from front to back and refuses to read past the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.offset = 0

    def take(self, length: int, what: str) -> bytes:
        left = len(self._data) - self.offset
        if length > left:
            raise MalformedQuote(f"quote ends within its {what}: {length} bytes expected, {left} left")
        begin = self.offset
        self.offset += length
        return self._data[begin : self.offset]

    def skip(self, length: int, what: str) -> None:
        self.take(length, what)

    def uint(self, length: int, what: str) -> int:
        return int.from_bytes(self.take(length, what), "little")

    def expect_end(self, what: str) -> None:
        left = len(self._data) - self.offset
        if left:
            raise MalformedQuote(f"{left} surplus bytes within the quote's {what}")
