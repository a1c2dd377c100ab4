"""What a devnet can be told, and what it is when it is told nothing."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from phal2.devnet.accounts import DEFAULT_ACCOUNT_COUNT, DEFAULT_MNEMONIC
from phal2.node.rpc.options import RpcOptions

ETHER: Final = 10**18

SEQUENCING_WINDOW: Final = 3_600
"""As OP chains have it: twelve hours of Ethereum."""

BLOB_RETENTION: Final = 131_072
"""As many blocks as the slots for which beacon nodes keep blobs (4,096 epochs)."""

OWN_L1_PROPOSAL_SECONDS: Final = 4
"""viem's `waitToProve` looks for a game only after the average time between the latest games, though a withdrawal has
one within seconds."""

OTHER_L1_PROPOSAL_SECONDS: Final = 30
"""On an L1 where somebody pays for each game."""

CALLDATA: Final = "calldata"
DATA_AVAILABILITIES: Final = ("auto", "blobs", CALLDATA)

EMBEDDED: Final = "embedded"
ANVIL: Final = "anvil"

_MOST_WHOLE_DIGITS: Final = 60
"""Of an amount in ETH; 2^256 wei have 60."""


@dataclass(frozen=True, slots=True)
class DevnetSettings:
    """Ports (0 lets the system choose), block times in seconds, balances in wei, gas limits in gas.

    Without a data directory the chains live in a temporary one that is removed at the end. `state_retention` is the
    number of newest blocks whose state each chain keeps, None for all. `development` offers the development methods,
    `automine` seals an L2 block for each transaction, `allow_state_edits` lets the state of L2 be edited, after which
    the follower has another chain. `rpc` is for all servers. `l1` says which L1; `anvil` is the program where that is
    not the one on the PATH. Withdrawals wait, in seconds, from their proof to their delivery, from a dispute game's
    decision to its finality, and while a permissioned game can be challenged. When L1 is `sequencing_window` blocks
    past an L1 origin, L2 goes on without what was not posted of it; without `batcher` nothing is. `proposer` has
    outputs proven and proposed, at once where a withdrawal waits, else every `proposal_interval` seconds.
    `data_availability` is the batcher's (auto, blobs or calldata); the embedded L1 keeps the blobs of the newest
    `blob_retention` blocks. On an L1 at a URL the account of `l1_private_key` pays, and gives batcher and proposer
    `l1_role_funds` wei each; the nodes find blobs at `l1_beacon`, or at L1's own URL.
    """

    host: str = "127.0.0.1"
    l1_port: int = 8545
    l2_port: int = 9545
    follower_port: int = 9546
    l1_block_time: int = 2
    l2_block_time: int = 1
    l1_chain_id: int = 31337
    l2_chain_id: int = 20350
    data_dir: Path | None = None
    state_retention: int | None = None
    mnemonic: str = DEFAULT_MNEMONIC
    account_count: int = DEFAULT_ACCOUNT_COUNT
    balance: int = 10_000 * ETHER
    l1_gas_limit: int = 30_000_000
    l2_gas_limit: int = 30_000_000
    owner_claim_delay: int = 60
    proof_maturity_delay: int = 0
    game_finality_delay: int = 1
    challenge_period: int = 4
    sequencing_window: int = SEQUENCING_WINDOW
    batcher: bool = True
    proposer: bool = True
    proposal_interval: int | None = None
    migration_tree: Path | None = None
    development: bool = True
    automine: bool = False
    allow_state_edits: bool = False
    rpc: RpcOptions = field(default_factory=RpcOptions)
    l1: str = EMBEDDED
    anvil: Path | None = None
    data_availability: str = CALLDATA
    l1_beacon: str | None = None
    blob_retention: int = BLOB_RETENTION
    l1_private_key: bytes | None = field(default=None, repr=False)
    l1_role_funds: int = ETHER

    @property
    def is_on_external_l1(self) -> bool:
        """Whether `l1` is the URL of an L1 that somebody else runs."""
        return self.l1 not in (EMBEDDED, ANVIL)

    @property
    def proposal_seconds(self) -> int:
        """After how many seconds an output is proposed where no withdrawal waits."""
        if self.proposal_interval is not None:
            return self.proposal_interval
        return OTHER_L1_PROPOSAL_SECONDS if self.is_on_external_l1 else OWN_L1_PROPOSAL_SECONDS


def format_ether(wei: int) -> str:
    """Return an amount in ETH as exact decimal text with thousands separators."""
    whole, rest = divmod(wei, ETHER)
    fraction = f"{rest:018d}".rstrip("0")
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"


def parse_ether(text: str) -> int:
    """Read decimal text in ETH as wei, exactly; raise `ValueError` where it is not a non-negative amount."""
    whole, _, fraction = text.partition(".")
    digits_only = text.isascii() and whole.isdigit() and (not fraction or fraction.isdigit())
    if not digits_only or len(whole) > _MOST_WHOLE_DIGITS or len(fraction) > 18:
        raise ValueError(f"expected an amount in ETH with at most 18 decimals, got {text[:80]!r}")
    return int(whole) * ETHER + int(fraction.ljust(18, "0"))
