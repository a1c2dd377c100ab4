"""The proof that L2 sent a message: from a game's claim to the message passer's storage, checked before it is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from phal2.bridge.dispute_games import Game
from phal2.bridge.withdrawals.errors import ClaimIsAnother, StateNotKept, WrongProof
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused, InvalidAnswer
from phal2.node.l1.json_fields import (
    JsonObject,
    MalformedField,
    as_data,
    as_object,
    data,
    elements,
    objects,
    quantity,
)
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.output_roots import OUTPUT_VERSION, output_root
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.withdrawals import withdrawal_storage_slot
from phal2.node.state.proofs import AccountProof, InvalidProof, StorageProof, verify_account_proof

_MOST_NODES: Final = 65
"""A path of 64 nibbles has no more nodes."""


@dataclass(frozen=True, slots=True)
class WithdrawalProof:
    """What the portal's proveWithdrawalTransaction takes beside the withdrawal: game, output root parts, nodes."""

    game: Game
    state_root: bytes
    message_passer_storage_root: bytes
    block_hash: bytes
    nodes: tuple[bytes, ...]

    def output_root_proof(self) -> Mapping[str, Any]:
        """Return the parts of the output root under the portal's names for them."""
        return {
            "version": OUTPUT_VERSION,
            "stateRoot": self.state_root,
            "messagePasserStorageRoot": self.message_passer_storage_root,
            "latestBlockhash": self.block_hash,
        }


async def build_proof(l2: L1Client, initiated: InitiatedWithdrawal, game: Game) -> WithdrawalProof:
    """Return the proof of a withdrawal against a game's claim, as the portal will check it.

    Raises:
        ClaimIsAnother: The claim is not the L2 node's output root of that block.
        StateNotKept: The node does not have the block's state.
        WrongProof: The node's proof does not hold.
        EndpointError: The node does not answer, or not properly.
    """
    try:
        found = await l2.header(game.block_number)
    except EndpointRefused as error:
        # A game can claim any number, even one that no node takes for a block's.
        raise StateNotKept(game.block_number, error.message) from None
    if found is None:
        raise StateNotKept(game.block_number, "it does not have the block")
    header, block_hash = found
    slot = withdrawal_storage_slot(initiated.hash)
    proof = await _account_proof(l2, slot, game.block_number)
    try:
        verify_account_proof(header.state_root, proof)
    except (InvalidProof, InvalidEncoding) as error:
        raise WrongProof(f"{l2.rpc.url}: the proof at block {game.block_number} does not hold: {error}") from None
    computed = output_root(header.state_root, proof.storage_hash, block_hash)
    if computed != game.root_claim:
        raise ClaimIsAnother(game.index, game.block_number, game.root_claim, computed)
    (storage,) = proof.storage_proofs
    if storage.value != 1:
        raise WrongProof(
            f"{l2.rpc.url}: at block {game.block_number} the message passer does not have the message 0x"
            f"{initiated.hash.hex()} of block {initiated.block_number}: L2 has been reorganised since; `phal2 bridge "
            f"status 0x{initiated.transaction_hash.hex()}` tells where it is now"
        )
    return WithdrawalProof(game, header.state_root, proof.storage_hash, block_hash, storage.proof)


async def _account_proof(l2: L1Client, slot: bytes, block_number: int) -> AccountProof:
    method = "eth_getProof"
    passer = f"0x{L2_TO_L1_MESSAGE_PASSER.hex()}"
    try:
        answer = await l2.rpc.call(method, passer, [f"0x{slot.hex()}"], hex(block_number))
    except EndpointRefused as error:
        raise StateNotKept(block_number, error.message) from None
    try:
        fields = as_object(answer, "result")
        storage = objects(fields, "storageProof")
        if len(storage) != 1:
            raise MalformedField("storageProof", "one proof", len(storage))
        return AccountProof(
            address=L2_TO_L1_MESSAGE_PASSER,
            balance=quantity(fields, "balance"),
            nonce=quantity(fields, "nonce", 8),
            code_hash=data(fields, "codeHash", 32),
            storage_hash=data(fields, "storageHash", 32),
            account_proof=_nodes(fields, "accountProof"),
            storage_proofs=(
                StorageProof(int.from_bytes(slot, "big"), quantity(storage[0], "value"), _nodes(storage[0], "proof")),
            ),
        )
    except MalformedField as error:
        raise InvalidAnswer(l2.rpc.url, f"{method}: {error}") from None


def _nodes(fields: JsonObject, name: str) -> tuple[bytes, ...]:
    found = elements(fields, name)
    if len(found) > _MOST_NODES:
        raise MalformedField(name, f"at most {_MOST_NODES} nodes", len(found))
    return tuple(as_data(node, name) for node in found)
