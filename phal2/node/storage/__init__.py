"""Blocks, receipts, state and trie nodes on LMDB; everything of a block in one write transaction."""

from phal2.node.storage.canonical_chain import TransactionLocation
from phal2.node.storage.chain_store import ChainStore
from phal2.node.storage.errors import StorageError
from phal2.node.storage.heads import Heads

__all__ = ["ChainStore", "Heads", "StorageError", "TransactionLocation"]
