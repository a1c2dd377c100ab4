"""The chain that web3.py's reusable suites expect: its contracts, an event, an empty block, one with a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hexbytes import HexBytes
from web3 import AsyncHTTPProvider, AsyncWeb3, Web3
from web3._utils.contract_sources.contract_data.emitter_contract import EMITTER_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.math_contract import MATH_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.offchain_lookup import OFFCHAIN_LOOKUP_DATA
from web3._utils.contract_sources.contract_data.panic_errors_contract import PANIC_ERRORS_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.revert_contract import REVERT_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.storage_contract import STORAGE_CONTRACT_DATA

from phal2.devnet.process import Endpoint

CHAIN_ID: Final = 131277322940537
"""The chain id that the suites have in their text."""

CONTRACTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "math": MATH_CONTRACT_DATA,
    "emitter": EMITTER_CONTRACT_DATA,
    "revert": REVERT_CONTRACT_DATA,
    "offchain_lookup": OFFCHAIN_LOOKUP_DATA,
    "panic_errors": PANIC_ERRORS_CONTRACT_DATA,
    "storage": STORAGE_CONTRACT_DATA,
}

_LOG_DOUBLE_WITH_INDEX: Final = 9
"""`WhichEvent.LogDoubleWithIndex` of the emitter contract."""


@dataclass(frozen=True, slots=True)
class SuiteChain:
    """A chain with the content that the suites ask for, and where to find it."""

    endpoint: Endpoint
    accounts: Sequence[Mapping[str, str]]
    """Unlocked accounts: `address` and `privateKey`."""
    addresses: Mapping[str, str]
    """The contracts, by their names in `CONTRACTS`."""
    math_deployment: HexBytes
    transaction_with_log: HexBytes
    block_with_log: Any
    empty_block: Any
    mined_transaction: HexBytes
    block_with_transaction: Any


def prepared(endpoint: Endpoint, accounts: Sequence[Mapping[str, str]]) -> SuiteChain:
    """Put the content on a fresh chain through web3.py and the dev accounts, which are unlocked."""
    web3 = Web3(Web3.HTTPProvider(endpoint.url))
    account = accounts[0]["address"]
    # The tip puts what is sent ahead of what the devnet sends itself: the suites look at a block's first transaction.
    sender = {"from": account, "maxPriorityFeePerGas": 10**10, "maxFeePerGas": 10**11}

    def mined(transaction_hash: HexBytes) -> Any:
        endpoint.mine()
        receipt = web3.eth.get_transaction_receipt(transaction_hash)
        assert receipt["status"] == 1
        return receipt

    deployments = {
        name: mined(web3.eth.contract(**data).constructor().transact(sender)) for name, data in CONTRACTS.items()
    }
    emitter = web3.eth.contract(address=deployments["emitter"]["contractAddress"], abi=CONTRACTS["emitter"]["abi"])
    logged = mined(emitter.functions.logDouble(_LOG_DOUBLE_WITH_INDEX, 12345, 54321).transact(sender))
    endpoint.mine()
    empty_block = web3.eth.get_block("latest")
    transferred = mined(web3.eth.send_transaction({**sender, "to": account, "value": 1, "gas": 21_000}))
    return SuiteChain(
        endpoint=endpoint,
        accounts=accounts,
        addresses={name: receipt["contractAddress"] for name, receipt in deployments.items()},
        math_deployment=deployments["math"]["transactionHash"],
        transaction_with_log=logged["transactionHash"],
        block_with_log=web3.eth.get_block(logged["blockNumber"]),
        empty_block=empty_block,
        mined_transaction=transferred["transactionHash"],
        block_with_transaction=web3.eth.get_block(transferred["blockNumber"]),
    )


def asynchronous(endpoint: Endpoint) -> AsyncWeb3[AsyncHTTPProvider]:
    """Return web3.py's asynchronous object on the same chain."""
    return AsyncWeb3(AsyncHTTPProvider(endpoint.url))
