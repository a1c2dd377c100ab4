import pytest
from eth_abi.abi import decode

from phal2.bridge.migration.claim import build_claim, claim_note
from phal2.bridge.migration.errors import UnknownLeaf
from phal2.bridge.migration.tree import Leaf, build_tree
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256

RECEIVER = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
TREE = build_tree(Leaf(bytes((number,)) * 32, number, 10 * number) for number in range(1, 5))


def test_the_note_names_the_receiver_with_its_checksum() -> None:
    assert claim_note(RECEIVER) == "receive PHA at 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_a_claim_calls_the_contract_with_the_leaf_and_its_proof() -> None:
    account_id = b"\x03" * 32

    claim = build_claim(TREE, account_id, RECEIVER)

    assert claim.note == claim_note(RECEIVER)
    assert claim.data[:4] == keccak256(b"claim(address,uint256,uint256,bytes32[])")[:4]
    receiver, free, staked, proof = decode(["address", "uint256", "uint256", "bytes32[]"], claim.data[4:])
    assert (bytes.fromhex(receiver[2:]), free, staked) == (RECEIVER, 3, 30)
    assert tuple(proof) == TREE.proof(account_id)


def test_an_account_without_a_leaf_cannot_claim() -> None:
    with pytest.raises(UnknownLeaf):
        build_claim(TREE, bytes(32), RECEIVER)


def test_a_receiver_that_is_no_address_is_refused() -> None:
    with pytest.raises(InvalidEncoding, match="20 bytes, got 19"):
        build_claim(TREE, b"\x03" * 32, RECEIVER[1:])
