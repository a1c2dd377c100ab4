"""The answer of eth_getProof (EIP-1186)."""

from collections.abc import Sequence
from typing import Any

from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.parameter_types import StorageKey
from phal2.node.state.proofs import AccountProof


def format_account_proof(proof: AccountProof, keys: Sequence[StorageKey]) -> dict[str, Any]:
    """Return an account with its proofs; `keys` are the storage keys in the order of the storage proofs."""
    return {
        "address": data(proof.address),
        "accountProof": [data(node) for node in proof.account_proof],
        "balance": quantity(proof.balance),
        "codeHash": data(proof.code_hash),
        "nonce": quantity(proof.nonce),
        "storageHash": data(proof.storage_hash),
        "storageProof": [
            {
                "key": key.text,
                "value": quantity(storage_proof.value),
                "proof": [data(node) for node in storage_proof.proof],
            }
            for key, storage_proof in zip(keys, proof.storage_proofs, strict=True)
        ],
    }
