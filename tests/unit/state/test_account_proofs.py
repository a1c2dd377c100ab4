"""Merkle proofs of accounts and storage words."""

from dataclasses import replace

import pytest
from small_chain import ALICE, CONTRACT, NOBODY

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.state.database import MemoryDatabase, MissingNode
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.proofs import InvalidProof, account_proof, verify_account_proof

STATE = genesis_state(
    {index.to_bytes(20, "big"): GenesisAccount(index) for index in range(1, 100)}
    | {ALICE: GenesisAccount(7, nonce=2), CONTRACT: GenesisAccount(code=b"\x01", storage={n: n for n in range(50)})}
)
DATABASE = MemoryDatabase()
DATABASE.add(STATE)
ROOT = STATE.state_root


def test_a_proof_shows_account_and_words() -> None:
    proof = account_proof(DATABASE, ROOT, CONTRACT, [7, 0, 999])
    verify_account_proof(ROOT, proof)
    assert [word.value for word in proof.storage_proofs] == [7, 0, 0]
    assert proof.storage_hash != EMPTY_TRIE_ROOT
    assert len(proof.account_proof) > 1


def test_an_absent_account_is_shown_to_be_absent() -> None:
    proof = account_proof(DATABASE, ROOT, NOBODY, [1])
    verify_account_proof(ROOT, proof)
    assert (proof.balance, proof.nonce, proof.storage_hash) == (0, 0, EMPTY_TRIE_ROOT)
    assert proof.storage_proofs[0].proof == ()


def test_a_changed_claim_does_not_verify() -> None:
    proof = account_proof(DATABASE, ROOT, CONTRACT, [7])
    with pytest.raises(InvalidProof):
        verify_account_proof(ROOT, replace(proof, balance=1))
    with pytest.raises(InvalidProof):
        verify_account_proof(ROOT, replace(proof, storage_proofs=(replace(proof.storage_proofs[0], value=8),)))
    with pytest.raises(InvalidProof):
        verify_account_proof(ROOT, replace(proof, account_proof=proof.account_proof[:-1]))
    with pytest.raises(InvalidProof):
        verify_account_proof(b"\x01" * 32, proof)


def test_a_pruned_state_says_so() -> None:
    with pytest.raises(MissingNode) as caught:
        account_proof(MemoryDatabase(), ROOT, ALICE, [])
    assert caught.value.node_hash == ROOT
