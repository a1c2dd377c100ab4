"""The factory of dispute games: creation, the list, and its views."""

import pytest
from contract_chain import Contract
from dispute_games import Proposal, create_permissioned, register_prover
from eth_abi.abi import encode
from l1_world import OWNER, STRANGER, L1World

from phal2.bridge.dispute_games import GameType
from phal2.node.protocol.keccak import keccak256


def root(number: int) -> bytes:
    return keccak256(b"output root %d" % number)


@pytest.fixture(scope="module")
def prepared() -> L1World:
    """A world with enclave games 0, 2 and 3 and the permissioned game 1."""
    world = L1World.deployed()
    register_prover(world)
    Proposal(world, root(0), 10).create()
    create_permissioned(world, root(1), 15)
    Proposal(world, root(2), 20).create()
    Proposal(world, root(3), 30).create()
    return world


@pytest.fixture
def world(prepared: L1World) -> L1World:
    return L1World(prepared.chain.copy())


def metadata(world: L1World, index: int) -> bytes:
    game_type, timestamp, proxy = world.factory.read("gameAtIndex", index)
    return bytes(game_type.to_bytes(4, "big") + timestamp.to_bytes(8, "big") + proxy)


def test_games_are_listed_in_their_order(world: L1World) -> None:
    assert world.factory.read("gameCount") == 4
    types = [world.factory.read("gameAtIndex", index)[0] for index in range(4)]
    assert types == [GameType.ENCLAVE, GameType.PERMISSIONED, GameType.ENCLAVE, GameType.ENCLAVE]
    assert world.factory.refuse("gameAtIndex", 4, sender=STRANGER) == "panic 0x32: index out of bounds"


def test_a_game_is_found_by_what_it_is(world: L1World) -> None:
    _, timestamp, proxy = world.factory.read("gameAtIndex", 0)
    game = world.contract("EnclaveDisputeGame", proxy)
    data = game.read("gameData")
    assert world.factory.read("games", *data) == (proxy, timestamp)
    assert world.factory.read("getGameUUID", *data) == keccak256(encode(["uint32", "bytes32", "bytes"], data))
    assert world.factory.read("games", GameType.ENCLAVE, root(9), data[2]) == (bytes(20), 0)


@pytest.mark.parametrize(
    ("start", "count", "found"),
    [
        (3, 10, [3, 2, 0]),
        (3, 1, [3]),
        (3, 2, [3, 2]),
        (1, 10, [0]),
        (0, 1, [0]),
        (3, 0, []),
        (4, 10, []),
        (2**256 - 1, 2**256 - 1, []),
        (3, 2**256 - 1, [3, 2, 0]),
    ],
)
def test_the_latest_games_of_a_type_are_found(world: L1World, start: int, count: int, found: list[int]) -> None:
    games = world.factory.read("findLatestGames", GameType.ENCLAVE, start, count)
    assert [game[0] for game in games] == found
    for index, game_metadata, timestamp, root_claim, extra_data in games:
        assert game_metadata == metadata(world, index)
        assert timestamp == world.factory.read("gameAtIndex", index)[1]
        game = world.contract("EnclaveDisputeGame", game_metadata[12:])
        assert (root_claim, extra_data) == (game.read("rootClaim"), game.read("extraData"))


def test_there_are_no_games_at_first() -> None:
    assert L1World.deployed().factory.read("findLatestGames", GameType.ENCLAVE, 0, 0) == ()


def test_a_creation_is_logged(world: L1World) -> None:
    outcome = world.factory.transact(*Proposal(world, root(4), 40).creation, sender=STRANGER)
    event = world.factory.event(outcome)
    proxy = world.factory.read("gameAtIndex", 4)[2]
    assert event.name == "DisputeGameCreated"
    assert event.arguments == {"disputeProxy": proxy, "gameType": GameType.ENCLAVE, "rootClaim": root(4)}


def test_there_is_one_game_of_a_claim_and_its_extra_data(world: L1World) -> None:
    creation = Proposal(world, root(4), 40).creation
    world.factory.transact(*creation, sender=STRANGER)
    uuid = world.factory.read("getGameUUID", *creation[1:])
    refusal = world.factory.refuse(*creation, sender=OWNER)
    assert refusal == f"GameAlreadyExists(uuid: 0x{uuid.hex()})"


def test_a_type_needs_an_implementation(world: L1World) -> None:
    refusal = world.factory.refuse("create", 7, root(4), b"", sender=STRANGER)
    assert refusal == "NoImplementation(gameType: 7)"
    world.factory.transact("setImplementation", GameType.ENCLAVE, bytes(20), sender=OWNER)
    refusal = world.factory.refuse(*Proposal(world, root(4), 40).creation, sender=STRANGER)
    assert refusal == f"NoImplementation(gameType: {GameType.ENCLAVE})"


def test_the_ether_sent_is_the_bond(world: L1World) -> None:
    creation = Proposal(world, root(4), 40).creation
    assert world.factory.refuse(*creation, sender=STRANGER, value=1) == "IncorrectBondAmount()"
    world.factory.transact("setInitBond", GameType.ENCLAVE, 2, sender=OWNER)
    assert world.factory.read("initBonds", GameType.ENCLAVE) == 2
    assert world.factory.refuse(*creation, sender=STRANGER, value=1) == "IncorrectBondAmount()"


@pytest.mark.parametrize(
    "call", [("setImplementation", 7, b"\x07" * 20), ("setInitBond", 7, 1), ("transferOwnership", STRANGER)]
)
def test_the_owner_alone_changes_it(world: L1World, call: tuple[object, ...]) -> None:
    factory: Contract = world.factory
    name, *arguments = call
    assert factory.refuse(str(name), *arguments, sender=STRANGER).startswith("NotOwner(")
    outcome = factory.transact(str(name), *arguments, sender=OWNER)
    assert len(factory.events(outcome)) == 1


def test_the_owner_is_set_once(world: L1World) -> None:
    assert world.factory.read("owner") == OWNER
    assert world.factory.refuse("initialize", STRANGER, sender=STRANGER) == "InvalidInitialization()"
