"""The fallback game: one proposer, one challenger, a clock."""

import pytest
from contract_chain import Contract
from dispute_games import CHALLENGER_WINS, DEFENDER_WINS, IN_PROGRESS, create_permissioned, respect
from l1_world import CHALLENGE_PERIOD, OWNER, PROPOSER, STRANGER, L1World

from phal2.bridge.dispute_games import GameType
from phal2.node.protocol.keccak import keccak256

ROOT = keccak256(b"output root")


@pytest.fixture
def world() -> L1World:
    world = L1World.deployed()
    respect(world, GameType.PERMISSIONED)
    return world


@pytest.fixture
def game(world: L1World) -> Contract:
    return create_permissioned(world, ROOT, 10)


def test_a_game_begins_undecided(world: L1World, game: Contract) -> None:
    views = {
        "status": IN_PROGRESS,
        "createdAt": world.chain.time,
        "resolvedAt": 0,
        "clockExpiry": world.chain.time + CHALLENGE_PERIOD,
        "maxClockDuration": CHALLENGE_PERIOD,
        "gameType": GameType.PERMISSIONED,
        "gameCreator": PROPOSER,
        "proposer": PROPOSER,
        "challenger": OWNER,
        "rootClaim": ROOT,
        "l2SequenceNumber": 10,
        "wasRespectedGameTypeWhenCreated": True,
    }
    assert {view: game.read(view) for view in views} == views


def test_without_a_challenge_the_claim_stands_after_the_clock(world: L1World, game: Contract) -> None:
    world.chain.pass_time(CHALLENGE_PERIOD)
    assert game.refuse("resolve", sender=STRANGER).startswith("ClockNotExpired(")
    world.chain.pass_time(1)
    assert game.refuse("challenge", sender=OWNER).startswith("ClockExpired(")
    outcome = game.transact("resolve", sender=STRANGER)
    assert game.event(outcome).arguments == {"status": DEFENDER_WINS}
    assert (game.read("status"), game.read("resolvedAt")) == (DEFENDER_WINS, world.chain.time)
    assert game.refuse("resolve", sender=STRANGER) == f"AlreadyResolved(status: {DEFENDER_WINS})"


def test_a_challenge_ends_the_game_against_the_claim(world: L1World, game: Contract) -> None:
    outcome = game.transact("challenge", sender=OWNER)
    assert [event.name for event in game.events(outcome)] == ["Challenged", "Resolved"]
    assert game.read("status") == CHALLENGER_WINS
    world.chain.pass_time(CHALLENGE_PERIOD + 1)
    assert game.refuse("resolve", sender=STRANGER) == f"AlreadyResolved(status: {CHALLENGER_WINS})"
    assert world.registry.read("isGameClaimValid", game.address) is False


def test_only_the_challenger_challenges(game: Contract) -> None:
    assert game.refuse("challenge", sender=STRANGER).startswith("NotChallenger(")


def test_only_the_proposer_creates(world: L1World) -> None:
    creation = ("create", GameType.PERMISSIONED, ROOT, (10).to_bytes(32, "big"))
    assert world.factory.refuse(*creation, sender=STRANGER).startswith("NotProposer(")


@pytest.mark.parametrize("extra", [b"", bytes(31), bytes(33)])
def test_the_extra_data_is_a_word(world: L1World, extra: bytes) -> None:
    refusal = world.factory.refuse("create", GameType.PERMISSIONED, ROOT, extra, sender=PROPOSER)
    assert refusal == f"InvalidExtraData(length: {len(extra)})"


def test_the_block_is_after_the_anchor_roots(world: L1World) -> None:
    refusal = world.factory.refuse("create", GameType.PERMISSIONED, ROOT, bytes(32), sender=PROPOSER)
    assert refusal == "BlockNotAfterAnchor(l2BlockNumber: 0, anchorBlockNumber: 0)"


def test_only_the_factory_begins_a_game(game: Contract) -> None:
    assert game.refuse("initialize", sender=STRANGER).startswith("NotFactory(")
