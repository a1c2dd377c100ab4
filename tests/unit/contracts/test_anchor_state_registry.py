"""Which games count, and the anchor root."""

from collections.abc import Callable

import pytest
from contract_chain import Contract
from dispute_games import Proposal, create_permissioned, register_prover, respect
from l1_world import CHALLENGE_PERIOD, FINALITY_DELAY, GENESIS_ROOT, OWNER, STRANGER, L1World

from phal2.bridge.dispute_games import GameType
from phal2.node.protocol.keccak import keccak256

ROOT = keccak256(b"output root 10")
NEXT_ROOT = keccak256(b"output root 20")
IMITATION = b"\x1f" * 20
VIEWS = ("Registered", "Respected", "Blacklisted", "Retired", "Resolved", "Proper", "Finalized", "ClaimValid")
FINAL = {"Registered", "Respected", "Resolved", "Proper", "Finalized", "ClaimValid"}


@pytest.fixture(scope="module")
def prepared() -> L1World:
    world = L1World.deployed()
    register_prover(world)
    return world


@pytest.fixture
def world(prepared: L1World) -> L1World:
    return L1World(prepared.chain.copy())


@pytest.fixture
def game(world: L1World) -> Contract:
    game = Proposal(world, ROOT, 10).create()
    world.chain.pass_time(FINALITY_DELAY + 1)
    return game


def judgement(world: L1World, game: bytes) -> set[str]:
    return {view for view in VIEWS if world.registry.read(f"isGame{view}", game)}


def imitate(world: L1World, game: Contract) -> bytes:
    """Put a contract that answers all as `game` does at an address of its own."""
    passing_on = "365f5f375f5f365f73" + game.address.hex() + "5afa503d5f5f3e3d5ff3"
    world.chain.state.set_code(IMITATION, bytes.fromhex(passing_on))
    return IMITATION


def test_a_game_counts_once_it_is_final(world: L1World) -> None:
    game = Proposal(world, ROOT, 10).create()
    assert judgement(world, game.address) == FINAL - {"Finalized", "ClaimValid"}
    world.chain.pass_time(FINALITY_DELAY)
    assert judgement(world, game.address) == FINAL - {"Finalized", "ClaimValid"}
    world.chain.pass_time(1)
    assert judgement(world, game.address) == FINAL


def test_a_game_that_the_factory_did_not_make_does_not_count(world: L1World, game: Contract) -> None:
    imitation = imitate(world, game)
    assert judgement(world, imitation) == FINAL - {"Registered", "Proper", "ClaimValid"}
    refusal = world.registry.refuse("setAnchorState", imitation, sender=STRANGER)
    assert refusal == "AnchorStateRegistry_InvalidAnchorGame()"


def test_a_game_of_another_registry_does_not_count(world: L1World) -> None:
    """Its implementation is the owner's, but made for a registry that others rule."""
    foreign = world.chain.deploy("AnchorStateRegistry", FINALITY_DELAY, sender=STRANGER)
    proxy = world.chain.deploy("Proxy", STRANGER, sender=STRANGER)
    proposal = (world.system_config.address, world.factory.address, (GENESIS_ROOT, 0), GameType.PERMISSIONED)
    proxy.transact("upgradeToAndCall", foreign.address, foreign.data("initialize", *proposal), sender=STRANGER)
    arguments = (proxy.address, STRANGER, STRANGER, 0)
    implementation = world.chain.deploy("PermissionedDisputeGame", *arguments, sender=STRANGER)
    world.factory.transact("setImplementation", GameType.PERMISSIONED, implementation.address, sender=OWNER)
    creation = ("create", GameType.PERMISSIONED, ROOT, (10).to_bytes(32, "big"))
    address = world.factory.event(world.factory.transact(*creation, sender=STRANGER)).arguments["disputeProxy"]
    assert "Registered" not in judgement(world, address)


def test_a_blacklisted_game_does_not_count(world: L1World, game: Contract) -> None:
    outcome = world.registry.transact("blacklistDisputeGame", game.address, sender=OWNER)
    assert world.registry.event(outcome).arguments == {"disputeGame": game.address}
    assert judgement(world, game.address) == (FINAL | {"Blacklisted"}) - {"Proper", "ClaimValid"}
    assert world.portal.read("disputeGameBlacklist", game.address) is True


def test_a_retired_game_does_not_count(world: L1World, game: Contract) -> None:
    outcome = world.registry.transact("updateRetirementTimestamp", sender=OWNER)
    assert world.registry.event(outcome).arguments == {"timestamp": world.chain.time}
    assert judgement(world, game.address) == (FINAL | {"Retired"}) - {"Proper", "ClaimValid"}
    world.chain.pass_time(1)
    later = Proposal(world, NEXT_ROOT, 20).create()
    assert "Retired" not in judgement(world, later.address)


def test_no_game_counts_while_paused(world: L1World, game: Contract) -> None:
    world.system_config.transact("pause", sender=OWNER)
    assert world.registry.read("paused") is True
    assert judgement(world, game.address) == FINAL - {"Proper", "ClaimValid"}


def test_a_challenged_game_does_not_count(world: L1World) -> None:
    respect(world, GameType.PERMISSIONED)
    game = create_permissioned(world, ROOT, 10)
    assert judgement(world, game.address) == {"Registered", "Respected", "Proper"}
    game.transact("challenge", sender=OWNER)
    world.chain.pass_time(CHALLENGE_PERIOD)
    assert judgement(world, game.address) == FINAL - {"ClaimValid"}


def test_a_game_is_respected_by_the_type_at_its_creation(world: L1World, game: Contract) -> None:
    outcome = world.registry.transact("setRespectedGameType", GameType.PERMISSIONED, sender=OWNER)
    assert world.registry.event(outcome).arguments == {"gameType": GameType.PERMISSIONED}
    assert judgement(world, game.address) == FINAL
    later = Proposal(world, NEXT_ROOT, 20).create()
    assert "Respected" not in judgement(world, later.address)


def test_the_anchor_root_is_the_genesis_at_first(world: L1World) -> None:
    assert world.registry.read("getAnchorRoot") == (GENESIS_ROOT, 0)
    assert world.registry.read("anchors", GameType.ENCLAVE) == (GENESIS_ROOT, 0)
    assert world.registry.read("startingAnchorRoot") == (GENESIS_ROOT, 0)
    assert world.registry.read("anchorGame") == bytes(20)


def test_anyone_moves_the_anchor_root_forward(world: L1World, game: Contract) -> None:
    outcome = world.registry.transact("setAnchorState", game.address, sender=STRANGER)
    assert world.registry.event(outcome).arguments == {"game": game.address}
    assert world.registry.read("getAnchorRoot") == (ROOT, 10)
    assert world.registry.read("anchorGame") == game.address


def test_the_anchor_root_does_not_move_back_or_stay(world: L1World, game: Contract) -> None:
    later = Proposal(world, NEXT_ROOT, 20).create()
    world.chain.pass_time(FINALITY_DELAY + 1)
    world.registry.transact("setAnchorState", later.address, sender=STRANGER)
    for old in (game, later):
        refusal = world.registry.refuse("setAnchorState", old.address, sender=STRANGER)
        assert refusal == "AnchorStateRegistry_InvalidAnchorGame()"


def test_the_anchor_root_does_not_move_to_a_game_that_is_not_final(world: L1World) -> None:
    game = Proposal(world, ROOT, 10).create()
    refusal = world.registry.refuse("setAnchorState", game.address, sender=STRANGER)
    assert refusal == "AnchorStateRegistry_InvalidAnchorGame()"


def test_a_blacklisted_anchor_game_counts_as_none(world: L1World, game: Contract) -> None:
    world.registry.transact("setAnchorState", game.address, sender=STRANGER)
    world.registry.transact("blacklistDisputeGame", game.address, sender=OWNER)
    assert world.registry.read("getAnchorRoot") == (GENESIS_ROOT, 0)
    replacement = Proposal(world, NEXT_ROOT, 10).create()
    world.chain.pass_time(FINALITY_DELAY + 1)
    world.registry.transact("setAnchorState", replacement.address, sender=STRANGER)
    assert world.registry.read("getAnchorRoot") == (NEXT_ROOT, 10)


@pytest.mark.parametrize(
    "call",
    [
        lambda _: ("setRespectedGameType", 1),
        lambda _: ("updateRetirementTimestamp",),
        lambda game: ("blacklistDisputeGame", game.address),
    ],
)
def test_the_guardian_alone_judges(
    world: L1World, game: Contract, call: Callable[[Contract], tuple[object, ...]]
) -> None:
    name, *arguments = call(game)
    refusal = world.registry.refuse(str(name), *arguments, sender=STRANGER)
    assert refusal == "AnchorStateRegistry_Unauthorized()"
    world.system_config.transact("setGuardian", STRANGER, sender=OWNER)
    world.registry.transact(str(name), *arguments, sender=STRANGER)


def test_it_is_initialized_once_with_a_root(world: L1World) -> None:
    arguments = (world.system_config.address, world.factory.address, (GENESIS_ROOT, 0), 1)
    assert world.registry.refuse("initialize", *arguments, sender=OWNER) == "InvalidInitialization()"
    bare = world.chain.deploy("AnchorStateRegistry", 1, sender=STRANGER)
    proxy = world.chain.deploy("Proxy", STRANGER, sender=STRANGER)
    rootless = bare.data("initialize", *arguments[:2], (bytes(32), 0), 1)
    refusal = proxy.refuse("upgradeToAndCall", bare.address, rootless, sender=STRANGER)
    assert refusal.startswith("UpgradeCallFailed(")
