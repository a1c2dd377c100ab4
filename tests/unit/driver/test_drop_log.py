import logging

import pytest

from phal2.node.derivation.dropped import Dropped
from phal2.node.driver.drop_log import MOST_LOGGED, DropLog
from phal2.node.protocol.block_refs import BlockId


def test_of_each_l1_block_no_more_is_logged_than_anybody_reads(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "phal2.driver")
    listener = DropLog()
    for number in (5, 6):
        for index in range(10 * MOST_LOGGED):
            listener(Dropped("batch_stage", f"reason {index}", BlockId(bytes(32), number)))
    assert len(caplog.messages) == 2 * (MOST_LOGGED + 1)
    assert "reason 0" in caplog.messages[0]
    assert caplog.messages[MOST_LOGGED] == "derivation drops more in L1 block 5 than is logged"
    assert "reason 0" in caplog.messages[MOST_LOGGED + 1]
