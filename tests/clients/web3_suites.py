"""web3.py's own reusable test suites, as they are. A module that imports all of them runs them on its chain."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sealing import ticking
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
from web3_suite_chain import SuiteChain

__all__ = [
    "TestAsyncDebug",
    "TestAsyncEth",
    "TestAsyncNet",
    "TestAsyncTxPool",
    "TestAsyncWeb3",
    "TestDebug",
    "TestEth",
    "TestNet",
    "TestTxPool",
    "TestWeb3",
    "TestWebSocket",
]

ETH_TESTER_TEXT = "expects the error text that web3.py's eth-tester backend gives, not a node's"
CLIENT_FAILS = "web3.py 8.0.0 itself fails on objects within parameters in its asynchronous ENS middleware"


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
        assert client_version.startswith("anvil-compatible phal2/")


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
        assert client_version.startswith("anvil-compatible phal2/")


class TestWebSocket(PersistentConnectionProviderTest):
    @pytest.fixture
    async def async_w3(self, chain: SuiteChain) -> AsyncIterator[AsyncWeb3[Any]]:
        url = chain.endpoint.url.replace("http://", "ws://")
        with ticking(chain.endpoint):
            async with AsyncWeb3(WebSocketProvider(url)) as web3:
                yield web3
