"""The admin of the proxies, and what the devnet's deployment leaves it with."""

import pytest
from contract_chain import Contract
from l1_world import DEPLOYER, OWNER, STRANGER, L1World

from phal2.devnet.deployment.addresses import INITIALIZED, PROXIED, planned_implementation

NEXT = b"\x07" * 20
INITIALIZED_IN_THE_END = (*INITIALIZED, "AnchorStateRegistry")


@pytest.fixture
def world() -> L1World:
    return L1World.deployed()


@pytest.fixture
def admin(world: L1World) -> Contract:
    return world.contract("ProxyAdmin")


@pytest.mark.parametrize("name", PROXIED)
def test_it_administers_the_proxies(world: L1World, admin: Contract, name: str) -> None:
    assert admin.read("getProxyAdmin", world.address(name)) == admin.address


@pytest.mark.parametrize("name", INITIALIZED_IN_THE_END)
def test_the_proxies_have_the_implementations_that_were_created_for_them(
    world: L1World, admin: Contract, name: str
) -> None:
    implementation = admin.read("getProxyImplementation", world.address(name))
    assert implementation == planned_implementation(DEPLOYER, name)
    assert world.chain.state.get_code(implementation)


def test_all_that_is_implemented_is_initialized() -> None:
    assert sorted(PROXIED) == sorted(INITIALIZED_IN_THE_END)


@pytest.mark.parametrize(
    "name", ["SystemConfig", "DisputeGameFactory", "ProverRegistry", "ProxyAdmin", "OwnerApprovedQuoteVerifier"]
)
def test_the_owner_owns_all_in_the_end(world: L1World, name: str) -> None:
    assert world.contract(name).read("owner") == OWNER


@pytest.mark.parametrize("name", PROXIED)
def test_an_implementation_by_itself_cannot_be_initialized(world: L1World, name: str) -> None:
    bare = world.contract(name, planned_implementation(DEPLOYER, name))
    address = b"\x01" * 20
    arguments: dict[str, tuple[object, ...]] = {
        "OptimismPortal": (address, address),
        "SystemConfig": (address, 0, 0, bytes(32), 0, address, address, [address] * 5, 1),
        "DisputeGameFactory": (address,),
        "AnchorStateRegistry": (address, address, (b"\x01" * 32, 0), 1),
        "ProverRegistry": (address, address, 1, 1, []),
        "L1CrossDomainMessenger": (address, address),
        "L1StandardBridge": (address, address),
        "OptimismMintableERC20Factory": (address,),
    }
    assert bare.refuse("initialize", *arguments[name], sender=STRANGER) == "InvalidInitialization()"


def test_the_owner_upgrades(world: L1World, admin: Contract) -> None:
    portal = world.portal.address
    world.chain.state.set_code(NEXT, bytes.fromhex("60055f5260205ff3"))
    assert admin.refuse("upgrade", portal, NEXT, sender=STRANGER).startswith("NotOwner(")
    admin.transact("upgrade", portal, NEXT, sender=OWNER)
    assert admin.read("getProxyImplementation", portal) == NEXT


def test_the_owner_upgrades_and_calls_at_once(world: L1World, admin: Contract) -> None:
    portal = world.portal.address
    # Keeps the value it gets in slot 0.
    world.chain.state.set_code(NEXT, bytes.fromhex("345f5500"))
    call = ("upgradeAndCall", portal, NEXT, b"\x01")
    assert admin.refuse(*call, sender=STRANGER).startswith("NotOwner(")
    admin.transact(*call, sender=OWNER, value=3)
    assert world.chain.state.get_storage(portal, 0) == 3
    assert world.chain.state.get_balance(portal) == 3


def test_a_failed_call_leaves_the_implementation(world: L1World, admin: Contract) -> None:
    portal = world.portal.address
    before = admin.read("getProxyImplementation", portal)
    world.chain.state.set_code(NEXT, bytes.fromhex("5f5ffd"))
    refusal = admin.refuse("upgradeAndCall", portal, NEXT, b"\x01", sender=OWNER)
    assert refusal.startswith("UpgradeCallFailed(")
    assert admin.read("getProxyImplementation", portal) == before


def test_the_owner_hands_a_proxy_over(world: L1World, admin: Contract) -> None:
    portal = world.portal.address
    assert admin.refuse("changeProxyAdmin", portal, STRANGER, sender=STRANGER).startswith("NotOwner(")
    admin.transact("changeProxyAdmin", portal, STRANGER, sender=OWNER)
    world.contract("Proxy", portal).transact("upgradeTo", NEXT, sender=STRANGER)


def test_ownership_goes_over_at_once_or_is_given_up(admin: Contract) -> None:
    event = admin.event(admin.transact("transferOwnership", STRANGER, sender=OWNER))
    assert event.arguments == {"previousOwner": OWNER, "newOwner": STRANGER}
    assert admin.refuse("transferOwnership", OWNER, sender=OWNER).startswith("NotOwner(")
    admin.transact("renounceOwnership", sender=STRANGER)
    assert admin.read("owner") == bytes(20)
    assert admin.refuse("upgrade", NEXT, NEXT, sender=STRANGER).startswith("NotOwner(")
