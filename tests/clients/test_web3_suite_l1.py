"""web3.py's own reusable test suites, as they are, against the devnet's embedded L1."""

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

_EARLIER_LOGS = "expects the emitter's log to be the chain's first: L1 begins with the logs of the rollup's deployment"
_OTHER_COINBASE = (
    "expects that the genesis block's coinbase, which is the zero address, earned the fees of later blocks"
)
_ETH_TESTER_TEXT = "expects the error text that web3.py's eth-tester backend gives, not a node's"
_CLIENT_FAILS = "web3.py 8.0.0 itself fails on objects within parameters in its asynchronous ENS middleware"

NOT_APPLICABLE = {
    "TestEth.test_eth_get_balance_with_block_identifier": _OTHER_COINBASE,
    "TestEth.test_eth_get_logs_without_logs": _EARLIER_LOGS,
    "TestEth.test_eth_get_logs_with_logs": _EARLIER_LOGS,
    "TestEth.test_eth_get_logs_with_logs_none_topic_args": _EARLIER_LOGS,
    "TestEth.test_invalid_eth_sign_typed_data": _ETH_TESTER_TEXT,
    "TestAsyncEth.test_async_eth_get_logs_without_logs": _EARLIER_LOGS,
    "TestAsyncEth.test_async_eth_get_logs_with_logs": _EARLIER_LOGS,
    "TestAsyncEth.test_eth_sign_typed_data": _CLIENT_FAILS,
    "TestAsyncEth.test_invalid_eth_sign_typed_data": _CLIENT_FAILS,
}


@pytest.fixture(scope="module")
def chain() -> Iterator[SuiteChain]:
    with DevnetProcess.start(*STILL, "--l1-chain-id", str(CHAIN_ID)) as devnet:
        yield prepared(devnet.l1, devnet.accounts[1:3])


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
