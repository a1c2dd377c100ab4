"""Measures the state module's parts by themselves: genesis, trie updates, proofs."""

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.accounts import SEED, TOKEN, Population, population
from benchmarks.chain import benchmark_chain, funded_accounts
from benchmarks.report import Row, Scale, Section
from phal2.contracts import load_artefact
from phal2.devnet.storage_layout import storage_words
from phal2.node.state.accounts import StoredAccount, account_key, encode_account
from phal2.node.state.database import first_location
from phal2.node.state.genesis import genesis_state
from phal2.node.state.node_changes import NodeChanges
from phal2.node.state.proofs import account_proof
from phal2.node.state.trie import TrieReader
from phal2.node.state.trie_update import update_trie
from phal2.node.storage import ChainStore

_REPETITIONS = 5


def measure_state(scale: Scale) -> Section:
    """Time genesis, then updates and proofs on a store that holds it."""
    people = population(scale.accounts, senders=0)
    accounts = funded_accounts(people)
    genesis_seconds = _seconds(lambda: genesis_state(accounts))
    chain = benchmark_chain(people)
    with TemporaryDirectory(prefix="phal2-benchmark-") as directory:
        began = time.perf_counter()
        store = ChainStore.open(Path(directory), chain.genesis, chain.config.l2_chain_id)
        stored_seconds = time.perf_counter() - began
        try:
            rows = (
                Row("genesis of the accounts", genesis_seconds, "s", "state root and nodes", 3.0, True),
                Row("genesis stored", stored_seconds, "s", "with a token that all of them hold", 3.0, True),
                *(_updates(store, people, size) for size in scale.trie_batches),
                *_proofs(store, people, scale.proofs),
            )
        finally:
            store.close()
    return Section(f"State of {scale.accounts:,} accounts", rows)


def _updates(store: ChainStore, people: Population, size: int) -> Row:
    """Change `size` accounts of genesis at a time, each time others; the first batch finds cold caches."""
    choice = random.Random(SEED)
    reader = TrieReader(store)
    root = reader.root(_state_root(store))
    rates = []
    for repetition in range(1 + _REPETITIONS):
        addresses = choice.sample(people.addresses, size)
        changes = {account_key(address): _account(repetition + 1) for address in addresses}
        added = NodeChanges(first_location(store.new_serial()))
        rates.append(size / _seconds(partial(update_trie, reader, root, changes, added)))
    cold, *warm = rates
    return Row(f"trie updates, batches of {size:,}", median(warm), "updates/s", f"cold caches: {cold:,.0f}")


def _account(balance: int) -> bytes:
    return encode_account(StoredAccount(1, balance))


def _proofs(store: ChainStore, people: Population, count: int) -> tuple[Row, Row]:
    choice = random.Random(SEED)
    root = _state_root(store)
    addresses = choice.sample(people.addresses, count)
    slots = [_token_slot(address) for address in addresses]

    def accounts() -> None:
        for address in addresses:
            account_proof(store, root, address, ())

    def words() -> None:
        for slot in slots:
            account_proof(store, root, TOKEN, (slot,))

    return (
        Row("proofs of an account", count / _seconds(accounts), "proofs/s"),
        Row("proofs of an account and a word", count / _seconds(words), "proofs/s"),
    )


def _token_slot(holder: bytes) -> int:
    (slot,) = storage_words(load_artefact("PHAToken"), {"_balances": {holder: 1}})
    return slot


def _state_root(store: ChainStore) -> bytes:
    block = store.block(store.head().hash)
    assert block is not None
    return block.header.state_root


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
