"""What is asked of the nodes for a proof: as much as a request can hold, and nothing that contradicts itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from proven_chain import ProvenChain, random_chain

from phal2.bridge.proposer import gathering
from phal2.bridge.proposer.errors import ChainMoved, UnprovableBlock
from phal2.bridge.proposer.gathering import Gathering
from phal2.bridge.prover.messages import encode_request
from phal2.bridge.prover.proving import prove
from phal2.node.l1.errors import EndpointRefused, EndpointUnavailable, InvalidAnswer
from phal2.node.protocol import rlp
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.headers import encode_header
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.state.proofs import account_proof


def hexadecimal(raw: bytes) -> str:
    return "0x" + raw.hex()


class MemoryL2:
    """Answers as an L2 node of the rollup does."""

    url = "memory"

    def __init__(self, chain: ProvenChain) -> None:
        self.chain = chain
        self.witnesses = 0

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[object]:
        return [await self.call(method, *parameters) for method, parameters in calls]

    async def call(self, method: str, *parameters: Any) -> object:
        return getattr(self, method)(*parameters)

    def debug_getRawBlock(self, number: str) -> str:  # noqa: N802 - the method's name
        block = self.chain.l2[int(number, 16)].executed.block
        transactions = [raw if raw[0] < 0xC0 else rlp.decode(raw) for raw in block.transactions]
        return hexadecimal(rlp.encode([rlp.decode(encode_header(block.header)), transactions, [], []]))

    def debug_executionWitness(self, block_hash: str) -> dict[str, list[str]]:  # noqa: N802 - the method's name
        self.witnesses += 1
        built = next(block for block in self.chain.l2 if hexadecimal(block.executed.block.hash) == block_hash)
        return {"state": sorted(map(hexadecimal, built.preimages)), "codes": [], "keys": [], "headers": []}

    def eth_getProof(self, address: str, _: object, number: str) -> dict[str, list[str]]:  # noqa: N802 - the method's name
        assert address == hexadecimal(L2_TO_L1_MESSAGE_PASSER)
        header = self.chain.l2[int(number, 16)].executed.block.header
        proof = account_proof(self.chain.database, header.state_root, L2_TO_L1_MESSAGE_PASSER, ())
        return {"accountProof": list(map(hexadecimal, proof.account_proof))}


class MemoryL1:
    """Answers as an `L1Client` does."""

    class Rpc:
        url = "memory"

    rpc = Rpc()

    def __init__(self, blocks: Sequence[L1Block]) -> None:
        self.blocks = {block.hash: block for block in blocks}
        self.asked: list[bytes] = []

    async def block(self, selector: bytes, *_: object) -> L1Block | None:
        self.asked.append(selector)
        return self.blocks.get(selector)


def gathering_of(chain: ProvenChain) -> tuple[Any, MemoryL1, MemoryL2]:
    l1, l2 = MemoryL1(chain.l1), MemoryL2(chain)
    made: Any = Gathering
    return made(chain.config, l1, l2), l1, l2


@pytest.fixture
def chain() -> ProvenChain:
    return random_chain(41, 9)


async def test_what_is_gathered_can_be_proven(chain: ProvenChain) -> None:
    gatherer, l1, _ = gathering_of(chain)
    gathered = await gatherer.gather(1, 9)
    assert gathered.request == chain.request(1, 9)
    assert prove(chain.config, gathered.request).output_root == chain.output_root(9)
    assert (gathered.parent, gathered.last) == (chain.l2[0].ref, chain.l2[9].ref)
    await gatherer.gather(2, 9)
    assert len(l1.asked) == len(set(l1.asked))


async def test_before_isthmus_the_message_passers_proofs_are_gathered_too() -> None:
    chain = random_chain(42, 3, forks=replace(ALL_THROUGH_ISTHMUS, isthmus_time=None))
    gathered = await gathering_of(chain)[0].gather(1, 3)
    assert gathered.request.message_passer_proof
    assert prove(chain.config, gathered.request).output_root == chain.output_root(3)


async def test_a_request_holds_as_many_blocks_as_fit(chain: ProvenChain, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = max(len(encode_request(chain.request(number, number))) for number in range(1, 10)) + 4_000
    monkeypatch.setattr(gathering, "MAXIMUM_GATHERED_BYTES", limit)
    gatherer, _, l2 = gathering_of(chain)
    first, requests = 1, 0
    while first <= 9:
        gathered = await gatherer.gather(first, 9)
        assert prove(chain.config, gathered.request).output_root == chain.output_root(gathered.last.number)
        first, requests = gathered.last.number + 1, requests + 1
    assert 1 < requests <= 9
    assert l2.witnesses <= 9 + 4 * requests


async def test_a_block_that_no_request_can_hold_is_named(chain: ProvenChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAXIMUM_GATHERED_BYTES", 2_000)
    with pytest.raises(UnprovableBlock, match="L2 block 4"):
        await gathering_of(chain)[0].gather(4, 9)


async def test_blocks_of_two_branches_are_no_range(chain: ProvenChain) -> None:
    gatherer, _, l2 = gathering_of(chain)
    l2.chain = random_chain(43, 9)
    other = l2.chain.l2
    l2.chain.l2 = [*chain.l2[:5], *other[5:]]
    with pytest.raises(ChainMoved, match="L2 block 5"):
        await gatherer.gather(3, 7)


async def test_what_nodes_cannot_give_is_said(chain: ProvenChain, monkeypatch: pytest.MonkeyPatch) -> None:
    gatherer, l1, l2 = gathering_of(chain)

    def pruned(_: str) -> None:
        raise EndpointRefused("memory", "debug_executionWitness", -32000, "the state of block 2 is pruned")

    with monkeypatch.context() as patched:
        patched.setattr(l2, "debug_executionWitness", pruned)
        with pytest.raises(UnprovableBlock, match="the state of block 2 is pruned"):
            await gatherer.gather(3, 4)
        patched.setattr(l2, "debug_executionWitness", lambda _: {"state": ["0x0"]})
        with pytest.raises(InvalidAnswer):
            await gatherer.gather(3, 4)
    l1.blocks.clear()
    with pytest.raises(EndpointUnavailable, match="L1 origin"):
        await gatherer.gather(3, 4)
