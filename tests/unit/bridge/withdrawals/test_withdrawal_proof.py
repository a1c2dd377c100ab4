"""Proofs of withdrawals from an L2 endpoint that is honest, lies, or no longer has the state."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from scripted_chains import Endpoint, Refusal

from phal2.bridge.dispute_games import Game
from phal2.bridge.withdrawals.errors import ClaimIsAnother, StateNotKept, WrongProof
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.bridge.withdrawals.proof import build_proof
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import InvalidAnswer
from phal2.node.protocol.headers import header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.output_roots import output_root
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.withdrawals import Withdrawal, encode_nonce, withdrawal_hash, withdrawal_storage_slot
from phal2.node.rpc.formats.account_proof import format_account_proof
from phal2.node.rpc.formats.header import format_header
from phal2.node.rpc.parameter_types import StorageKey
from phal2.node.state.database import MemoryDatabase
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block
from phal2.node.state.proofs import account_proof
from phal2.node.state.rules import L1Rules

NUMBER = 7
SENT = Withdrawal(encode_nonce(3), b"\x01" * 20, b"\x02" * 20, 5, 21_000, b"data")
INITIATED = InitiatedWithdrawal(SENT, withdrawal_hash(SENT), bytes(32), NUMBER, 1_000)
SLOT = int.from_bytes(withdrawal_storage_slot(INITIATED.hash), "big")
OTHERS = {int.from_bytes(keccak256(bytes([number])), "big"): 1 for number in range(40)}


@dataclass
class L2(Endpoint):
    """One block; `change` alters what eth_getProof answers."""

    words: dict[int, int] = field(default_factory=lambda: OTHERS | {SLOT: 1})
    change: Callable[[dict[str, Any]], None] = lambda _: None
    is_pruned: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        accounts = {bytes([number]) * 20: GenesisAccount(number) for number in range(1, 30)}
        passer = GenesisAccount(nonce=1, code=b"\x01", storage=self.words)
        self.state = genesis_state(accounts | {L2_TO_L1_MESSAGE_PASSER: passer})
        self.database = MemoryDatabase()
        self.database.add(self.state)
        genesis = l1_genesis_block(L1Rules(1), self.state, 1_000, 30_000_000, 1)
        self.header = replace(genesis.block.header, number=NUMBER)

    @property
    def claim(self) -> bytes:
        proof = account_proof(self.database, self.state.state_root, L2_TO_L1_MESSAGE_PASSER, [])
        return output_root(self.state.state_root, proof.storage_hash, header_hash(self.header))

    def answer(self, method: str, params: list[Any]) -> Any:
        if method == "eth_getBlockByNumber":
            if int(params[0], 16) >= 1 << 63:
                raise Refusal(-32602, "block number larger than int64")
            known = int(params[0], 16) == NUMBER
            return format_header(self.header, header_hash(self.header)) | {"transactions": []} if known else None
        if self.is_pruned:
            raise Refusal(-32000, "missing trie node")
        keys = [StorageKey(int(key, 16), key) for key in params[1]]
        slots = [key.slot for key in keys]
        proof = account_proof(self.database, self.state.state_root, bytes.fromhex(params[0][2:]), slots)
        document = format_account_proof(proof, keys)
        self.change(document)
        return document


@pytest.fixture
async def l2() -> AsyncIterator[L2]:
    endpoint = L2()
    await endpoint.start()
    yield endpoint
    await endpoint.stop()


@pytest.fixture
async def client(l2: L2) -> AsyncIterator[L1Client]:
    client = L1Client(l2.url)
    yield client
    await client.close()


def game(claim: bytes, block_number: int = NUMBER) -> Game:
    return Game(0, bytes(20), 1_000, claim, block_number)


async def test_a_proof_has_the_parts_of_the_claim_and_the_way_to_the_message(l2: L2, client: L1Client) -> None:
    proof = await build_proof(client, INITIATED, game(l2.claim))

    parts = proof.output_root_proof()
    assert keccak256(b"".join(parts.values())) == l2.claim
    assert keccak256(proof.nodes[0]) == parts["messagePasserStorageRoot"]


async def test_a_claim_of_another_root_is_not_proven_against(l2: L2, client: L1Client) -> None:
    with pytest.raises(ClaimIsAnother, match=f"the L2 node has 0x{l2.claim.hex()}"):
        await build_proof(client, INITIATED, game(b"\x03" * 32))


async def test_a_state_or_block_that_is_not_kept_is_told(l2: L2, client: L1Client) -> None:
    with pytest.raises(StateNotKept, match="does not have the block"):
        await build_proof(client, INITIATED, game(l2.claim, NUMBER + 1))
    with pytest.raises(StateNotKept, match="block number larger than int64"):
        await build_proof(client, INITIATED, game(l2.claim, 1 << 255))
    l2.is_pruned = True
    with pytest.raises(StateNotKept, match="missing trie node"):
        await build_proof(client, INITIATED, game(l2.claim))


def more_value(document: dict[str, Any]) -> None:
    document["storageProof"][0]["value"] = "0x2"


def other_storage(document: dict[str, Any]) -> None:
    document["storageHash"] = "0x" + "05" * 32


def no_node(document: dict[str, Any]) -> None:
    document["storageProof"][0]["proof"].pop()


def other_node(document: dict[str, Any]) -> None:
    document["accountProof"][-1] = "0x" + "c0" * 40


def other_balance(document: dict[str, Any]) -> None:
    document["balance"] = "0x1"


@pytest.mark.parametrize("change", [more_value, other_storage, no_node, other_node, other_balance])
async def test_a_proof_that_does_not_hold_is_never_sent(
    l2: L2, client: L1Client, change: Callable[[dict[str, Any]], None]
) -> None:
    l2.change = change

    with pytest.raises(WrongProof, match="does not hold"):
        await build_proof(client, INITIATED, game(l2.claim))


def no_storage_proof(document: dict[str, Any]) -> None:
    document["storageProof"] = []


def endless(document: dict[str, Any]) -> None:
    document["accountProof"] *= 100


def no_text(document: dict[str, Any]) -> None:
    document["nonce"] = 7


@pytest.mark.parametrize("change", [no_storage_proof, endless, no_text])
async def test_a_malformed_answer_is_refused(
    l2: L2, client: L1Client, change: Callable[[dict[str, Any]], None]
) -> None:
    l2.change = change

    with pytest.raises(InvalidAnswer):
        await build_proof(client, INITIATED, game(l2.claim))


async def test_a_message_that_is_no_longer_there_is_told() -> None:
    endpoint = L2(words=OTHERS)
    await endpoint.start()
    client = L1Client(endpoint.url)
    try:
        with pytest.raises(WrongProof, match="L2 has been reorganised since"):
            await build_proof(client, INITIATED, game(endpoint.claim))
    finally:
        await client.close()
        await endpoint.stop()
