from dataclasses import replace
from typing import Any

import pytest
from driven_rollup import DrivenRollup

from phal2.node.driver.consolidation import differs_from_attributes
from phal2.node.protocol.headers import Block
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.state.environment import l2_environment
from phal2.node.state.rules import L2Rules


async def built_block(rollup: DrivenRollup) -> tuple[Block, Block, PayloadAttributes]:
    """A sequencer's block, its parent, and the attributes that give it."""
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    await rollup.grow(sequencer)
    parent, block = rollup.blocks(sequencer, [0, 1])
    system_config = sequencer.chain.system_config(block.hash)
    attributes = PayloadAttributes(
        timestamp=block.header.timestamp,
        prev_randao=block.header.prev_randao,
        fee_recipient=block.header.coinbase,
        parent_beacon_block_root=block.header.parent_beacon_block_root or bytes(32),
        transactions=block.transactions,
        no_tx_pool=True,
        gas_limit=system_config.gas_limit,
        eip1559_denominator=system_config.eip1559_denominator,
        eip1559_elasticity=system_config.eip1559_elasticity,
    )
    return parent, block, attributes


async def test_a_block_fulfils_the_attributes_that_it_was_built_of(rollup: DrivenRollup) -> None:
    parent, block, attributes = await built_block(rollup)
    environment = l2_environment(L2Rules(rollup.rollup.config), parent.header, parent.hash, attributes)

    assert differs_from_attributes(block, environment, attributes) is None


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"timestamp": 1_800_000_000}, "timestamp"),
        ({"prev_randao": b"\x01" * 32}, "prevRandao"),
        ({"fee_recipient": b"\x01" * 20}, "fee recipient"),
        ({"gas_limit": 31_000_000}, "gas limit"),
        ({"parent_beacon_block_root": b"\x01" * 32}, "parent beacon block root"),
        ({"eip1559_denominator": 49}, "extra data"),
        ({"transactions": ()}, "transactions"),
    ],
)
async def test_every_field_that_differs_is_named(rollup: DrivenRollup, change: dict[str, Any], difference: str) -> None:
    parent, block, attributes = await built_block(rollup)
    changed = replace(attributes, **change)
    environment = l2_environment(L2Rules(rollup.rollup.config), parent.header, parent.hash, changed)

    assert differs_from_attributes(block, environment, changed) == difference


async def test_another_parent_is_a_difference(rollup: DrivenRollup) -> None:
    parent, block, attributes = await built_block(rollup)
    environment = l2_environment(L2Rules(rollup.rollup.config), parent.header, b"\x07" * 32, attributes)

    assert differs_from_attributes(block, environment, attributes) == "parent hash"
