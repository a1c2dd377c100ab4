"""Blob transactions on the devnet's L1 by unmodified clients: viem with KZG in JavaScript, eth-account, web3.py."""

import json
from typing import Any
from urllib.request import urlopen

import pytest
from eth_account import Account
from node_packages import ClientsMissing, ensure_installed, run_script
from web3 import Web3

from phal2.devnet.process import DevnetProcess

GAS_PER_BLOB = 131_072
MESSAGE = "phal2 keeps blobs. " * 50
RECEIVER = Web3.to_checksum_address("0x" + "0e" * 20)


def account_of(devnet: DevnetProcess, index: int) -> Any:
    return Account.from_key(devnet.accounts[index]["privateKey"])


def beacon(devnet: DevnetProcess, path: str) -> Any:
    with urlopen(devnet.l1.url + path, timeout=30) as response:
        return json.load(response)["data"]


@pytest.fixture(scope="module")
def viem(devnet: DevnetProcess) -> dict[str, Any]:
    try:
        ensure_installed()
    except ClientsMissing as missing:
        pytest.skip(str(missing))
    return run_script(
        "blobs.mjs",
        {
            "url": devnet.l1.url,
            "chainId": devnet.l1.chain_id,
            "privateKey": devnet.accounts[7]["privateKey"],
            "message": MESSAGE,
            "to": RECEIVER,
        },
    )


def test_viem_sends_blobs_and_finds_their_price(viem: dict[str, Any]) -> None:
    assert int(viem["blobBaseFee"]) >= 1
    assert (viem["status"], viem["type"]) == ("success", "eip4844")
    assert int(viem["blobGasUsed"]) == GAS_PER_BLOB
    assert int(viem["blobGasPrice"]) >= 1
    assert int(viem["blockBlobGas"]) >= GAS_PER_BLOB
    assert len(viem["versionedHashes"]) == 1


def test_what_viem_sent_comes_back_from_the_beacon_api(viem: dict[str, Any]) -> None:
    assert viem["message"] == MESSAGE
    assert viem["proofHolds"] is True


def test_eth_account_and_web3_send_blobs(devnet: DevnetProcess) -> None:
    w3 = Web3(Web3.HTTPProvider(devnet.l1.url))
    account = account_of(devnet, 8)
    data = MESSAGE.encode()
    content = b"".join(b"\x00" + data[start : start + 31].ljust(31, b"\x00") for start in range(0, len(data), 31))
    blobs = [
        content[start : start + GAS_PER_BLOB].ljust(GAS_PER_BLOB, b"\x00")
        for start in range(0, len(content), GAS_PER_BLOB)
    ]
    fields = {
        "type": 3,
        "chainId": devnet.l1.chain_id,
        "nonce": w3.eth.get_transaction_count(account.address),
        "to": RECEIVER,
        "value": 0,
        "gas": 30_000,
        "maxFeePerGas": 10 * 10**9,
        "maxPriorityFeePerGas": 10**9,
        "maxFeePerBlobGas": 10**9,
    }

    signed = account.sign_transaction(fields, blobs=blobs)
    transaction_hash = w3.eth.send_raw_transaction(signed.raw_transaction)
    w3.provider.make_request("evm_mine", [])
    receipt = w3.eth.wait_for_transaction_receipt(transaction_hash, timeout=120)

    assert receipt["status"] == 1
    assert receipt["blobGasUsed"] == len(blobs) * GAS_PER_BLOB
    block = w3.eth.get_block(receipt["blockNumber"])
    slot = block["timestamp"] - int(beacon(devnet, "/eth/v1/beacon/genesis")["genesis_time"])
    assert [bytes.fromhex(blob[2:]) for blob in beacon(devnet, f"/eth/v1/beacon/blobs/{slot}")] == blobs
