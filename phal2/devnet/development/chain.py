"""What the development methods ask of a chain, and the errors with which it refuses."""

from typing import Final, Protocol

from phal2.devnet.development.impersonation import Impersonation
from phal2.devnet.development.state_edits import StateEdit
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.chain_service import ChainService
from phal2.node.sequencer.mempool import Mempool

MOST_BLOCKS: Final = 3_600
"""How many blocks one call may ask for, and by the time of how many L2 blocks time may be moved forward at once."""


class NotOnThisChain(Phal2Error):
    """What a chain cannot do by its nature. The text says why, and what to do instead."""


class StateEditsRefused(Phal2Error):
    """An edit of the state of a chain that has a batcher."""

    def __init__(self) -> None:
        super().__init__(
            "this chain has a batcher, and no batch carries an edit of its state: neither L1 nor a follower would "
            "learn of it, and the follower would stop following; start the devnet with --allow-state-edits to have it "
            "nonetheless, or make the change with a transaction or a deposit from L1"
        )


class TooManyBlocks(Phal2Error):
    """More blocks than one call may ask for."""

    def __init__(self, blocks: int) -> None:
        super().__init__(f"at most {MOST_BLOCKS} blocks can be mined in a call, got {blocks}; call again for more")
        self.blocks = blocks


class DevelopmentChain(Protocol):
    """One chain under development. Use it on one event loop; calls that seal blocks take turns."""

    @property
    def service(self) -> ChainService:
        """The chain as the RPC server knows it."""
        ...

    @property
    def mempool(self) -> Mempool:
        """The chain's pool."""
        ...

    @property
    def impersonation(self) -> Impersonation:
        """The accounts that anybody may send from."""
        ...

    @property
    def automine(self) -> bool:
        """Whether a block is sealed for each transaction."""
        ...

    @property
    def interval(self) -> int | None:
        """The seconds between two blocks that come by themselves, None where none do."""
        ...

    async def mine(self, blocks: int = 1, interval: int | None = None, timestamp: int | None = None) -> None:
        """Seal blocks now: the first with `timestamp` where given, `interval` seconds apart where given."""
        ...

    async def increase_time(self, seconds: int) -> int:
        """Move the time forward, and return by how many seconds it is ahead of wall time."""
        ...

    def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block this timestamp."""
        ...

    def set_timestamp_interval(self, seconds: int | None) -> None:
        """Give each later block the timestamp of its parent and so many seconds; None: what comes."""
        ...

    def set_automine(self, is_on: bool) -> None:
        """Seal a block for each transaction from now on, or no longer."""
        ...

    async def set_interval(self, seconds: int) -> None:
        """Seal a block every `seconds`; 0: only on demand."""
        ...

    def require_state_edits(self) -> None:
        """Raise `StateEditsRefused` where the state may not be edited."""
        ...

    async def edit_state(self, edit: StateEdit) -> None:
        """Edit the state of the newest block; raise `StateEditsRefused` where it may not be edited."""
        ...

    async def admit(self, transaction: RecoveredTransaction) -> bytes:
        """Take a transaction into the pool whose sender is known; return its hash."""
        ...

    async def snapshot(self) -> int:
        """Note the present state of affairs and return its number."""
        ...

    async def revert(self, number: int) -> bool:
        """Return to a snapshot, which is used up with all later ones; False where there is none of this number."""
        ...

    async def reset(self) -> None:
        """Return to where things were when the devnet was up."""
        ...
