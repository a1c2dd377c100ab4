"""At which of its steps a withdrawal is, by what L1 says of it. The steps have viem's names."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.heads import head_timestamp
from phal2.bridge.chain_access.reverts import revert_reason
from phal2.bridge.dispute_games import Game, GameStatus
from phal2.bridge.rollup_contracts import RollupContracts
from phal2.bridge.withdrawals.games import game_state, newest_games, seconds_until_covered
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused
from phal2.node.protocol.addresses import ZERO_ADDRESS

_MOST_SUBMITTERS: Final = 20
"""How many of the newest proofs of one withdrawal are looked at; anybody can submit more."""


class Step(StrEnum):
    """What a withdrawal waits for, or that it is done."""

    WAITING_TO_PROVE = "waiting-to-prove"
    READY_TO_PROVE = "ready-to-prove"
    WAITING_TO_FINALIZE = "waiting-to-finalize"
    READY_TO_FINALIZE = "ready-to-finalize"
    FINALIZED = "finalized"


@dataclass(frozen=True, slots=True)
class Proven:
    """A proof on L1: who submitted it, when (Unix seconds), and the game that it is against."""

    submitter: bytes
    timestamp: int
    game: bytes


@dataclass(frozen=True, slots=True)
class WithdrawalStatus:
    """How a withdrawal stands. `seconds` is about how long the present wait lasts, None where unknown or none.

    `reason` says what is waited for; `proven` is the proof that counts; `games` are those that it can be proven
    against, the oldest first.
    """

    step: Step
    seconds: int | None = None
    reason: str = ""
    proven: Proven | None = None
    games: Sequence[Game] = ()


async def withdrawal_status(
    l1: L1Client, contracts: RollupContracts, initiated: InitiatedWithdrawal, submitter: bytes | None = None
) -> WithdrawalStatus:
    """Return how a withdrawal stands; with `submitter` only that account's proof counts.

    Raises `ContractMissing`, `UnknownContracts` and `EndpointError`.
    """
    portal = Contract("OptimismPortal", contracts.portal)
    if await portal.read(l1.call, "finalizedWithdrawals", initiated.hash):
        return WithdrawalStatus(Step.FINALIZED)
    now = await head_timestamp(l1)
    ruled_out = ""
    for proven in await _proofs(l1, portal, initiated.hash, submitter):
        if await _can_finalize(l1, portal, initiated.hash, proven.submitter) is None:
            return WithdrawalStatus(Step.READY_TO_FINALIZE, proven=proven)
        waiting = await _waiting(l1, contracts, portal, initiated, proven, now)
        if waiting is not None:
            return waiting
        ruled_out = "; the proof that was submitted does not count, as its game was ruled out or is not older than it"
    games = await newest_games(l1, contracts, initiated.timestamp)
    covering = [game for game in games if game.block_number >= initiated.block_number]
    # The portal takes no proof that is not newer than its game; a proof sent now is in a later block than any game.
    eligible = await _from_first_that_counts(l1, contracts, covering)
    if eligible:
        return WithdrawalStatus(Step.READY_TO_PROVE, reason=f"a game covers its L2 block{ruled_out}", games=eligible)
    newest = f"the newest covers L2 block {games[-1].block_number}" if games else "there is none yet"
    return WithdrawalStatus(
        Step.WAITING_TO_PROVE,
        seconds_until_covered(games, initiated.block_number, now),
        f"no dispute game on L1 covers L2 block {initiated.block_number}: {newest}{ruled_out}",
    )


async def _from_first_that_counts(l1: L1Client, contracts: RollupContracts, games: Sequence[Game]) -> Sequence[Game]:
    for position, game in enumerate(games):
        if not (await game_state(l1, contracts, game.address)).is_lost:
            return games[position:]
    return ()


async def _proofs(l1: L1Client, portal: Contract, withdrawal: bytes, submitter: bytes | None) -> list[Proven]:
    """Return the proofs of a withdrawal, the newest first."""
    if submitter is None:
        count: int = await portal.read(l1.call, "numProofSubmitters", withdrawal)
        numbers = range(count - 1, max(-1, count - 1 - _MOST_SUBMITTERS), -1)
        submitters = [await portal.read(l1.call, "proofSubmitters", withdrawal, number) for number in numbers]
    else:
        submitters = [submitter]
    proofs = []
    for each in dict.fromkeys(submitters):
        game, timestamp = await portal.read_values(l1.call, "provenWithdrawals", withdrawal, each)
        if game != ZERO_ADDRESS and timestamp:
            proofs.append(Proven(each, timestamp, game))
    return proofs


async def _can_finalize(l1: L1Client, portal: Contract, withdrawal: bytes, submitter: bytes) -> str | None:
    """Return None where the portal would deliver the message now, else its reason."""
    try:
        await l1.call(portal.address, portal.call_data("checkWithdrawal", withdrawal, submitter))
    except EndpointRefused as error:
        reason = revert_reason(error, (portal.artefact,))
        if reason is None:
            raise
        return reason
    return None


async def _waiting(
    l1: L1Client,
    contracts: RollupContracts,
    portal: Contract,
    initiated: InitiatedWithdrawal,
    proven: Proven,
    now: int,
) -> WithdrawalStatus | None:
    """Return what a proof that does not count yet waits for, or None where it never will."""
    state = await game_state(l1, contracts, proven.game)
    created_at: int = await Contract("PermissionedDisputeGame", proven.game).read(l1.call, "createdAt")
    if state.is_lost or proven.timestamp <= created_at:
        return None
    maturity: int = await portal.read(l1.call, "proofMaturityDelaySeconds")
    # Older than the delay, as in the OP Stack; phal2's portal asks for no age where the delay is zero.
    matures_at = proven.timestamp + maturity + 1 if maturity else proven.timestamp
    finality: int = await portal.read(l1.call, "disputeGameFinalityDelaySeconds")
    if state.status == GameStatus.IN_PROGRESS:
        reason = "its dispute game is not decided yet"
        return WithdrawalStatus(Step.WAITING_TO_FINALIZE, None, reason, proven)
    final_at = state.resolved_at + finality + 1
    seconds = max(matures_at, final_at) - now
    if seconds > 0:
        reason = f"proofs mature for {maturity} s, and games become final {finality} s after their decision"
        return WithdrawalStatus(Step.WAITING_TO_FINALIZE, seconds, reason, proven)
    refusal = await _can_finalize(l1, portal, initiated.hash, proven.submitter)
    if refusal is None:
        return WithdrawalStatus(Step.READY_TO_FINALIZE, proven=proven)
    return WithdrawalStatus(Step.WAITING_TO_FINALIZE, None, f"the portal refuses it: {refusal}", proven)
