"""What the state says about attestation: the policy and the enclave registry, as the verification reads them."""

from dataclasses import dataclass
from typing import Protocol

from phal2.node.attestation.errors import TcbEvaluationTooOld, TcbStatusNotAllowed, WorkloadNotAllowed
from phal2.node.attestation.tcb import status_name
from phal2.node.protocol.keccak import keccak256

_NO_IMAGE = bytes(32)


@dataclass(frozen=True, slots=True)
class RootCertificate:
    """A root certificate that the policy trusts, as DER; `simulated` marks the TEE simulator's."""

    der: bytes
    simulated: bool

    @property
    def hash(self) -> bytes:
        """Keccak-256 of the DER, by which contracts name the root."""
        return keccak256(self.der)


@dataclass(frozen=True, slots=True)
class AttestationPolicy:
    """The AttestationPolicy predeploy's values but for its lists of workloads and images, which the view looks up.

    Bit i of `allowed_statuses` allows TCB status i. `root_certificates` are tried in their order.
    """

    root_certificates: tuple[RootCertificate, ...]
    allowed_statuses: int
    least_tcb_evaluation_number: int
    any_workload: bool
    any_image: bool


@dataclass(frozen=True, slots=True)
class EnclaveRecord:
    """An entry of EnclaveRegistry. `expiry` is the first Unix second at which the key no longer attests."""

    workload: bytes
    image: bytes
    root_ca: bytes
    expiry: int
    tcb_evaluation_number: int
    tcb_status: int
    simulated: bool
    revoked: bool
    registrar: bytes


class AttestationView(Protocol):
    """The state before the transaction, as far as attestations depend on it."""

    def policy(self) -> AttestationPolicy:
        """Return the present policy."""
        ...

    def is_workload_listed(self, workload: bytes) -> bool:
        """Tell whether the policy's list of workloads contains the 32-byte `workload`."""
        ...

    def is_image_listed(self, image: bytes) -> bool:
        """Tell whether the policy's list of images contains the 32-byte `image`."""
        ...

    def enclave(self, address: bytes) -> EnclaveRecord | None:
        """Return the record of an enclave key's 20-byte address, None where it was never registered."""
        ...


def require_workload(view: AttestationView, policy: AttestationPolicy, workload: bytes, image: bytes) -> None:
    """Raise `WorkloadNotAllowed` unless the policy allows the workload, or its image where it has one (not zero)."""
    if policy.any_workload or view.is_workload_listed(workload):
        return
    if image != _NO_IMAGE and (policy.any_image or view.is_image_listed(image)):
        return
    raise WorkloadNotAllowed(workload, image)


def require_tcb(policy: AttestationPolicy, status: int, evaluation_number: int) -> None:
    """Raise `TcbStatusNotAllowed` or `TcbEvaluationTooOld` where the policy does not accept the platform's TCB."""
    if not policy.allowed_statuses >> status & 1:
        raise TcbStatusNotAllowed(status, status_name(status))
    if evaluation_number < policy.least_tcb_evaluation_number:
        raise TcbEvaluationTooOld(evaluation_number, policy.least_tcb_evaluation_number)
