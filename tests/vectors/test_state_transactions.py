"""TransactionTests of ethereum/tests: whether a transaction may be in a block of each fork, its sender, hash and gas.

The sender has the nonce that the transaction names and all the ether that fits in a balance, so that nothing but the
transaction itself decides.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.errors import InvalidEncoding, InvalidTransaction
from phal2.node.protocol.transaction_codec import RecoveredTransaction, encode_transaction, recover_transaction
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.rules import L1Rules, Revision
from phal2.node.state.transaction_errors import InsufficientFunds
from phal2.node.state.validation import gas_charge

FORKS = {
    "Paris": (Revision.PARIS, 208, 52),
    "Shanghai": (Revision.SHANGHAI, 208, 50),
    "Cancun": (Revision.CANCUN, 149, 50),
}
"""Revision, cases, and how many of them are valid; a few files leave out the latest forks."""


@pytest.mark.parametrize("fork", FORKS)
def test_each_transaction_is_valid_or_refused_as_it_should_be(vectors: Path, fork: str) -> None:
    revision, count, valid = FORKS[fork]
    wrong: dict[str, str] = {}
    outcomes = []
    for name, raw, results in _cases(vectors):
        if fork not in results:
            continue
        problem = _problem(raw, results[fork], revision)
        if problem is not None:
            wrong[name] = problem
        outcomes.append("hash" in results[fork])
    assert wrong == {}
    assert (len(outcomes), sum(outcomes)) == (count, valid)


def _cases(vectors: Path) -> Iterator[tuple[str, bytes, dict[str, dict[str, str]]]]:
    for path in sorted((vectors / "ethereum-tests" / "TransactionTests").rglob("*.json")):
        for name, case in json.loads(path.read_text()).items():
            yield f"{path.parent.name}/{name}", bytes.fromhex(case["txbytes"][2:]), case["result"]


def _problem(raw: bytes, result: dict[str, Any], revision: Revision) -> str | None:
    """Return what is wrong with how a transaction is judged, None where nothing is."""
    try:
        recovered = recover_transaction(raw)
        _execute(recovered, revision)
    except (InvalidTransaction, InvalidEncoding) as error:
        return None if "exception" in result else f"refused: {error}"
    if "exception" in result:
        return f"accepted, but {result['exception']}"
    transaction = recovered.transaction
    assert not isinstance(transaction, DepositTransaction)
    charge = gas_charge(revision, transaction.data, transaction.to is None, transaction.access_list)
    found = {
        "hash": "0x" + recovered.hash.hex(),
        "sender": "0x" + recovered.sender.hex(),
        "intrinsicGas": hex(charge.intrinsic),
    }
    if found != {**result, "intrinsicGas": hex(int(result["intrinsicGas"], 16))}:
        return f"{found}, expected {result}"
    return None if encode_transaction(transaction) == raw else "comes back with other bytes"


def _execute(recovered: RecoveredTransaction, revision: Revision) -> None:
    transaction = recovered.transaction
    assert not isinstance(transaction, DepositTransaction)
    genesis = genesis_state({recovered.sender: GenesisAccount(balance=2**256 - 1, nonce=transaction.nonce)})
    database = MemoryDatabase()
    database.add(genesis)
    cancun = revision >= Revision.CANCUN
    environment = BlockEnvironment(
        parent_hash=bytes(32),
        number=1,
        timestamp=1,
        coinbase=bytes(20),
        gas_limit=2**64 - 1,
        base_fee_per_gas=0,
        prev_randao=bytes(32),
        parent_beacon_block_root=bytes(32) if cancun else None,
        excess_blob_gas=0 if cancun else None,
        extra_data=b"",
    )
    rules = L1Rules(chain_id=1, revision=revision)
    execution = BlockExecution(rules, environment, database, genesis.state_root, KnownBlockHashes(), QuoteVerdicts())
    try:
        execution.apply(recovered)
    except InsufficientFunds:
        # A price beyond 2^256 is the transaction's fault; a value that leaves nothing for it is its sender's.
        if transaction.gas_limit * transaction.max_fee_per_gas >= 1 << 256:
            raise
