"""What the tests of clients share: the fixtures that web3.py's suites name, and clients installed by npm."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
from cast_client import Cast
from node_packages import ClientsMissing, cast_program, ensure_installed
from sealing import sealing, settle
from web3 import AsyncWeb3, Web3
from web3._utils.module_testing.utils import RequestMocker
from web3_suite_chain import CONTRACTS, SuiteChain, asynchronous

from phal2.contracts import load_artefact
from phal2.devnet.process import DevnetProcess

WAITING_FOR_BLOCKS = frozenset(
    {
        "test_eth_replace_transaction_already_mined",
        "test_async_eth_replace_transaction_already_mined",
        "test_sign_authorization_send_raw_and_send_set_code_transactions",
        "test_async_sign_authorization_send_raw_and_send_set_code_transactions",
        "test_eth_call_old_contract_state",
        "test_eth_get_raw_transaction_by_block",
    }
)
"""Tests of web3.py's suites that send a transaction and wait for its block; the others want it to stay pending."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that a module's `NOT_APPLICABLE` names (`Class.test`): they must fail, for the reason given."""
    for item in items:
        if isinstance(item, pytest.Function) and item.cls is not None:
            reason = getattr(item.module, "NOT_APPLICABLE", {}).get(f"{item.cls.__name__}.{item.originalname}")
            if reason is not None:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture
def blocks_when_waited_for(request: pytest.FixtureRequest, chain: SuiteChain) -> Iterator[None]:
    """Before a test the pool is empty; during it blocks come only if it waits for them."""
    settle(chain.endpoint)
    if request.function.__name__ in WAITING_FOR_BLOCKS:
        with sealing(chain.endpoint):
            yield
    else:
        yield


@pytest.fixture
def w3(chain: SuiteChain, blocks_when_waited_for: None) -> Web3:  # noqa: ARG001 - for what it does
    return Web3(Web3.HTTPProvider(chain.endpoint.url))


@pytest.fixture
async def async_w3(chain: SuiteChain, blocks_when_waited_for: None) -> AsyncIterator[AsyncWeb3[Any]]:  # noqa: ARG001 - as above
    web3 = asynchronous(chain.endpoint)
    yield web3
    await web3.provider.disconnect()


@pytest.fixture
def request_mocker() -> type[RequestMocker]:
    return RequestMocker


@pytest.fixture
def skip_if_testrpc() -> Any:
    return lambda _: None


async_skip_if_testrpc = skip_if_testrpc


@pytest.fixture
def keyfile_account(request: pytest.FixtureRequest, chain: SuiteChain) -> Mapping[str, str]:
    """An unlocked account; the asynchronous tests have another, as both expect to find its storage untouched."""
    return chain.accounts[1 if "async_w3" in request.fixturenames else 0]


@pytest.fixture
def keyfile_account_address(keyfile_account: Mapping[str, str]) -> str:
    return keyfile_account["address"]


keyfile_account_address_dual_type = keyfile_account_address
async_keyfile_account_address = keyfile_account_address
async_keyfile_account_address_dual_type = keyfile_account_address


@pytest.fixture
def keyfile_account_pkey(keyfile_account: Mapping[str, str]) -> str:
    return keyfile_account["privateKey"]


@pytest.fixture
def empty_block(chain: SuiteChain) -> Any:
    return chain.empty_block


async_empty_block = empty_block


@pytest.fixture
def block_with_txn(chain: SuiteChain) -> Any:
    return chain.block_with_transaction


async_block_with_txn = block_with_txn


@pytest.fixture
def mined_txn_hash(chain: SuiteChain) -> Any:
    return chain.mined_transaction


@pytest.fixture
def block_with_txn_with_log(chain: SuiteChain) -> Any:
    return chain.block_with_log


async_block_with_txn_with_log = block_with_txn_with_log


@pytest.fixture
def txn_hash_with_log(chain: SuiteChain) -> Any:
    return chain.transaction_with_log


@pytest.fixture
def math_contract_deploy_txn_hash(chain: SuiteChain) -> Any:
    return chain.math_deployment


def _contract(name: str) -> Any:
    @pytest.fixture
    def contract(w3: Web3, chain: SuiteChain) -> Any:
        return w3.eth.contract(address=chain.addresses[name], abi=CONTRACTS[name]["abi"])

    return contract


def _async_contract(name: str) -> Any:
    @pytest.fixture
    def contract(async_w3: AsyncWeb3[Any], chain: SuiteChain) -> Any:
        return async_w3.eth.contract(address=chain.addresses[name], abi=CONTRACTS[name]["abi"])

    return contract


def _address(name: str) -> Any:
    @pytest.fixture
    def address(chain: SuiteChain) -> str:
        return chain.addresses[name]

    return address


math_contract = _contract("math")
emitter_contract = _contract("emitter")
revert_contract = _contract("revert")
offchain_lookup_contract = _contract("offchain_lookup")
panic_errors_contract = _contract("panic_errors")
storage_contract = _contract("storage")
async_math_contract = _async_contract("math")
async_emitter_contract = _async_contract("emitter")
async_revert_contract = _async_contract("revert")
async_offchain_lookup_contract = _async_contract("offchain_lookup")
async_panic_errors_contract = _async_contract("panic_errors")
async_storage_contract = _async_contract("storage")
math_contract_address = async_math_contract_address = _address("math")
emitter_contract_address = async_emitter_contract_address = _address("emitter")


@pytest.fixture(scope="session")
def funded_key(devnet: DevnetProcess) -> Callable[[], str]:
    """Makes private keys of accounts with 100 ETH on L1 and on L2: the clients share no nonces."""

    def make() -> str:
        account = Web3().eth.account.create()
        for endpoint in (devnet.l1, devnet.l2):
            transfer = {"from": devnet.accounts[8]["address"], "to": account.address, "value": hex(100 * 10**18)}
            endpoint.request("eth_sendTransaction", transfer)
            settle(endpoint)
        return str(account.key.to_0x_hex())

    return make


@pytest.fixture(scope="session")
def script_arguments(devnet: DevnetProcess, funded_key: Callable[[], str]) -> Callable[[], dict[str, Any]]:
    """Makes what the scripts in `node/` read from stdin; skips where there is nothing to run them with."""

    def make() -> dict[str, Any]:
        try:
            ensure_installed()
        except ClientsMissing as missing:
            pytest.skip(str(missing))
        artefact, stranger, poor = load_artefact("Notebook"), Web3().eth.account.create(), Web3().eth.account.create()
        return {
            "l1": {
                "url": devnet.l1.url,
                "chainId": devnet.l1.chain_id,
                "portal": devnet.l1.contracts["OptimismPortal"],
            },
            "l2": {"url": devnet.l2.url, "chainId": devnet.l2.chain_id},
            "privateKey": funded_key(),
            "unlocked": devnet.accounts[3]["address"],
            "poor": poor.address,
            "poorKey": poor.key.to_0x_hex(),
            "receiver": stranger.address,
            "contract": {"abi": list(artefact.abi), "bytecode": "0x" + artefact.bytecode.hex()},
            "countSlot": "0x" + bytes(32).hex(),
            "seven": "0x" + (7).to_bytes(32, "big").hex(),
        }

    return make


@pytest.fixture(scope="module")
def cast(
    devnet: DevnetProcess, funded_key: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cast]:
    try:
        program = cast_program()
    except ClientsMissing as missing:
        pytest.skip(str(missing))
    with sealing(devnet.l2):
        yield Cast(program, devnet.l2, funded_key(), tmp_path_factory.mktemp("cast"))
