"""The L2 genesis: its storage is what the contracts' own `initialize` writes."""

from collections.abc import Mapping

import pytest
from contract_chain import ADMIN_SLOT, IMPLEMENTATION_SLOT, Chain

from phal2.contracts import load_artefact
from phal2.devnet.deployment import MULTICALL3
from phal2.devnet.l2_genesis import L2GenesisSettings, l2_genesis_accounts
from phal2.devnet.system_contracts import L2_SYSTEM_CONTRACTS
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.policy import AttestationPolicy, RootCertificate
from phal2.node.protocol.predeploys import (
    ATTESTATION_CONTEXT,
    ATTESTATION_POLICY,
    BASE_FEE_VAULT,
    ENCLAVE_REGISTRY,
    GAS_PRICE_ORACLE,
    L1_BLOCK,
    L1_BLOCK_NUMBER,
    L1_FEE_VAULT,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    L2_TO_L1_MESSAGE_PASSER,
    OPERATOR_FEE_VAULT,
    OPTIMISM_MINTABLE_ERC20_FACTORY,
    PHA_CLAIMS,
    PHA_TOKEN,
    PROXY_ADMIN,
    SEQUENCER_FEE_VAULT,
    WETH9,
    implementation_address,
)
from phal2.node.state.attestation_state import StateAttestationView
from phal2.node.state.database import MemoryDatabase
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.world_state import WorldState

OWNER, STRANGER = b"\x01" * 20, b"\x03" * 20
L1_TOKEN, L1_MIGRATION = b"\x71" * 20, b"\x72" * 20
L1_MESSENGER, L1_BRIDGE = b"\x73" * 20, b"\x74" * 20
DELAY = 86_400
SETTINGS = L2GenesisSettings(
    balances={OWNER: 10**22, STRANGER: 5},
    owner=OWNER,
    root_certificates=(
        RootCertificate(INTEL_ROOT_CA_DER, simulated=False),
        RootCertificate(SIMULATOR_ROOT_CA_DER, simulated=True),
    ),
    l1_cross_domain_messenger=L1_MESSENGER,
    l1_standard_bridge=L1_BRIDGE,
    l1_pha_token=L1_TOKEN,
    l1_pha_migration=L1_MIGRATION,
    owner_claim_delay=DELAY,
)
PROXIED = {
    L1_BLOCK: "L1Block",
    L2_TO_L1_MESSAGE_PASSER: "L2ToL1MessagePasser",
    ATTESTATION_POLICY: "AttestationPolicy",
    ENCLAVE_REGISTRY: "EnclaveRegistry",
    PHA_CLAIMS: "PHAClaims",
    L2_CROSS_DOMAIN_MESSENGER: "L2CrossDomainMessenger",
    GAS_PRICE_ORACLE: "GasPriceOracle",
    L2_STANDARD_BRIDGE: "L2StandardBridge",
    SEQUENCER_FEE_VAULT: "SequencerFeeVault",
    OPTIMISM_MINTABLE_ERC20_FACTORY: "OptimismMintableERC20Factory",
    L1_BLOCK_NUMBER: "L1BlockNumber",
    PROXY_ADMIN: "ProxyAdmin",
    BASE_FEE_VAULT: "BaseFeeVault",
    L1_FEE_VAULT: "L1FeeVault",
    OPERATOR_FEE_VAULT: "OperatorFeeVault",
}
VAULTS = (SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT)
INITIALIZABLE = (L2_CROSS_DOMAIN_MESSENGER, L2_STANDARD_BRIDGE, OPTIMISM_MINTABLE_ERC20_FACTORY, *VAULTS)
INITIALIZED_SLOT = 0xF0C57E16840DF040F15088DC2F81FE391C3923BEC73E23A9662EFC9C229C6A00
READ_BY_THE_STATE_MODULE = (ATTESTATION_POLICY, ENCLAVE_REGISTRY, PHA_CLAIMS)


@pytest.fixture(scope="module")
def accounts() -> Mapping[bytes, GenesisAccount]:
    return l2_genesis_accounts(SETTINGS)


@pytest.mark.parametrize(
    ("name", "address", "arguments"),
    [
        (
            "AttestationPolicy",
            ATTESTATION_POLICY,
            (OWNER, 0b1111, 0, True, True, [INTEL_ROOT_CA_DER, SIMULATOR_ROOT_CA_DER], [False, True]),
        ),
        ("EnclaveRegistry", ENCLAVE_REGISTRY, (OWNER,)),
        ("PHAClaims", PHA_CLAIMS, (OWNER, PHA_TOKEN, L1_MIGRATION, DELAY)),
        ("L2PHAToken", PHA_TOKEN, (L1_TOKEN,)),
        ("L2CrossDomainMessenger", L2_CROSS_DOMAIN_MESSENGER, (L1_MESSENGER,)),
        ("L2StandardBridge", L2_STANDARD_BRIDGE, (L1_BRIDGE,)),
        ("OptimismMintableERC20Factory", OPTIMISM_MINTABLE_ERC20_FACTORY, (L2_STANDARD_BRIDGE,)),
        *((PROXIED[vault], vault, (OWNER, 0, 1)) for vault in VAULTS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_genesis_storage_is_what_initialize_writes(
    accounts: Mapping[bytes, GenesisAccount], name: str, address: bytes, arguments: tuple[object, ...]
) -> None:
    chain = Chain()
    contract = chain.place(name, address)
    written: set[int] = set()
    write = chain.state.set_storage

    def record(address: bytes, slot: int, value: int) -> None:
        assert address == contract.address
        written.add(slot)
        write(address, slot, value)

    chain.state.set_storage = record
    contract.transact("initialize", *arguments, sender=STRANGER)

    initialized = {slot: word for slot in written if (word := chain.state.get_storage(address, slot))}
    proxy_slots = {IMPLEMENTATION_SLOT, ADMIN_SLOT}
    assert initialized == {slot: word for slot, word in accounts[address].storage.items() if slot not in proxy_slots}


@pytest.mark.parametrize(("address", "name"), PROXIED.items(), ids=PROXIED.values())
def test_predeploys_are_proxies_whose_implementation_is_the_artefact(
    accounts: Mapping[bytes, GenesisAccount], address: bytes, name: str
) -> None:
    implementation = implementation_address(address)

    assert accounts[address].code == load_artefact("Proxy").deployed_bytecode
    assert accounts[address].storage[IMPLEMENTATION_SLOT] == int.from_bytes(implementation, "big")
    assert accounts[implementation].code == load_artefact(name).deployed_bytecode
    never_again = {INITIALIZED_SLOT: 2**64 - 1} if address in INITIALIZABLE else {}
    assert accounts[implementation].storage == never_again


@pytest.mark.parametrize("address", PROXIED, ids=PROXIED.values())
def test_nobody_can_change_code_whose_storage_consensus_reads(
    accounts: Mapping[bytes, GenesisAccount], address: bytes
) -> None:
    admin = accounts[address].storage.get(ADMIN_SLOT, 0)

    assert admin == (0 if address in READ_BY_THE_STATE_MODULE else int.from_bytes(PROXY_ADMIN, "big"))


def test_context_and_token_stand_without_a_proxy(accounts: Mapping[bytes, GenesisAccount]) -> None:
    assert accounts[ATTESTATION_CONTEXT].code == load_artefact("AttestationContext").deployed_bytecode
    assert accounts[ATTESTATION_CONTEXT].storage == {}
    assert accounts[PHA_TOKEN].code == load_artefact("L2PHAToken").deployed_bytecode


def test_the_bridges_storage_is_where_op_stack_tools_look(accounts: Mapping[bytes, GenesisAccount]) -> None:
    def word(address: bytes, slot: int) -> bytes:
        return accounts[address].storage.get(slot, 0).to_bytes(32, "big")

    assert word(L2_CROSS_DOMAIN_MESSENGER, 0xCF)[12:] == L1_MESSENGER
    assert word(L2_CROSS_DOMAIN_MESSENGER, 0xCC)[-2:].hex() == "dead"
    assert word(L2_STANDARD_BRIDGE, 3)[12:] == L2_CROSS_DOMAIN_MESSENGER
    assert word(L2_STANDARD_BRIDGE, 4)[12:] == L1_BRIDGE
    assert word(GAS_PRICE_ORACLE, 0)[-4:].hex() == "00010101"
    assert word(PROXY_ADMIN, 0)[12:] == OWNER
    for vault in VAULTS:
        assert word(vault, 1) == bytes(32)
        assert word(vault, 2)[11:] == b"\x01" + OWNER


def test_multicall3_is_where_clients_look_for_it(accounts: Mapping[bytes, GenesisAccount]) -> None:
    assert accounts[MULTICALL3] == GenesisAccount(nonce=1, code=load_artefact("Multicall3").deployed_bytecode)


def test_wrapped_ether_stands_without_a_proxy(accounts: Mapping[bytes, GenesisAccount]) -> None:
    assert accounts[WETH9] == GenesisAccount(nonce=1, code=load_artefact("WETH9").deployed_bytecode)


@pytest.mark.parametrize("address", [ATTESTATION_POLICY, ENCLAVE_REGISTRY, PHA_CLAIMS, PHA_TOKEN])
def test_what_genesis_has_initialized_cannot_be_initialized_again(
    accounts: Mapping[bytes, GenesisAccount], address: bytes
) -> None:
    chain = Chain()
    for each, account in accounts.items():
        chain.state.set_code(each, account.code)
        for slot, word in account.storage.items():
            chain.state.set_storage(each, slot, word)
    chain.state.lock_changes()
    contract = chain.place(PROXIED.get(address, "L2PHAToken"), implementation_address(address))
    contract.address = address
    arguments: dict[bytes, tuple[object, ...]] = {
        ATTESTATION_POLICY: (STRANGER, 1, 0, True, True, [], []),
        ENCLAVE_REGISTRY: (STRANGER,),
        PHA_CLAIMS: (STRANGER, PHA_TOKEN, STRANGER, 1),
        PHA_TOKEN: (STRANGER,),
    }

    assert contract.refuse("initialize", *arguments[address], sender=STRANGER).startswith("AlreadyInitialized(")


def test_accounts_and_system_contracts_are_there(accounts: Mapping[bytes, GenesisAccount]) -> None:
    assert accounts[OWNER] == GenesisAccount(balance=10**22)
    assert accounts[STRANGER] == GenesisAccount(balance=5)
    assert accounts.items() >= L2_SYSTEM_CONTRACTS.items()


def test_the_state_module_reads_the_policy_that_genesis_gives(accounts: Mapping[bytes, GenesisAccount]) -> None:
    state = genesis_state(accounts)
    database = MemoryDatabase()
    database.add(state)
    world = WorldState(database, state.state_root)

    assert StateAttestationView(world).policy() == AttestationPolicy(
        root_certificates=tuple(SETTINGS.root_certificates),
        allowed_statuses=0b1111,
        least_tcb_evaluation_number=0,
        any_workload=True,
        any_image=True,
    )
