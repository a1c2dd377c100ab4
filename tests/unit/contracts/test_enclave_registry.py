import pytest
from contract_chain import START_TIME, Attestation, Chain, Contract

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ENCLAVE_REGISTRY

OWNER = b"\x01" * 20
REGISTRAR = b"\x02" * 20
STRANGER = b"\x03" * 20
ENCLAVE = b"\xec" * 20
DAY = 86_400
QUOTE = Attestation(kind=1, tcb_status=2, image=b"\x55" * 32, tcb_evaluation_number=18, simulated=True)


@pytest.fixture
def registry(chain: Chain) -> Contract:
    registry = chain.place_behind_proxy("EnclaveRegistry", ENCLAVE_REGISTRY)
    registry.transact("initialize", OWNER, sender=STRANGER)
    return registry


@pytest.fixture
def registered(registry: Contract) -> Contract:
    registry.transact("register", ENCLAVE, 30 * DAY, sender=REGISTRAR, attestation=QUOTE)
    return registry


def test_a_quote_registers_a_key(registry: Contract) -> None:
    outcome = registry.transact("register", ENCLAVE, DAY, sender=REGISTRAR, attestation=QUOTE)
    record = (QUOTE.workload, QUOTE.image, QUOTE.root_ca, START_TIME + DAY, 18, 2, True, False, REGISTRAR)
    assert registry.read("enclaves", ENCLAVE) == record
    assert registry.event(outcome).arguments == {
        "enclave": ENCLAVE,
        "registrar": REGISTRAR,
        "workload": QUOTE.workload,
        "record": record,
    }


def test_the_record_lies_where_the_node_reads_it(registered: Contract) -> None:
    base = int.from_bytes(keccak256(ENCLAVE.rjust(32, b"\x00") + (2).to_bytes(32, "big")), "big")
    words = [
        registered.chain.state.get_storage(registered.address, base + index).to_bytes(32, "big") for index in range(5)
    ]
    packed = (START_TIME + 30 * DAY).to_bytes(8, "little") + (18).to_bytes(4, "little") + bytes([2, 1, 0])
    assert words[:3] == [QUOTE.workload, QUOTE.image, QUOTE.root_ca]
    assert words[3][::-1] == packed.ljust(32, b"\x00")
    assert words[4][12:] == REGISTRAR


def test_an_unknown_enclave_has_an_empty_record(registry: Contract) -> None:
    assert registry.read("enclaves", ENCLAVE) == (bytes(32), bytes(32), bytes(32), 0, 0, 0, False, False, bytes(20))


def test_registration_wants_an_attestation(registry: Contract) -> None:
    assert registry.refuse("register", ENCLAVE, DAY, sender=REGISTRAR) == "NotAttested()"


@pytest.mark.parametrize("kind", [2, 3])
def test_registration_wants_a_quote(registry: Contract, kind: int) -> None:
    refusal = registry.refuse("register", ENCLAVE, DAY, sender=REGISTRAR, attestation=Attestation(kind=kind))
    assert refusal == f"AttestationKindRefused(kind: {kind})"


def test_registration_wants_a_quote_for_this_very_call(registry: Contract) -> None:
    other_call = registry.data("register", STRANGER, DAY)
    attestation = Attestation(kind=1, data_hash=keccak256(other_call))
    refusal = registry.refuse("register", ENCLAVE, DAY, sender=REGISTRAR, attestation=attestation)
    assert refusal.startswith("AttestedForOtherData(")


@pytest.mark.parametrize("valid_for", [0, 30 * DAY + 1])
def test_validity_is_a_second_to_30_days(registry: Contract, valid_for: int) -> None:
    refusal = registry.refuse("register", ENCLAVE, valid_for, sender=REGISTRAR, attestation=QUOTE)
    assert refusal == f"InvalidValidity(validFor: {valid_for}, minimum: 1, maximum: {30 * DAY})"


def test_address_zero_is_no_enclave(registry: Contract) -> None:
    assert registry.refuse("register", bytes(20), DAY, sender=REGISTRAR, attestation=QUOTE) == "ZeroEnclave()"


@pytest.mark.parametrize("end", ["none", "expired", "revoked"])
def test_an_address_is_registered_once(registered: Contract, end: str) -> None:
    if end == "expired":
        registered.chain.time += 31 * DAY
    if end == "revoked":
        registered.transact("revoke", ENCLAVE, sender=REGISTRAR)
    refusal = registered.refuse("register", ENCLAVE, DAY, sender=REGISTRAR, attestation=QUOTE)
    assert refusal.startswith("AlreadyRegistered(")


@pytest.mark.parametrize("revoker", [REGISTRAR, OWNER])
def test_registrar_and_owner_revoke(registered: Contract, revoker: bytes) -> None:
    outcome = registered.transact("revoke", ENCLAVE, sender=revoker)
    assert registered.event(outcome).arguments == {"enclave": ENCLAVE, "revoker": revoker}
    assert registered.read("enclaves", ENCLAVE)[7] is True


def test_nobody_else_revokes(registered: Contract) -> None:
    assert registered.refuse("revoke", ENCLAVE, sender=STRANGER).startswith("NotRegistrarOrOwner(")


def test_an_enclave_is_revoked_once(registered: Contract) -> None:
    registered.transact("revoke", ENCLAVE, sender=REGISTRAR)
    assert registered.refuse("revoke", ENCLAVE, sender=REGISTRAR).startswith("AlreadyRevoked(")


def test_only_a_registered_enclave_is_revoked(registry: Contract) -> None:
    assert registry.refuse("revoke", ENCLAVE, sender=OWNER).startswith("NotRegistered(")


def test_ownership_goes_over_in_two_steps(registry: Contract) -> None:
    registry.transact("transferOwnership", STRANGER, sender=OWNER)
    registry.transact("acceptOwnership", sender=STRANGER)
    assert registry.read("owner") == STRANGER
