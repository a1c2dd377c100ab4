import pytest
from contract_chain import PROXY_ADMIN, Chain, Contract

from phal2.contracts import load_artefact
from phal2.node.protocol.predeploys import ENCLAVE_REGISTRY, implementation_address

STRANGER = b"\x03" * 20
OTHER = b"\x04" * 20


@pytest.fixture
def proxy(chain: Chain) -> Contract:
    chain.place_behind_proxy("EnclaveRegistry", ENCLAVE_REGISTRY)
    return Contract(chain, load_artefact("Proxy"), ENCLAVE_REGISTRY)


@pytest.mark.parametrize("caller", [PROXY_ADMIN, bytes(20)])
def test_the_admin_and_simulated_calls_see_the_proxy(proxy: Contract, caller: bytes) -> None:
    assert proxy.transact("admin", sender=caller).output[12:] == PROXY_ADMIN
    assert proxy.transact("implementation", sender=caller).output[12:] == implementation_address(ENCLAVE_REGISTRY)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("admin", ()),
        ("implementation", ()),
        ("upgradeTo", (OTHER,)),
        ("changeAdmin", (OTHER,)),
        ("upgradeToAndCall", (OTHER, b"")),
    ],
)
def test_everyone_else_reaches_the_implementation(
    proxy: Contract, function: str, arguments: tuple[object, ...]
) -> None:
    # The implementation has no such function and reverts without data.
    assert proxy.refuse(function, *arguments, sender=STRANGER) == "reverted without data"


def test_the_admin_upgrades(proxy: Contract) -> None:
    outcome = proxy.transact("upgradeTo", OTHER, sender=PROXY_ADMIN)
    assert proxy.event(outcome).arguments == {"implementation": OTHER}
    assert proxy.transact("implementation", sender=PROXY_ADMIN).output[12:] == OTHER


def test_the_admin_upgrades_and_calls(proxy: Contract) -> None:
    registry = load_artefact("EnclaveRegistry")
    contract = Contract(proxy.chain, registry, ENCLAVE_REGISTRY)
    implementation = implementation_address(ENCLAVE_REGISTRY)
    proxy.transact("upgradeToAndCall", implementation, contract.data("initialize", OTHER), sender=PROXY_ADMIN)
    assert contract.read("owner") == OTHER


def test_a_failed_call_undoes_the_upgrade(proxy: Contract) -> None:
    implementation = implementation_address(ENCLAVE_REGISTRY)
    refusal = proxy.refuse("upgradeToAndCall", implementation, b"\xff\xff\xff\xff", sender=PROXY_ADMIN)
    assert refusal == "UpgradeCallFailed(result: 0x)"


def test_the_admin_hands_over(proxy: Contract) -> None:
    outcome = proxy.transact("changeAdmin", OTHER, sender=PROXY_ADMIN)
    assert proxy.event(outcome).arguments == {"previousAdmin": PROXY_ADMIN, "newAdmin": OTHER}
    assert proxy.transact("admin", sender=OTHER).output[12:] == OTHER


def test_a_proxy_without_implementation_says_so(chain: Chain) -> None:
    proxy = chain.deploy("Proxy", PROXY_ADMIN, sender=STRANGER)
    assert proxy.refuse("admin", sender=STRANGER) == "ImplementationNotSet()"
