"""Claims: what an account of the tree signs and sends to `PHAClaims` to be paid on L2.

The claim is an attested transaction of kind 3 whose note names the receiver, so that the person signing reads where the
PHA goes. Anyone may pay its gas.
"""

from dataclasses import dataclass
from typing import Final

from phal2.bridge.migration.tree import Leaf, MigrationTree
from phal2.contracts import encode_call, load_artefact
from phal2.node.protocol.addresses import to_checksum_address

_CONTRACT: Final = "PHAClaims"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of `leaf` for `receiver`: the note to be signed, and the call data for PHAClaims."""

    leaf: Leaf
    receiver: bytes
    note: str
    data: bytes


def claim_note(receiver: bytes) -> str:
    """Return the note that lets a 20-byte address receive the PHA; PHAClaims expects it to the letter."""
    return f"receive PHA at {to_checksum_address(receiver)}"


def build_claim(tree: MigrationTree, account_id: bytes, receiver: bytes) -> Claim:
    """Return the claim of an account for a receiver. Raises UnknownLeaf, or InvalidEncoding for a wrong receiver."""
    leaf = tree.leaf(account_id)
    note = claim_note(receiver)
    arguments = [receiver, leaf.free, leaf.staked, list(tree.proof(account_id))]
    return Claim(leaf, receiver, note, encode_call(load_artefact(_CONTRACT), "claim", arguments))
