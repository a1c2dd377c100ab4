"""How the proposer behaves, apart from what the rollup and the contracts fix."""

from dataclasses import dataclass

from phal2.bridge.amounts import GWEI
from phal2.bridge.dispute_games import GameType
from phal2.bridge.proposer.errors import ProposerError
from phal2.bridge.prover.proof_request import MAXIMUM_BLOCKS
from phal2.node.l1.client import MOST_PRIORITY_FEE


@dataclass(frozen=True, slots=True)
class ProposerSettings:
    """Times in seconds, fees in wei per gas. Game intervals are counted from the block of the newest right game."""

    game_type: GameType = GameType.ENCLAVE
    """Type of the games that are created."""

    interval_blocks: int = 1_800
    """A game is due when so many L2 blocks have become safe after the last one's."""

    interval_seconds: float = 3_600.0
    """A game is due when so much time of L1 has passed since the last one was created, and there are new blocks."""

    on_withdrawal: bool = False
    """Whether a game is due, too, as soon as a withdrawal is in a safe block that the last one does not cover."""

    anchor_blocks: int = 43_200
    """The anchor root is moved to a final game when it is so many L2 blocks behind one: were all games retired, the
    blocks since the anchor root would have to be proven again."""

    finalized_only: bool = False
    """Whether to propose only blocks that were derived from finalized L1 blocks."""

    preparation_seconds: float = 0.0
    """The prover is started and registered so long after the start, even if no game is due yet."""

    poll_interval_seconds: float = 4.0
    """Pause between two looks at the chains."""

    blocks_in_a_request: int = 64
    """L2 blocks that the prover is given at once."""

    resubmission_seconds: float = 48.0
    """A transaction that is not mined after this time is sent again with higher fees."""

    fee_limit: int = 1_000 * GWEI
    """The fee cap never goes above this."""

    priority_fee_limit: int = MOST_PRIORITY_FEE
    """The tip never goes above this."""

    oldest_l1_origin: int = 8_000
    """A game's L1 block may be this many blocks behind L1's head; the game contract knows 8,191 hashes (EIP-2935)."""

    def __post_init__(self) -> None:
        if min(self.interval_blocks, self.anchor_blocks) < 1 or self.interval_seconds <= 0:
            raise ProposerError("the intervals between games must be at least 1 block and above 0 s")
        if (
            self.poll_interval_seconds <= 0
            or self.resubmission_seconds <= 0
            or min(self.fee_limit, self.priority_fee_limit) <= 0
        ):
            raise ProposerError("the poll interval, the resubmission time and the fee limit must be above 0")
        if not 1 <= self.blocks_in_a_request <= MAXIMUM_BLOCKS:
            raise ProposerError(f"a request takes 1 to {MAXIMUM_BLOCKS} blocks, not {self.blocks_in_a_request}")
