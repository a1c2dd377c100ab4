import pytest
from bridge_layers import DEPLOYER, L1_BRIDGE, L1_MESSENGER, PORTAL, Layers
from contract_chain import START_TIME, Contract

from phal2.contracts import encode_call, load_artefact
from phal2.node.protocol.addresses import alias_l1_address
from phal2.node.protocol.predeploys import PHA_CLAIMS, PHA_TOKEN

OWNER = b"\x01" * 20
HOLDER = b"\x02" * 20
TREASURY = b"\x03" * 20
STRANGER = b"\x04" * 20
ROOT = b"\x77" * 32
TOTAL = 10**24
DEADLINE = START_TIME + 86_400
SET_ROOT = ("setRoot", ROOT, TOTAL, DEADLINE)


@pytest.fixture
def layers() -> Layers:
    return Layers()


@pytest.fixture
def token(layers: Layers) -> Contract:
    return layers.l1.deploy("PHAToken", HOLDER, sender=DEPLOYER)


@pytest.fixture
def migration(layers: Layers, token: Contract) -> Contract:
    addresses = (token.address, PORTAL, L1_BRIDGE, TREASURY)
    return layers.l1.deploy("PHAMigration", OWNER, *addresses, sender=DEPLOYER)


@pytest.fixture
def claims(layers: Layers, token: Contract, migration: Contract) -> Contract:
    """What the launch finds on L2."""
    l2_token = layers.l2.place("L2PHAToken", PHA_TOKEN)
    l2_token.transact("initialize", token.address, sender=DEPLOYER)
    claims = layers.l2.place_behind_proxy("PHAClaims", PHA_CLAIMS)
    claims.transact("initialize", OWNER, PHA_TOKEN, migration.address, 0, sender=OWNER)
    return claims


@pytest.fixture
def funded(migration: Contract, token: Contract) -> Contract:
    token.transact("transfer", migration.address, TOTAL, sender=HOLDER)
    migration.transact(*SET_ROOT, sender=OWNER)
    return migration


def test_the_root_is_set(migration: Contract) -> None:
    outcome = migration.transact(*SET_ROOT, sender=OWNER)
    assert migration.event(outcome).arguments == {"root": ROOT, "total": TOTAL, "deadline": DEADLINE}
    views = [migration.read(view) for view in ("root", "total", "deadline", "launched")]
    assert views == [ROOT, TOTAL, DEADLINE, False]


def test_the_root_is_set_once(funded: Contract) -> None:
    assert funded.refuse(*SET_ROOT, sender=OWNER).startswith("RootAlreadySet(")


@pytest.mark.parametrize(
    ("root", "total", "deadline", "error"),
    [
        (bytes(32), TOTAL, DEADLINE, "InvalidRoot"),
        (ROOT, 0, DEADLINE, "InvalidRoot"),
        (ROOT, TOTAL, START_TIME, "DeadlineNotInFuture"),
    ],
)
def test_a_root_that_nobody_can_claim_under_is_refused(
    migration: Contract, root: bytes, total: int, deadline: int, error: str
) -> None:
    assert migration.refuse("setRoot", root, total, deadline, sender=OWNER).startswith(f"{error}(")


@pytest.mark.parametrize("call", [SET_ROOT, ("launch",)])
def test_only_the_owner_sets_and_launches(migration: Contract, call: tuple[str, *tuple[object, ...]]) -> None:
    assert migration.refuse(*call, sender=STRANGER).startswith("NotOwner(")


def test_the_launch_bridges_the_backing_and_deposits_the_message(
    funded: Contract, layers: Layers, token: Contract
) -> None:
    outcome = funded.transact("launch", sender=OWNER)
    (event,) = funded.events(outcome)
    assert (event.name, event.arguments) == ("LaunchSent", {"root": ROOT, "total": TOTAL, "deadline": DEADLINE})
    assert funded.read("launched") is True
    backing, launch = layers.deposits(outcome)
    assert backing.sender == alias_l1_address(L1_MESSENGER)
    assert token.read("balanceOf", funded.address) == token.read("allowance", funded.address, L1_BRIDGE) == 0
    assert layers.l1_bridge.read("deposits", token.address, PHA_TOKEN) == TOTAL
    message = encode_call(load_artefact("PHAClaims"), "receiveLaunch", [ROOT, TOTAL, DEADLINE, TREASURY])
    assert (launch.sender, launch.to) == (alias_l1_address(funded.address), PHA_CLAIMS)
    assert (launch.mint, launch.value, launch.gas, launch.data) == (0, 0, 400_000, message)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_backing_and_message_arrive_in_either_order(
    funded: Contract, layers: Layers, claims: Contract, order: tuple[int, int]
) -> None:
    deposits = layers.deposits(funded.transact("launch", sender=OWNER))
    for index in order:
        assert layers.derive(deposits[index]).succeeded
    assert [claims.read(view) for view in ("root", "total", "deadline")] == [ROOT, TOTAL, DEADLINE]
    assert claims.read("arrivedTotal") == TOTAL


def test_the_launch_messages_have_gas_to_spare(funded: Contract, layers: Layers, claims: Contract) -> None:
    backing, launch = layers.deposits(funded.transact("launch", sender=OWNER))
    outcome = layers.derive(launch)
    assert outcome.succeeded
    assert 21_000 + 40 * len(launch.data) + outcome.gas < funded.read("LAUNCH_GAS_LIMIT") // 2
    assert layers.derive(backing).gas < funded.read("BACKING_GAS_LIMIT")
    assert claims.read("arrivedTotal") == TOTAL


def test_what_lies_there_beyond_the_total_goes_to_the_treasury(funded: Contract, token: Contract) -> None:
    token.transact("transfer", funded.address, 7, sender=HOLDER)
    assert funded.refuse("releaseSurplus", sender=STRANGER) == "NotLaunched()"
    funded.transact("launch", sender=OWNER)
    outcome = funded.transact("releaseSurplus", sender=STRANGER)
    assert funded.event(outcome).arguments == {"treasury": TREASURY, "amount": 7}
    assert token.read("balanceOf", TREASURY) == 7
    assert funded.refuse("releaseSurplus", sender=STRANGER) == "NoSurplus()"


def test_the_launch_wants_a_root(migration: Contract) -> None:
    assert migration.refuse("launch", sender=OWNER) == "RootNotSet()"


def test_the_launch_wants_the_whole_backing(migration: Contract, token: Contract) -> None:
    token.transact("transfer", migration.address, TOTAL - 1, sender=HOLDER)
    migration.transact(*SET_ROOT, sender=OWNER)
    assert migration.refuse("launch", sender=OWNER) == f"InsufficientBacking(balance: {TOTAL - 1}, total: {TOTAL})"


def test_there_is_one_launch(funded: Contract) -> None:
    funded.transact("launch", sender=OWNER)
    assert funded.refuse("launch", sender=OWNER) == "AlreadyLaunched()"


@pytest.mark.parametrize("missing", range(5))
def test_every_address_is_wanted(layers: Layers, missing: int) -> None:
    addresses = [OWNER] * 5
    addresses[missing] = bytes(20)
    with pytest.raises(AssertionError, match="ZeroAddress"):
        layers.l1.deploy("PHAMigration", *addresses, sender=DEPLOYER)
