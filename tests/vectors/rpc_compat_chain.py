"""The chain of the rpc-compat suite, served as a phal2 L1 chain.

Its 45 blocks go through every fork from Homestead to Prague, and 36 of them are from before the Merge, whose rules
phal2 does not have. So py-evm imports them, each checked by its header, and the store gets what came of it: blocks,
receipts, senders and every state. What phal2 answers then comes from its own store, rules and formats.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import eth.vm.forks as py_evm_forks
import rlp as py_rlp
from eth.chains.base import Chain
from eth.consensus import NoProofConsensus
from eth.consensus.applier import ConsensusApplier
from eth.db.account import AccountDB
from eth.db.atomic import AtomicDB

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol import rlp
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import Block, decode_header, header_hash
from phal2.node.protocol.receipts import Log, Receipt, logs_bloom
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.sequencer.admission import Admission
from phal2.node.sequencer.mempool import Mempool
from phal2.node.state.database import StateUpdate
from phal2.node.state.environment import BlockEnvironment, l1_environment
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L1Rules
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore, Heads

SECONDS_PER_BLOCK = 10
TIP = 1_000_000_000
GAS_LIMIT_AIM = 60_000_000

# The suite's forks by block; those after the Merge are activated by time, but one block of ten seconds after the other.
_FORKS = (
    (0, py_evm_forks.HomesteadVM.configure(support_dao_fork=False)),
    (3, py_evm_forks.TangerineWhistleVM),
    (6, py_evm_forks.SpuriousDragonVM),
    (9, py_evm_forks.ByzantiumVM),
    (12, py_evm_forks.ConstantinopleVM),
    (15, py_evm_forks.PetersburgVM),
    (18, py_evm_forks.IstanbulVM),
    (21, py_evm_forks.MuirGlacierVM),
    (24, py_evm_forks.BerlinVM),
    (27, py_evm_forks.LondonVM),
    (30, py_evm_forks.ArrowGlacierVM),
    (33, py_evm_forks.GrayGlacierVM),
    (36, py_evm_forks.ParisVM),
    (39, py_evm_forks.ShanghaiVM),
    (42, py_evm_forks.CancunVM),
    (45, py_evm_forks.PragueVM),
)


class RecordedChain:
    """The ChainService over the recorded chain, with a pool of its own. The last block is safe and final, too."""

    def __init__(self, store: ChainStore, chain_id: int) -> None:
        self.store = store
        self.rules = L1Rules(chain_id)
        self.verdicts = QuoteVerdicts()
        self.sender_crew = None
        self.chain_id = chain_id
        self._mempool = Mempool()
        self._kzg = KzgWorker()
        self._admission = Admission(self._mempool, self.rules, self.verdicts, store, self._kzg)

    def head_id(self) -> BlockId:
        return self.store.head()

    def safe_id(self) -> BlockId:
        return self.store.head()

    def finalized_id(self) -> BlockId:
        return self.store.head()

    def pending_environment(self) -> BlockEnvironment:
        head = self._head_block()
        return l1_environment(
            self.rules,
            head.header,
            head.hash,
            head.header.timestamp + SECONDS_PER_BLOCK,
            head.header.coinbase,
            bytes(32),
            _next_gas_limit(head.header.gas_limit),
        )

    async def close(self) -> None:
        """End what checks transactions."""
        await self._admission.close()
        await self._kzg.close()

    async def submit_transaction(self, raw: bytes, /) -> bytes:
        return await self._admission.submit(raw, self._head_block().header, self.pending_environment())

    def pending_nonce(self, address: bytes, /) -> int:
        state = WorldState(self.store, self._head_block().header.state_root)
        return self._mempool.next_nonce(address, state.nonce(address))

    def pending_transactions(self) -> Sequence[RecoveredTransaction]:
        return list(self._mempool)

    def pending_transaction(self, transaction_hash: bytes, /) -> RecoveredTransaction | None:
        return self._mempool.get(transaction_hash)

    def suggested_priority_fee(self) -> int:
        return TIP

    def on_new_head(self, _: Callable[[bytes], None], /) -> Callable[[], None]:
        return lambda: None

    def _head_block(self) -> Block:
        block = self.store.block(self.store.head().hash)
        assert block is not None
        return block


def _next_gas_limit(parent: int) -> int:
    """Return the gas limit that the recorded node gives the next block: it moves to 60 million, as fast as it may."""
    step = parent // 1_024 - 1
    return max(parent - step, GAS_LIMIT_AIM) if parent > GAS_LIMIT_AIM else min(parent + step, GAS_LIMIT_AIM)


def import_recorded_chain(suite: Path, directory: Path) -> RecordedChain:
    """Import genesis.json and chain.rlp of the suite into a new store."""
    genesis = json.loads((suite / "genesis.json").read_text())
    chain_id = genesis["config"]["chainId"]
    changes = _Changes()
    chain = _py_evm_chain(genesis, chain_id, changes)
    accounts = {bytes.fromhex(address): _genesis_account(account) for address, account in genesis["alloc"].items()}
    first = _executed(chain, (), genesis_state(accounts))
    store = ChainStore.open(directory, first, chain_id, durable=False)
    parent = first.block
    for encoded in _items((suite / "chain.rlp").read_bytes()):
        vm_class = chain.get_vm_class(chain.create_header_from_parent(chain.get_canonical_head()))
        changes.clear()
        chain.import_block(py_rlp.decode(encoded, vm_class.get_block_class()))
        update = changes.apply(chain.get_vm().state, WorldState(store, parent.header.state_root))
        executed = _executed(chain, _envelopes(encoded), update)
        head = BlockId(executed.block.hash, executed.block.header.number)
        store.write_block(executed, Heads(head, head, head))
        parent = executed.block
    return RecordedChain(store, chain_id)


class _Changes:
    """What py-evm has written: the accounts since the last `clear`, and the slots since the beginning."""

    def __init__(self) -> None:
        self._accounts: set[bytes] = set()
        self._slots: defaultdict[bytes, set[int]] = defaultdict(set)

    def clear(self) -> None:
        self._accounts.clear()

    def account_written(self, address: bytes) -> None:
        self._accounts.add(address)

    def slot_written(self, address: bytes, slot: int) -> None:
        self._accounts.add(address)
        self._slots[address].add(slot)

    def apply(self, state: Any, world: WorldState) -> StateUpdate:
        """Bring `world`, the state before the block, to where py-evm's is after it."""
        for address in self._accounts:
            assert state.account_exists(address), "no block of the suite takes an account away"
            world.set_nonce(address, state.get_nonce(address))
            world.set_balance(address, state.get_balance(address))
            if world.code(address) != state.get_code(address):
                world.set_code(address, state.get_code(address))
            for slot in self._slots[address]:
                world.set_storage(address, slot, state.get_storage(address, slot))
        return world.commit()


def _py_evm_chain(genesis: dict[str, Any], chain_id: int, changes: _Changes) -> Any:
    configuration = tuple((first, _recording(vm_class, changes)) for first, vm_class in _FORKS)
    chain_class = Chain.configure(
        "RecordedChain",
        vm_configuration=ConsensusApplier(NoProofConsensus).amend_vm_configuration(configuration),
        chain_id=chain_id,
    )
    header = {
        "difficulty": int(genesis["difficulty"], 16),
        "extra_data": bytes.fromhex(genesis["extraData"][2:]),
        "gas_limit": int(genesis["gasLimit"], 16),
        "timestamp": int(genesis["timestamp"], 16),
        "coinbase": bytes(20),
        "nonce": bytes(8),
        "mix_hash": bytes(32),
    }
    state = {bytes.fromhex(address): _account(account) for address, account in genesis["alloc"].items()}
    return chain_class.from_genesis(AtomicDB(), header, state)


def _recording(vm_class: Any, changes: _Changes) -> Any:
    """Return a VM that tells `changes` what it writes."""

    class RecordingAccounts(AccountDB):
        def set_storage(self, address: Any, slot: int, value: int) -> None:
            changes.slot_written(address, slot)
            super().set_storage(address, slot, value)

        def _set_account(self, address: Any, account: Any) -> None:
            changes.account_written(address)
            super()._set_account(address, account)

        def delete_account(self, address: Any) -> None:
            changes.account_written(address)
            super().delete_account(address)

    state_class = vm_class.get_state_class().configure("RecordingState", account_db_class=RecordingAccounts)
    return vm_class.configure("RecordingVM", _state_class=state_class)


def _account(account: dict[str, Any]) -> dict[str, Any]:
    read = _genesis_account(account)
    return {"balance": read.balance, "nonce": read.nonce, "code": read.code, "storage": read.storage}


def _genesis_account(account: dict[str, Any]) -> GenesisAccount:
    return GenesisAccount(
        balance=int(account["balance"], 16),
        nonce=int(account.get("nonce", "0x0"), 16),
        code=bytes.fromhex(account.get("code", "0x")[2:]),
        storage={int(slot, 16): int(word, 16) for slot, word in account.get("storage", {}).items()},
    )


def _items(encoded: bytes) -> Iterator[bytes]:
    """Yield the blocks of a file in which they stand one after the other."""
    position = 0
    while position < len(encoded):
        _, _, end = py_rlp.codec.consume_item(encoded, position)
        yield encoded[position:end]
        position = end


def _envelopes(encoded_block: bytes) -> tuple[bytes, ...]:
    transactions = rlp.expect_list(rlp.expect_list(rlp.decode(encoded_block))[1])
    return tuple(item if isinstance(item, bytes) else rlp.encode(item) for item in transactions)


def _executed(chain: Any, envelopes: tuple[bytes, ...], update: StateUpdate) -> ExecutedBlock:
    """Return the newest block with what came of it; its hash and its state root are the recorded ones."""
    py_header = chain.get_canonical_head()
    header = decode_header(py_rlp.encode(py_header))
    assert header_hash(header) == py_header.hash
    assert update.state_root == header.state_root
    transactions = [recover_transaction(envelope) for envelope in envelopes]
    builder = chain.get_vm_class(py_header).get_receipt_builder()
    receipts = chain.chaindb.get_receipts(py_header, builder) if envelopes else ()
    return ExecutedBlock(
        block=Block(header, py_header.hash, envelopes),
        receipts=tuple(
            _receipt(receipt, recovered.transaction.transaction_type)
            for receipt, recovered in zip(receipts, transactions, strict=True)
        ),
        senders=tuple(transaction.sender for transaction in transactions),
        transaction_hashes=tuple(transaction.hash for transaction in transactions),
        attestations={},
        state_update=update,
    )


def _receipt(receipt: Any, transaction_type: int) -> Receipt:
    logs = tuple(
        Log(log.address, tuple(topic.to_bytes(32, "big") for topic in log.topics), log.data) for log in receipt.logs
    )
    # Before Byzantium a receipt has a state root in the place of the status.
    return Receipt(transaction_type, 0 if receipt.state_root == b"" else 1, receipt.gas_used, logs_bloom(logs), logs)
