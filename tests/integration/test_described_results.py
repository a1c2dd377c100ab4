"""rpc.discover of a running devnet: every namespace is there, and what the rollup's methods return is as it says."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from phal2.devnet.process import DevnetProcess, Endpoint

NAMESPACES = {"eth", "debug", "txpool", "net", "web3", "ots", "attestation", "rpc"}
ROLLUP = {"optimism", "migration"}
DEVELOPMENT = {"evm", "anvil", "hardhat", "personal", "testing"}


def schemas(endpoint: Endpoint) -> dict[str, Any]:
    return {method["name"]: method["result"]["schema"] for method in endpoint.request("rpc.discover")["methods"]}


def endpoint_of(devnet: DevnetProcess, name: str) -> Endpoint:
    return {"l1": devnet.l1, "l2": devnet.l2, "follower": devnet.follower}[name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("l1", NAMESPACES - {"attestation"} | DEVELOPMENT),
        ("l2", NAMESPACES | ROLLUP | DEVELOPMENT),
        ("follower", NAMESPACES | ROLLUP),
    ],
)
def test_each_endpoint_describes_its_namespaces(devnet: DevnetProcess, name: str, expected: set[str]) -> None:
    described = schemas(endpoint_of(devnet, name))
    namespaces = {method.partition("_")[0] for method in described if "_" in method}
    assert expected <= namespaces
    assert all(described.values()), [method for method, schema in described.items() if not schema]
    assert "admin" not in namespaces


@pytest.mark.parametrize("name", ["l2", "follower"])
def test_what_the_rollups_methods_return_is_as_described(devnet: DevnetProcess, name: str) -> None:
    endpoint = endpoint_of(devnet, name)
    described = schemas(endpoint)
    devnet.l2.mine()
    for method, parameters in (
        ("optimism_version", []),
        ("optimism_syncStatus", []),
        ("optimism_rollupConfig", []),
        ("optimism_outputAtBlock", ["0x0"]),
        ("attestation_getPolicy", []),
        ("attestation_getEnclave", ["0x" + "11" * 20]),
        ("attestation_getByTransactionHash", ["0x" + "11" * 32]),
        ("attestation_verify", ["0x54c0"]),
        ("migration_status", []),
    ):
        Draft202012Validator(described[method]).validate(endpoint.request(method, *parameters))


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_what_development_methods_return_is_as_described(devnet: DevnetProcess, name: str) -> None:
    endpoint = endpoint_of(devnet, name)
    described = schemas(endpoint)
    account = devnet.accounts[7]["address"]
    for method, parameters in (
        ("evm_mine", []),
        ("anvil_mine", [1]),
        ("hardhat_mine", ["0x1"]),
        ("anvil_nodeInfo", []),
        ("anvil_metadata", []),
        ("hardhat_metadata", []),
        ("anvil_getAutomine", []),
        ("anvil_getIntervalMining", []),
        ("anvil_dumpState", []),
        ("hardhat_dropTransaction", ["0x" + "11" * 32]),
        ("anvil_dropTransaction", ["0x" + "11" * 32]),
        ("anvil_setLoggingEnabled", [True]),
        ("eth_accounts", []),
        ("eth_sign", [account, "0x00"]),
        ("personal_sign", ["0x00", account]),
        ("eth_signTransaction", [{"from": account, "to": account, "gas": "0x5208"}]),
    ):
        Draft202012Validator(described[method]).validate(endpoint.request(method, *parameters))


def test_the_safe_head_of_an_l1_block_is_as_described(
    devnet: DevnetProcess, until: Callable[[Callable[[], Any]], Any]
) -> None:
    until(lambda: devnet.follower.request("optimism_syncStatus")["safe_l2"]["number"])
    schema = schemas(devnet.follower)["optimism_safeHeadAtL1Block"]
    newest = hex(devnet.l1.block_number())
    Draft202012Validator(schema).validate(devnet.follower.request("optimism_safeHeadAtL1Block", newest))
