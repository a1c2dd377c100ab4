"""web3.py's own reusable test suites, as they are, against the devnet's embedded L1."""

from collections.abc import Iterator

import pytest
from sealing import STILL
from web3_suite_chain import CHAIN_ID, SuiteChain, prepared
from web3_suites import *  # noqa: F403 - the suites are collected here
from web3_suites import CLIENT_FAILS, ETH_TESTER_TEXT

from phal2.devnet.process import DevnetProcess

_EARLIER_LOGS = "expects the emitter's log to be the chain's first: L1 begins with the logs of the rollup's deployment"
_OTHER_COINBASE = (
    "expects that the genesis block's coinbase, which is the zero address, earned the fees of later blocks"
)

NOT_APPLICABLE = {
    "TestEth.test_eth_get_balance_with_block_identifier": _OTHER_COINBASE,
    "TestEth.test_eth_get_logs_without_logs": _EARLIER_LOGS,
    "TestEth.test_eth_get_logs_with_logs": _EARLIER_LOGS,
    "TestEth.test_eth_get_logs_with_logs_none_topic_args": _EARLIER_LOGS,
    "TestEth.test_invalid_eth_sign_typed_data": ETH_TESTER_TEXT,
    "TestAsyncEth.test_async_eth_get_logs_without_logs": _EARLIER_LOGS,
    "TestAsyncEth.test_async_eth_get_logs_with_logs": _EARLIER_LOGS,
    "TestAsyncEth.test_eth_sign_typed_data": CLIENT_FAILS,
    "TestAsyncEth.test_invalid_eth_sign_typed_data": CLIENT_FAILS,
}


@pytest.fixture(scope="module")
def chain() -> Iterator[SuiteChain]:
    # The suites expect blocks and a pool with nothing in them that they have not sent.
    with DevnetProcess.start(*STILL, "--l1-chain-id", str(CHAIN_ID), "--no-batcher", "--no-proposer") as devnet:
        yield prepared(devnet.l1, devnet.accounts[1:3])
