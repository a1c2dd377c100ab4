import json
from collections.abc import Callable

import pytest
from migration_chains import ALICE, DAY, PHA, RECEIVER, RELAYER_KEY, TREASURY, TREE, MigrationChains
from migration_commands import run

from phal2.bridge.migration.relay import claim
from phal2.bridge.migration.signers import SecretSigner
from phal2.node.l1.client import L1Client
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.predeploys import PHA_CLAIMS


async def claim_of_alice(chains: MigrationChains) -> None:
    l2 = L1Client(chains.l2_url)
    await claim(l2, TREE, SecretSigner(ALICE), RECEIVER, RELAYER_KEY)
    await l2.close()


async def test_status_before_the_launch(chains: MigrationChains, capsys: pytest.CaptureFixture[str]) -> None:
    result = await run(capsys, "status", "--l2", chains.l2_url, "--l1", chains.l1_url, "--json")

    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {
        "root": None,
        "total": "0",
        "claimed": "0",
        "deadline": None,
        "backing": "0",
        "launched": False,
        "swept": False,
        "token": "0x4200000000000000000000000000000000000058",
        "migration": to_checksum_address(chains.migration.address),
        "l1": {
            "migration": to_checksum_address(chains.migration.address),
            "owner": to_checksum_address(chains.migration.read("owner")),
            "token": to_checksum_address(chains.pha.address),
            "root": None,
            "total": "0",
            "deadline": None,
            "launched": False,
            "backing": "0",
        },
    }


async def test_status_after_a_claim(chains: MigrationChains, capsys: pytest.CaptureFixture[str]) -> None:
    chains.launch()
    await claim_of_alice(chains)

    status = json.loads((await run(capsys, "status", "--l2", chains.l2_url, "--json")).out)

    assert status["root"] == f"0x{TREE.root.hex()}"
    assert (status["total"], status["claimed"]) == (str(TREE.total), str(10 * PHA))
    assert status["backing"] == str(TREE.total - 10 * PHA)
    assert (status["launched"], status["swept"], status["l1"]) == (True, False, None)
    assert status["deadline"] == chains.l1.chain.time + DAY


async def test_status_for_people(chains: MigrationChains, capsys: pytest.CaptureFixture[str]) -> None:
    before = await run(capsys, "status", "--l2", chains.l2_url, "--l1", chains.l1_url)
    chains.launch()
    after = await run(capsys, "status", "--l2", chains.l2_url, "--l1", chains.l1_url)
    on_l2_alone = await run(capsys, "status", "--l2", chains.l2_url)

    assert "not launched: the root has not arrived" in before.out
    assert "root           not set" in before.out
    assert "launched, 149.000000000000000001 PHA left to claim" in after.out
    assert "(2025-06-16 15:06:52 UTC, in 86,400 s)" in after.out
    assert "launched, 149.000000000000000001 PHA in the standard bridge" in after.out
    assert f"{to_checksum_address(chains.migration.address)} on L1" in on_l2_alone.out


async def test_status_while_the_backing_is_on_its_way(
    chains: MigrationChains, capsys: pytest.CaptureFixture[str]
) -> None:
    chains.delivers_at_once = False
    chains.launch()
    chains.deposits.reverse()
    chains.deliver(1)

    status = await run(capsys, "status", "--l2", chains.l2_url)

    assert "the root has arrived from L1, but of its backing only 0 PHA of 149.000000000000000001 PHA" in status.out


async def test_a_sweep_reaches_the_treasury_on_l1(
    chains: MigrationChains, capsys: pytest.CaptureFixture[str], write_file: Callable[[str, str], str]
) -> None:
    chains.launch()
    await claim_of_alice(chains)
    chains.pass_deadline()
    outcomes = []
    chains.l2.on_mined = outcomes.append
    key = write_file("key", RELAYER_KEY.hex())

    result = await run(capsys, "sweep", "--l2", chains.l2_url, "--private-key-file", key, "--json")

    assert result.code == 0, result.err
    assert result.err.endswith(f": transaction {json.loads(result.out)['transactionHash']}\n")
    swept = json.loads(result.out)
    (message,) = [
        event.arguments for event in chains.layers.passer.events(outcomes[0]) if event.name == "MessagePassed"
    ]
    assert swept["amount"] == str(TREE.total - 10 * PHA)
    assert swept["treasury"] == to_checksum_address(TREASURY)
    assert swept["withdrawalHash"] == f"0x{message['withdrawalHash'].hex()}"
    assert chains.balance(PHA_CLAIMS) == 0
    assert chains.layers.to_l1(outcomes[0]).succeeded
    assert chains.pha.read("balanceOf", TREASURY) == TREE.total - 10 * PHA
    assert chains.pha.read("balanceOf", chains.layers.l1_bridge.address) == 10 * PHA
    assert "passed 1 s ago" in (await run(capsys, "status", "--l2", chains.l2_url)).out


async def test_a_sweep_is_reported(
    chains: MigrationChains, capsys: pytest.CaptureFixture[str], write_file: Callable[[str, str], str]
) -> None:
    chains.launch()
    chains.pass_deadline()
    key = write_file("key", RELAYER_KEY.hex())

    result = await run(capsys, "sweep", "--l2", chains.l2_url, "--private-key-file", key)

    assert "swept       149000000000000000001 (149.000000000000000001 PHA)" in result.out


async def test_a_sweep_that_cannot_be_is_refused_before_it_is_sent(
    chains: MigrationChains, capsys: pytest.CaptureFixture[str], write_file: Callable[[str, str], str]
) -> None:
    words = ("sweep", "--l2", chains.l2_url, "--private-key-file", write_file("key", RELAYER_KEY.hex()))

    before_launch = await run(capsys, *words)
    chains.launch()
    before_deadline = await run(capsys, *words)
    chains.pass_deadline()
    first = await run(capsys, *words)
    second = await run(capsys, *words)

    assert "not launched on L2" in before_launch.err
    assert "in 86,400 s); sweep after that" in before_deadline.err
    assert (first.code, second.code) == (0, 1)
    assert "swept already" in second.err
    assert chains.l2.sent == 1
