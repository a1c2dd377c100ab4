"""Storage written by layout, held against what the contracts' own code reads and writes."""

from typing import Any

import pytest
from contract_chain import Chain, Contract
from hypothesis import given
from hypothesis import strategies as st

from phal2.contracts import load_artefact
from phal2.devnet.storage_layout import StorageLayoutError, storage_words
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_POLICY, ENCLAVE_REGISTRY, PHA_CLAIMS

OWNER = b"\x01" * 20


def placed(name: str, address: bytes, values: dict[str, object]) -> Contract:
    """Return a contract whose storage holds the values, without any of its code having run."""
    chain = Chain()
    contract = chain.place(name, address)
    for slot, word in storage_words(contract.artefact, values).items():
        chain.state.set_storage(address, slot, word)
    return contract


@given(
    owner=st.binary(min_size=20, max_size=20),
    statuses=st.integers(0, 255),
    least=st.integers(0, 2**32 - 1),
    flags=st.tuples(st.booleans(), st.booleans()),
)
def test_values_that_share_a_word_are_read_back_by_the_contract(
    owner: bytes, statuses: int, least: int, flags: tuple[bool, bool]
) -> None:
    policy = placed(
        "AttestationPolicy",
        ATTESTATION_POLICY,
        {
            "owner": owner,
            "allowedStatuses": statuses,
            "leastTcbEvaluationNumber": least,
            "anyWorkload": flags[0],
            "anyImage": flags[1],
        },
    )

    assert policy.read("owner") == owner
    assert policy.read("allowedStatuses") == statuses
    assert policy.read("leastTcbEvaluationNumber") == least
    assert (policy.read("anyWorkload"), policy.read("anyImage")) == flags


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=4, unique=True), st.booleans())
def test_arrays_mappings_structs_and_bytes_are_where_the_contract_writes_them(
    ders: list[bytes], simulated: bool
) -> None:
    chain = Chain()
    policy = chain.place("AttestationPolicy", ATTESTATION_POLICY)
    flags = [simulated] * len(ders)
    policy.transact("initialize", OWNER, 1, 0, False, False, ders, flags, sender=OWNER)

    words = storage_words(
        policy.artefact,
        {
            "owner": OWNER,
            "allowedStatuses": 1,
            "_rootCas": [keccak256(der) for der in ders],
            "_rootCa": {keccak256(der): {"der": der, "simulated": simulated} for der in ders},
        },
    )

    assert {slot: chain.state.get_storage(policy.address, slot) for slot in words} == words


def test_mappings_by_address_and_by_hash_are_found_by_the_contract() -> None:
    enclave, account = b"\x0e" * 20, b"\x0a" * 32
    registry_types = load_artefact("EnclaveRegistry").storage_layout["types"]
    members = registry_types["t_struct(Enclave)_storage"]["members"]
    numbers: dict[str, object] = {member["label"]: number for number, member in enumerate(members)}
    claims = placed("PHAClaims", PHA_CLAIMS, {"claimed": {account: True}})

    words = storage_words(load_artefact("EnclaveRegistry"), {"_enclaves": {enclave: numbers}})

    first = int.from_bytes(keccak256(enclave.rjust(32, b"\0") + (2).to_bytes(32, "big")), "big")
    assert min(words) >= first
    assert claims.read("claimed", account) is True
    assert claims.read("claimed", bytes(32)) is False


def test_zeros_take_no_storage() -> None:
    artefact = load_artefact("PHAClaims")

    assert storage_words(artefact, {"owner": bytes(20), "total": 0, "swept": False, "root": bytes(32)}) == {}
    assert storage_words(artefact, {}) == {}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"nobody": 1}, "no storage variable 'nobody'; it has owner, allowedStatuses"),
        ({"allowedStatuses": 256}, "256 is out of range for uint8"),
        ({"allowedStatuses": -1}, "-1 is out of range for uint8"),
        ({"owner": b"\x01" * 21}, "out of range for address"),
        ({"owner": "0x01"}, "cannot write str as address"),
        ({"owner": {}}, "cannot write dict as address"),
        ({"_rootCa": [1]}, "cannot write list as mapping"),
        ({"_rootCas": 5}, "cannot write int as bytes32"),
        ({"_rootCa": {bytes(32): {"der": 7, "simulated": True}}}, "cannot write int as bytes"),
        ({"_rootCa": {bytes(32): 7}}, "cannot write int as struct"),
    ],
)
def test_what_has_no_place_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(StorageLayoutError, match=reason):
        storage_words(load_artefact("AttestationPolicy"), values)


def test_the_registry_has_the_address_that_the_layout_is_for() -> None:
    registry = placed("EnclaveRegistry", ENCLAVE_REGISTRY, {"owner": OWNER})

    assert registry.read("owner") == OWNER
