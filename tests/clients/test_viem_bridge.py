"""Unmodified viem 2 (`viem/op-stack`) bridges ETH, an ERC-20 and PHA both ways, on each L1 that a devnet can have."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from node_packages import FOLDER, ClientsMissing, anvil_program, ensure_installed, run_script
from web3 import Web3

from phal2.contracts import load_artefact
from phal2.devnet.process import DevnetProcess

SECONDS = 240
"""Far more than it takes: a loaded machine must not fail it."""

MATURITY_SECONDS = 15
"""On anvil: so long it can be seen that a proof still ages."""

ETHER = 10**18
RECEIVER = "0x" + "b7" * 20
STEPS = {
    "embedded": ["waiting-to-prove", "ready-to-prove", "ready-to-finalize", "ready-to-finalize", "finalized"],
    "anvil": ["waiting-to-prove", "ready-to-prove", "waiting-to-finalize", "ready-to-finalize", "finalized"],
}
"""By the L1: on the embedded one proofs need not age, as is the default; on anvil they must."""


@pytest.fixture(scope="module", params=["embedded", "anvil"])
def results(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """What the script saw, which does everything at once on a devnet of its own."""
    chains = FOLDER / f"chains-{os.getpid()}-{request.param}.mjs"
    try:
        ensure_installed()
        l1 = (
            ("--l1", "anvil", "--anvil", str(anvil_program()), "--proof-maturity-delay", str(MATURITY_SECONDS))
            if request.param == "anvil"
            else ()
        )
    except ClientsMissing as missing:
        pytest.skip(str(missing))
    try:
        with DevnetProcess.start("--write-viem-chain", str(chains), *l1) as devnet:
            script = run_script("viem-bridge.mjs", arguments_for(devnet, str(chains)), SECONDS)
            yield {"l1": request.param, **script}
    finally:
        chains.unlink(missing_ok=True)


def arguments_for(devnet: DevnetProcess, chains: str) -> dict[str, Any]:
    token = load_artefact("PHAToken")
    ether, of_token, pha = (devnet.accounts[number]["privateKey"] for number in (1, 2, 0))
    return {
        "chains": chains,
        "keys": {"ether": ether, "token": of_token, "pha": pha},
        "receiver": RECEIVER,
        "factory": devnet.l2.contracts["OptimismMintableERC20Factory"],
        "pha": {"l1": devnet.l1.contracts["PHAToken"], "l2": devnet.l2.contracts["PHAToken"]},
        "tokenContract": {"abi": list(token.abi), "bytecode": "0x" + token.bytecode.hex()},
        "abi": {
            "token": list(token.abi),
            "bridge": list(load_artefact("L1StandardBridge").abi),
            "factory": list(load_artefact("OptimismMintableERC20Factory").abi),
        },
    }


def test_the_written_module_defines_both_chains(results: dict[str, Any]) -> None:
    assert results["chains"] == {"l1": 31337, "l2": 20350, "source": 31337}
    assert results["portal"]["major"] >= 4


@pytest.mark.parametrize(("asset", "gained"), [("ether", 3 * ETHER), ("token", 1_000 * ETHER), ("pha", 10 * ETHER)])
def test_deposits_arrive(
    results: dict[str, Any], asset: str, gained: int, record_property: Callable[[str, object], None]
) -> None:
    deposit = results[asset]["deposit"]

    assert int(deposit["gained"]) == gained
    record_property(f"seconds from the deposit of {asset} on L1 to its balance on L2", deposit["seconds"])
    print(f"from the deposit of {asset} on L1 to L2: {deposit['seconds']:.1f} s")


@pytest.mark.parametrize(
    ("asset", "received"), [("ether", 15 * ETHER // 10), ("token", 500 * ETHER), ("pha", 5 * ETHER)]
)
def test_withdrawals_go_through_each_of_their_steps(
    results: dict[str, Any], asset: str, received: int, record_property: Callable[[str, object], None]
) -> None:
    withdrawal = results[asset]

    assert withdrawal["statuses"] == STEPS[results["l1"]]
    assert int(withdrawal["received"]) == received
    assert int(withdrawal["game"]["l2BlockNumber"]) >= int(withdrawal["block"])
    seconds = withdrawal["seconds"]
    assert 0 < seconds["provable"] < seconds["proven"] < seconds["finalized"]
    record_property(f"seconds from initiateWithdrawal of {asset} to finalised", seconds["finalized"])
    print(
        f"withdrawal of {asset}: provable after {seconds['provable']:.1f} s, proven after {seconds['proven']:.1f} s, "
        f"finalised after {seconds['finalized']:.1f} s"
    )


def test_games_are_listed_with_what_they_claim(results: dict[str, Any]) -> None:
    games = results["games"]

    assert games
    blocks = [int(game["l2BlockNumber"]) for game in games]
    assert blocks == sorted(set(blocks), reverse=True)
    assert all(Web3.to_bytes(hexstr=game["rootClaim"]) != bytes(32) for game in games)


def test_fees_are_estimated(results: dict[str, Any]) -> None:
    fees = {name: int(value) for name, value in results["fees"].items()}

    assert fees["l1Fee"] > 0
    assert fees["l1Gas"] > 0
    assert fees["l1BaseFee"] > 0
    assert fees["operatorFee"] >= 0
    assert fees["totalGas"] > 21_000
    assert fees["totalFee"] > fees["l1Fee"] + fees["operatorFee"]
