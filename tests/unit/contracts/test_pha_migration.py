import pytest
from contract_chain import START_TIME, Chain, Contract
from l1_world import L1World

from phal2.contracts import decode_event, encode_call, load_artefact
from phal2.node.protocol.addresses import alias_l1_address
from phal2.node.protocol.predeploys import PHA_CLAIMS

DEPLOYER = b"\xd0" * 20
OWNER = b"\x01" * 20
HOLDER = b"\x02" * 20
TREASURY = b"\x03" * 20
STRANGER = b"\x04" * 20
ROOT = b"\x77" * 32
TOTAL = 10**24
DEADLINE = START_TIME + 86_400
SET_ROOT = ("setRoot", ROOT, TOTAL, DEADLINE)


@pytest.fixture
def token(chain: Chain) -> Contract:
    return chain.deploy("PHAToken", HOLDER, sender=DEPLOYER)


@pytest.fixture
def chain() -> Chain:
    return L1World.deployed().chain


@pytest.fixture
def portal(chain: Chain) -> Contract:
    return L1World(chain).portal


@pytest.fixture
def migration(chain: Chain, token: Contract, portal: Contract) -> Contract:
    return chain.deploy("PHAMigration", OWNER, token.address, portal.address, TREASURY, sender=DEPLOYER)


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


def test_the_launch_deposits_the_message(funded: Contract, portal: Contract, token: Contract) -> None:
    outcome = funded.transact("launch", sender=OWNER)
    assert funded.event(outcome).name == "LaunchSent"
    (log,) = [log for log in outcome.logs if log[0] == portal.address]
    deposit = decode_event(portal.artefact, log[1], log[2]).arguments
    message = encode_call(load_artefact("PHAClaims"), "receiveBacking", [ROOT, TOTAL, DEADLINE])
    assert (deposit["from"], deposit["to"]) == (alias_l1_address(funded.address), PHA_CLAIMS)
    assert deposit["opaqueData"] == bytes(64) + (400_000).to_bytes(8, "big") + b"\x00" + message
    assert funded.read("launched") is True
    assert token.read("balanceOf", funded.address) == TOTAL


def test_the_launch_message_has_gas_to_spare(funded: Contract, chain: Chain) -> None:
    claims = chain.place_behind_proxy("PHAClaims", PHA_CLAIMS)
    token = chain.place("L2PHAToken", b"\x70" * 20)
    claims.transact("initialize", OWNER, token.address, funded.address, 0, sender=OWNER)
    outcome = claims.transact("receiveBacking", ROOT, TOTAL, DEADLINE, sender=alias_l1_address(funded.address))
    assert 21_000 + 40 * 100 + outcome.gas < funded.read("LAUNCH_GAS_LIMIT") // 2


def test_the_launch_wants_a_root(migration: Contract) -> None:
    assert migration.refuse("launch", sender=OWNER) == "RootNotSet()"


def test_the_launch_wants_the_whole_backing(migration: Contract, token: Contract) -> None:
    token.transact("transfer", migration.address, TOTAL - 1, sender=HOLDER)
    migration.transact(*SET_ROOT, sender=OWNER)
    assert migration.refuse("launch", sender=OWNER) == f"InsufficientBacking(balance: {TOTAL - 1}, total: {TOTAL})"


def test_there_is_one_launch(funded: Contract) -> None:
    funded.transact("launch", sender=OWNER)
    assert funded.refuse("launch", sender=OWNER) == "AlreadyLaunched()"


def test_a_sweep_comes_through_the_portal(funded: Contract) -> None:
    assert funded.refuse("receiveSweep", 1, sender=OWNER).startswith("NotPortal(")


def test_a_sweep_comes_from_the_claims(funded: Contract, portal: Contract) -> None:
    assert funded.refuse("receiveSweep", 1, sender=portal.address).startswith("NotClaims(")


def test_a_sweep_goes_to_the_treasury(funded: Contract, portal: Contract, token: Contract) -> None:
    # A portal that is finalising a withdrawal of PHAClaims: it answers every call with that sender.
    funded.chain.state.set_code(portal.address, b"\x73" + PHA_CLAIMS + bytes.fromhex("5f5260205ff3"))
    outcome = funded.transact("receiveSweep", TOTAL, sender=portal.address)
    assert funded.event(outcome).arguments == {"treasury": TREASURY, "amount": TOTAL}
    assert token.read("balanceOf", TREASURY) == TOTAL


def test_every_address_is_wanted(chain: Chain) -> None:
    with pytest.raises(AssertionError, match="ZeroAddress"):
        chain.deploy("PHAMigration", OWNER, bytes(20), OWNER, OWNER, sender=DEPLOYER)
