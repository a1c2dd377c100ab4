"""Reorganisations of L1 at random: both nodes agree again, batches and games come again, deposits come once or not."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chain_actions import contract_at, send
from node_process import command
from node_process import running as running_node
from web3 import Web3

from phal2.devnet.process import DevnetProcess, Endpoint

Until = Callable[[Callable[[], Any]], Any]

FINALITY = 4
ROUNDS = 3
MORE_ROUNDS = 25
RECEIVER = Web3.to_checksum_address("0x" + "0a" * 20)
DEPOSIT_GAS = 300_000


@dataclass
class Bridge:
    """A devnet, and what was deposited on it: amount by account."""

    devnet: DevnetProcess
    random: random.Random
    deposited: dict[str, int] = field(default_factory=dict)

    @property
    def l1(self) -> Web3:
        return Web3(Web3.HTTPProvider(self.devnet.l1.url))

    def deposit(self) -> tuple[str, str]:
        """Send a deposit for a new account to L1's pool; return the account and the transaction's hash."""
        l1 = self.l1
        receiver, amount = l1.eth.account.create().address, self.random.randrange(1, 10**6)
        portal = contract_at(l1, "OptimismPortal", self.devnet.l1.contracts["OptimismPortal"])
        data = portal.functions.depositTransaction(receiver, amount, 100_000, False, b"")._encode_transaction_data()
        sender = self.devnet.accounts[2]["address"]
        fields = {"from": sender, "to": portal.address, "value": hex(amount), "data": data, "gas": hex(DEPOSIT_GAS)}
        self.deposited[receiver] = amount
        return receiver, self.devnet.l1.request("eth_sendTransaction", fields)

    def transfer(self) -> None:
        l2 = Web3(Web3.HTTPProvider(self.devnet.l2.url))
        send(l2, l2.eth.account.from_key(self.devnet.accounts[3]["privateKey"]), to=RECEIVER, value=1, gas=21_000)

    def balances(self, node: Endpoint) -> dict[str, int]:
        return {address: balance(node, address) for address in self.deposited}


def balance(node: Endpoint, address: str) -> int:
    return int(node.request("eth_getBalance", address, "latest"), 16)


def status(node: Endpoint) -> Any:
    return node.request("optimism_syncStatus")


def block_hash(node: Endpoint, number: int) -> Any:
    block = node.request("eth_getBlockByNumber", hex(number), False)
    return block and block["hash"]


def agree(devnet: DevnetProcess, least: int) -> bool:
    """Whether all blocks to `least` are safe on both nodes, and the same."""
    safe = [status(node)["safe_l2"]["number"] for node in (devnet.l2, devnet.follower)]
    return min(safe) >= least and all(
        block_hash(devnet.l2, number) == block_hash(devnet.follower, number) for number in range(least + 1)
    )


def origins_are_canonical(devnet: DevnetProcess) -> bool:
    """Whether the blocks of both heads rest on L1's present chain."""
    found = [status(node)["unsafe_l2"]["l1origin"] for node in (devnet.l2, devnet.follower)]
    return all(block_hash(devnet.l1, origin["number"]) == origin["hash"] for origin in found)


@pytest.fixture(scope="module", params=["calldata", "blobs"])
def chain_dir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(request.param)


@pytest.fixture(scope="module")
def reorganised(chain_dir: Path) -> Iterator[DevnetProcess]:
    availability = ("--data-availability", "blobs" if chain_dir.name.startswith("blobs") else "calldata")
    options = (*availability, "--l1-block-time", "1", "--proposal-interval", "5")
    with DevnetProcess.start("--data-dir", str(chain_dir), *options) as running:
        yield running


@pytest.fixture(scope="module")
def outsider(
    reorganised: DevnetProcess, chain_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Endpoint]:
    """A follower in a process of its own, which keeps to L1's finality."""
    with running_node(command(reorganised, chain_dir, tmp_path_factory.mktemp("node"))) as (process, node):
        yield node
        assert process.poll() is None


def games(devnet: DevnetProcess) -> int:
    l1 = Web3(Web3.HTTPProvider(devnet.l1.url))
    factory = contract_at(l1, "DisputeGameFactory", devnet.l1.contracts["DisputeGameFactory"])
    count: int = factory.functions.gameCount().call()
    return count


def test_random_reorganisations_within_finality(
    reorganised: DevnetProcess, outsider: Endpoint, until: Until, run_all: bool
) -> None:
    bridge = Bridge(reorganised, random.Random(84))
    for _ in range(MORE_ROUNDS if run_all else ROUNDS):
        for _ in range(bridge.random.randrange(3)):
            bridge.deposit()
            bridge.transfer()
            time.sleep(bridge.random.random() / 2)
        finalized = status(reorganised.l2)["finalized_l2"]

        reorganised.reorg_l1(bridge.random.randrange(1, FINALITY + 1))

        assert block_hash(reorganised.l2, finalized["number"]) == finalized["hash"]
        until(lambda: origins_are_canonical(reorganised))
        head = reorganised.l2.block_number()
        until(lambda head=head: agree(reorganised, head))
        until(
            lambda head=head: (
                status(outsider)["safe_l2"]["number"] >= head
                and block_hash(outsider, head) == block_hash(reorganised.l2, head)
            )
        )

    for node in (reorganised.l2, reorganised.follower, outsider):
        until(lambda node=node: bridge.balances(node) == bridge.deposited)
    before = games(reorganised)
    until(lambda: games(reorganised) > before)


def test_a_devnet_that_is_killed_in_a_reorganisation_goes_on(tmp_path: Path, until: Until, run_all: bool) -> None:
    if not run_all:
        pytest.skip("long; --all runs it")
    options = ("--data-dir", str(tmp_path), "--l1-block-time", "1", "--no-proposer")
    devnet, chance = DevnetProcess.start(*options), random.Random(3)
    try:
        deposited: dict[str, int] = {}
        for _ in range(4):
            bridge = Bridge(devnet, chance, deposited)
            bridge.deposit()
            bridge.transfer()
            devnet.l1.mine(FINALITY)
            devnet.reorg_l1(chance.randrange(1, FINALITY + 1))
            time.sleep(chance.random() / 2)
            devnet.kill()
            devnet = DevnetProcess.start(*options)
            head = devnet.l2.block_number()
            until(lambda head=head, running=devnet: agree(running, head))
        bridge = Bridge(devnet, chance, deposited)
        until(lambda: bridge.balances(devnet.follower) == deposited)
        assert bridge.balances(devnet.l2) == deposited
    finally:
        devnet.kill()


def test_a_deposit_that_the_new_branch_does_not_have_is_gone_and_comes_once_when_it_is_sent_again(
    reorganised: DevnetProcess, until: Until
) -> None:
    bridge = Bridge(reorganised, random.Random(1))
    snapshot = reorganised.l1.snapshot()
    receiver, _ = bridge.deposit()
    amount = bridge.deposited[receiver]
    # No node that keeps to finality takes part, as the machine decides how many blocks are taken back.
    nodes = (reorganised.l2, reorganised.follower)
    for node in nodes:
        until(lambda node=node: balance(node, receiver) == amount)

    reorganised.l1.revert(snapshot)

    for node in nodes:
        until(lambda node=node: balance(node, receiver) == 0)
    head = reorganised.l2.block_number()
    until(lambda: agree(reorganised, head))
    again, _ = bridge.deposit()
    until(lambda: bridge.balances(reorganised.follower) == {receiver: 0, again: bridge.deposited[again]})
    assert bridge.balances(reorganised.l2) == {receiver: 0, again: bridge.deposited[again]}
