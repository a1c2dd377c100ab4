"""Sending and deploying through unmodified web3.py, for the integration tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import Web3
from web3.types import RPCEndpoint

from phal2.contracts import load_artefact
from phal2.devnet.process import DevnetProcess


def send(chain: Web3, account: LocalAccount, **fields: Any) -> Any:
    """Sign a transaction of `account`, send it, and return its receipt. Missing fields are filled in from the node."""
    transaction: dict[str, Any] = {
        "chainId": chain.eth.chain_id,
        "nonce": chain.eth.get_transaction_count(account.address, "pending"),
        "value": 0,
        **fields,
    }
    if "gasPrice" not in transaction:
        transaction.setdefault("maxPriorityFeePerGas", chain.eth.max_priority_fee)
        transaction.setdefault("maxFeePerGas", 3 * chain.eth.gas_price + transaction["maxPriorityFeePerGas"])
    if "gas" not in transaction:
        transaction["gas"] = chain.eth.estimate_gas({"from": account.address, **transaction})
    signed = account.sign_transaction(transaction)
    return send_raw(chain, signed.raw_transaction)


def send_raw(chain: Web3, raw: bytes) -> Any:
    """Send an envelope, have the next block sealed at once, and return the receipt."""
    transaction_hash = chain.eth.send_raw_transaction(HexBytes(raw))
    mine(chain)
    return chain.eth.wait_for_transaction_receipt(transaction_hash, timeout=120, poll_latency=0.02)


def mine(chain: Web3) -> None:
    """Seal a block now instead of waiting for its time."""
    answer = chain.provider.make_request(RPCEndpoint("evm_mine"), [])
    assert "error" not in answer, answer


@contextmanager
def l1_blocks_on_demand(devnet: DevnetProcess) -> Iterator[None]:
    """Have L1 seal no block by itself meanwhile, so that a depth means what it says however long things take."""
    seconds = devnet.l1.request("anvil_getIntervalMining")
    devnet.l1.request("evm_setIntervalMining", 0)
    # A block that was being sealed at that moment is there before this one.
    devnet.l1.mine()
    try:
        yield
    finally:
        devnet.l1.request("evm_setIntervalMining", seconds)


def deploy(chain: Web3, account: LocalAccount, name: str, *arguments: Any) -> Any:
    """Deploy one of the project's contracts and return web3.py's contract object."""
    artefact = load_artefact(name)
    factory = chain.eth.contract(abi=list(artefact.abi), bytecode=artefact.bytecode)
    receipt = send(chain, account, data=factory.constructor(*arguments).data_in_transaction)
    assert receipt["status"] == 1
    return chain.eth.contract(address=receipt["contractAddress"], abi=list(artefact.abi))


def contract_at(chain: Web3, name: str, address: str) -> Any:
    """Return web3.py's contract object of one of the project's contracts."""
    return chain.eth.contract(address=Web3.to_checksum_address(address), abi=list(load_artefact(name).abi))
