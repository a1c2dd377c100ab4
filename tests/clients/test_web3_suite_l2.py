"""web3.py's own reusable test suites, as they are, against the devnet's sequencer."""

from collections.abc import Iterator

import pytest
from sealing import STILL
from web3_suite_chain import CHAIN_ID, SuiteChain, prepared
from web3_suites import *  # noqa: F403 - the suites are collected here
from web3_suites import CLIENT_FAILS, ETH_TESTER_TEXT

from phal2.devnet.process import DevnetProcess

_FIRST_IS_DEPOSIT = "the first transaction of an L2 block is the deposit of the L1 attributes: a client's come after it"
_NO_EMPTY_BLOCK = "no L2 block is without a transaction: each has the deposit of the L1 attributes"

NOT_APPLICABLE = {
    "TestEth.test_eth_getBlockTransactionCountByHash_empty_block": _NO_EMPTY_BLOCK,
    "TestEth.test_eth_getBlockTransactionCountByNumber_empty_block": _NO_EMPTY_BLOCK,
    "TestEth.test_eth_getTransactionByBlockHashAndIndex": _FIRST_IS_DEPOSIT,
    "TestEth.test_eth_getTransactionByBlockNumberAndIndex": _FIRST_IS_DEPOSIT,
    "TestEth.test_eth_get_transaction_receipt_mined": _FIRST_IS_DEPOSIT,
    "TestEth.test_eth_get_transaction_receipt_with_log_entry": _FIRST_IS_DEPOSIT,
    "TestEth.test_eth_wait_for_transaction_receipt_mined": _FIRST_IS_DEPOSIT,
    "TestEth.test_eth_wait_for_transaction_receipt_with_log_entry": _FIRST_IS_DEPOSIT,
    "TestEth.test_eth_get_logs_with_logs": _FIRST_IS_DEPOSIT,
    "TestEth.test_eth_get_logs_with_logs_topic_args": _FIRST_IS_DEPOSIT,
    "TestEth.test_invalid_eth_sign_typed_data": ETH_TESTER_TEXT,
    "TestAsyncEth.test_eth_getBlockTransactionCountByHash_async_empty_block": _NO_EMPTY_BLOCK,
    "TestAsyncEth.test_eth_getBlockTransactionCountByNumber_async_empty_block": _NO_EMPTY_BLOCK,
    "TestAsyncEth.test_async_eth_get_transaction_receipt_mined": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_get_transaction_receipt_with_log_entry": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_wait_for_transaction_receipt_mined": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_wait_for_transaction_receipt_with_log_entry": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_get_logs_with_logs": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_get_logs_with_logs_topic_args": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_eth_sign_typed_data": CLIENT_FAILS,
    "TestAsyncEth.test_invalid_eth_sign_typed_data": CLIENT_FAILS,
}


@pytest.fixture(scope="module")
def chain() -> Iterator[SuiteChain]:
    with DevnetProcess.start(*STILL, "--l2-chain-id", str(CHAIN_ID)) as devnet:
        yield prepared(devnet.l2, devnet.accounts[1:3])
