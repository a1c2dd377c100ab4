"""First stage: L1 blocks one after the other, and what L2 takes from each of them as an L1 origin."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from phal2.node.derivation.errors import Critical, Reset
from phal2.node.derivation.system_config_updates import updated_system_config
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.deposits import TRANSACTION_DEPOSITED_TOPIC, deposit_from_log, encode_deposit
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.headers import Header
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig


@dataclass(frozen=True, slots=True)
class Epoch:
    """What L2 blocks take from an L1 block as their origin: `deposits` are the envelopes of its user deposits.

    `system_config` is in force for every L2 block of the epoch.
    """

    header: Header
    ref: L1BlockRef
    deposits: tuple[bytes, ...]
    system_config: SystemConfig


def read_epoch(config: RollupConfig, block: L1Block, parent_system_config: SystemConfig) -> Epoch:
    """Read deposits and ConfigUpdate events of an L1 block; `parent_system_config` is that of the L1 block before.

    Raise `Critical` where a deposit is malformed.
    """
    return Epoch(
        header=block.header,
        ref=block.ref,
        deposits=user_deposits(config, block),
        system_config=updated_system_config(parent_system_config, block.receipts, config.l1_system_config_address),
    )


def user_deposits(config: RollupConfig, block: L1Block) -> tuple[bytes, ...]:
    """Return the envelopes of the deposits that an L1 block's successful transactions made, in the order of their logs.

    Raise `Critical` where a log of the portal is malformed: a deposit must never be lost.
    """
    deposits = []
    log_index = -1
    for receipt in block.receipts:
        for log in receipt.logs:
            log_index += 1
            if (
                receipt.status != 1
                or log.address != config.deposit_contract_address
                or log.topics[:1] != (TRANSACTION_DEPOSITED_TOPIC,)
            ):
                continue
            try:
                deposit = deposit_from_log(log, block.hash, log_index)
            except InvalidEncoding as error:
                raise Critical(
                    f"malformed deposit in log {log_index} of L1 block {block.header.number}: {error}; "
                    "check the address of the deposit contract"
                ) from error
            deposits.append(encode_deposit(deposit))
    return tuple(deposits)


class L1Traversal:
    """Holds the L1 blocks that are yet to be read, and the epochs that L2 blocks may still have as origin.

    Iterating yields the present L1 block once, and None from then on until `advance`.
    """

    def __init__(self, config: RollupConfig, system_config: SystemConfig) -> None:
        self._config = config
        self._system_config = self._last_system_config = system_config
        self._waiting: deque[tuple[L1Block, Epoch]] = deque()
        self._last: L1BlockRef | None = None
        self._present: L1Block | None = None
        self._unread: L1Block | None = None
        self._epochs: dict[int, Epoch] = {}

    def add(self, block: L1Block) -> None:
        """Queue the next L1 block; raise `Reset` where it does not extend the last one, `Critical` as `read_epoch`."""
        self.require_next(block)
        epoch = read_epoch(self._config, block, self._last_system_config)
        if self._last is None:
            # The given configuration is that of L2 blocks with the first L1 block as origin: its events are in it
            # already.
            epoch = replace(epoch, system_config=self._last_system_config)
        self._last = block.ref
        self._last_system_config = epoch.system_config
        self._waiting.append((block, epoch))

    def require_next(self, block: L1Block) -> None:
        """Raise `Reset` where an L1 block does not extend the last one."""
        last = self._last
        if last is not None and (block.header.parent_hash != last.hash or block.header.number != last.number + 1):
            raise Reset(
                f"L1 block {block.header.number} (0x{block.hash.hex()}) does not extend block {last.number} "
                f"(0x{last.hash.hex()}): L1 was reorganised; start from the common ancestor"
            )

    def system_config_at(self, block: L1Block) -> SystemConfig:
        """Return the configuration as of an L1 block that is to be added next."""
        if self._last is None:
            return self._last_system_config
        return updated_system_config(self._last_system_config, block.receipts, self._config.l1_system_config_address)

    def advance(self) -> bool:
        """Move to the next queued L1 block; tell whether there was one."""
        if not self._waiting:
            return False
        block, epoch = self._waiting.popleft()
        self._system_config = epoch.system_config
        self._epochs[block.header.number] = epoch
        self._present = self._unread = block
        return True

    def __iter__(self) -> Iterator[L1Block | None]:
        while True:
            block, self._unread = self._unread, None
            yield block

    @property
    def started(self) -> bool:
        """Whether there is a present L1 block."""
        return self._present is not None

    @property
    def origin(self) -> L1BlockRef:
        """The present L1 block; only after `advance`."""
        if self._present is None:
            raise Critical("derivation has no L1 block yet; add the first one")
        return self._present.ref

    @property
    def system_config(self) -> SystemConfig:
        """The configuration as of the present L1 block: its batcher may post in this block already."""
        return self._system_config

    @property
    def next_number(self) -> int | None:
        """The number of the L1 block to add next; None where any may come first."""
        return None if self._last is None else self._last.number + 1

    def epoch(self, number: int) -> Epoch | None:
        """Return the epoch of an L1 block that was read and not forgotten."""
        return self._epochs.get(number)

    def forget_before(self, number: int) -> None:
        """Drop the epochs below an L1 block number, which no L2 block can have as origin any more."""
        for old in [known for known in self._epochs if known < number]:
            del self._epochs[old]
