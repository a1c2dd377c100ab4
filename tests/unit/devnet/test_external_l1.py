"""A devnet on an L1 that others run."""

from dataclasses import replace
from pathlib import Path

import pytest
from embedded_l1_rig import CHAIN_ID, GENESIS_TIME, StoppedClock, open_l1

from phal2.devnet.external_l1 import SameChainId, settings_for_l1
from phal2.devnet.servers import serve_l1
from phal2.devnet.settings import DevnetSettings


async def test_l2_cannot_have_the_chain_id_that_its_l1_turns_out_to_have(tmp_path: Path) -> None:
    l1 = open_l1(tmp_path / "l1", StoppedClock(GENESIS_TIME))
    server = await serve_l1(l1, "127.0.0.1", 0)
    settings = DevnetSettings(l1=server.url, l1_chain_id=CHAIN_ID + 1, l2_chain_id=CHAIN_ID)

    with pytest.raises(SameChainId, match="give another --l2-chain-id"):
        await settings_for_l1(settings)
    found = await settings_for_l1(replace(settings, l2_chain_id=CHAIN_ID + 1))

    assert (found.l1_chain_id, found.l2_chain_id) == (CHAIN_ID, CHAIN_ID + 1)
    await server.stop()
    await l1.stop()
