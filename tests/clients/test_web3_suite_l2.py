"""web3.py's own reusable test suites, as they are, against the devnet's sequencer."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sealing import STILL, ticking
from web3 import AsyncWeb3, WebSocketProvider
from web3._utils.module_testing import (
    AsyncEthModuleTest,
    AsyncNetModuleTest,
    EthModuleTest,
    GoEthereumAsyncDebugModuleTest,
    GoEthereumAsyncTxPoolModuleTest,
    GoEthereumDebugModuleTest,
    GoEthereumTxPoolModuleTest,
    NetModuleTest,
    Web3ModuleTest,
)
from web3._utils.module_testing.persistent_connection_provider import PersistentConnectionProviderTest
from web3._utils.module_testing.web3_module import AsyncWeb3ModuleTest
from web3_suite_chain import CHAIN_ID, SuiteChain, prepared

from phal2.devnet.process import DevnetProcess

_FIRST_IS_DEPOSIT = "the first transaction of an L2 block is the deposit of the L1 attributes: a client's come after it"
_NO_EMPTY_BLOCK = "no L2 block is without a transaction: each has the deposit of the L1 attributes"
_ETH_TESTER_TEXT = "expects the error text that web3.py's eth-tester backend gives, not a node's"
_CLIENT_FAILS = "web3.py 8.0.0 itself fails on objects within parameters in its asynchronous ENS middleware"

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
    "TestEth.test_invalid_eth_sign_typed_data": _ETH_TESTER_TEXT,
    "TestAsyncEth.test_eth_getBlockTransactionCountByHash_async_empty_block": _NO_EMPTY_BLOCK,
    "TestAsyncEth.test_eth_getBlockTransactionCountByNumber_async_empty_block": _NO_EMPTY_BLOCK,
    "TestAsyncEth.test_async_eth_get_transaction_receipt_mined": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_get_transaction_receipt_with_log_entry": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_wait_for_transaction_receipt_mined": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_wait_for_transaction_receipt_with_log_entry": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_get_logs_with_logs": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_async_eth_get_logs_with_logs_topic_args": _FIRST_IS_DEPOSIT,
    "TestAsyncEth.test_eth_sign_typed_data": _CLIENT_FAILS,
    "TestAsyncEth.test_invalid_eth_sign_typed_data": _CLIENT_FAILS,
}


@pytest.fixture(scope="module")
def chain() -> Iterator[SuiteChain]:
    with DevnetProcess.start(*STILL, "--l2-chain-id", str(CHAIN_ID)) as devnet:
        yield prepared(devnet.l2, devnet.accounts[1:3])


class TestEth(EthModuleTest):
    pass


class TestAsyncEth(AsyncEthModuleTest):
    pass


class TestNet(NetModuleTest):
    pass


class TestAsyncNet(AsyncNetModuleTest):
    pass


class TestWeb3(Web3ModuleTest):
    def _check_web3_client_version(self, client_version: str) -> Any:
        assert client_version.startswith("phal2/")


class TestDebug(GoEthereumDebugModuleTest):
    pass


class TestAsyncDebug(GoEthereumAsyncDebugModuleTest):
    pass


class TestTxPool(GoEthereumTxPoolModuleTest):
    pass


class TestAsyncTxPool(GoEthereumAsyncTxPoolModuleTest):
    pass


class TestAsyncWeb3(AsyncWeb3ModuleTest):
    def _check_web3_client_version(self, client_version: str) -> Any:
        assert client_version.startswith("phal2/")


class TestWebSocket(PersistentConnectionProviderTest):
    @pytest.fixture
    async def async_w3(self, chain: SuiteChain) -> AsyncIterator[AsyncWeb3[Any]]:
        url = chain.endpoint.url.replace("http://", "ws://")
        with ticking(chain.endpoint):
            async with AsyncWeb3(WebSocketProvider(url)) as web3:
                yield web3
