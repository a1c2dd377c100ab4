"""The embedded L1 under development."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from phal2.devnet.development.chain import MOST_BLOCKS, TooManyBlocks
from phal2.devnet.development.impersonation import Impersonation
from phal2.devnet.development.snapshots import ChainSnapshot, Snapshots, chain_snapshot, put_back, refill, require_kept
from phal2.devnet.development.state_edits import StateEdit, edit_state_of
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.l1.embedded_l1 import AdvanceTooLong, InvalidBlockTime
from phal2.devnet.l1.sealing import HeaderChoices
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transaction_codec import RecoveredTransaction, decode_transaction
from phal2.node.rpc.errors import invalid_params
from phal2.node.sequencer.mempool import Mempool
from phal2.node.state.world_state import WorldState


class ReorganisationTooDeep(Phal2Error):
    """A reorganisation below the first block that may be replaced."""

    def __init__(self, depth: int, deepest: int) -> None:
        super().__init__(
            f"a depth of {depth} blocks is out of range; expected 1 to {deepest}: L2 begins on the block below, "
            f"and at most {MOST_BLOCKS} blocks can be replaced at once"
        )
        self.depth = depth
        self.deepest = deepest


@dataclass(slots=True)
class Surroundings:
    """What stands around the embedded L1 in a devnet: L2 rests on it."""

    first_block: int = 0
    """The L1 block on which L2 begins; it is never replaced."""
    reorganised: Callable[[], Awaitable[None]] | None = None
    """Told after L1 has gone back, so that L2 follows at once."""
    reset: Callable[[], Awaitable[None]] | None = None
    """Returns the whole devnet to its start."""


class L1Development:
    """A `DevelopmentChain`. Going back is a reorganisation, which L2 follows; the devnet's time does not go back."""

    def __init__(self, l1: EmbeddedL1) -> None:
        self.service = l1
        self.mempool: Mempool = l1.mempool
        self.impersonation = Impersonation()
        self.surroundings = Surroundings()
        self._l1 = l1
        self._snapshots: Snapshots[ChainSnapshot] = Snapshots()
        self._start = self.take_snapshot()
        self._reorganisations = 0

    @property
    def automine(self) -> bool:
        """Whether a block is sealed for each transaction."""
        return self._l1.automine

    @property
    def interval(self) -> int | None:
        """The seconds between two blocks that come by themselves, None where none do."""
        return self._l1.interval

    @property
    def choices(self) -> HeaderChoices:
        """What the next block's proposer chooses."""
        return self._l1.choices

    def choose(self, choices: HeaderChoices) -> None:
        """Have the next block made with these choices."""
        self._l1.choices = choices

    async def mine(self, blocks: int = 1, interval: int | None = None, timestamp: int | None = None) -> None:
        """Seal blocks now: the first with `timestamp` where given, `interval` seconds apart where given."""
        if blocks > MOST_BLOCKS:
            raise TooManyBlocks(blocks)
        if (seconds := blocks * (interval or 0)) > self._l1.longest_advance:
            raise AdvanceTooLong(seconds, self._l1.longest_advance)
        for _ in range(blocks):
            if timestamp is None and interval:
                await self._mine_after(interval)
            else:
                await self._l1.mine(timestamp)
            timestamp = None

    async def increase_time(self, seconds: int) -> int:
        """Move the devnet's clock forward; a block follows at its time."""
        self._l1.advance_clock(seconds)
        return self._l1.clock.offset

    def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block this timestamp."""
        self._l1.set_next_timestamp(timestamp)

    def set_timestamp_interval(self, seconds: int | None) -> None:
        """Give each later block the timestamp of its parent and so many seconds; None: the clock's."""
        if seconds is not None and not 1 <= seconds <= self._l1.longest_advance:
            raise invalid_params(
                f"{seconds} seconds between blocks are out of range; expected 1 to {self._l1.longest_advance}"
            )
        self._l1.timestamp_interval = seconds

    def set_automine(self, is_on: bool) -> None:
        """Seal a block for each transaction, beside those at intervals, which L2 needs; or no longer."""
        self._l1.automine = is_on

    async def set_interval(self, seconds: int) -> None:
        """Seal a block every `seconds`; 0: only on demand."""
        if seconds > self._l1.longest_advance:
            raise AdvanceTooLong(seconds, self._l1.longest_advance)
        self._l1.seal_every(seconds or None)
        # Where blocks come on demand alone from now on, the one that is being sealed is there already.
        await self._l1.at_head(lambda _: None)

    def require_state_edits(self) -> None:
        """Do nothing: nobody executes the blocks of L1 again."""

    async def edit_state(self, edit: StateEdit) -> None:
        """Edit the state of the newest block."""
        await self._l1.at_head(lambda head: edit_state_of(self._l1.store, head, edit))

    async def admit(self, transaction: RecoveredTransaction) -> bytes:
        """Take a transaction into the pool whose sender is known; return its hash."""
        return await self._l1.admit(transaction)

    def take_snapshot(self) -> ChainSnapshot:
        """Return the present state of L1."""
        return chain_snapshot(self._l1.store, self._l1.head_id(), self._l1.pending_transactions())

    async def return_to(self, snapshot: ChainSnapshot) -> None:
        """Return to a snapshot. Raises `SnapshotPruned`."""
        require_kept(self._l1.store, snapshot.head)
        await self._l1.go_back(snapshot.head, snapshot.state_location)
        refill(self.mempool, snapshot.pool, self._state())

    async def snapshot(self) -> int:
        """Note the present state of L1 alone."""
        return self._snapshots.add(self.take_snapshot())

    async def revert(self, number: int) -> bool:
        """Return L1 to a snapshot: a reorganisation, which the L2 nodes follow."""
        snapshot = self._snapshots.find(number)
        if snapshot is None:
            return False
        await self.return_to(snapshot)
        self._snapshots.use_up(number)
        await self._tell()
        return True

    async def reset(self) -> None:
        """Return the whole devnet, or where this L1 stands alone it, to the start."""
        if self.surroundings.reset is not None:
            await self.surroundings.reset()
        else:
            await self.return_to(self._start)

    async def reorganise(self, depth: int) -> None:
        """Replace the newest `depth` blocks by one more than there were.

        Their transactions return to the pool, and come into the first new block as far as they can.
        """
        head = self._require_depth(depth)
        store = self._l1.store
        numbers = range(head.number - depth + 1, head.number + 1)
        left = [block for number in numbers if (block := store.block_by_number(number)) is not None]
        self._reorganisations += 1
        await self._go_down(depth, extra_data=f"reorganisation {self._reorganisations}".encode())
        for block in left:
            put_back(self.mempool, self._transactions(block.hash), self._state())
        for block in left:
            await self._mine_not_before(block.header.timestamp)
        await self._l1.mine()
        await self._tell()

    async def _mine_after(self, interval: int) -> None:
        await self._mine_at(lambda: max(self._l1.pending_environment().timestamp, self._head_time() + interval))

    async def _mine_not_before(self, timestamp: int) -> None:
        await self._mine_at(lambda: max(timestamp, self._head_time() + 1))

    async def _mine_at(self, timestamp: Callable[[], int]) -> None:
        while True:
            try:
                await self._l1.mine(timestamp())
            except InvalidBlockTime:
                # A block at its own time, or for a transaction, came in between.
                continue
            return

    async def roll_back(self, depth: int) -> None:
        """Take the newest `depth` blocks away, with what is in them."""
        self._require_depth(depth)
        await self._go_down(depth)
        await self._tell()

    async def _go_down(self, depth: int, extra_data: bytes = b"") -> None:
        number = self._l1.head_id().number - depth
        block_hash = self._l1.store.block_hash(number)
        if block_hash is None:
            raise LookupError(f"L1 block {number} is missing")
        await self._l1.go_back(BlockId(block_hash, number), extra_data=extra_data)

    def _require_depth(self, depth: int) -> BlockId:
        head = self._l1.head_id()
        oldest = max(self.surroundings.first_block, self._l1.store.oldest_state())
        deepest = min(head.number - oldest, MOST_BLOCKS)
        if not 1 <= depth <= deepest:
            raise ReorganisationTooDeep(depth, deepest)
        return head

    def _transactions(self, block_hash: bytes) -> list[RecoveredTransaction]:
        """Return what a block holds, without blob transactions whose blobs are no longer kept."""
        store = self._l1.store
        block, senders = store.block(block_hash), store.senders(block_hash) or ()
        found = []
        for raw, sender in zip(() if block is None else block.transactions, senders, strict=False):
            transaction = decode_transaction(raw)
            blobs = [store.blob(versioned_hash) for versioned_hash in transaction.blob_versioned_hashes]
            sidecars = tuple(blob for blob in blobs if blob is not None)
            if not isinstance(transaction, DepositTransaction) and len(sidecars) == len(blobs):
                found.append(RecoveredTransaction(transaction, raw, keccak256(raw), sender, sidecars))
        return found

    def _head_time(self) -> int:
        header = self._l1.store.header(self._l1.head_id().hash)
        return 0 if header is None else header.timestamp

    def _state(self) -> WorldState:
        header = self._l1.store.header(self._l1.head_id().hash)
        if header is None:
            raise LookupError("the newest block of L1 is not stored")
        return WorldState(self._l1.store, header.state_root)

    async def _tell(self) -> None:
        if self.surroundings.reorganised is not None:
            await self.surroundings.reorganised()
