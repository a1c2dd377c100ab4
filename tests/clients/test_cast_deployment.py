"""A deployment as `forge script --broadcast` makes it, step by step with cast.

The addresses are known beforehand, all transactions are sent at once with nonces and gas of their own, and then the
receipts are awaited: a library, a contract that is linked to it, a token whose constructor takes arguments, and a
proxy with its implementation, which is then set up.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

import pytest
from cast_client import Cast

from phal2.contracts import load_artefact

LIBRARY: Final = "602a5f5260205ff3"
"""Returns 42."""

PLACEHOLDER: Final = "__$8ae6ea4d0ba1fd5c1ff5ae9d5ffc2a0b1c$__"
"""What stands for a library in the code that a compiler gives, 40 characters long."""

LINKED: Final = f"60205f5f5f73{PLACEHOLDER}5af45f5260205ff3"
"""Calls the library, and returns what it gave where its call gave anything."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The contracts by name, and the receipts in the order of the transactions."""

    addresses: dict[str, str]
    receipts: list[dict[str, Any]]


def init_code(runtime: str) -> str:
    """Return the code that creates a contract with `runtime`."""
    length = len(runtime) // 2
    return f"0x60{length:02x}600a5f3960{length:02x}5ff3" + runtime


def bytecode(name: str) -> str:
    return "0x" + load_artefact(name).bytecode.hex()


@pytest.fixture(scope="module")
def deployed(cast: Cast) -> Deployment:
    first = int(cast("nonce", cast.account))
    names = ("library", "linked", "token", "notebook", "proxy")
    addresses = {
        name: cast("compute-address", cast.account, "--nonce", first + index).split()[-1]
        for index, name in enumerate(names)
    }
    linked = LINKED.replace(PLACEHOLDER, addresses["library"][2:].lower())
    upgrade = (addresses["proxy"], "upgradeTo(address)", addresses["notebook"])
    steps: list[tuple[object, ...]] = [
        ("--create", init_code(LIBRARY)),
        ("--create", init_code(linked)),
        ("--create", bytecode("PHAToken"), "constructor(address)", cast.account),
        ("--create", bytecode("Notebook")),
        ("--create", bytecode("Proxy"), "constructor(address)", cast.account),
        upgrade,
        (addresses["token"], "transfer(address,uint256)", addresses["linked"], 5),
    ]
    common = ("--private-key", cast.private_key, "--async", "--gas-limit", 3_000_000)
    hashes = [cast("send", *common, "--nonce", first + index, *step) for index, step in enumerate(steps)]
    return Deployment(addresses, [cast.json("receipt", transaction_hash) for transaction_hash in hashes])


def test_all_transactions_succeed_in_their_order(deployed: Deployment) -> None:
    assert [receipt["status"] for receipt in deployed.receipts] == ["0x1"] * 7
    places = [(int(receipt["blockNumber"], 16), int(receipt["transactionIndex"], 16)) for receipt in deployed.receipts]
    assert places == sorted(places)


def test_contracts_are_where_they_were_said_to_be(cast: Cast, deployed: Deployment) -> None:
    created = [receipt["contractAddress"] for receipt in deployed.receipts]
    assert [address and address.lower() for address in created] == [
        *(address.lower() for address in deployed.addresses.values()),
        None,
        None,
    ]
    assert cast("code", deployed.addresses["notebook"]) == "0x" + load_artefact("Notebook").deployed_bytecode.hex()


def test_the_linked_contract_calls_its_library(cast: Cast, deployed: Deployment) -> None:
    assert int(cast("call", deployed.addresses["linked"], "0x"), 16) == 1
    trace = json.loads(
        cast(
            "rpc",
            "debug_traceCall",
            json.dumps({"to": deployed.addresses["linked"]}),
            "latest",
            '{"tracer":"callTracer"}',
        )
    )
    (call,) = trace["calls"]
    assert (call["type"], call["to"]) == ("DELEGATECALL", deployed.addresses["library"].lower())
    assert int(call["output"], 16) == 42


def test_constructor_arguments_took_effect(cast: Cast, deployed: Deployment) -> None:
    token = deployed.addresses["token"]
    supply = int(cast("call", token, "totalSupply()(uint256)").split()[0])
    assert int(cast("call", token, "balanceOf(address)(uint256)", cast.account).split()[0]) == supply - 5
    assert cast("call", token, "balanceOf(address)(uint256)", deployed.addresses["linked"]) == "5"
    assert cast("call", "--from", cast.account, deployed.addresses["proxy"], "admin()(address)") == cast.account


def test_the_proxy_runs_its_implementation(cast: Cast, deployed: Deployment) -> None:
    proxy = deployed.addresses["proxy"]
    stranger = "0x" + "51" * 20
    assert cast("call", "--from", stranger, proxy, "count()(uint256)") == "0"
    failed = cast.run("call", "--from", stranger, proxy, "read(uint256)(string)", 3)
    assert failed.returncode != 0
    assert "execution reverted" in failed.stderr
