"""`phal2 bridge` on a devnet: deposits, and withdrawals step by step, resumed, refused and repeated."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chain_actions import contract_at, deploy, l1_blocks_on_demand, send
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.logs import DISCARD

from phal2.devnet.command.main import main
from phal2.devnet.process import DevnetProcess

ETHER = 10**18
MATURITY = 40
RECEIVER = Web3.to_checksum_address("0x" + "c4" * 20)


@pytest.fixture(scope="module")
def running() -> Iterator[DevnetProcess]:
    """A devnet on which a proof takes long to mature, unless time is moved forward."""
    with DevnetProcess.start("--l1-block-time", "1", "--proof-maturity-delay", str(MATURITY)) as devnet:
        yield devnet


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Bridge = Callable[..., Answer]


@pytest.fixture
def bridge(running: DevnetProcess, capsys: pytest.CaptureFixture[str]) -> Bridge:
    """Runs `phal2 bridge` on the devnet; `account` is the number of the dev account that sends."""

    def run(*arguments: object, account: int | None = None) -> Answer:
        given = ["bridge", *map(str, arguments), "--l1", running.l1.url, "--l2", running.l2.url]
        if account is not None:
            given += ["--private-key", running.accounts[account]["privateKey"]]
        try:
            code = main(given)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def chains(running: DevnetProcess) -> tuple[Web3, Web3]:
    return Web3(Web3.HTTPProvider(running.l1.url)), Web3(Web3.HTTPProvider(running.l2.url))


def account_of(chain: Web3, devnet: DevnetProcess, number: int) -> LocalAccount:
    account: LocalAccount = chain.eth.account.from_key(devnet.accounts[number]["privateKey"])
    return account


def pha(chain: Web3, devnet: DevnetProcess) -> Any:
    endpoint = devnet.l1 if chain.eth.chain_id == devnet.l1.chain_id else devnet.l2
    return contract_at(chain, "L2PHAToken", endpoint.contracts["PHAToken"])


def status_of(bridge: Bridge, transaction: str) -> Any:
    answer = bridge("status", transaction, "--json")
    assert answer.code == 0, answer.error
    (withdrawal,) = answer.json["withdrawals"]
    return withdrawal


def mature(devnet: DevnetProcess) -> None:
    devnet.advance_time(MATURITY + 2)


@pytest.mark.parametrize("way", ["portal", "bridge"])
def test_ether_is_deposited(bridge: Bridge, chains: tuple[Web3, Web3], way: str) -> None:
    before = chains[1].eth.get_balance(RECEIVER)

    answer = bridge("deposit", "--amount", "1.25", "--to", RECEIVER, "--through", way, "--json", account=1)

    assert answer.code == 0, answer.error
    (deposit,) = answer.json["deposits"]
    assert deposit["status"] == "succeeded"
    assert chains[1].eth.get_balance(RECEIVER) == before + 125 * ETHER // 100
    assert chains[1].eth.get_transaction_receipt(deposit["l2Transaction"])["blockNumber"] == deposit["l2Block"]
    later = bridge("status", answer.json["l1Transaction"], "--json")
    assert later.json == {"deposits": answer.json["deposits"]}


def test_a_call_that_fails_on_l2_is_told_by_the_exit_code(bridge: Bridge, running: DevnetProcess) -> None:
    passer = running.l2.contracts["L1Block"]

    answer = bridge("deposit", "--amount", "0", "--to", passer, "--data", "0xdeadbeef", "--json", account=1)

    assert answer.code == 1
    assert [deposit["status"] for deposit in answer.json["deposits"]] == ["failed"]


def test_a_message_that_fails_on_l2_is_told_by_the_exit_code(bridge: Bridge, running: DevnetProcess) -> None:
    takes_no_ether = running.l2.contracts["L1Block"]

    answer = bridge("deposit", "--amount", "0.1", "--to", takes_no_ether, "--through", "bridge", "--json", account=1)

    assert answer.code == 1
    (deposit,) = answer.json["deposits"]
    assert (deposit["status"], deposit["relayed"]) == ("failed", False)
    later = bridge("status", answer.json["l1Transaction"])
    assert "it can be sent again with L2CrossDomainMessenger.relayMessage" in later.out


def test_what_would_be_lost_or_cannot_be_moved_is_refused_before_anything_is_sent(
    bridge: Bridge, running: DevnetProcess, chains: tuple[Web3, Web3]
) -> None:
    address = running.accounts[9]["address"]
    on_l1, on_l2 = running.l1.contracts, running.l2.contracts

    answers = [
        bridge("deposit", "--pha", "--amount", "5", account=9),
        bridge("deposit", "--amount", "1", "--to", on_l2["L2StandardBridge"], "--through", "bridge", account=9),
        bridge("withdraw", "--amount", "1", "--to", on_l1["OptimismPortal"], account=9),
        bridge("withdraw", "--amount", "1", "--to", on_l1["L1StandardBridge"], "--through", "bridge", account=9),
    ]

    assert [answer.code for answer in answers] == [1, 1, 1, 1]
    assert f"{address} has 0 PHA, but 5 are to be moved" in answers[0].error
    assert all("is a contract of the bridge: what is sent to it is lost" in answer.error for answer in answers[1:])
    assert [chain.eth.get_transaction_count(address) for chain in chains] == [0, 0]


def test_a_withdrawal_is_gone_on_with_by_anybody_after_its_sender_was_killed(
    bridge: Bridge, running: DevnetProcess, chains: tuple[Web3, Web3]
) -> None:
    key = ("--private-key", running.accounts[2]["privateKey"])
    urls = ("--l1", running.l1.url, "--l2", running.l2.url)
    command = (sys.executable, "-m", "phal2", "bridge", "withdraw", "--amount", "2", "--to", RECEIVER, "--complete")
    # While L1 stands still there is no game, so that it cannot go on before it is killed.
    with (
        l1_blocks_on_demand(running),
        subprocess.Popen((*command, *key, *urls), stderr=subprocess.PIPE, text=True) as withdrawing,
    ):
        assert withdrawing.stderr is not None
        sent = next(line for line in withdrawing.stderr if line.startswith("sending to")).split()[-1]
        assert next(withdrawing.stderr).startswith("mined in L2 block")
        assert f"go on with: phal2 bridge prove {sent} --wait --l1 {running.l1.url}" in next(withdrawing.stderr)
        withdrawing.send_signal(signal.SIGKILL)
    chains[1].eth.wait_for_transaction_receipt(sent)
    before = chains[0].eth.get_balance(RECEIVER)

    assert status_of(bridge, sent)["status"] in ("waiting-to-prove", "ready-to-prove")
    for wait in ((), ("--wait",)):
        early = bridge("finalize", sent, *wait, account=3)
        assert (early.code, "is not proven" in early.error) == (1, True)
        assert "waiting" not in early.error.splitlines()[0]
    proven = bridge("prove", sent, "--wait", "--json", account=3)
    assert proven.code == 0, proven.error
    (proof,) = proven.json["withdrawals"]
    assert proof["gameBlock"] >= status_of(bridge, sent)["l2Block"]
    assert proven.json["next"].startswith(f"phal2 bridge finalize {sent} --wait --l1 {running.l1.url}")

    waiting = status_of(bridge, sent)
    assert waiting["status"] == "waiting-to-finalize"
    assert 0 < waiting["seconds"] <= MATURITY + 1
    assert waiting["proven"]["submitter"] == running.accounts[3]["address"]
    not_yet = bridge("finalize", sent, account=4)
    assert not_yet.code == 3
    assert "proofs mature for 40 s" in not_yet.error
    mature(running)
    assert status_of(bridge, sent)["status"] == "ready-to-finalize"
    finalized = bridge("finalize", sent, "--wait", "--json", account=4)
    assert finalized.code == 0, finalized.error
    assert [each["delivered"] for each in finalized.json["withdrawals"]] == [True]
    assert chains[0].eth.get_balance(RECEIVER) == before + 2 * ETHER
    assert status_of(bridge, sent)["next"] is None


def test_steps_done_again_send_nothing(bridge: Bridge, running: DevnetProcess, chains: tuple[Web3, Web3]) -> None:
    withdrawn = bridge("withdraw", "--amount", "0.1", "--json", account=5)
    transaction = withdrawn.json["l2Transaction"]
    assert bridge("prove", transaction, "--wait", account=5).code == 0
    address = running.accounts[5]["address"]
    nonce = chains[0].eth.get_transaction_count(address)

    again = bridge("prove", transaction, account=5)

    assert (again.code, "already: nothing was sent" in again.out) == (0, True)
    mature(running)
    assert bridge("finalize", transaction, account=5).code == 0
    finalized = bridge("finalize", transaction, account=5)
    assert (finalized.code, "already: nothing was sent" in finalized.out) == (0, True)
    proven = bridge("prove", transaction, "--json", account=5)
    assert (proven.code, proven.json["next"]) == (0, None)
    assert chains[0].eth.get_transaction_count(address) == nonce + 1


def test_pha_goes_there_and_back(bridge: Bridge, running: DevnetProcess, chains: tuple[Web3, Web3]) -> None:
    owner = running.accounts[0]["address"]
    on_l1, on_l2 = pha(chains[0], running), pha(chains[1], running)
    before = on_l1.functions.balanceOf(owner).call()

    deposited = bridge("deposit", "--pha", "--amount", "7.5", account=0)
    assert deposited.code == 0, deposited.error
    assert on_l2.functions.balanceOf(owner).call() == 75 * ETHER // 10
    withdrawn = bridge("withdraw", "--pha", "--amount", "2.5", "--json", account=0)
    assert withdrawn.code == 0, withdrawn.error
    transaction = withdrawn.json["l2Transaction"]
    assert bridge("prove", transaction, "--wait", account=0).code == 0
    mature(running)
    finalized = bridge("finalize", transaction, "--wait", "--json", account=0)

    assert finalized.code == 0, finalized.error
    assert [each["relayed"] for each in finalized.json["withdrawals"]] == [True]
    assert on_l1.functions.balanceOf(owner).call() == before - 5 * ETHER
    assert on_l2.functions.balanceOf(owner).call() == 5 * ETHER


def test_a_token_is_found_by_its_side_on_l2(bridge: Bridge, running: DevnetProcess, chains: tuple[Web3, Web3]) -> None:
    owner = account_of(chains[0], running, 6)
    token = deploy(chains[0], owner, "PHAToken", owner.address)
    factory = contract_at(
        chains[1], "OptimismMintableERC20Factory", running.l2.contracts["OptimismMintableERC20Factory"]
    )
    creation = factory.functions.createOptimismMintableERC20(token.address, "A token", "TOKEN")
    receipt = send(chains[1], owner, to=factory.address, data=creation._encode_transaction_data())
    (created,) = factory.events.OptimismMintableERC20Created().process_receipt(receipt, errors=DISCARD)
    mintable = created["args"]["localToken"]

    answer = bridge("deposit", "--l2-token", mintable, "--amount", "30", "--to", RECEIVER, account=6)

    assert answer.code == 0, answer.error
    on_l2 = contract_at(chains[1], "OptimismMintableERC20", mintable)
    assert on_l2.functions.balanceOf(RECEIVER).call() == 30 * ETHER
    other = bridge("deposit", "--l2-token", mintable, "--l1-token", RECEIVER, "--amount", "1", account=6)
    assert (other.code, "do not belong together" in other.error) == (1, True)
    alone = bridge("deposit", "--l1-token", token.address, "--amount", "1", account=6)
    assert (alone.code, "give both --l1-token and --l2-token" in alone.error) == (1, True)


def test_a_message_that_its_target_would_not_take_is_delivered_by_force_alone(
    bridge: Bridge, running: DevnetProcess
) -> None:
    takes_no_ether = running.l1.contracts["PHAToken"]
    withdrawn = bridge("withdraw", "--amount", "0.1", "--to", takes_no_ether, "--json", account=7)
    transaction = withdrawn.json["l2Transaction"]
    assert bridge("prove", transaction, "--wait", account=7).code == 0
    mature(running)

    refused = bridge("finalize", transaction, account=7)

    assert refused.code == 1
    assert "would not take the message" in refused.error
    assert status_of(bridge, transaction)["status"] == "ready-to-finalize"
    forced = bridge("finalize", transaction, "--force", "--json", account=7)
    assert forced.code == 1
    assert [each["delivered"] for each in forced.json["withdrawals"]] == [False]


def test_contracts_are_known_from_files_too(bridge: Bridge, running: DevnetProcess, tmp_path: Path) -> None:
    contracts, rollup = tmp_path / "devnet.json", tmp_path / "rollup.json"
    contracts.write_text(json.dumps(running.description))
    rollup.write_text(json.dumps(running.l2.request("optimism_rollupConfig")))

    for option, file in (("--contracts", contracts), ("--rollup-config", rollup)):
        answer = bridge("deposit", "--amount", "0.5", "--through", "bridge", option, file, account=8)
        assert answer.code == 0, answer.error
    elsewhere = json.loads(rollup.read_text()) | {"deposit_contract_address": RECEIVER}
    rollup.write_text(json.dumps(elsewhere))
    wrong = bridge("status", "0x" + "11" * 32, "--rollup-config", rollup)
    assert (wrong.code, "there is no OptimismPortal at" in wrong.error) == (1, True)


def test_what_is_neither_withdrawal_nor_deposit_is_told_so(bridge: Bridge, running: DevnetProcess) -> None:
    unknown = bridge("status", "0x" + "11" * 32)
    assert unknown.code == 1
    assert "no receipt" in unknown.error
    assert "nor is it a deposit" in unknown.error
    plain = running.l2.request("eth_getBlockByNumber", "latest", False)["transactions"][0]
    assert "sent no message to L1" in bridge("prove", plain, account=1).error


def test_an_endpoint_of_another_chain_is_refused(running: DevnetProcess, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["bridge", "status", "0x" + "11" * 32, "--l1", running.l2.url, "--l2", running.l2.url])

    assert code == 1
    assert f"is the chain {running.l2.chain_id}, but the rollup's is {running.l1.chain_id}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("deposit", "--amount", "1", "--pha", "--l1-token", RECEIVER), "--pha is a token of its own"),
        (("deposit", "--amount", "1", "--pha", "--data", "0x00"), "--data goes with ETH through the portal alone"),
        (("status", "0x12"), "expected a transaction's hash"),
        (("deposit", "--amount", "1", "--gas-limit", "0"), "expected gas"),
    ],
)
def test_wrong_usage_has_exit_code_2(bridge: Bridge, arguments: tuple[str, ...], reason: str) -> None:
    answer = bridge(*arguments)

    assert answer.code == 2
    assert reason in answer.error


def test_amounts_are_exact_or_refused(bridge: Bridge) -> None:
    for amount in ("", "-1", "1e18", "0x1", "1,5", ".5", "5.", "\u0661"):
        answer = bridge("deposit", f"--amount={amount}", account=1)
        assert answer.code == 2, amount
        assert "expected an amount in whole units and decimals, such as 1.5" in answer.error
    answer = bridge("deposit", "--amount=1.0000000000000000001", account=1)
    assert answer.code == 1
    assert "expected an amount with at most 18 decimals" in answer.error
