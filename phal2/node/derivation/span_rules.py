"""When a span batch may be read block by block (OP Stack "Holocene: Span Batches").

These are the rules for the batch as a whole. Each of its blocks beyond the safe head is then judged for itself, as a
singular batch: those before the first invalid one count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from phal2.node.derivation.batch_rules import Judgement, Verdict
from phal2.node.protocol.block_refs import L1BlockRef, L2BlockRef
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.span_batches import CHECK_LENGTH, SpanBatch


@dataclass(frozen=True, slots=True)
class SafeBlock:
    """A block of the safe chain with its sequenced envelopes (no deposits)."""

    ref: L2BlockRef
    transactions: tuple[bytes, ...]


SafeBlocks: TypeAlias = Callable[[int], SafeBlock | None]
"""Gives the block of a number on the safe chain, None where there is none."""


@dataclass(frozen=True, slots=True)
class SpanJudgement:
    """What becomes of a span batch; where it is accepted, `first_new` is the index of its first block to judge."""

    judgement: Judgement
    first_new: int = 0


def judge_span(
    config: RollupConfig,
    span: SpanBatch,
    safe_head: L2BlockRef,
    l1_block: Callable[[int], L1BlockRef | None],
    inclusion_number: int,
    safe_blocks: SafeBlocks,
) -> SpanJudgement:
    """Judge a span batch that lies in the L1 block `inclusion_number`.

    `l1_block` gives the L1 blocks that were read, from the safe head's origin on. The times and L1 origins of blocks
    that are safe already, and their transactions, must be as the batch says (OP Stack "Span Batches", overlap).
    """
    next_timestamp = safe_head.timestamp + config.block_time
    if span.timestamp > next_timestamp:
        return _drop(f"span batch begins at {span.timestamp}, beyond the next block's time, {next_timestamp}")
    if span.last_timestamp < next_timestamp:
        return _left_out(
            Verdict.PAST, f"span batch ends at {span.last_timestamp}, before the next block's, {next_timestamp}"
        )
    overlap, misalignment = divmod(next_timestamp - span.timestamp, config.block_time)
    if misalignment:
        return _drop(f"span batch begins at {span.timestamp}, which is no block's time")
    parent = safe_head
    if overlap:
        found = safe_blocks(safe_head.number - overlap)
        if found is None:
            return _left_out(Verdict.UNDECIDED, f"span batch begins at {span.timestamp}, not after genesis")
        parent = found.ref
    judgement = _judge_origins(config, span, safe_head, parent, l1_block, inclusion_number)
    if judgement is None and overlap:
        judgement = _judge_overlap(span, parent.number + 1, overlap, safe_blocks)
    return judgement or SpanJudgement(Judgement(Verdict.ACCEPT), overlap)


def _judge_origins(
    config: RollupConfig,
    span: SpanBatch,
    safe_head: L2BlockRef,
    parent: L2BlockRef,
    l1_block: Callable[[int], L1BlockRef | None],
    inclusion_number: int,
) -> SpanJudgement | None:
    if span.parent_check != parent.hash[:CHECK_LENGTH]:
        return _drop(f"span batch on 0x{span.parent_check.hex()}…, but block {parent.number} is 0x{parent.hash.hex()}")
    first = span.first_epoch_number
    if first + config.sequencing_window_size < inclusion_number:
        return _drop(
            f"span batch included in L1 block {inclusion_number}, more than {config.sequencing_window_size} blocks "
            f"after its first epoch {first}"
        )
    if first > parent.l1_origin.number + 1:
        return _drop(f"span batch's first epoch {first} is more than one after its parent's, {parent.l1_origin.number}")
    last = l1_block(span.last_epoch_number) if span.last_epoch_number >= safe_head.l1_origin.number else None
    if last is None:
        return _left_out(
            Verdict.UNDECIDED,
            f"span batch's last epoch {span.last_epoch_number} is not between the safe head's, "
            f"{safe_head.l1_origin.number}, and the present L1 block {inclusion_number}",
        )
    if span.l1_origin_check != last.hash[:CHECK_LENGTH]:
        return _drop(
            f"span batch's last epoch 0x{span.l1_origin_check.hex()}… is not L1 block {last.number} "
            f"(0x{last.hash.hex()})"
        )
    if first < parent.l1_origin.number:
        return _drop(f"span batch's first epoch {first} is before its parent's, {parent.l1_origin.number}")
    return None


def _judge_overlap(span: SpanBatch, number: int, overlap: int, safe_blocks: SafeBlocks) -> SpanJudgement | None:
    """Hold the batch's first `overlap` blocks against the safe ones from `number` on."""
    for index, block in zip(range(overlap), span.blocks(), strict=False):
        safe = safe_blocks(number + index)
        if safe is None:
            return _left_out(Verdict.UNDECIDED, f"the safe block {number + index} is not known")
        if safe.transactions != block.transactions:
            return _drop(f"span batch has other transactions for block {number + index}, which is safe already")
        if safe.ref.l1_origin.number != block.epoch_number:
            return _drop(f"span batch has another L1 origin for block {number + index}, which is safe already")
    return None


def _drop(reason: str) -> SpanJudgement:
    return SpanJudgement(Judgement(Verdict.DROP, reason))


def _left_out(verdict: Verdict, reason: str) -> SpanJudgement:
    return SpanJudgement(Judgement(verdict, reason))
