"""How claims grow block by block towards the next game: real proofs of a rollup in memory."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from proven_chain import ProvenChain as Rollup
from proven_chain import random_chain

from phal2.bridge.proposer.errors import ChainMoved, UntrueClaim
from phal2.bridge.proposer.games import OutputOnL1
from phal2.bridge.proposer.gathering import GatheredRange
from phal2.bridge.proposer.proven_chain import ProvenChain
from phal2.bridge.prover.claim import SignedClaim
from phal2.bridge.prover.messages import Description
from phal2.bridge.prover.proof_request import ProofRequest
from phal2.bridge.prover.prover import Prover


class NearProver:
    """A real prover in this process, as a `ProverClient`."""

    def __init__(self, rollup: Rollup, entropy: bytes = b"\x07" * 32) -> None:
        self.prover = Prover(rollup.config, entropy)
        self.asked: list[int] = []

    async def description(self) -> Description:
        return Description(self.prover.address, self.prover.config_hash)

    async def quote(self, registry: bytes) -> bytes:
        raise NotImplementedError(registry)

    async def prove(self, request: ProofRequest) -> SignedClaim:
        self.asked.append(len(request.blocks))
        return self.prover.prove(request)

    async def combine(self, claims: Sequence[SignedClaim]) -> SignedClaim:
        return self.prover.combine(claims)

    async def renew(self) -> bool:
        return False


class MemoryGathering:
    """Gathers from a rollup in memory."""

    def __init__(self, rollup: Rollup) -> None:
        self.rollup = rollup

    async def gather(self, first: int, last: int) -> GatheredRange:
        l2 = self.rollup.l2
        return GatheredRange(self.rollup.request(first, last), l2[first - 1].ref, l2[last].ref)


def output(rollup: Rollup, number: int) -> OutputOnL1:
    return OutputOnL1(number, rollup.output_root(number), number, 0, b"\x01" * 20, 84)


@pytest.fixture
def rollup() -> Rollup:
    return random_chain(21, 9)


@pytest.fixture
def prover(rollup: Rollup) -> NearProver:
    return NearProver(rollup)


@pytest.fixture
def proven(rollup: Rollup, prover: NearProver) -> ProvenChain:
    return ProvenChain(MemoryGathering(rollup), prover, 4)


async def test_a_long_range_is_proven_by_requests_and_ends_as_one_claim(
    rollup: Rollup, prover: NearProver, proven: ProvenChain
) -> None:
    signed = await proven.prove(output(rollup, 0), 9)
    assert prover.asked == [4, 4, 1]
    assert signed == prover.prover.prove(rollup.request(1, 9))


async def test_what_is_proven_is_not_proven_again(rollup: Rollup, prover: NearProver, proven: ProvenChain) -> None:
    await proven.prove(output(rollup, 0), 3)
    assert await proven.prove(output(rollup, 0), 3) == prover.prover.prove(rollup.request(1, 3))
    signed = await proven.prove(output(rollup, 0), 6)
    assert prover.asked == [3, 3]
    assert signed == prover.prover.prove(rollup.request(1, 6))


async def test_a_new_parent_within_what_is_proven_takes_nothing_of_it_away(
    rollup: Rollup, prover: NearProver, proven: ProvenChain
) -> None:
    await proven.prove(output(rollup, 0), 4)
    signed = await proven.prove(output(rollup, 4), 9)
    assert prover.asked == [4, 4, 1]
    assert signed == prover.prover.prove(rollup.request(5, 9))


async def test_another_parent_begins_anew(rollup: Rollup, prover: NearProver, proven: ProvenChain) -> None:
    await proven.prove(output(rollup, 0), 4)
    assert await proven.prove(output(rollup, 2), 4) == prover.prover.prove(rollup.request(3, 4))


async def test_claims_of_a_key_that_is_gone_are_of_no_use(rollup: Rollup, proven: ProvenChain) -> None:
    await proven.prove(output(rollup, 0), 4)
    successor = NearProver(rollup, b"\x08" * 32)
    proven._prover = successor
    signed = await proven.prove(output(rollup, 0), 5)
    assert successor.asked == [4, 1]
    assert signed == successor.prover.prove(rollup.request(1, 5))


async def test_a_replaced_l2_block_makes_it_forget(rollup: Rollup, prover: NearProver, proven: ProvenChain) -> None:
    await proven.prove(output(rollup, 0), 4)
    other = random_chain(22, 9)
    proven._gathering = MemoryGathering(replace_config(other, rollup))
    with pytest.raises(ChainMoved):
        await proven.prove(output(rollup, 0), 9)
    proven._gathering = MemoryGathering(rollup)
    assert await proven.prove(output(rollup, 0), 9) == prover.prover.prove(rollup.request(1, 9))


def replace_config(rollup: Rollup, by: Rollup) -> Rollup:
    """Both begin with the same genesis, and differ in what was built upon it."""
    assert rollup.config == by.config
    return rollup


async def test_a_claim_on_something_else_is_not_taken(rollup: Rollup, prover: NearProver, proven: ProvenChain) -> None:
    class Shorter(NearProver):
        async def prove(self, request: ProofRequest) -> SignedClaim:
            origins = request.l1_origins[: 1 + sum(block.begins_epoch for block in request.blocks[:1])]
            return await super().prove(replace(request, blocks=request.blocks[:1], l1_origins=origins))

    proven._prover = Shorter(rollup)
    with pytest.raises(UntrueClaim):
        await proven.prove(output(rollup, 0), 4)
    proven._prover = prover
    assert (await proven.prove(output(rollup, 0), 4)).claim.output_root == rollup.output_root(4)
