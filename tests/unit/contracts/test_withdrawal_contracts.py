"""Messages from L2 through the portal: proven with proofs of the state trie, delivered after the delays."""

from collections.abc import Callable
from typing import Any

import pytest
from contract_chain import FORWARDER_CODE, Contract
from dispute_games import Proposal, create_permissioned, register_prover, respect
from l1_world import ETHER, FINALITY_DELAY, MATURITY_DELAY, OWNER, STRANGER, L1World
from sent_messages import VERSIONED_NONCE, L2Block, Message, changed

from phal2.bridge.dispute_games import GameType

ALICE = b"\xa1" * 20
BOB = b"\xb0" * 20
TARGET = b"\x71" * 20
REVERTING = b"\xfd" * 20
DELAY = MATURITY_DELAY + 1
MESSAGE = Message(TARGET, value=ETHER)


@pytest.fixture(scope="module")
def prepared() -> L1World:
    """A prover is registered, and the portal has ether."""
    world = L1World.deployed()
    world.chain.state.set_balance(STRANGER, 100 * ETHER)
    world.portal.transact("donateETH", sender=STRANGER, value=10 * ETHER)
    register_prover(world)
    return world


@pytest.fixture
def world(prepared: L1World) -> L1World:
    return L1World(prepared.chain.copy())


class Withdrawal:
    """A message that L2 block 10 of `world` has, and the game of that block, index 0."""

    def __init__(self, world: L1World, message: Message = MESSAGE, block: L2Block | None = None) -> None:
        self.world = world
        self.message = message
        self.block = L2Block([message]) if block is None else block
        self.game = Proposal(world, self.block.output_root, 10).create()
        world.chain.pass_time(1)

    @property
    def proof(self) -> tuple[Any, ...]:
        return (self.message.fields, 0, self.block.root_proof, self.block.proof(self.message))

    def prove(self, sender: bytes = ALICE) -> list[Any]:
        portal = self.world.portal
        return portal.events(portal.transact("proveWithdrawalTransaction", *self.proof, sender=sender))

    def refuse_proof(self, *arguments: Any) -> str:
        return self.world.portal.refuse("proveWithdrawalTransaction", *(arguments or self.proof), sender=ALICE)

    def proven(self) -> "Withdrawal":
        self.prove()
        self.world.chain.pass_time(DELAY)
        return self

    def finalize(self, sender: bytes = ALICE) -> list[Any]:
        portal = self.world.portal
        outcome = portal.transact("finalizeWithdrawalTransaction", self.message.fields, sender=sender)
        return portal.events(outcome)

    def refuse_finalization(self, sender: bytes = ALICE) -> str:
        return self.world.portal.refuse("finalizeWithdrawalTransaction", self.message.fields, sender=sender)


def test_a_proof_is_recorded_with_its_game_and_time(world: L1World) -> None:
    withdrawal = Withdrawal(world)
    proven, extension = withdrawal.prove()

    withdrawal_hash = withdrawal.message.hash
    assert proven.name == "WithdrawalProven"
    assert proven.arguments == {"withdrawalHash": withdrawal_hash, "from": MESSAGE.sender, "to": TARGET}
    assert extension.arguments == {"withdrawalHash": withdrawal_hash, "proofSubmitter": ALICE}
    recorded = world.portal.read("provenWithdrawals", withdrawal_hash, ALICE)
    assert recorded == (withdrawal.game.address, world.chain.time)
    assert world.portal.read("numProofSubmitters", withdrawal_hash) == 1
    assert world.portal.read("proofSubmitters", withdrawal_hash, 0) == ALICE


def test_a_message_with_ether_arrives(world: L1World) -> None:
    withdrawal = Withdrawal(world).proven()
    (finalized,) = withdrawal.finalize()

    assert finalized.arguments == {"withdrawalHash": withdrawal.message.hash, "success": True}
    assert world.chain.state.get_balance(TARGET) == ETHER
    assert world.portal.read("finalizedWithdrawals", withdrawal.message.hash) is True
    assert world.portal.read("l2Sender") == bytes.fromhex("dead").rjust(20, b"\0")


def test_a_message_is_delivered_once(world: L1World) -> None:
    withdrawal = Withdrawal(world).proven()
    withdrawal.prove(BOB)
    world.chain.pass_time(DELAY)
    withdrawal.finalize()

    assert withdrawal.refuse_finalization() == "OptimismPortal_AlreadyFinalized()"
    assert withdrawal.refuse_finalization(BOB) == "OptimismPortal_AlreadyFinalized()"
    withdrawal.prove()
    world.chain.pass_time(DELAY)
    assert withdrawal.refuse_finalization() == "OptimismPortal_AlreadyFinalized()"
    assert world.chain.state.get_balance(TARGET) == ETHER


def test_a_message_whose_target_reverts_is_delivered_all_the_same(world: L1World) -> None:
    world.chain.state.set_code(REVERTING, bytes.fromhex("5f5ffd"))
    withdrawal = Withdrawal(world, Message(REVERTING, value=ETHER)).proven()
    (finalized,) = withdrawal.finalize()

    assert finalized.arguments["success"] is False
    assert world.chain.state.get_balance(world.portal.address) == 10 * ETHER
    assert withdrawal.refuse_finalization() == "OptimismPortal_AlreadyFinalized()"


def test_who_estimates_gas_learns_that_the_target_reverts(world: L1World) -> None:
    world.chain.state.set_code(REVERTING, bytes.fromhex("5f5ffd"))
    withdrawal = Withdrawal(world, Message(REVERTING)).proven()
    call = ("finalizeWithdrawalTransactionExternalProof", withdrawal.message.fields, ALICE)
    estimating = bytes(19) + b"\x01"
    assert world.portal.refuse(*call, sender=estimating) == "OptimismPortal_GasEstimation()"


def test_the_target_sees_the_sender_on_l2(world: L1World) -> None:
    # Keeps what portal.l2Sender() answers in slot 0.
    selector = bytes.fromhex("9bf62d82")
    code = b"\x63" + selector + bytes.fromhex("5f5260205f6004601c335afa505f515f5500")
    world.chain.state.set_code(TARGET, code)
    Withdrawal(world, Message(TARGET)).proven().finalize()
    assert world.chain.state.get_storage(TARGET, 0) == int.from_bytes(MESSAGE.sender, "big")


def test_each_account_has_its_own_proof(world: L1World) -> None:
    withdrawal = Withdrawal(world)
    withdrawal.prove(ALICE)
    world.chain.pass_time(MATURITY_DELAY)
    withdrawal.prove(BOB)
    world.chain.pass_time(1)

    assert withdrawal.refuse_finalization(BOB) == "OptimismPortal_ProofNotOldEnough()"
    assert withdrawal.refuse_finalization(STRANGER) == "OptimismPortal_Unproven()"
    submitters = [world.portal.read("proofSubmitters", MESSAGE.hash, index) for index in range(2)]
    assert submitters == [ALICE, BOB]
    call = ("finalizeWithdrawalTransactionExternalProof", MESSAGE.fields, ALICE)
    world.portal.transact(*call, sender=STRANGER)
    assert world.chain.state.get_balance(TARGET) == ETHER


def test_a_new_proof_of_another_does_not_put_a_withdrawal_off(world: L1World) -> None:
    withdrawal = Withdrawal(world).proven()
    withdrawal.prove(BOB)
    withdrawal.finalize(ALICE)


def test_a_new_proof_of_ones_own_starts_the_delay_again(world: L1World) -> None:
    withdrawal = Withdrawal(world).proven()
    withdrawal.prove()
    assert withdrawal.refuse_finalization() == "OptimismPortal_ProofNotOldEnough()"


def test_a_proof_must_be_older_than_the_delay(world: L1World) -> None:
    withdrawal = Withdrawal(world)
    withdrawal.prove()
    world.chain.pass_time(MATURITY_DELAY)
    assert withdrawal.refuse_finalization() == "OptimismPortal_ProofNotOldEnough()"
    world.chain.pass_time(1)
    withdrawal.finalize()


def test_where_the_delay_is_zero_a_proof_need_not_age(world: L1World) -> None:
    implementation = world.chain.deploy("OptimismPortal", 0, sender=STRANGER)
    admin = world.contract("ProxyAdmin")
    admin.transact("upgrade", world.portal.address, implementation.address, sender=OWNER)
    withdrawal = Withdrawal(world)
    world.chain.pass_time(FINALITY_DELAY + 1)
    withdrawal.prove()
    withdrawal.finalize()


def test_a_proof_in_the_block_of_its_game_does_not_do(world: L1World) -> None:
    withdrawal = Withdrawal(world)
    world.chain.pass_time(-1)
    withdrawal.prove()
    world.chain.pass_time(1_000)
    assert withdrawal.refuse_finalization() == "OptimismPortal_InvalidProofTimestamp()"


def test_the_game_must_be_decided_and_final(world: L1World) -> None:
    respect(world, GameType.PERMISSIONED)
    block = L2Block([MESSAGE])
    game = create_permissioned(world, block.output_root, 10)
    world.chain.pass_time(1)
    proof = (MESSAGE.fields, 0, block.root_proof, block.proof(MESSAGE))
    world.portal.transact("proveWithdrawalTransaction", *proof, sender=ALICE)
    world.chain.pass_time(100)
    finalization = ("finalizeWithdrawalTransaction", MESSAGE.fields)

    assert world.portal.refuse(*finalization, sender=ALICE) == "OptimismPortal_InvalidRootClaim()"
    game.transact("resolve", sender=STRANGER)
    world.chain.pass_time(FINALITY_DELAY)
    assert world.portal.refuse(*finalization, sender=ALICE) == "OptimismPortal_InvalidRootClaim()"
    world.chain.pass_time(1)
    world.portal.transact(*finalization, sender=ALICE)


def blacklist(withdrawal: Withdrawal) -> None:
    withdrawal.world.registry.transact("blacklistDisputeGame", withdrawal.game.address, sender=OWNER)


def retire(withdrawal: Withdrawal) -> None:
    withdrawal.world.registry.transact("updateRetirementTimestamp", sender=OWNER)


@pytest.mark.parametrize("judge", [blacklist, retire])
def test_nothing_is_proven_against_a_game_that_does_not_count(
    world: L1World, judge: Callable[[Withdrawal], None]
) -> None:
    withdrawal = Withdrawal(world)
    judge(withdrawal)
    assert withdrawal.refuse_proof() == "OptimismPortal_ImproperDisputeGame()"


@pytest.mark.parametrize("judge", [blacklist, retire])
def test_nothing_is_delivered_by_a_game_that_counts_no_more(
    world: L1World, judge: Callable[[Withdrawal], None]
) -> None:
    withdrawal = Withdrawal(world).proven()
    judge(withdrawal)
    assert withdrawal.refuse_finalization() == "OptimismPortal_InvalidRootClaim()"


def test_games_of_a_type_that_was_not_respected_do_not_count(world: L1World) -> None:
    respect(world, GameType.PERMISSIONED)
    withdrawal = Withdrawal(world)
    respect(world, GameType.ENCLAVE)
    assert withdrawal.refuse_proof() == "OptimismPortal_InvalidDisputeGame()"


def test_a_change_of_the_respected_type_leaves_withdrawals_alone(world: L1World) -> None:
    withdrawal = Withdrawal(world).proven()
    respect(world, GameType.PERMISSIONED)
    withdrawal.finalize()


def test_a_challenged_game_does_not_count(world: L1World) -> None:
    respect(world, GameType.PERMISSIONED)
    block = L2Block([MESSAGE])
    create_permissioned(world, block.output_root, 10).transact("challenge", sender=OWNER)
    proof = (MESSAGE.fields, 0, block.root_proof, block.proof(MESSAGE))
    refusal = world.portal.refuse("proveWithdrawalTransaction", *proof, sender=ALICE)
    assert refusal == "OptimismPortal_InvalidDisputeGame()"


def test_there_must_be_such_a_game(world: L1World) -> None:
    withdrawal = Withdrawal(world)
    message, _, root_proof, nodes = withdrawal.proof
    assert withdrawal.refuse_proof(message, 1, root_proof, nodes) == "panic 0x32: index out of bounds"


def test_while_paused_nothing_is_proven_or_delivered_but_deposits_go_on(world: L1World) -> None:
    withdrawal = Withdrawal(world).proven()
    world.system_config.transact("pause", sender=OWNER)

    assert world.portal.read("paused") is True
    assert withdrawal.refuse_proof() == "OptimismPortal_CallPaused()"
    assert withdrawal.refuse_finalization() == "OptimismPortal_CallPaused()"
    world.portal.transact("depositTransaction", TARGET, 0, 50_000, False, b"", sender=ALICE)
    world.system_config.transact("unpause", sender=OWNER)
    withdrawal.finalize()


@pytest.mark.parametrize("part", ["version", "stateRoot", "messagePasserStorageRoot", "latestBlockhash"])
def test_the_parts_must_be_those_of_the_games_output_root(world: L1World, part: str) -> None:
    withdrawal = Withdrawal(world)
    message, index, root_proof, nodes = withdrawal.proof
    wrong = {**root_proof, part: b"\x01" * 32}
    assert withdrawal.refuse_proof(message, index, wrong, nodes) == "OptimismPortal_InvalidOutputRootProof()"


@pytest.mark.parametrize(
    "wrong",
    [
        changed(MESSAGE, nonce=VERSIONED_NONCE + 1),
        changed(MESSAGE, sender=ALICE),
        changed(MESSAGE, target=ALICE),
        changed(MESSAGE, value=2 * ETHER),
        changed(MESSAGE, gas_limit=1),
        changed(MESSAGE, data=b"\0"),
    ],
)
def test_another_message_than_was_sent_is_not_proven(world: L1World, wrong: Message) -> None:
    withdrawal = Withdrawal(world)
    _, index, root_proof, nodes = withdrawal.proof
    refusal = withdrawal.refuse_proof(wrong.fields, index, root_proof, nodes)
    assert refusal == "OptimismPortal_InvalidMerkleProof()"


def test_a_message_to_the_portal_is_refused(world: L1World) -> None:
    withdrawal = Withdrawal(world, Message(world.portal.address))
    assert withdrawal.refuse_proof() == "OptimismPortal_BadTarget()"
    assert withdrawal.refuse_finalization() == "OptimismPortal_BadTarget()"


def test_a_message_cannot_deliver_another(world: L1World) -> None:
    inner = Message(TARGET, nonce=VERSIONED_NONCE + 1)
    world.chain.state.set_code(ALICE, FORWARDER_CODE)
    finalization = world.portal.data("finalizeWithdrawalTransactionExternalProof", inner.fields, BOB)
    outer = Message(ALICE, gas_limit=1_000_000, data=world.portal.address + finalization)
    block = L2Block([outer, inner])
    withdrawal = Withdrawal(world, outer, block)
    proof = (inner.fields, 0, block.root_proof, block.proof(inner))
    world.portal.transact("proveWithdrawalTransaction", *proof, sender=BOB)
    withdrawal.prove(BOB)
    world.chain.pass_time(DELAY)

    (finalized,) = withdrawal.finalize(BOB)
    assert finalized.arguments["success"] is False
    assert world.portal.read("finalizedWithdrawals", inner.hash) is False


def test_the_target_gets_the_gas_it_was_promised_or_nothing_happens(world: L1World) -> None:
    # Keeps the gas it begins with in slot 0.
    world.chain.state.set_code(TARGET, bytes.fromhex("5a5f5500"))
    withdrawal = Withdrawal(world, Message(TARGET, gas_limit=1_000_000)).proven()
    call = world.portal.data("finalizeWithdrawalTransaction", withdrawal.message.fields)

    succeeded = []
    for gas in range(1_000_000, 1_300_000, 10_000):
        chain = world.chain.copy()
        outcome = chain.transact(world.portal.address, call, sender=ALICE, gas=gas)
        if outcome.succeeded:
            assert chain.state.get_storage(TARGET, 0) >= 999_990
            succeeded.append(gas)
        else:
            assert chain.state.get_storage(TARGET, 0) == 0
    assert succeeded
    assert len(succeeded) < 30


def test_a_gas_limit_that_no_block_has_is_never_reached(world: L1World) -> None:
    # 2**250 · 64 is 0 modulo 2**256.
    withdrawal = Withdrawal(world, Message(TARGET, gas_limit=2**250)).proven()
    assert withdrawal.refuse_finalization().startswith("InsufficientGas(")


def test_what_is_asked_of_the_portal_comes_from_the_registries(world: L1World) -> None:
    portal: Contract = world.portal
    views = {
        "version": "4.6.0",
        "proofMaturityDelaySeconds": MATURITY_DELAY,
        "disputeGameFinalityDelaySeconds": FINALITY_DELAY,
        "respectedGameType": GameType.ENCLAVE,
        "disputeGameFactory": world.factory.address,
        "anchorStateRegistry": world.registry.address,
        "systemConfig": world.system_config.address,
        "superchainConfig": world.system_config.address,
        "guardian": OWNER,
        "paused": False,
        "respectedGameTypeUpdatedAt": world.registry.read("retirementTimestamp"),
    }
    assert {view: portal.read(view) for view in views} == views
