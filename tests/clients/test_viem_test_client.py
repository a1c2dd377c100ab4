"""Every action of viem's test client, in its modes for anvil and for hardhat, on L1 and on the sequencer."""

from collections.abc import Iterator
from typing import Any

import pytest
from node_packages import ClientsMissing, ensure_installed, run_script

from phal2.devnet.process import DevnetProcess

BLOCK_TIME = 600
ETHER = 10**18
RECEIVER = "0x0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"

ON_BOTH = {
    "setBalance": str(3 * ETHER),
    "setNonce": 5,
    "setCode": "0x5f545f5260205ff3",
    "setStorageAt": f"0x{42:064x}",
    "dumpState": str(3 * ETHER),
    "impersonateAccount": "0x" + "5a" * 20,
    "sendUnsignedTransaction": "success",
    "pool": {"isCounted": True, "inspected": True, "before": True, "after": False},
    "mine": "3",
    "mineApart": str(2 * BLOCK_TIME),
    "increaseTime": True,
    "setNextBlockTimestamp": True,
    "setBlockTimestampInterval": str(BLOCK_TIME),
    "removeBlockTimestampInterval": "done",
    "setIntervalMining": "done",
    "setAutomine": {"isOn": True, "status": "success", "isOff": True},
    "setLoggingEnabled": "done",
    "revert": "0",
    "reset": "0",
}
ON_L1 = {"setCoinbase": RECEIVER, "setBlockGasLimit": "29999999", "setNextBlockBaseFeePerGas": "7000000000"}
REFUSALS = {
    "stopImpersonatingAccount": "the key of",
    "setMinGasPrice": "there is no least gas price beside the base fee",
    "setRpcUrl": "this chain forks no other one",
}
REFUSALS_ON_L2 = {
    "setCoinbase": "SequencerFeeVault",
    "setBlockGasLimit": "the system configuration on L1",
    "setNextBlockBaseFeePerGas": "every follower computes it",
}


@pytest.fixture(scope="module")
def edited() -> Iterator[DevnetProcess]:
    """A devnet of this file's own, with blocks ten minutes apart, whose L2 may be edited, too."""
    try:
        ensure_installed()
    except ClientsMissing as missing:
        pytest.skip(str(missing))
    times = ("--l1-block-time", str(BLOCK_TIME), "--l2-block-time", str(BLOCK_TIME))
    with DevnetProcess.start(*times, "--allow-state-edits") as running:
        yield running


@pytest.mark.parametrize("mode", ["anvil", "hardhat"])
@pytest.mark.parametrize("layer", ["l1", "l2"])
def test_each_action_does_what_it_says_or_says_why_not(edited: DevnetProcess, layer: str, mode: str) -> None:
    endpoint = edited.l1 if layer == "l1" else edited.l2
    results: dict[str, Any] = run_script(
        "viem_test_client.mjs",
        {
            "url": endpoint.url,
            "chainId": endpoint.chain_id,
            "mode": mode,
            "account": edited.accounts[2]["address"],
            "interval": BLOCK_TIME,
        },
    )

    assert int(results.pop("snapshot"), 16) >= 0
    refusals = REFUSALS if layer == "l1" else REFUSALS | REFUSALS_ON_L2
    for name, words in refusals.items():
        assert words in results.pop(name)["refused"], name
    assert results == (ON_BOTH | ON_L1 if layer == "l1" else ON_BOTH)
