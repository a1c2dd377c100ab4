from dataclasses import replace

import pytest
from rollup_world import (
    GENESIS_TIME,
    PORTAL,
    World,
    config_log,
    deposit_log,
    genesis_ref,
    l1_block,
    receipt_of,
)

from phal2.node.derivation.attributes import deposits_only, prepare_attributes
from phal2.node.derivation.errors import Critical, Reset
from phal2.node.derivation.l1_traversal import user_deposits
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.deposits import decode_deposit, user_deposit_source_hash
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.l1_attributes import l1_attributes_of_block
from phal2.node.protocol.predeploys import SEQUENCER_FEE_VAULT
from phal2.node.protocol.receipts import Log

WORLD = World()
CONFIG = WORLD.config
SYSTEM = CONFIG.genesis_system_config
PARENT = genesis_ref(CONFIG)
L1_GENESIS = WORLD.l1[0]


def test_the_next_block_of_an_epoch_has_the_l1_attributes_alone() -> None:
    attributes = prepare_attributes(CONFIG, SYSTEM, PARENT, L1_GENESIS, GENESIS_TIME + 1)
    header = L1_GENESIS.header
    assert attributes.timestamp == GENESIS_TIME + 1
    assert attributes.prev_randao == header.prev_randao
    assert attributes.parent_beacon_block_root == header.parent_beacon_block_root
    assert attributes.fee_recipient == SEQUENCER_FEE_VAULT
    assert attributes.gas_limit == SYSTEM.gas_limit
    assert (attributes.eip1559_denominator, attributes.eip1559_elasticity) == (250, 6)
    assert attributes.no_tx_pool
    (first,) = attributes.transactions
    values = l1_attributes_of_block(first)
    assert values.l1_origin == L1_GENESIS.ref.id
    assert values.sequence_number == 1
    assert (values.base_fee_scalar, values.blob_base_fee_scalar, values.blob_base_fee) == (1000, 2000, 1)


def test_deposits_are_numbered_by_their_log_in_the_whole_block() -> None:
    deposit = deposit_log(b"\x01" * 20, b"\x02" * 20, 1)
    foreign = replace(deposit, address=b"\x77" * 20)
    other_event = Log(PORTAL, (b"\x99" * 32,), b"")
    receipts = [receipt_of([foreign, deposit]), receipt_of([deposit], status=0), receipt_of([other_event, deposit])]
    block = l1_block(L1_GENESIS, GENESIS_TIME + 2, receipts=receipts)
    deposits = [decode_deposit(raw) for raw in user_deposits(CONFIG, block)]
    assert [found.source_hash for found in deposits] == [
        user_deposit_source_hash(block.hash, 1),
        user_deposit_source_hash(block.hash, 4),
    ]


def test_a_malformed_deposit_is_critical() -> None:
    block = l1_block(L1_GENESIS, GENESIS_TIME + 2, receipts=[receipt_of([replace(deposit_log(b"", b"", 1), data=b"")])])
    with pytest.raises(Critical, match="malformed deposit in log 0 of L1 block 101"):
        user_deposits(CONFIG, block)


def test_a_new_epoch_takes_config_updates_and_begins_with_sequence_number_0() -> None:
    logs = [
        config_log(1, bytes(32) + b"\x01" + bytes(23) + bytes([0, 0, 0, 9, 0, 0, 0, 8])),
        config_log(4, (100 << 32 | 3).to_bytes(32, "big")),
        config_log(5, (7 << 64 | 11).to_bytes(32, "big")),
    ]
    block = l1_block(L1_GENESIS, GENESIS_TIME + 1, receipts=[receipt_of(logs)])
    attributes = prepare_attributes(CONFIG, SYSTEM, PARENT, block, GENESIS_TIME + 1)
    values = l1_attributes_of_block(attributes.transactions[0])
    assert values.sequence_number == 0
    assert (values.base_fee_scalar, values.blob_base_fee_scalar) == (8, 9)
    assert (values.operator_fee_scalar, values.operator_fee_constant) == (7, 11)
    assert (attributes.eip1559_denominator, attributes.eip1559_elasticity) == (100, 3)


def test_an_origin_that_does_not_follow_the_parents_is_a_reset() -> None:
    following = l1_block(L1_GENESIS, GENESIS_TIME + 1)
    skipped = l1_block(following, GENESIS_TIME + 1)
    other = l1_block(l1_block(None, GENESIS_TIME, salt=b"other"), GENESIS_TIME + 1)
    for block in (skipped, other, l1_block(None, GENESIS_TIME, salt=b"other")):
        with pytest.raises(Reset, match="is neither the parent's L1 origin"):
            prepare_attributes(CONFIG, SYSTEM, PARENT, block, GENESIS_TIME + 1)


def test_a_block_before_its_origin_is_a_reset() -> None:
    with pytest.raises(Reset, match="before that of its L1 origin"):
        prepare_attributes(CONFIG, SYSTEM, PARENT, l1_block(L1_GENESIS, GENESIS_TIME + 2), GENESIS_TIME + 1)


@pytest.mark.parametrize(
    "forks",
    [
        replace(ALL_THROUGH_ISTHMUS, holocene_time=None, isthmus_time=None),
        replace(ALL_THROUGH_ISTHMUS, isthmus_time=GENESIS_TIME + 1),
        replace(ALL_THROUGH_ISTHMUS, jovian_time=GENESIS_TIME + 1),
    ],
)
def test_what_cannot_be_derived_is_critical(forks: object) -> None:
    config = replace(CONFIG, forks=forks)
    with pytest.raises(Critical, match=r"only Holocene's|activate it at genesis"):
        prepare_attributes(config, SYSTEM, PARENT, L1_GENESIS, GENESIS_TIME + 1)


def test_deposits_only_keeps_deposits_in_their_order() -> None:
    attributes = prepare_attributes(CONFIG, SYSTEM, PARENT, L1_GENESIS, GENESIS_TIME + 1)
    mixed = replace(attributes, transactions=(b"\x7e1", b"\x7e2", b"\x02", b"\xf8"), no_tx_pool=False)
    assert deposits_only(mixed) == replace(attributes, transactions=(b"\x7e1", b"\x7e2"))


def test_a_parents_sequence_number_counts_on() -> None:
    parent = L2BlockRef(b"p" * 32, 9, b"q" * 32, GENESIS_TIME + 8, L1_GENESIS.ref.id, 8)
    attributes = prepare_attributes(CONFIG, SYSTEM, parent, L1_GENESIS, GENESIS_TIME + 9)
    assert l1_attributes_of_block(attributes.transactions[0]).sequence_number == 9
