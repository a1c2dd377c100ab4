"""When a singular batch may extend the safe head (OP Stack "Batch Queue", with Holocene's rules)."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.block_refs import L1BlockRef, L2BlockRef
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.transactions import ACCESS_LIST, ATTESTED, DEPOSIT, DYNAMIC_FEE, LARGEST_TYPE, SET_CODE


class Verdict(Enum):
    """What becomes of a batch."""

    ACCEPT = auto()
    PAST = auto()
    """It is of a block that the safe chain has already: skip it and go on with its channel."""
    UNDECIDED = auto()
    """What it rests on is not known, and will not be: skip it and go on with its channel."""
    DROP = auto()
    """It breaks a rule: drop it and the rest of its channel."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and, unless the batch is accepted, why."""

    verdict: Verdict
    reason: str = ""


_ACCEPTED: Final = Judgement(Verdict.ACCEPT)


def judge_batch(
    config: RollupConfig,
    batch: SingularBatch,
    safe_head: L2BlockRef,
    epoch: L1BlockRef,
    next_epoch: L1BlockRef,
    inclusion_number: int,
) -> Judgement:
    """Judge a batch that lies in the L1 block `inclusion_number`.

    `epoch` is the L1 origin of the safe head, `next_epoch` the L1 block after it. That one is always known: a batch
    names the hash of its L1 origin, so it is included in a later L1 block, and none has to wait for a judgement.
    """
    next_timestamp = safe_head.timestamp + config.block_time
    if batch.timestamp > next_timestamp:
        return _drop(f"timestamp {batch.timestamp} is beyond the next block's, {next_timestamp}")
    if batch.timestamp < next_timestamp:
        return Judgement(Verdict.PAST, f"timestamp {batch.timestamp} is before the next block's, {next_timestamp}")
    if batch.parent_hash != safe_head.hash:
        return _drop(f"parent 0x{batch.parent_hash.hex()} is not the safe head 0x{safe_head.hash.hex()}")
    if batch.epoch_number + config.sequencing_window_size < inclusion_number:
        return _drop(
            f"included in L1 block {inclusion_number}, more than {config.sequencing_window_size} blocks after its "
            f"epoch {batch.epoch_number}"
        )
    if batch.epoch_number < epoch.number:
        return _drop(f"epoch {batch.epoch_number} is before the safe head's, {epoch.number}")
    if batch.epoch_number > epoch.number + 1:
        return _drop(f"epoch {batch.epoch_number} is more than one after the safe head's, {epoch.number}")
    origin = epoch if batch.epoch_number == epoch.number else next_epoch
    if batch.epoch_hash != origin.hash:
        return _drop(f"epoch hash 0x{batch.epoch_hash.hex()} is not L1 block {origin.number} (0x{origin.hash.hex()})")
    if batch.timestamp < origin.timestamp:
        return _drop(f"timestamp {batch.timestamp} is before its L1 origin's, {origin.timestamp}")
    judgement = _judge_drift(config, batch, origin, epoch, next_epoch)
    return _judge_transactions(config, batch) if judgement.verdict is Verdict.ACCEPT else judgement


def _judge_drift(
    config: RollupConfig,
    batch: SingularBatch,
    origin: L1BlockRef,
    epoch: L1BlockRef,
    next_epoch: L1BlockRef,
) -> Judgement:
    latest = origin.timestamp + config.sequencer_drift(origin.timestamp)
    if batch.timestamp <= latest:
        return _ACCEPTED
    if batch.transactions:
        return _drop(f"timestamp {batch.timestamp} is beyond the sequencer drift, {latest}, and the batch is not empty")
    # An empty batch keeps L2 going while L1 is late, but only as long as it had no next L1 origin to adopt.
    if origin.number == epoch.number and batch.timestamp >= next_epoch.timestamp:
        return _drop(f"timestamp {batch.timestamp} is beyond the sequencer drift, {latest}, with a next L1 origin")
    return _ACCEPTED


def _judge_transactions(config: RollupConfig, batch: SingularBatch) -> Judgement:
    allowed = {ACCESS_LIST, DYNAMIC_FEE}
    if config.forks.is_active(Fork.ISTHMUS, batch.timestamp):
        allowed.add(SET_CODE)
    if config.forks.attested_is_active(batch.timestamp):
        allowed.add(ATTESTED)
    for index, transaction in enumerate(batch.transactions):
        if not transaction:
            return _drop(f"transaction {index} is empty")
        if transaction[0] == DEPOSIT:
            return _drop(f"transaction {index} is a deposit")
        if transaction[0] <= LARGEST_TYPE and transaction[0] not in allowed:
            return _drop(f"transaction {index} is of type 0x{transaction[0]:02x}, which is not allowed")
    return _ACCEPTED


def _drop(reason: str) -> Judgement:
    return Judgement(Verdict.DROP, reason)
