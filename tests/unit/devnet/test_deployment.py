"""The L1 contracts are deployed with ordinary transactions, at the addresses that were planned."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from embedded_l1_rig import KEY, OTHER, REVERTER, SENDER, open_l1

from phal2.contracts import decode_result, encode_call, load_artefact
from phal2.devnet.deployment import (
    DeploymentError,
    DeploymentParameters,
    DeploymentStep,
    bridge_steps,
    game_steps,
    planned_l1_contracts,
    send_steps,
)
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.servers import serve_l1
from phal2.node.l1.client import L1Client
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rollup_config import SystemConfig, ecotone_scalar

ROOT = keccak256(b"genesis output root")
TRANSFER = DeploymentStep("send ether", OTHER, b"", 21_000, value=1)


@dataclass(frozen=True, slots=True)
class L1:
    chain: EmbeddedL1
    client: L1Client

    async def send(self, first_nonce: int, *steps: DeploymentStep) -> int:
        """Send the steps as the sender's; return the number of the block of the last one."""
        return (await send_steps(self.client, KEY, first_nonce, steps, self.chain.mine)).number

    async def read(self, name: str, address: bytes, view: str) -> object:
        artefact = load_artefact(name)
        (value,) = decode_result(artefact, view, await self.client.call(address, encode_call(artefact, view)))
        return value


@pytest.fixture
async def l1(tmp_path: Path) -> AsyncIterator[L1]:
    chain = open_l1(tmp_path / "l1")
    server = await serve_l1(chain, "127.0.0.1", 0)
    client = L1Client(server.url)
    yield L1(chain, client)
    await client.close()
    await server.stop()
    await chain.stop()


def parameters(first_nonce: int) -> DeploymentParameters:
    return DeploymentParameters(
        deployer=SENDER,
        owner=OTHER,
        treasury=b"\x03" * 20,
        proposer=b"\x05" * 20,
        quote_approver=b"\x07" * 20,
        system_config=SystemConfig(b"\x06" * 20, bytes(32), ecotone_scalar(1, 2), 30_000_000),
        batch_inbox=b"\xff" * 20,
        l2_chain_id=20350,
        proof_maturity_delay=7,
        game_finality_delay=5,
        challenge_period=3,
        first_nonce=first_nonce,
    )


async def test_all_contracts_are_where_they_were_planned(l1: L1) -> None:
    """Also for a deployer that has sent transactions before."""
    await l1.send(0, TRANSFER, TRANSFER)
    told = parameters(first_nonce=2)
    bridge = bridge_steps(told)

    await l1.send(2, *bridge)
    await l1.send(2 + len(bridge), *game_steps(told, bytes(32), ROOT, bytes(32)))

    planned = planned_l1_contracts(SENDER, 2)
    addresses = {name: address for name, address in planned.by_name().items() if name != "Multicall3"}
    for name, address in addresses.items():
        assert await l1.client.get_code(address), name
    assert await l1.read("OptimismPortal", planned.optimism_portal, "proofMaturityDelaySeconds") == 7
    assert await l1.read("AnchorStateRegistry", planned.anchor_state_registry, "disputeGameFinalityDelaySeconds") == 5
    assert await l1.read("PermissionedDisputeGame", planned.permissioned_dispute_game, "maxClockDuration") == 3
    assert await l1.read("ProxyAdmin", planned.proxy_admin, "owner") == OTHER
    assert await l1.read("OptimismPortal", planned.optimism_portal, "respectedGameType") == 84


async def test_a_step_that_fails_is_named(l1: L1) -> None:
    failing = DeploymentStep("turn the key", REVERTER, b"", 50_000)
    with pytest.raises(DeploymentError, match="could not turn the key: the transaction failed"):
        await l1.send(0, TRANSFER, failing)


async def test_a_step_that_is_not_mined_is_named(l1: L1) -> None:
    async def idle() -> None:
        pass

    with pytest.raises(DeploymentError, match="could not send ether: the transaction is not mined"):
        await send_steps(l1.client, KEY, 0, [TRANSFER], idle)


async def test_steps_that_one_block_does_not_take_go_on_in_the_next(l1: L1) -> None:
    # Returns 24,000 zero bytes as code, which cost 4,800,000 gas; a block has 30,000,000.
    large = DeploymentStep("create a large contract", None, bytes.fromhex("615dc05ff3"), 5_000_000)
    assert await l1.send(0, *[large] * 7) == 2


async def test_a_step_that_no_block_takes_is_named_before_any_is_sent(l1: L1) -> None:
    huge = DeploymentStep("create a huge contract", None, b"", 30_000_001)
    with pytest.raises(DeploymentError, match="to create a huge contract takes up to 30,000,001 gas"):
        await l1.send(0, TRANSFER, huge)
    assert await l1.client.transaction_count(SENDER, "pending") == 0
