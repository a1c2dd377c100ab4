from dataclasses import replace

import pytest
from rollup_world import TRANSFER, World

from phal2.node.derivation.batch_rules import Verdict, judge_batch
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.block_refs import BlockId, L1BlockRef, L2BlockRef
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.rollup_config import RollupConfig

CONFIG = World(sequencing_window_size=20).config
EPOCH = L1BlockRef(b"e" * 32, 100, b"d" * 32, 1000)
NEXT = L1BlockRef(b"f" * 32, 101, EPOCH.hash, 1012)
HEAD = L2BlockRef(b"h" * 32, 50, b"g" * 32, 1011, EPOCH.id, 5)
BATCH = SingularBatch(HEAD.hash, 100, EPOCH.hash, 1012, (TRANSFER,))


def judge(
    batch: SingularBatch,
    inclusion: int = 105,
    head: L2BlockRef = HEAD,
    following: L1BlockRef = NEXT,
    config: RollupConfig = CONFIG,
) -> tuple[Verdict, str]:
    judgement = judge_batch(config, batch, head, EPOCH, following, inclusion)
    return judgement.verdict, judgement.reason


@pytest.mark.parametrize(
    "batch",
    [
        BATCH,
        replace(BATCH, epoch_number=101, epoch_hash=NEXT.hash),
        replace(BATCH, transactions=()),
        replace(BATCH, transactions=(b"\xf8", b"\x01", b"\x02", b"\x04", b"\x54")),
    ],
)
def test_a_batch_that_keeps_the_rules_is_accepted(batch: SingularBatch) -> None:
    assert judge(batch) == (Verdict.ACCEPT, "")


def test_a_batch_of_an_earlier_block_is_past_whatever_else_it_says() -> None:
    assert judge(replace(BATCH, timestamp=1011, parent_hash=bytes(32)))[0] is Verdict.PAST


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        (replace(BATCH, timestamp=1013), "beyond the next block's"),
        (replace(BATCH, parent_hash=bytes(32)), "is not the safe head"),
        (replace(BATCH, epoch_number=99), "before the safe head's"),
        (replace(BATCH, epoch_number=102), "more than one after"),
        (replace(BATCH, epoch_hash=NEXT.hash), "epoch hash"),
        (replace(BATCH, epoch_number=101), "epoch hash"),
        (replace(BATCH, transactions=(TRANSFER, b"")), "transaction 1 is empty"),
        (replace(BATCH, transactions=(b"\x7e\x00",)), "transaction 0 is a deposit"),
        (replace(BATCH, transactions=(b"\x03",)), "type 0x03"),
        (replace(BATCH, transactions=(b"\x00",)), "type 0x00"),
        (replace(BATCH, transactions=(b"\x55",)), "type 0x55"),
    ],
)
def test_a_batch_that_breaks_a_rule_is_dropped(batch: SingularBatch, reason: str) -> None:
    verdict, text = judge(batch)
    assert verdict is Verdict.DROP
    assert reason in text


def test_the_window_is_counted_from_the_batchs_own_epoch() -> None:
    assert judge(BATCH, inclusion=120)[0] is Verdict.ACCEPT
    assert judge(BATCH, inclusion=121)[0] is Verdict.DROP
    assert judge(replace(BATCH, epoch_number=101, epoch_hash=NEXT.hash), inclusion=121)[0] is Verdict.ACCEPT


def test_a_block_may_not_be_before_its_origin() -> None:
    following = replace(NEXT, timestamp=1013)
    verdict, reason = judge(replace(BATCH, epoch_number=101, epoch_hash=NEXT.hash), following=following)
    assert verdict is Verdict.DROP
    assert "before its L1 origin's" in reason


def test_drift_limits_transactions_and_empty_blocks_only_with_a_next_origin() -> None:
    late_head = replace(HEAD, timestamp=1000 + 1800)
    late = replace(BATCH, timestamp=1000 + 1801)
    empty = replace(late, transactions=())
    later_origin = replace(NEXT, timestamp=4000)
    assert judge(BATCH, head=replace(HEAD, timestamp=1011))[0] is Verdict.ACCEPT
    assert judge(late, head=late_head, following=later_origin)[0] is Verdict.DROP
    assert judge(empty, head=late_head, following=later_origin)[0] is Verdict.ACCEPT
    assert judge(empty, head=late_head)[0] is Verdict.DROP
    # Adopting the next origin is always allowed, even one that is itself long ago.
    adopting = replace(empty, epoch_number=101, epoch_hash=NEXT.hash)
    assert judge(adopting, head=late_head)[0] is Verdict.ACCEPT


def test_types_depend_on_the_forks() -> None:
    config = replace(CONFIG, forks=replace(ALL_THROUGH_ISTHMUS, isthmus_time=None, attested_time=None))
    for raw in (b"\x04", b"\x54"):
        assert judge(replace(BATCH, transactions=(raw,)), config=config)[0] is Verdict.DROP


def test_the_l1_block_before_the_safe_heads_origin_does_not_count() -> None:
    head = replace(HEAD, l1_origin=BlockId(b"e" * 32, 100))
    assert judge(replace(BATCH, epoch_number=99, epoch_hash=EPOCH.parent_hash), head=head)[0] is Verdict.DROP
