"""L2 blocks with messages to L1, and what the portal takes as proof of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from eth_abi.abi import encode

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.output_roots import output_root
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.state.database import MemoryDatabase
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.proofs import account_proof

VERSIONED_NONCE = 1 << 240


@dataclass(frozen=True, slots=True)
class Message:
    """A message from L2, as MessagePassed has it."""

    target: bytes
    nonce: int = VERSIONED_NONCE
    sender: bytes = b"\x52" * 20
    value: int = 0
    gas_limit: int = 100_000
    data: bytes = b""

    @property
    def fields(self) -> Mapping[str, Any]:
        return {
            "nonce": self.nonce,
            "sender": self.sender,
            "target": self.target,
            "value": self.value,
            "gasLimit": self.gas_limit,
            "data": self.data,
        }

    @property
    def hash(self) -> bytes:
        types = ["uint256", "address", "address", "uint256", "uint256", "bytes"]
        return keccak256(encode(types, list(self.fields.values())))

    @property
    def slot(self) -> int:
        """Where the message passer says that it was sent."""
        return int.from_bytes(keccak256(self.hash + bytes(32)), "big")


class L2Block:
    """A block after which the message passer's storage has `messages` and words of others."""

    def __init__(self, messages: Sequence[Message], others: int = 40) -> None:
        self.words = {message.slot: 1 for message in messages}
        self.words |= {int.from_bytes(keccak256(bytes([n])), "big"): 1 for n in range(others)}
        self.hash = keccak256(b"the L2 block's header")

    @cached_property
    def _state(self) -> tuple[MemoryDatabase, bytes]:
        database = MemoryDatabase()
        update = genesis_state({L2_TO_L1_MESSAGE_PASSER: GenesisAccount(nonce=1, storage=self.words)})
        database.add(update)
        return database, update.state_root

    def proof(self, message: Message) -> list[bytes]:
        """The storage proof of eth_getProof."""
        database, root = self._state
        shown = account_proof(database, root, L2_TO_L1_MESSAGE_PASSER, [message.slot])
        return list(shown.storage_proofs[0].proof)

    @cached_property
    def root_proof(self) -> Mapping[str, bytes]:
        database, root = self._state
        shown = account_proof(database, root, L2_TO_L1_MESSAGE_PASSER, [])
        return {
            "version": bytes(32),
            "stateRoot": root,
            "messagePasserStorageRoot": shown.storage_hash,
            "latestBlockhash": self.hash,
        }

    @cached_property
    def output_root(self) -> bytes:
        parts = self.root_proof
        return output_root(parts["stateRoot"], parts["messagePasserStorageRoot"], parts["latestBlockhash"])


def changed(message: Message, **fields: Any) -> Message:
    return replace(message, **fields)
