"""Games whose claim a prover's enclave has signed."""

from dataclasses import replace

import pytest
from contract_chain import Contract
from dispute_games import (
    ANCHOR_ROOT,
    DEFENDER_WINS,
    PROVER,
    PROVER_KEY,
    Proposal,
    create_permissioned,
    extra_data,
    newest_game,
    register_prover,
    respect,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from l1_world import CHALLENGE_PERIOD, CONFIG_HASH, GENESIS_ROOT, OWNER, STRANGER, L1World

from phal2.bridge.dispute_games import GameType
from phal2.bridge.prover.claim import Claim, sign_claim
from phal2.contracts import decode_event
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import HISTORY_STORAGE

ROOT = keccak256(b"output root 10")
NEXT_ROOT = keccak256(b"output root 20")
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture(scope="module")
def prepared() -> L1World:
    world = L1World.deployed()
    register_prover(world)
    return world


@pytest.fixture
def world(prepared: L1World) -> L1World:
    return L1World(prepared.chain.copy())


def test_a_game_is_decided_for_its_claim_as_it_begins(world: L1World) -> None:
    proposal = Proposal(world, ROOT, 10)
    extra = proposal.extra_data
    outcome = world.factory.transact(*proposal.creation, sender=STRANGER)
    game = newest_game(world, outcome)

    views = {
        "status": DEFENDER_WINS,
        "createdAt": world.chain.time,
        "resolvedAt": world.chain.time,
        "gameType": GameType.ENCLAVE,
        "gameCreator": STRANGER,
        "rootClaim": ROOT,
        "l1Head": world.chain.block_hash(world.chain.block_number - 1),
        "l2SequenceNumber": 10,
        "l2BlockNumber": 10,
        "l1BlockNumber": world.chain.block_number - 1,
        "parentGameIndex": ANCHOR_ROOT,
        "extraData": extra,
        "gameData": (GameType.ENCLAVE, ROOT, extra),
        "wasRespectedGameTypeWhenCreated": True,
        "anchorStateRegistry": world.registry.address,
        "proverRegistry": world.provers.address,
        "configHash": CONFIG_HASH,
        "startingRootHash": GENESIS_ROOT,
        "startingBlockNumber": 0,
        "prover": PROVER,
    }
    assert {view: game.read(view) for view in views} == views
    assert game.transact("resolve", sender=STRANGER).output == DEFENDER_WINS.to_bytes(32, "big")
    resolved = [
        decode_event(game.artefact, topics, data) for address, topics, data in outcome.logs if address == game.address
    ]
    assert [(event.name, dict(event.arguments)) for event in resolved] == [("Resolved", {"status": DEFENDER_WINS})]


def test_a_game_goes_on_from_another(world: L1World) -> None:
    Proposal(world, ROOT, 10).create()
    game = Proposal(world, NEXT_ROOT, 20, parent=0, previous_root=ROOT).create()
    assert (game.read("startingRootHash"), game.read("startingBlockNumber")) == (ROOT, 10)


def test_a_game_goes_on_from_the_anchor_root_wherever_that_is(world: L1World) -> None:
    first = Proposal(world, ROOT, 10).create()
    world.chain.pass_time(10)
    world.registry.transact("setAnchorState", first.address, sender=STRANGER)
    assert Proposal(world, NEXT_ROOT, 20).refuse().startswith("InvalidProver(")
    Proposal(world, NEXT_ROOT, 20, previous_root=ROOT).create()


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": b"\x98" * 32},
        {"previous_root": ROOT},
        {"config_hash": keccak256(b"another rollup")},
    ],
)
def test_a_signature_of_another_claim_or_key_is_refused(world: L1World, wrong: dict[str, bytes]) -> None:
    assert replace(Proposal(world, ROOT, 10), **wrong).refuse().startswith("InvalidProver(")


def test_every_part_of_the_claim_is_signed(world: L1World) -> None:
    good = Proposal(world, ROOT, 10)
    signature = good.extra_data[160:225]
    number = world.chain.block_number - 1
    for root, extra in (
        (NEXT_ROOT, good.extra_data),
        (ROOT, extra_data(11, number, ANCHOR_ROOT, signature)),
        (ROOT, extra_data(10, number - 1, ANCHOR_ROOT, signature)),
    ):
        refusal = world.factory.refuse("create", GameType.ENCLAVE, root, extra, sender=STRANGER)
        assert refusal.startswith("InvalidProver(")


def test_a_revoked_prover_signs_for_nothing(world: L1World) -> None:
    world.provers.transact("revoke", PROVER, sender=OWNER)
    assert Proposal(world, ROOT, 10).refuse().startswith("InvalidProver(")


def test_an_expired_prover_signs_for_nothing(world: L1World) -> None:
    world.chain.time = world.provers.read("provers", PROVER)[1]
    Proposal(world, ROOT, 10).create()
    world.chain.pass_time(1)
    assert Proposal(world, NEXT_ROOT, 20).refuse().startswith("InvalidProver(")


def test_the_other_signature_of_the_same_is_refused(world: L1World) -> None:
    number = world.chain.block_number - 1
    claim = Claim(CONFIG_HASH, world.chain.block_hash(number), number, 10, GENESIS_ROOT, ROOT)
    signature = sign_claim(claim, PROVER_KEY).signature
    high = (SECP256K1_ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    malleated = signature[:32] + high + bytes([27 + 28 - signature[64]])
    creation = ("create", GameType.ENCLAVE, ROOT, extra_data(10, number, ANCHOR_ROOT, malleated))
    assert world.factory.refuse(*creation, sender=STRANGER).startswith("InvalidProver(")


@given(st.data())
@settings(max_examples=25)
def test_no_other_extra_data_makes_the_same_claim(prepared: L1World, data: st.DataObject) -> None:
    extra = bytearray(Proposal(prepared, ROOT, 10).extra_data)
    extra[data.draw(st.integers(0, len(extra) - 1))] ^= data.draw(st.integers(1, 255))
    creation = ("create", GameType.ENCLAVE, ROOT, bytes(extra))
    prepared.factory.refuse(*creation, sender=STRANGER)


@pytest.mark.parametrize("change", [lambda extra: extra + bytes(32), lambda extra: extra[:-32], lambda _: b""])
def test_extra_data_of_another_length_is_refused(world: L1World, change: object) -> None:
    assert callable(change)
    creation = ("create", GameType.ENCLAVE, ROOT, change(Proposal(world, ROOT, 10).extra_data))
    assert world.factory.refuse(*creation, sender=STRANGER).startswith("InvalidExtraData(")


def test_the_signature_has_65_bytes(world: L1World) -> None:
    number = world.chain.block_number - 1
    creation = ("create", GameType.ENCLAVE, ROOT, extra_data(10, number, ANCHOR_ROOT, b"\x01" * 66))
    assert world.factory.refuse(*creation, sender=STRANGER).startswith("InvalidExtraData(")


@pytest.mark.parametrize("block", [9, 10])
def test_the_claimed_block_is_after_the_parents(world: L1World, block: int) -> None:
    Proposal(world, ROOT, 10).create()
    refusal = Proposal(world, NEXT_ROOT, block, parent=0, previous_root=ROOT).refuse()
    assert refusal == f"BlockNotAfterParent(l2BlockNumber: {block}, parentBlockNumber: 10)"


def test_the_genesis_is_not_claimed_again(world: L1World) -> None:
    assert Proposal(world, ROOT, 0).refuse() == "BlockNotAfterParent(l2BlockNumber: 0, parentBlockNumber: 0)"


def test_a_game_does_not_go_on_from_itself_or_from_none(world: L1World) -> None:
    assert Proposal(world, ROOT, 10, parent=0).refuse().startswith("InvalidParentGame(index: 0")
    assert Proposal(world, ROOT, 10, parent=1).refuse() == "panic 0x32: index out of bounds"


def test_a_game_does_not_go_on_from_a_blacklisted_one(world: L1World) -> None:
    parent = Proposal(world, ROOT, 10).create()
    world.registry.transact("blacklistDisputeGame", parent.address, sender=OWNER)
    refusal = Proposal(world, NEXT_ROOT, 20, parent=0, previous_root=ROOT).refuse()
    assert refusal.startswith("InvalidParentGame(index: 0")


def test_a_game_does_not_go_on_from_a_retired_one(world: L1World) -> None:
    Proposal(world, ROOT, 10).create()
    world.registry.transact("updateRetirementTimestamp", sender=OWNER)
    refusal = Proposal(world, NEXT_ROOT, 20, parent=0, previous_root=ROOT).refuse()
    assert refusal.startswith("InvalidParentGame(index: 0")


def test_a_game_does_not_go_on_from_one_that_was_not_respected(world: L1World) -> None:
    create_permissioned(world, ROOT, 10)
    world.chain.pass_time(CHALLENGE_PERIOD + 1)
    refusal = Proposal(world, NEXT_ROOT, 20, parent=0, previous_root=ROOT).refuse()
    assert refusal.startswith("InvalidParentGame(index: 0")


def test_a_game_goes_on_from_a_fallback_game_once_that_is_decided(world: L1World) -> None:
    respect(world, GameType.PERMISSIONED)
    parent = create_permissioned(world, ROOT, 10)
    respect(world, GameType.ENCLAVE)
    proposal = Proposal(world, NEXT_ROOT, 20, parent=0, previous_root=ROOT)
    assert proposal.refuse().startswith("InvalidParentGame(index: 0")
    world.chain.pass_time(CHALLENGE_PERIOD + 1)
    parent.transact("resolve", sender=STRANGER)
    proposal.create()


def test_the_l1_block_must_be_known(world: L1World) -> None:
    current = world.chain.block_number
    assert Proposal(world, ROOT, 10, l1_block=current).refuse() == f"UnknownL1Block(number: {current})"
    world.chain.pass_time(1, blocks=300)
    Proposal(world, ROOT, 10, l1_block=world.chain.block_number - 256).create()
    old = world.chain.block_number - 257
    assert Proposal(world, NEXT_ROOT, 20, l1_block=old).refuse() == f"UnknownL1Block(number: {old})"


def test_older_l1_blocks_are_known_where_eip_2935_keeps_them(world: L1World) -> None:
    world.chain.pass_time(1, blocks=300)
    old = world.chain.block_number - 290
    # Answers with what is in slot 0, whatever is asked.
    world.chain.state.set_code(HISTORY_STORAGE, bytes.fromhex("5f545f5260205ff3"))
    world.chain.state.set_storage(HISTORY_STORAGE, 0, int.from_bytes(world.chain.block_hash(old), "big"))
    Proposal(world, ROOT, 10, l1_block=old).create()


def test_there_is_no_bond(world: L1World) -> None:
    world.factory.transact("setInitBond", GameType.ENCLAVE, 5, sender=OWNER)
    refusal = world.factory.refuse(*Proposal(world, ROOT, 10).creation, sender=STRANGER, value=5)
    assert refusal == "BondNotTaken(value: 5)"


def test_only_the_factory_begins_a_game_and_once(world: L1World) -> None:
    game = Proposal(world, ROOT, 10).create()
    implementation = world.contract("EnclaveDisputeGame")
    assert game.refuse("initialize", sender=STRANGER).startswith("NotFactory(")
    assert game.refuse("initialize", sender=world.factory.address) == "AlreadyInitialized()"
    assert implementation.refuse("initialize", sender=STRANGER).startswith("NotFactory(")


def test_another_factory_begins_no_game(world: L1World) -> None:
    """Not even with the implementation that the registry's factory has."""
    implementation = world.chain.deploy("DisputeGameFactory", sender=STRANGER)
    proxy = world.chain.deploy("Proxy", STRANGER, sender=STRANGER)
    initializing = implementation.data("initialize", OWNER)
    proxy.transact("upgradeToAndCall", implementation.address, initializing, sender=STRANGER)
    factory = Contract(world.chain, implementation.artefact, proxy.address)
    game = world.address("EnclaveDisputeGame")
    factory.transact("setImplementation", GameType.ENCLAVE, game, sender=OWNER)
    refusal = factory.refuse(*Proposal(world, ROOT, 10).creation, sender=OWNER)
    assert refusal.startswith("NotFactory(")


def test_a_game_of_a_type_that_is_not_respected_says_so(world: L1World) -> None:
    respect(world, GameType.PERMISSIONED)
    game = Proposal(world, ROOT, 10).create()
    assert game.read("wasRespectedGameTypeWhenCreated") is False
