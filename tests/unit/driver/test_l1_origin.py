from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.derivation.batch_rules import Verdict, judge_batch
from phal2.node.derivation.errors import Reset, Temporary
from phal2.node.driver.l1_origin import choose_l1_origin, is_too_late_to_post
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.block_refs import BlockId, L1BlockRef, L2BlockRef
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar

DRIFT = 1_800
TIME = 1_750_000_000
CONFIG = RollupConfig(
    l1_chain_id=1,
    l2_chain_id=2,
    l1_genesis=BlockId(bytes(32), 0),
    l2_genesis=BlockId(bytes(32), 0),
    l2_genesis_time=0,
    genesis_system_config=SystemConfig(bytes(20), bytes(32), ecotone_scalar(0, 0), 30_000_000),
    block_time=1,
    batch_inbox_address=bytes(20),
    deposit_contract_address=bytes(20),
    l1_system_config_address=bytes(20),
    forks=ALL_THROUGH_ISTHMUS,
)


def l1_block(number: int, timestamp: int, parent: L1BlockRef | None = None) -> L1BlockRef:
    return L1BlockRef(number.to_bytes(32, "big"), number, parent.hash if parent else bytes(32), timestamp)


def parent_at(timestamp: int, origin: L1BlockRef) -> L2BlockRef:
    return L2BlockRef(b"\x02" * 32, 50, b"\x01" * 32, timestamp, origin.id, 3)


CURRENT = l1_block(10, TIME)


@pytest.mark.parametrize(
    ("timestamp", "following_timestamp", "chosen", "is_past_drift"),
    [
        (TIME + 1, None, 10, False),
        (TIME + 1, TIME + 2, 10, False),
        (TIME + 2, TIME + 2, 11, False),
        (TIME + 9, TIME + 2, 11, False),
        (TIME + DRIFT, None, 10, False),
        (TIME + DRIFT, TIME + DRIFT + 5, 10, False),
        (TIME + DRIFT + 1, TIME + DRIFT + 5, 10, True),
        (TIME + DRIFT + 1, TIME + DRIFT + 1, 11, False),
        (TIME + DRIFT + 3, TIME + 2, 11, True),
    ],
)
def test_the_next_origin_is_taken_as_soon_as_time_allows(
    timestamp: int, following_timestamp: int | None, chosen: int, is_past_drift: bool
) -> None:
    following = None if following_timestamp is None else l1_block(11, following_timestamp, CURRENT)

    choice = choose_l1_origin(CONFIG, parent_at(timestamp - 1, CURRENT), timestamp, CURRENT, following)

    assert (choice.origin.number, choice.is_past_drift) == (chosen, is_past_drift)


def test_past_the_drift_the_next_l1_block_is_waited_for() -> None:
    timestamp = TIME + DRIFT + 1

    with pytest.raises(Temporary, match="past the sequencer drift of L1 block 10"):
        choose_l1_origin(CONFIG, parent_at(timestamp - 1, CURRENT), timestamp, CURRENT, None)


def test_a_next_l1_block_of_another_branch_is_a_reorganisation() -> None:
    other_branch = l1_block(11, TIME + 2, l1_block(9, TIME))

    with pytest.raises(Reset, match="does not extend the origin of L2 block 50"):
        choose_l1_origin(CONFIG, parent_at(TIME, CURRENT), TIME + 1, CURRENT, other_branch)


@given(
    ahead_of_origin=st.integers(0, 3 * DRIFT),
    following_after=st.one_of(st.none(), st.integers(1, 3 * DRIFT)),
    has_transactions=st.booleans(),
)
def test_derivation_accepts_whatever_is_chosen(
    ahead_of_origin: int, following_after: int | None, has_transactions: bool
) -> None:
    parent, timestamp = parent_at(TIME + ahead_of_origin, CURRENT), TIME + ahead_of_origin + 1
    following = None if following_after is None else l1_block(11, TIME + following_after, CURRENT)
    try:
        choice = choose_l1_origin(CONFIG, parent, timestamp, CURRENT, following)
    except Temporary:
        assert following is None
        return

    transactions = (b"\x02transaction",) if has_transactions and not choice.is_past_drift else ()
    batch = SingularBatch(parent.hash, choice.origin.number, choice.origin.hash, timestamp, transactions)
    # Where there was no next L1 block yet, the one that comes is later than all that was built before it.
    next_epoch = following or l1_block(11, timestamp + 1, CURRENT)
    judgement = judge_batch(CONFIG, batch, parent, CURRENT, next_epoch, inclusion_number=12)

    assert judgement.verdict is Verdict.ACCEPT, judgement.reason


@given(window=st.integers(4, 4_000), origin=st.integers(0, 10_000), lag=st.integers(0, 8_000))
def test_blocks_of_an_origin_are_for_the_pool_unless_its_window_has_nearly_ended(
    window: int, origin: int, lag: int
) -> None:
    config = replace(CONFIG, sequencing_window_size=window)

    too_late = is_too_late_to_post(config, origin, origin + lag)

    if lag > window:
        assert too_late
    if lag <= window // 2 or lag <= window - 20:
        assert not too_late
