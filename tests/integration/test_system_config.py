"""Changes of SystemConfig on L1, which sequencer and follower take over at the same block."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chain_actions import contract_at, send
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.devnet.process import DevnetProcess
from phal2.node.protocol.predeploys import L1_BLOCK

Until = Callable[[Callable[[], Any]], Any]


class Settings:
    """SystemConfig on L1, and what the two nodes make of it."""

    def __init__(self, l1: Web3, sequencer: Web3, follower: Web3, owner: LocalAccount, address: str) -> None:
        self.l1, self.sequencer, self.follower, self.owner = l1, sequencer, follower, owner
        self.contract = contract_at(l1, "SystemConfig", address)
        self.l1_block = contract_at(sequencer, "L1Block", f"0x{L1_BLOCK.hex()}")

    def change(self, function: str, *arguments: Any) -> Any:
        """Have the owner change a setting; return the receipt on L1."""
        data = self.contract.functions[function](*arguments)._encode_transaction_data()
        receipt = send(self.l1, self.owner, to=self.contract.address, data=data)
        assert receipt["status"] == 1
        return receipt

    def first_block_from(self, origin: int, until: Until) -> Any:
        """The first L2 block whose L1 origin is the block `origin`, or one after it."""

        def origin_of(number: int) -> int:
            return int(self.l1_block.functions.number().call(block_identifier=number))

        number = int(self.sequencer.eth.block_number)
        until(lambda: origin_of(self.sequencer.eth.block_number) >= origin)
        while origin_of(number) < origin:
            number += 1
        while origin_of(number - 1) >= origin:
            number -= 1
        return self.sequencer.eth.get_block(number)

    def both_have(self, block: Any, until: Until) -> None:
        """The follower, which derives from L1 alone, comes to the same block."""
        until(lambda: self.follower.eth.block_number >= block["number"])
        assert self.follower.eth.get_block(block["number"])["hash"] == block["hash"]


@pytest.fixture
def chain(
    restored_devnet: DevnetProcess, l1_web3: Web3, web3: Web3, follower_web3: Web3, owner: LocalAccount
) -> Settings:
    return Settings(l1_web3, web3, follower_web3, owner, restored_devnet.l1.contracts["SystemConfig"])


def test_the_gas_limit(chain: Settings, until: Until) -> None:
    origin = chain.change("setGasLimit", 45_000_000)["blockNumber"]

    block = chain.first_block_from(origin, until)

    assert block["gasLimit"] == 45_000_000
    assert chain.sequencer.eth.get_block(block["number"] - 1)["gasLimit"] == 30_000_000
    chain.both_have(block, until)


def test_the_fee_scalars(chain: Settings, until: Until) -> None:
    origin = chain.change("setGasConfigEcotone", 7, 11)["blockNumber"]

    block = chain.first_block_from(origin, until)

    views = chain.l1_block.functions
    assert views.baseFeeScalar().call(block_identifier=block["number"]) == 7
    assert views.blobBaseFeeScalar().call(block_identifier=block["number"]) == 11
    assert views.baseFeeScalar().call(block_identifier=block["number"] - 1) != 7
    chain.both_have(block, until)


def test_the_base_fees_parameters(chain: Settings, until: Until) -> None:
    origin = chain.change("setEIP1559Params", 300, 5)["blockNumber"]

    block = chain.first_block_from(origin, until)

    # Holocene's extra data: version 0, denominator, elasticity.
    assert bytes(block["extraData"]) == b"\x00" + (300).to_bytes(4, "big") + (5).to_bytes(4, "big")
    chain.both_have(block, until)


def test_the_operator_fee(chain: Settings, until: Until, funded: Callable[..., LocalAccount]) -> None:
    sender = funded()
    origin = chain.change("setOperatorFeeScalars", 2_000_000, 12_345)["blockNumber"]
    block = chain.first_block_from(origin, until)

    receipt = send(chain.sequencer, sender, to=sender.address)

    assert (receipt["operatorFeeScalar"], receipt["operatorFeeConstant"]) == (hex(2_000_000), hex(12_345))
    spent = Web3.to_wei(100, "ether") - chain.sequencer.eth.get_balance(sender.address)
    execution_fee = receipt["gasUsed"] * receipt["effectiveGasPrice"] + int(receipt["l1Fee"], 16)
    assert spent == execution_fee + receipt["gasUsed"] * 2 + 12_345
    chain.both_have(block, until)
    chain.both_have(chain.sequencer.eth.get_block(receipt["blockNumber"]), until)


@pytest.fixture
def other_batcher(restored_devnet: DevnetProcess, tmp_path: Path) -> Iterator[str]:
    """A batcher with the key of another account; its address."""
    account = restored_devnet.accounts[8]
    key = tmp_path / "key"
    key.write_text(account["privateKey"])
    urls = ("--l1", restored_devnet.l1.url, "--l2", restored_devnet.l2.url)
    command = (sys.executable, "-m", "phal2", "batcher", *urls, "--private-key-file", str(key))
    process = subprocess.Popen((*command, "--poll-interval", "0.2"), stderr=subprocess.DEVNULL)
    yield account["address"]
    process.terminate()
    process.wait(timeout=20)


def test_the_batcher(chain: Settings, until: Until, other_batcher: str) -> None:
    """Once the key changes, the former batcher's data count no more, and the new one's do."""
    origin = chain.change("setBatcherHash", bytes.fromhex(other_batcher[2:]).rjust(32, b"\0"))["blockNumber"]

    block = chain.first_block_from(origin, until)

    batcher_hash = chain.l1_block.functions.batcherHash().call(block_identifier=block["number"])
    assert batcher_hash[12:] == bytes.fromhex(other_batcher[2:])
    until(lambda: chain.sequencer.eth.get_block("safe")["number"] > block["number"] + 3)
    chain.both_have(block, until)
    chain.both_have(chain.sequencer.eth.get_block("safe"), until)
