"""Blocks whose time is used up before the sequencer comes to the pool."""

import pytest
from driven_rollup import DrivenRollup, transfer


async def test_each_takes_one_transaction_so_that_the_pool_gets_smaller(
    rollup: DrivenRollup, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequencer = await rollup.node("sequencer", is_sequencer=True)
    assert sequencer.sequencing is not None
    monkeypatch.setattr(sequencer.sequencing, "_building_seconds", lambda _: -1.0)
    hashes = [await sequencer.submit_transaction(transfer(nonce)) for nonce in range(3)]

    for _ in hashes:
        await rollup.grow(sequencer)

    found = [sequencer.store.find_transaction(transaction_hash) for transaction_hash in hashes]
    included_in = [None if location is None else sequencer.chain.block(location.block_hash) for location in found]
    assert [block and block.header.number for block in included_in] == [1, 2, 3]
