"""Reading and running GeneralStateTests of ethereum/tests.

A test is one transaction on a prepared state, judged by the state root and the hash of the logs.
"""

import fcntl
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol import rlp
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.errors import InvalidEncoding, InvalidTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.database import MemoryDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.rules import L1Rules, Revision, block_rules
from phal2.node.state.transaction_execution import apply_signed_transaction
from phal2.node.state.validation import BlockRoom
from phal2.node.state.world_state import WorldState

ARCHIVE = "ethereum-tests/ethereum-tests-GeneralStateTests.tar.xz"


@dataclass(frozen=True, slots=True)
class StateTest:
    """One transaction and what it must lead to; `directory` is the folder of the test within GeneralStateTests."""

    directory: str
    name: str
    environment: dict[str, str]
    pre: dict[str, Any]
    raw_transaction: bytes
    is_valid: bool
    state_root: bytes
    logs_hash: bytes


class Ancestors:
    """Block hashes as the tests were made with: the hash of the number in decimal digits."""

    def block_hash(self, number: int) -> bytes | None:
        return keccak256(str(number).encode())


def extract_archive(vectors: Path, folder: Path) -> Path:
    """Extract the archive's .json files into `folder` unless that is done; return the folder that has the directories.

    Processes that share a folder wait for the first of them.
    """
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            unfinished = folder.with_suffix(".unfinished")
            with tarfile.open(vectors / ARCHIVE, "r:xz") as archive:
                members = [member for member in archive if member.isfile() and member.name.endswith(".json")]
                archive.extractall(unfinished, members, filter="data")
            unfinished.rename(folder)
    return folder / "GeneralStateTests"


@lru_cache(maxsize=2)
def directory_tests(root: Path, directory: str) -> tuple[StateTest, ...]:
    """Return the tests of a directory, by the names of their files."""
    return tuple(
        test for path in sorted((root / directory).glob("*.json")) for test in read_tests(directory, path.read_bytes())
    )


def read_tests(directory: str, content: bytes, fork: str = "Cancun") -> Iterator[StateTest]:
    """Yield the tests of a file in `directory`, one for each post-state of the fork."""
    for name, test in json.loads(content).items():
        for post in test["post"].get(fork, ()):
            indexes = post["indexes"]
            yield StateTest(
                directory=directory,
                name=f"{name}-d{indexes['data']}-g{indexes['gas']}-v{indexes['value']}",
                environment=test["env"],
                pre=test["pre"],
                raw_transaction=_bytes(post["txbytes"]),
                is_valid="expectException" not in post,
                state_root=_bytes(post["hash"]),
                logs_hash=_bytes(post["logs"]),
            )


def run(test: StateTest) -> str | None:
    """Run a test; return None where it passes, else what is wrong."""
    pre = genesis_state({_bytes(address): _account(account) for address, account in test.pre.items()})
    database = MemoryDatabase()
    database.add(pre)
    world = WorldState(database, pre.state_root)
    environment = _environment(test.environment)
    rules = block_rules(L1Rules(chain_id=1, revision=Revision.CANCUN), environment.timestamp)
    scope = BlockScope(rules, environment, world, Ancestors(), QuoteVerdicts())
    logs: tuple[Log, ...] = ()
    try:
        recovered = recover_transaction(test.raw_transaction)
        assert not isinstance(recovered.transaction, DepositTransaction)
        applied = apply_signed_transaction(
            scope, recovered, recovered.transaction, BlockRoom(environment.gas_limit, blobs=6)
        )
        logs = applied.logs
    except (InvalidTransaction, InvalidEncoding) as error:
        if test.is_valid:
            return f"refused: {error}"
        # The makers of the tests reward the coinbase with 0 even then, which removes it where it is empty.
        world.touch(environment.coinbase)
        world.end_transaction()
    else:
        if not test.is_valid:
            return "accepted, but it is invalid"
    root = world.commit().state_root
    if root != test.state_root:
        return f"state root {root.hex()}, expected {test.state_root.hex()}"
    if keccak256(rlp.encode([[log.address, list(log.topics), log.data] for log in logs])) != test.logs_hash:
        return "logs differ"
    return None


def _environment(fields: dict[str, str]) -> BlockEnvironment:
    return BlockEnvironment(
        parent_hash=bytes(32),
        number=_int(fields["currentNumber"]),
        timestamp=_int(fields["currentTimestamp"]),
        coinbase=_bytes(fields["currentCoinbase"]),
        gas_limit=_int(fields["currentGasLimit"]),
        base_fee_per_gas=_int(fields["currentBaseFee"]),
        prev_randao=_bytes(fields["currentRandom"]).rjust(32, b"\0"),
        parent_beacon_block_root=None,
        excess_blob_gas=_int(fields["currentExcessBlobGas"]),
        extra_data=b"",
    )


def _account(fields: dict[str, Any]) -> GenesisAccount:
    return GenesisAccount(
        balance=_int(fields["balance"]),
        nonce=_int(fields["nonce"]),
        code=_bytes(fields["code"]),
        storage={_int(slot): _int(word) for slot, word in fields["storage"].items()},
    )


def _int(text: str) -> int:
    return int(text, 16) if text != "0x" else 0


def _bytes(text: str) -> bytes:
    digits = text.removeprefix("0x")
    return bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
