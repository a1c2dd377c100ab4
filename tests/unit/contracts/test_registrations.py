"""The owner's registrar before the contracts themselves: what it approves, registers, and pays nothing for."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from contract_chain import Contract
from dispute_games import PROVER, prover_quote
from l1_world import L1_CHAIN_ID, OWNER, L1World
from world_client import WorldClient

from phal2.bridge.proposer.errors import NotRegistered
from phal2.bridge.proposer.registration import OwnerRegistrar, QuoteTrust
from phal2.bridge.proposer.transaction_sender import ContractCall
from phal2.bridge.prover.messages import Description
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER


@dataclass
class WorldOwner:
    """Sends calls as the owner."""

    world: L1World
    sent: list[str] = field(default_factory=list)

    async def send(self, call: ContractCall) -> None:
        self.sent.append(call.what)
        assert self.world.chain.transact(call.to, call.data, sender=OWNER).succeeded


@dataclass(frozen=True, slots=True)
class QuotedProver:
    """A prover with one key, and quotes of the simulated TEE."""

    world: L1World

    async def description(self) -> Description:
        return Description(PROVER, bytes(32))

    async def quote(self, registry: bytes) -> bytes:
        assert registry == self.world.provers.address
        return prover_quote(self.world).quote


@pytest.fixture
def world() -> L1World:
    return L1World.deployed()


async def register(world: L1World) -> list[str]:
    """Have the prover registered, and return what was sent for it."""
    owner, prover, client = WorldOwner(world), QuotedProver(world), WorldClient(world)
    collateral = prover_quote(world).collateral_json
    trust = QuoteTrust(SIMULATOR_ROOT_CA_DER, lambda _: collateral, lambda: world.chain.time)
    parts: tuple[Any, Any, Any] = client, owner, prover
    registrar = OwnerRegistrar(parts[0], L1_CHAIN_ID, world.provers.address, parts[1], trust)
    try:
        await registrar.register(parts[2])
    except NotRegistered:
        assert owner.sent == []
        raise
    return owner.sent


def allow(registry: Contract, workload: bytes) -> None:
    registry.transact("setWorkload", workload, True, sender=OWNER)


async def test_a_prover_of_an_allowed_workload_is_approved_and_registered_once(world: L1World) -> None:
    allow(world.provers, prover_quote(world).workload)
    assert await register(world) == ["approving the prover's quote", "registering the prover"]
    assert world.provers.read("isValidProver", PROVER)
    assert await register(world) == []


async def test_nothing_is_paid_for_a_workload_that_the_registry_does_not_allow(world: L1World) -> None:
    with pytest.raises(NotRegistered, match=f"workload 0x{prover_quote(world).workload.hex()}"):
        await register(world)


async def test_nothing_is_paid_for_a_tcb_status_that_the_registry_does_not_allow(world: L1World) -> None:
    allow(world.provers, prover_quote(world).workload)
    world.provers.transact("setAllowedTcbStatuses", 0b10, sender=OWNER)
    with pytest.raises(NotRegistered, match="TCB status 0"):
        await register(world)
