"""The attestation policy and the enclave registry, read from the storage of their predeploys.

The storage layout of AttestationPolicy and EnclaveRegistry is consensus: what is read here decides which transactions
are valid. Reads warm nothing.
"""

from typing import Final

from phal2.node.attestation.policy import AttestationPolicy, EnclaveRecord, RootCertificate
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_POLICY, ENCLAVE_REGISTRY
from phal2.node.state.world_state import WorldState

# AttestationPolicy
POLICY_SETTINGS_SLOT: Final = 0
ROOT_CAS_SLOT: Final = 2
ROOT_CA_SLOT: Final = 3
WORKLOADS_SLOT: Final = 4
IMAGES_SLOT: Final = 5
MAXIMUM_ROOT_CAS: Final = 4
MAXIMUM_DER_LENGTH: Final = 2048

# EnclaveRegistry
ENCLAVES_SLOT: Final = 2


class StateAttestationView:
    """An `AttestationView` over a world state."""

    def __init__(self, world: WorldState) -> None:
        self._world = world

    def policy(self) -> AttestationPolicy:
        """Return the present policy; before the contract is initialised it trusts nothing."""
        # Solidity packs from the right: owner, then a byte of statuses, four bytes of number, two flags.
        settings = self._world.storage(ATTESTATION_POLICY, POLICY_SETTINGS_SLOT) >> 160
        count = min(self._world.storage(ATTESTATION_POLICY, ROOT_CAS_SLOT), MAXIMUM_ROOT_CAS)
        first = _hash_to_int(_word(ROOT_CAS_SLOT))
        return AttestationPolicy(
            root_certificates=tuple(
                self._root_certificate(self._world.storage(ATTESTATION_POLICY, _slot(first + index)))
                for index in range(count)
            ),
            allowed_statuses=settings & 0xFF,
            least_tcb_evaluation_number=settings >> 8 & 0xFFFFFFFF,
            any_workload=bool(settings >> 40 & 0xFF),
            any_image=bool(settings >> 48 & 0xFF),
        )

    def is_workload_listed(self, workload: bytes) -> bool:
        """Tell whether the policy's list of workloads contains the 32-byte `workload`."""
        return bool(self._world.storage(ATTESTATION_POLICY, _mapping_slot(workload, WORKLOADS_SLOT)) & 0xFF)

    def is_image_listed(self, image: bytes) -> bool:
        """Tell whether the policy's list of images contains the 32-byte `image`."""
        return bool(self._world.storage(ATTESTATION_POLICY, _mapping_slot(image, IMAGES_SLOT)) & 0xFF)

    def enclave(self, address: bytes) -> EnclaveRecord | None:
        """Return the record of an enclave key's 20-byte address, None where it was never registered."""
        slot = _mapping_slot(address.rjust(32, b"\0"), ENCLAVES_SLOT)
        workload, image, root_ca, packed, registrar = (
            self._world.storage(ENCLAVE_REGISTRY, _slot(slot + offset)) for offset in range(5)
        )
        expiry = packed & 0xFFFFFFFFFFFFFFFF
        if expiry == 0:
            return None
        return EnclaveRecord(
            workload=_word(workload),
            image=_word(image),
            root_ca=_word(root_ca),
            expiry=expiry,
            tcb_evaluation_number=packed >> 64 & 0xFFFFFFFF,
            tcb_status=packed >> 96 & 0xFF,
            simulated=bool(packed >> 104 & 0xFF),
            revoked=bool(packed >> 112 & 0xFF),
            registrar=_word(registrar)[12:],
        )

    def _root_certificate(self, der_hash: int) -> RootCertificate:
        slot = _mapping_slot(_word(der_hash), ROOT_CA_SLOT)
        simulated = self._world.storage(ATTESTATION_POLICY, _slot(slot + 1)) & 0xFF
        return RootCertificate(self._bytes(slot), bool(simulated))

    def _bytes(self, slot: int) -> bytes:
        """Read a Solidity `bytes`: up to 31 bytes lie in the slot itself, more of them from the slot's hash on."""
        head = self._world.storage(ATTESTATION_POLICY, slot)
        if not head & 1:
            return _word(head)[: min((head & 0xFF) // 2, 31)]
        length = min(head // 2, MAXIMUM_DER_LENGTH)
        first = _hash_to_int(_word(slot))
        words = (self._world.storage(ATTESTATION_POLICY, _slot(first + index)) for index in range((length + 31) // 32))
        return b"".join(_word(word) for word in words)[:length]


def _mapping_slot(key: bytes, slot: int) -> int:
    return _hash_to_int(key + _word(slot))


def _hash_to_int(data: bytes) -> int:
    return int.from_bytes(keccak256(data), "big")


def _slot(slot: int) -> int:
    return slot % (1 << 256)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
