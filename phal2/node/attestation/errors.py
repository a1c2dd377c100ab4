"""Why an attestation fails: a class a condition of docs/attested-transactions.md, under `InvalidAttestation`."""

from phal2.node.protocol.errors import InvalidTransaction


class InvalidAttestation(InvalidTransaction):
    """An attestation that does not hold: the transaction that carries it may not be in a block."""


class UnknownAttestationKind(InvalidAttestation):
    """A kind that no rule knows."""

    def __init__(self, kind: int) -> None:
        super().__init__(
            f"attestation kind {kind} is unknown; expected 1 (quote), 2 (enclave key) or 3 (Substrate account)"
        )
        self.kind = kind


class KindNotAllowed(InvalidAttestation):
    """A known kind where only another is accepted, as in a user deposit."""

    def __init__(self, kind: int) -> None:
        super().__init__(f"attestation kind {kind} is not accepted here; expected 3 (Substrate account)")
        self.kind = kind


class AttestationExpired(InvalidAttestation):
    """`valid_until` is before the block."""

    def __init__(self, valid_until: int, timestamp: int) -> None:
        super().__init__(
            f"attestation was valid until {valid_until}, but the block's timestamp is {timestamp}; make a new one"
        )
        self.valid_until = valid_until
        self.timestamp = timestamp


class AttestationTooDistant(InvalidAttestation):
    """`valid_until` is further ahead of the block than its kind allows."""

    def __init__(self, valid_until: int, timestamp: int, longest: int) -> None:
        super().__init__(
            f"attestation is valid until {valid_until}, {valid_until - timestamp} s after the block's timestamp "
            f"{timestamp}; at most {longest} s are allowed"
        )
        self.valid_until = valid_until
        self.timestamp = timestamp
        self.longest = longest


class MalformedEvidence(InvalidAttestation):
    """Evidence of another shape than its kind prescribes: number of fields, lengths, or integers not canonical."""

    def __init__(self, kind: int, problem: str) -> None:
        super().__init__(f"evidence of attestation kind {kind}: {problem}")
        self.kind = kind


class OversizedEvidence(InvalidAttestation):
    """A part of the evidence that is larger than allowed."""

    def __init__(self, part: str, size: int, limit: int) -> None:
        super().__init__(f"{part} of {size} bytes; at most {limit} are allowed")
        self.part = part
        self.size = size
        self.limit = limit


class MalformedQuote(InvalidAttestation):
    """Bytes that are not a DCAP quote of a supported version, whole and of exact length."""


class MalformedCollateral(InvalidAttestation):
    """Collateral that is not a JSON object of exactly the known keys with string values."""


class ReportDataMismatch(InvalidAttestation):
    """The quote was made for another statement: report_data is not the statement's hash and 32 zero bytes."""

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(
            f"quote's report_data is 0x{found.hex()}; expected 0x{expected.hex()}, the hash of the statement over "
            "this chain, sender, nonce, to, value, data and valid_until, and 32 zero bytes"
        )
        self.expected = expected
        self.found = found


class QuoteRefused(InvalidAttestation):
    """The quote with its collateral verifies under none of the policy's root certificates at the block's timestamp."""

    def __init__(self, timestamp: int, reasons: tuple[tuple[bytes, str], ...]) -> None:
        details = "; ".join(f"root 0x{root.hex()}: {reason}" for root, reason in reasons)
        super().__init__(f"quote is refused at {timestamp}: {details or 'the policy trusts no root certificate'}")
        self.timestamp = timestamp
        self.reasons = reasons


class UntrustedRoot(InvalidAttestation):
    """The policy no longer lists the root certificate under which an enclave was registered."""

    def __init__(self, root: bytes) -> None:
        super().__init__(f"root certificate 0x{root.hex()} is not (or no longer) trusted by the policy")
        self.root = root


class TcbStatusNotAllowed(InvalidAttestation):
    """A TCB status that the policy does not accept."""

    def __init__(self, status: int, name: str) -> None:
        super().__init__(f"TCB status {name} ({status}) is not allowed by the policy")
        self.status = status


class TcbEvaluationTooOld(InvalidAttestation):
    """A TCB evaluation data number below the policy's."""

    def __init__(self, number: int, least: int) -> None:
        super().__init__(f"TCB evaluation number {number} is below the policy's least, {least}; fetch newer collateral")
        self.number = number
        self.least = least


class WorkloadNotAllowed(InvalidAttestation):
    """Neither the workload nor its image is allowed by the policy."""

    def __init__(self, workload: bytes, image: bytes) -> None:
        super().__init__(f"neither workload 0x{workload.hex()} nor image 0x{image.hex()} is allowed by the policy")
        self.workload = workload
        self.image = image


class EnclaveNotRegistered(InvalidAttestation):
    """An enclave key that the registry does not know."""

    def __init__(self, enclave: bytes) -> None:
        super().__init__(f"enclave 0x{enclave.hex()} is not registered; register it in a quote-attested transaction")
        self.enclave = enclave


class EnclaveRevoked(InvalidAttestation):
    """An enclave key whose registration was revoked."""

    def __init__(self, enclave: bytes) -> None:
        super().__init__(f"enclave 0x{enclave.hex()} was revoked")
        self.enclave = enclave


class EnclaveExpired(InvalidAttestation):
    """An enclave key whose registration has ended."""

    def __init__(self, enclave: bytes, expiry: int, timestamp: int) -> None:
        super().__init__(
            f"enclave 0x{enclave.hex()} attested before {expiry} only, but the block's timestamp is {timestamp}; "
            "register a new key"
        )
        self.enclave = enclave
        self.expiry = expiry
        self.timestamp = timestamp


class EnclaveSignatureInvalid(InvalidAttestation):
    """A signature that is not the enclave key's over the statement."""


class UnknownScheme(InvalidAttestation):
    """A signature scheme that no rule knows."""

    def __init__(self, scheme: int, expected: str = "0 (ed25519), 1 (sr25519), 2 (ecdsa) or 3 (multisig)") -> None:
        super().__init__(f"signature scheme {scheme} is unknown; expected {expected}")
        self.scheme = scheme


class ForgeableKey(InvalidAttestation):
    """A public key for which anyone can make signatures."""

    def __init__(self, key: bytes) -> None:
        super().__init__(
            f"public key 0x{key.hex()} is refused, as anyone can sign for it "
            "(the sr25519 identity, or an ed25519 point of small order or not canonical)"
        )
        self.key = key


class NoteInvalid(InvalidAttestation):
    """A note that is too long or not printable ASCII."""


class AccountSignatureInvalid(InvalidAttestation):
    """A signature that is not the Substrate account's over the statement's text, neither bare nor wrapped."""

    def __init__(self, scheme: str, account: bytes, problem: str) -> None:
        super().__init__(f"{scheme} signature for account 0x{account.hex()} {problem}")
        self.scheme = scheme
        self.account = account


class MultisigInvalid(InvalidAttestation):
    """A multisig whose threshold, signatories or indices break the rules."""


class MalformedAttestationObject(InvalidAttestation):
    """A JSON object that should describe an attestation and does not."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"attestation object: {problem}; expected {{kind, validUntil, evidence}} with quantities as 0x hex "
            "and evidence as nested lists of 0x hex data"
        )
